"""The files of a story: story file, tech-spec, discovery file; and the context appended to the last.

The batch asks which of them exist; after phase 2 it appends the project context. A file is a story's only by its
exact name, so that `2a-1` never takes what belongs to `2a-10`; and only within the project, so that a link that
an agent left never leads to somebody else's file.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from runner.domain.errors import ProjectError
from runner.domain.model import Status, Story, StoryKey
from runner.domain.phases import CycleStory
from runner.domain.verdicts import file_decision
from runner.workspace.atomic import write_atomically
from runner.workspace.project import Paths
from runner.workspace.reading import is_regular, read_regular

CONTEXT_HEADING: Final = "# Project Context Dump Below"
_CONTEXT_NOTE: Final = "Copied from the project context when this file was made; no need to read that as well."
_SIZE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one artifact; the largest real one seen has 41 kB."""

_STORY_NAMES: Final = ("{key}.md", "{short}.md", "story-{short}.md", "story-{key}.md")
_TECH_SPEC_NAMES: Final = ("tech-spec-{key}.md", "tech-spec-{short}.md")
_DISCOVERY_NAMES: Final = ("{short}-discovery-story.md", "{key}-discovery-story.md")


class InjectionKind(StrEnum):
    """What came of appending the project context to a discovery file."""

    INJECTED = "injected"
    ALREADY = "already"
    NO_DISCOVERY = "no-discovery"
    NO_CONTEXT = "no-context"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """The outcome for one discovery file."""

    kind: InjectionKind
    size: int = 0
    """Bytes of the project context; 0 when it was not read."""
    large: bool = False
    """Whether it is over the warning size."""


def find_story(paths: Paths, key: StoryKey) -> Path | None:
    """The story's file, resolved; None when there is none."""
    return _find(paths, key, _STORY_NAMES)


def find_tech_spec(paths: Paths, key: StoryKey) -> Path | None:
    """The story's tech-spec, resolved; None when there is none."""
    return _find(paths, key, _TECH_SPEC_NAMES)


def find_discovery(paths: Paths, key: StoryKey) -> Path | None:
    """The story's discovery file, resolved; None when there is none."""
    return _find(paths, key, _DISCOVERY_NAMES)


def read_artifact(path: Path) -> str:
    """The text of an artifact, bytes that are no UTF-8 replaced. ProjectError when it cannot be read."""
    try:
        return read_regular(path, limit=_SIZE_LIMIT).decode("utf-8", "replace")
    except OSError as error:
        raise ProjectError(
            f"cannot read {path}: {error.strerror}", hint="check the file and its permissions"
        ) from None


def cycle_story(paths: Paths, story: Story) -> CycleStory:
    """What a story's files say before its cycle begins; one that is not written yet has no decision."""
    file = find_story(paths, story.key) if story.status is Status.READY_FOR_DEV else None
    return CycleStory(
        key=story.key.text,
        short=story.key.short,
        epic=story.key.epic,
        written=story.written,
        has_tech_spec=find_tech_spec(paths, story.key) is not None,
        file_decision=file_decision(read_artifact(file)) if file else None,
    )


def inject_context(discovery: Path | None, context: Path, *, warning_kb: int, error_kb: int) -> Injection:
    """Append the project context to a discovery file, once. Raises ProjectError when a file resists."""
    if discovery is None or not is_regular(discovery):
        return Injection(kind=InjectionKind.NO_DISCOVERY)
    if not is_regular(context):
        return Injection(kind=InjectionKind.NO_CONTEXT)
    try:
        return _append(discovery, context, warning_kb=warning_kb, error_kb=error_kb)
    except OSError as error:
        raise ProjectError(
            f"cannot append the project context to {discovery}: {error.strerror}",
            hint="check permissions and free space",
        ) from None


def context_age(path: Path, now_ms: int) -> int | None:
    """Milliseconds since the project context was last written; None when there is none."""
    try:
        modified = path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
    return max(0, now_ms - modified) if is_regular(path) else None


def _find(paths: Paths, key: StoryKey, names: tuple[str, ...]) -> Path | None:
    # The artifacts folder may lie outside of the root if the configuration says so; a link may not lead there.
    homes = (os.path.realpath(paths.root), os.path.realpath(paths.implementation))
    for name in names:
        path = Path(os.path.realpath(paths.implementation / name.format(key=key.text, short=key.short)))
        if is_regular(path) and any(path.is_relative_to(home) for home in homes):
            return path
    return None


def _append(discovery: Path, context: Path, *, warning_kb: int, error_kb: int) -> Injection:
    data = read_regular(discovery, limit=_SIZE_LIMIT)
    if any(line.strip() == CONTEXT_HEADING.encode() for line in data.splitlines()):
        return Injection(kind=InjectionKind.ALREADY)
    size = context.stat().st_size
    if size > error_kb * 1024:
        return Injection(kind=InjectionKind.TOO_LARGE, size=size, large=True)
    dump = read_regular(context, limit=_SIZE_LIMIT)
    parts = (data, CONTEXT_HEADING.encode(), _CONTEXT_NOTE.encode(), dump)
    write_atomically(discovery, b"\n\n".join(parts))
    return Injection(kind=InjectionKind.INJECTED, size=len(dump), large=len(dump) > warning_kb * 1024)
