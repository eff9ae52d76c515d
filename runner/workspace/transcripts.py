"""The transcript of a run in pages, straight from the file that the agent's output goes to.

A page begins at a byte of the file and says where the next one does, so nobody keeps anything between two pages, and
one of a gigabyte costs what one of a kilobyte does. The agent may be writing meanwhile, and it may have put something
else in the file's place. Blocks on the disk.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from runner.agents.claude_transcript import Entry, EntryKind, entries_of, too_long, weight
from runner.domain.redaction import Redact
from runner.workspace.reading import open_regular
from runner.workspace.runs import RunFolder

ENTRY_LIMIT: Final = 500
"""Most entries of a page, whatever is asked."""
PAGE_WEIGHT: Final = 1024 * 1024
"""Characters after which a page takes no more lines."""
LINE_LIMIT: Final = 1024 * 1024
"""Bytes of a line up to which it is decoded."""
SCAN_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that one page looks at: twice the longest line that a run is allowed."""
_HEAD: Final = 64 * 1024
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptPage:
    """Entries in the order in which they were printed."""

    entries: tuple[Entry, ...]
    next: int
    """Where the next page begins: a byte of the file."""
    at_end: bool
    """Whether there is nothing more to read now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the file, or as much of it as was looked at."""

    data: bytes
    """Its beginning, without the newline; all of it when it is no longer than LINE_LIMIT."""
    size: int
    """Bytes that were looked at, the newline included."""
    whole: bool
    """Whether its newline was seen."""
    long: bool
    """Whether it is too long to be decoded."""


def read_page(folder: RunFolder, after: int, limit: int, *, ended: bool, redact: Redact) -> TranscriptPage:
    """The entries of the lines from byte `after` on: at most `limit`, of about a megabyte of text.

    `after` is 0 or the `next` of a page; within a line it stands for the beginning of the next one. `ended` tells
    that the run writes no more: a last line without a newline is then shown, else waited for. A run without output,
    or with something else in its place, has an empty transcript.
    """
    with suppress(OSError), open_regular(folder.stdout) as file:
        return _page(file, max(after, 0), min(max(limit, 1), ENTRY_LIMIT), ended=ended, redact=redact)
    return TranscriptPage(entries=(), next=0, at_end=True)


def _page(file: BinaryIO, after: int, limit: int, *, ended: bool, redact: Redact) -> TranscriptPage:
    begin, at_start = _line_start(file, min(after, _size(file)))
    entries: list[Entry] = []
    taken, place, waits = 0, begin, False
    for line in _lines(file) if at_start else ():
        waits = not (line.whole or ended or line.size >= SCAN_LIMIT)
        found = [] if waits else _entries(line, place, limit, redact)
        if waits or (entries and len(entries) + len(found) > limit):
            break
        entries += found
        taken += sum(map(weight, found))
        place += line.size
        if len(entries) >= limit or taken >= PAGE_WEIGHT or place - begin >= SCAN_LIMIT:
            break
    return TranscriptPage(entries=tuple(entries), next=place, at_end=waits or place >= _size(file))


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _line_start(file: BinaryIO, after: int) -> tuple[int, bool]:
    """The beginning of the first line from a byte on; False when it is not in sight, with how far that is."""
    if after == 0:
        return 0, True
    # Of a line that begins right there, what is left before it is one newline.
    file.seek(after - 1)
    rest = next(_lines(file), None)
    return (after, True) if rest is None else (after - 1 + rest.size, rest.whole)


def _lines(file: BinaryIO) -> Iterator[_Line]:
    """The lines from where the file stands; one that is too long is passed over in pieces."""
    while data := file.readline(LINE_LIMIT + 1):
        size, whole = len(data), data.endswith(b"\n")
        long = size > LINE_LIMIT and not whole
        while not whole and long and size < SCAN_LIMIT and (piece := file.readline(_PIECE)):
            size, whole = size + len(piece), piece.endswith(b"\n")
        yield _Line(data=data[:_HEAD] if long else data.removesuffix(b"\n"), size=size, whole=whole, long=long)


def _entries(line: _Line, place: int, limit: int, redact: Redact) -> list[Entry]:
    """The entries of one line; of more than a page takes, the first ones and a word about the others."""
    if line.long:
        return [too_long(line.data, line.size, place, redact=redact)]
    found = list(entries_of(line.data, place, redact=redact))
    left_out = len(found) - limit
    if left_out > 0:
        found[limit - 1 :] = [
            replace(found[limit - 1], kind=EntryKind.RAW, text=f"[{left_out + 1} more in this line]")
        ]
    return found
