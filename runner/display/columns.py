"""Rows of columns that fit any width: what does not fit is dropped by rank, never wrapped.

The live picture is made of these. A row of 40 columns keeps its most important cells, one of 200 shows them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

GAP = 2
ELASTIC = 0
"""Width of the one cell of a row that takes what the others leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A piece of a row; cells of the highest rank are dropped first, those of rank 0 never."""

    text: str | Text
    width: int = ELASTIC
    style: str = ""
    rank: int = 0
    right: bool = False
    least: int = 10
    """What an elastic cell needs, or it is dropped."""


def row(cells: Sequence[Cell], width: int, *, indent: int = 2) -> Text:
    """The cells side by side in exactly one line of at most `width` columns."""
    room = max(1, width - indent)
    kept = _that_fit(cells, room)
    fixed = sum(cell.width for cell in kept) + GAP * (len(kept) - 1)
    line = Text(" " * indent, no_wrap=True)
    for number, cell in enumerate(kept):
        if number:
            line.append(" " * GAP)
        line.append_text(_fitted(cell, cell.width or max(0, room - fixed)))
    line.rstrip()
    line.truncate(width, overflow="ellipsis")
    return line


def _that_fit(cells: Sequence[Cell], room: int) -> list[Cell]:
    kept = list(cells)
    while _least(kept) > room and (worst := max(kept, key=lambda cell: cell.rank)).rank:
        kept.remove(worst)
    return kept


def _least(cells: Sequence[Cell]) -> int:
    return sum(cell.width or cell.least for cell in cells) + GAP * (len(cells) - 1)


def _fitted(cell: Cell, width: int) -> Text:
    text = cell.text.copy() if isinstance(cell.text, Text) else Text(cell.text)
    if cell.style:
        text.stylize_before(cell.style)
    text.truncate(width, overflow="ellipsis")
    text.align("right" if cell.right else "left", width)
    return text
