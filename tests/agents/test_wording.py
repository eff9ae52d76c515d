"""Agents' text made fit for a log line and for keeping."""

import tracemalloc

import pytest

from runner.agents.wording import TextTail, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  padded ", "padded"),
        ("two\n\n  lines\there", "two lines here"),
        ("\x1b[31mred\x07\x00", "[31mred"),
        ("right\u202eto left\u200b", "right to left"),
        ("0123456789", "0123456789"),
        ("0123456789a", "012345678…"),
        (" " * 30 + "0123456789", "0123456789"),
        ("café ☕", "café ☕"),
        ("", ""),
        ("\n", ""),
    ],
)
def test_one_line(text: str, line: str):
    assert one_line(text, 10 if len(line) <= 10 else 80) == line


def test_one_line_does_not_walk_through_megabytes():
    assert one_line("\n" * 10_000_000 + "x", 10) == "…"


def test_texts_are_joined_by_blank_lines():
    tail = TextTail(limit=100)
    tail.add("one")
    tail.add("two")
    assert tail.text() == "one\n\ntwo"


@pytest.mark.parametrize(("limit", "kept"), [(7, "é\n\nabc"), (6, "\n\nabc"), (5, "\n\nabc"), (2, "bc")])
def test_the_end_is_kept_in_whole_characters(limit: int, kept: str):
    tail = TextTail(limit=limit)
    tail.add("dropped")
    tail.add("é")
    tail.add("abc")
    assert tail.text() == kept


def test_many_tiny_texts_take_little_memory():
    tail = TextTail(limit=10_000)
    tracemalloc.start()
    try:
        for _ in range(20_000):
            tail.add("".join(("x", "y")))
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
    assert tail.text().endswith("xy\n\nxy")
    assert len(tail.text()) <= 10_000
