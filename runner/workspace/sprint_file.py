"""The sprint file: read into domain values, and changed by one word at a time.

The batch reads it at the start of a cycle and after every command, and sets `in-progress`, `done` and `blocked`
in it. People and agents edit the same file: a change is a compare-and-set on a single scalar, spliced into the
text, and every other byte stays. Nothing is ever written into a file that is not valid YAML. Never waits:
whoever wants a second look at a half-written file passes in how to wait.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from runner.domain.errors import SprintFileError, SprintFileMissing
from runner.domain.model import Status, Story, StoryKey, is_story_name, parse_key, read_status
from runner.domain.sprint import Epic, Sprint
from runner.workspace.atomic import staged
from runner.workspace.reading import read_regular
from runner.workspace.yaml_text import (
    BOM,
    SIZE_LIMIT,
    BadYaml,
    Items,
    Node,
    Scalar,
    Table,
    decode,
    load_table,
    short,
)

SECTION: Final = "development_status"
_EPIC_COMMENT = re.compile(r"^[ \t]*#[ \t]*Epic[ \t]+([\w.-]+):(.*)$", re.MULTILINE | re.IGNORECASE)
_TITLE_LENGTH = 200
_RACES: Final = 5
"""How often somebody may change the file under a compare-and-set before it gives up."""


class MarkKind(StrEnum):
    """What came of setting a status."""

    SET = "set"
    ALREADY = "already"
    """The file said so before; nothing was written."""
    CONFLICT = "conflict"
    """The file says something that was not expected: it is somebody's edit and stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The outcome of setting a story's status in the file."""

    kind: MarkKind
    found: str
    """What stood there before, stripped of spaces; empty when the story is gone."""


def read_sprint(path: Path) -> Sprint:
    """All stories and epics of the file, in file order. SprintFileError names file, line and remedy."""
    return _sprint(path, *_load(path))


def read_sprint_and_top_level(path: Path) -> tuple[Sprint, dict[str, object]]:
    """What `read_sprint` and `read_top_level` tell, of one and the same file."""
    text, document = _load(path)
    return _sprint(path, text, document), _plain_table(document)


def _sprint(path: Path, text: str, document: Table) -> Sprint:
    titles = _titles(text)
    stories: list[Story] = []
    epics: list[Epic] = []
    for name, node in _section(path, document).pairs:
        key = _safe_key(path, name)
        written = _scalar(path, name.text, node).text.strip()
        if is_story_name(name.text):
            stories.append(Story(key, written))
        elif not name.text.endswith("-retrospective"):
            epic = name.text.removeprefix("epic-")
            epics.append(Epic(id=epic, status=written, title=titles.get(epic.lower(), "")))
    return Sprint(stories=tuple(stories), epics=tuple(epics))


def read_top_level(path: Path) -> dict[str, object]:
    """The whole file as texts, lists and dicts, for display. SprintFileError as `read_sprint`."""
    return _plain_table(_load(path)[1])


def compare_and_set(path: Path, key: str, *, expected: Collection[str], new: Status) -> Mark:
    """Set one story's status, if the present one is among `expected`.

    `expected` holds statuses, and texts as written where that is no status anybody knows. SprintFileError
    when the file is missing, invalid or cannot be changed by one scalar; nothing is written then.
    """
    for _ in range(_RACES):
        text, document = _load(path)
        value = _value(path, document, key)
        if value is None:
            return Mark(kind=MarkKind.CONFLICT, found="")
        found = value.text.strip()
        if read_status(found) is new:
            return Mark(kind=MarkKind.ALREADY, found=found)
        if found not in expected and read_status(found) not in expected:
            return Mark(kind=MarkKind.CONFLICT, found=found)
        changed = _spliced(text, value, new)
        _verify(path, document, changed, key=key, new=new, line=value.line)
        if _replaced(path, old=text.encode(), new=changed.encode()):
            return Mark(kind=MarkKind.SET, found=found)
    raise SprintFileError(
        f"{path} changes faster than it can be written", hint="end what writes to it, then resume the batch"
    )


def _load(path: Path) -> tuple[str, Table]:
    try:
        text = decode(_read(path))
        return text, load_table(text)
    except BadYaml as error:
        raise _bad(path, error.line, error.problem) from None


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, limit=SIZE_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        raise SprintFileMissing(f"sprint-status.yaml not found at {path}", hint="run sprint planning first") from None
    except OSError as error:
        raise SprintFileError(
            f"cannot read {path}: {error.strerror}", hint="check the file and its permissions"
        ) from None


def _bad(path: Path, line: int, problem: str, *, hint: str = "correct the file or restore it") -> SprintFileError:
    return SprintFileError(f"{path}:{line}: {problem}", hint=hint)


def _section(path: Path, document: Table) -> Table:
    section = document.get(SECTION)
    if section is None:
        raise SprintFileError(f"{path} has no {SECTION}", hint="run sprint planning first")
    if not isinstance(section, Table):
        raise _bad(path, section.line, f"{SECTION} has to hold `key: status` lines")
    return section


def _safe_key(path: Path, name: Scalar) -> StoryKey:
    key = parse_key(name.text)
    if key is None:
        raise _bad(
            path,
            name.line,
            f"{short(name.text)} is not a story key",
            hint="use letters, digits, '.', '_' and '-', at most 200, beginning with a letter or digit",
        )
    return key


def _scalar(path: Path, name: str, node: Node) -> Scalar:
    if not isinstance(node, Scalar):
        raise _bad(path, node.line, f"the status of {short(name)} has to be a single word")
    return node


def _value(path: Path, document: Table, key: str) -> Scalar | None:
    node = _section(path, document).get(key)
    return None if node is None else _scalar(path, key, node)


def _titles(text: str) -> dict[str, str]:
    """Epic id in lower case to the title that a comment such as `# Epic 2a: Title` gives it."""
    return {found[1].lower(): found[2].strip()[:_TITLE_LENGTH] for found in _EPIC_COMMENT.finditer(text)}


def _spliced(text: str, value: Scalar, new: Status) -> str:
    # A missing value (`key:`) has no width, and stands right behind the colon.
    gap = " " if value.start == value.end else ""
    offset = len(BOM) if text.startswith(BOM) else 0
    start, end = value.start + offset, value.end + offset
    return f"{text[:start]}{gap}{value.style}{new.value}{value.style}{text[end:]}"


def _verify(path: Path, before: Table, changed: str, *, key: str, new: Status, line: int) -> None:
    """Prove on the new text itself that it says what the old one said, but for this one status."""
    wanted = _plain_table(before)
    section = wanted[SECTION]
    if isinstance(section, dict):
        section[key] = new.value
    try:
        proven = _plain_table(load_table(changed)) == wanted
    except BadYaml:
        proven = False
    if not proven:
        raise _bad(
            path,
            line,
            f"the status of {short(key)} cannot be changed alone",
            hint="write it as `key: status`",
        )


def _replaced(path: Path, *, old: bytes, new: bytes) -> bool:
    """Put the new text in place; False when the file is no longer the one that was read."""
    try:
        with staged(path, new) as replace:
            # Staging waits for the disk: time enough for an editor to save. Looked at last, the window that
            # no file system can close is microseconds wide.
            if _read(path) != old:
                return False
            replace()
            return True
    except OSError as error:
        raise SprintFileError(
            f"cannot write {path}: {error.strerror}", hint="check permissions and free space"
        ) from None


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Items):
        return [_plain(item) for item in node.nodes]
    return _plain_table(node)


def _plain_table(table: Table) -> dict[str, object]:
    return {name.text: _plain(node) for name, node in table.pairs}
