"""Splitting a byte stream into lines."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.agents.lines import LineSplitter, LineTooLong

PIECES = st.lists(st.binary(max_size=12).map(lambda data: data.replace(b"\x01", b"\n")), max_size=20)


@settings(deadline=None)
@given(PIECES)
def test_any_chunking_gives_the_same_lines(pieces: list[bytes]):
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert [*lines, splitter.rest] == b"".join(pieces).split(b"\n")


@settings(deadline=None)
@given(PIECES, st.integers(min_value=0, max_value=8))
def test_the_limit_does_not_depend_on_the_chunking(pieces: list[bytes], max_line: int):
    whole = b"".join(pieces).split(b"\n")
    too_long = next((index for index, line in enumerate(whole) if len(line) > max_line), None)
    assert read_until_too_long(pieces, max_line) == (whole[:too_long], too_long is not None)


def read_until_too_long(pieces: list[bytes], max_line: int) -> tuple[list[bytes], bool]:
    splitter = LineSplitter(max_line=max_line)
    lines: list[bytes] = []
    for piece in pieces:
        try:
            lines += splitter.feed(piece)
        except LineTooLong as error:
            return lines + error.lines, True
    return [*lines, splitter.rest], False


def test_empty_lines_and_a_cut_off_last_line_are_kept():
    splitter = LineSplitter()
    assert splitter.feed(b"a\n\nb\r\nrest") == [b"a", b"", b"b\r"]
    assert splitter.rest == b"rest"


def test_a_line_of_exactly_the_limit_passes():
    assert LineSplitter(max_line=5).feed(b"12345\n1") == [b"12345"]


def test_a_long_line_is_refused_before_it_is_complete():
    splitter = LineSplitter(max_line=1000)
    splitter.feed(b"x" * 1000)
    with pytest.raises(LineTooLong, match="longer than 1,000 bytes"):
        splitter.feed(b"x")
    assert splitter.rest == b""


def test_lines_before_the_long_one_are_not_lost():
    splitter = LineSplitter(max_line=4)
    splitter.feed(b"ab")
    with pytest.raises(LineTooLong) as caught:
        splitter.feed(b"c\nd\ntoo long\n")
    assert caught.value.lines == [b"abc", b"d"]


def test_a_long_line_in_tiny_pieces_takes_memory_in_proportion_to_its_length():
    splitter = LineSplitter()
    tracemalloc.start()
    try:
        for _ in range(50_000):
            splitter.feed(b"x")
        assert tracemalloc.get_traced_memory()[1] < 250_000
    finally:
        tracemalloc.stop()
    assert splitter.feed(b"\n") == [b"x" * 50_000]
