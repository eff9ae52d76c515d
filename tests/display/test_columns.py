"""Rows that fit any width."""

import pytest
from rich.text import Text

from runner.display.columns import Cell, row

CELLS = (
    Cell(text="▸", width=1),
    Cell(text="2a-1", width=9),
    Cell(text="what it does just now", rank=2),
    Cell(text="haiku", width=8, rank=3),
    Cell(text="12:31", width=7, right=True),
)


def test_wide_row_shows_all_and_stretches_the_elastic_cell():
    assert row(CELLS, 60).plain == "  ▸  2a-1       what it does just now      haiku       12:31"


def test_worst_rank_is_dropped_first():
    assert row(CELLS, 44).plain == "  ▸  2a-1       what it does just …    12:31"
    assert row(CELLS, 30).plain == "  ▸  2a-1         12:31"


@pytest.mark.parametrize("width", range(1, 100))
def test_no_row_is_wider_than_asked_for(width: int):
    assert row(CELLS, width).cell_len <= width


def test_wide_characters_count_twice():
    cells = (Cell(text="漢字漢字漢字", width=5), Cell(text="end", width=3))
    line = row(cells, 40, indent=0)
    assert line.plain == "漢字…  end"


def test_styles_of_a_text_survive():
    text = Text("2a-1", style="").append(" name", style="red")
    assert [span.style for span in row([Cell(text=text, width=20, style="bold")], 40).spans][-1] == "red"
