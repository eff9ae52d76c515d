"""What the story files say of their stories: a title and a short description, for the dashboard.

Made once and asked for each page that shows stories, by several threads if need be. A file is read again when it
changed, so an unchanged folder costs no more than looking at its names. The files are agents' work: whatever
stands in them, it is text that is cut. Blocks on the disk.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.domain.model import StoryKey, parse_key
from runner.workspace.reading import open_regular, opened_folder

DESCRIPTION_LENGTH: Final = 500
"""Characters, an ellipsis included."""
TITLE_LENGTH: Final = 200
FILE_LIMIT: Final = 2000
"""Most files that are looked into; a long project has some hundred stories."""
ARCHIVE: Final = "archived-artifacts"
"""The folder beside theirs to which a commit moves the files of its stories."""
_HEAD: Final = 256 * 1024
"""Bytes of a file that are read; the largest real one has 41 kB."""
_FIRST_LINES: Final = 9
_NAMES: Final = ("{key}", "{short}", "story-{short}", "story-{key}", "sprint-{key}")
"""What the file of a story may be called, without its suffix."""

_PREFIX = re.compile(r"(?:story|sprint)-")
_OTHER_KIND = re.compile(r"-discovery(?:-story|-tech|-tech-spec)\Z")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<text>\S.*)")
_TITLE = re.compile(r"Story[ \t]+[\w.-]+[ \t]*[:–—-][ \t]*(?P<title>\S.*)", re.IGNORECASE)
_STORY_SECTION = re.compile(r"##[ \t]+(?:User[ \t]+)?Story(?:[ \t]+Statement)?[ \t:]*", re.IGNORECASE)
_STATUS = re.compile(r"[*_]*Status[*_]*[ \t]*:", re.IGNORECASE)
_BOLD = "**"

Version = tuple[int, int, int]
"""Time of the last change, size and inode of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryText:
    """What one file says."""

    title: str
    """Empty when it has none."""
    description: str
    """One line of at most 500 characters; empty when it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    version: Version
    text: StoryText


class StoryFiles:
    """The story files of one folder and of the archive beside it, as they were when last looked at."""

    def __init__(self, folder: Path) -> None:
        # A story that was taken up again is in both: the later folder has its present text.
        self._folders = {folder.parent / ARCHIVE: dict[str, _Known](), folder: dict[str, _Known]()}

    def read(self) -> Mapping[str, StoryText]:
        """Every story file's name without suffix, and what it says; empty when there is no folder."""
        for path, known in self._folders.items():
            with suppress(OSError), opened_folder(path) as folder:
                # Replaced as a whole: a thread that reads at the same time has the old state or the new one.
                self._folders[path] = dict(_look(folder, known))
        return {name: file.text for known in self._folders.values() for name, file in known.items()}

    def descriptions(self) -> dict[str, str]:
        """The body of `GET /story-descriptions.json`; files that say nothing are left out."""
        return {name: text.description for name, text in self.read().items() if text.description}


def title_of(key: StoryKey, files: Mapping[str, StoryText]) -> str:
    """What a story is called: by its file if that has a title, else by the words of its key."""
    for name in _NAMES:
        text = files.get(name.format(key=key.text, short=key.short))
        if text is not None and text.title:
            return text.title
    words = key.text.removeprefix(key.short).replace("_", "-").split("-")
    return " ".join(word[:1].upper() + word[1:] for word in words if word) or key.text


def read_text(text: str) -> StoryText:
    """Title and description out of the text of a story file."""
    lines = [line.strip() for line in text.split("\n")]
    headings = [number for number, line in enumerate(lines) if line.startswith("# ")]
    below_title = lines[headings[0] + 1 :] if headings else lines
    title = _title(lines[headings[0]]) if headings else ""
    body = " ".join(_section(lines) or _first(below_title))
    return StoryText(title=title, description=_cut(body.replace(_BOLD, ""), DESCRIPTION_LENGTH))


def _look(folder: int, known: Mapping[str, _Known]) -> Iterator[tuple[str, _Known]]:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _is_story(entry))
    for name in names[:FILE_LIMIT]:
        with suppress(OSError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
            stem = name.removesuffix(".md")
            earlier = known.get(stem)
            if earlier is None or earlier.version != version:
                with open_regular(name, folder=folder) as file:
                    text = file.read(_HEAD).decode("utf-8", "replace")
                earlier = _Known(version=version, text=read_text(text))
            yield stem, earlier


def _is_story(entry: os.DirEntry[str]) -> bool:
    if not entry.name.endswith(".md") or not entry.is_file(follow_symlinks=False):
        return False
    stem = entry.name.removesuffix(".md")
    key = parse_key(_PREFIX.sub("", stem, count=1))
    return key is not None and key.patterned and not _OTHER_KIND.search(stem)


def _title(heading: str) -> str:
    text = heading.removeprefix("# ").strip()
    named = _TITLE.fullmatch(text)
    return _cut(named["title"] if named else text, TITLE_LENGTH)


def _section(lines: list[str]) -> list[str]:
    """The lines below `## Story` up to the next heading."""
    start = next((number for number, line in enumerate(lines) if _STORY_SECTION.fullmatch(line)), None)
    if start is None:
        return []
    body = lines[start + 1 :]
    end = next((number for number, line in enumerate(body) if _HEADING.fullmatch(line)), len(body))
    return [line for line in body[:end] if line]


def _first(lines: list[str]) -> list[str]:
    """The first lines that say something, for a file without that section."""
    telling = (line for line in lines if line and not _HEADING.fullmatch(line) and not _STATUS.match(line))
    return [line for line, _ in zip(telling, range(_FIRST_LINES), strict=False)]


def _cut(text: str, length: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"
