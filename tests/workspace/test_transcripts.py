"""Pages of a run's output, on real files: what a page holds, where the next one begins, and what never happens."""

import json
import os
from pathlib import Path

import pytest

from runner.agents.claude_transcript import Entry, EntryKind
from runner.workspace import transcripts as module
from runner.workspace.runs import RunFolder
from runner.workspace.transcripts import ENTRY_LIMIT, LINE_LIMIT, PAGE_WEIGHT, TranscriptPage, read_page

CAPTURES = Path(__file__).parents[3] / "shared" / "claude-cli" / "fixtures"
EMPTY = TranscriptPage(entries=(), next=0, at_end=True)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(path=tmp_path)


def said(text: str, count: int = 1) -> bytes:
    blocks = [{"type": "text", "text": text}] * count
    return json.dumps({"type": "assistant", "message": {"content": blocks}}).encode() + b"\n"


def page(folder: RunFolder, after: int = 0, limit: int = 100, *, ended: bool = False) -> TranscriptPage:
    return read_page(folder, after, limit, ended=ended, redact=lambda text: text.replace("secret", "[redacted]"))


def texts(page: TranscriptPage) -> list[str]:
    return [entry.text for entry in page.entries]


def everything(folder: RunFolder, limit: int) -> list[Entry]:
    """All entries, page by page."""
    found: list[Entry] = []
    after = 0
    while True:
        read = page(folder, after, limit, ended=True)
        assert read.next > after or read.at_end
        found += read.entries
        after = read.next
        if read.at_end:
            return found


# Pages


def test_pages_follow_one_another(folder: RunFolder):
    folder.stdout.write_bytes(b"".join(said(f"text {number}") for number in range(7)))
    line = len(said("text 0"))
    first = page(folder, 0, 3)
    assert (texts(first), first.next, first.at_end) == (["text 0", "text 1", "text 2"], 3 * line, False)
    last = page(folder, 6 * line, 3)
    assert (texts(last), last.next, last.at_end) == (["text 6"], 7 * line, True)
    assert [entry.id for entry in last.entries] == [f"{6 * line}:0"]
    assert page(folder, last.next, 3) == TranscriptPage(entries=(), next=7 * line, at_end=True)


def test_a_page_that_ends_with_the_file_says_so(folder: RunFolder):
    folder.stdout.write_bytes(said("one") + said("two"))
    assert page(folder, 0, 2).at_end


@pytest.mark.parametrize("limit", [1, 2, 3, 100, 10_000])
def test_no_entry_is_lost_or_told_twice_between_pages(folder: RunFolder, limit: int):
    lines = [said(f"{number} {block}", 1 + number % 3) for number, block in enumerate("abcdefghij")]
    folder.stdout.write_bytes(b"\n".join(lines))
    expected = [f"{number} {block}" for number, block in enumerate("abcdefghij") for _ in range(1 + number % 3)]
    found = everything(folder, max(limit, 3))
    assert [entry.text for entry in found] == expected
    assert len({entry.id for entry in found}) == len(found)


@pytest.mark.parametrize("after", range(1, 12))
def test_a_page_begins_at_the_next_line(folder: RunFolder, after: int):
    folder.stdout.write_bytes(b"0123456\n89\n")
    read = page(folder, after)
    assert texts(read) == (["89"] if after <= 8 else [])
    assert (read.next, read.at_end) == (11, True)


@pytest.mark.parametrize("after", [-5, 0])
def test_a_page_begins_at_the_beginning(folder: RunFolder, after: int):
    folder.stdout.write_bytes(b"one\n")
    assert texts(page(folder, after)) == ["one"]


def test_a_place_beyond_the_end_has_nothing(folder: RunFolder):
    folder.stdout.write_bytes(b"one\n")
    assert page(folder, 10**12) == TranscriptPage(entries=(), next=4, at_end=True)


@pytest.mark.parametrize(("limit", "expected"), [(-1, 1), (0, 1), (1, 1), (10**9, ENTRY_LIMIT)])
def test_a_page_has_limits_of_its_own(folder: RunFolder, limit: int, expected: int):
    folder.stdout.write_bytes(said("x") * (ENTRY_LIMIT + 1))
    assert len(page(folder, 0, limit).entries) == expected


def test_a_page_has_about_a_megabyte(folder: RunFolder):
    folder.stdout.write_bytes(said("x" * 60_000) * 100)
    read = page(folder, 0, 500)
    assert PAGE_WEIGHT <= sum(map(len, texts(read))) < PAGE_WEIGHT + 60_000
    assert len(everything(folder, 500)) == 100


def test_a_line_that_fills_more_than_a_page_is_told_in_part(folder: RunFolder):
    folder.stdout.write_bytes(said("x") + said("y", 600) + said("z"))
    first, second, third = page(folder, 0, 10), page(folder, len(said("x")), 10), page(folder, 0, 1000)
    assert (texts(first), first.at_end) == (["x"], False)
    assert texts(second) == ["y"] * 9 + ["[591 more in this line]"]
    assert second.entries[-1].kind is EntryKind.RAW
    assert texts(page(folder, second.next, 10)) == ["z"]
    assert texts(third) == ["x"]


# A run that is being written


def test_half_a_line_waits_for_its_end(folder: RunFolder):
    whole, rest = said("one"), said("two")
    folder.stdout.write_bytes(whole + rest[:10])
    read = page(folder)
    assert (texts(read), read.next, read.at_end) == (["one"], len(whole), True)
    with folder.stdout.open("ab") as file:
        file.write(rest[10:])
    read = page(folder, read.next)
    assert (texts(read), read.next, read.at_end) == (["two"], len(whole + rest), True)


def test_half_a_line_is_shown_when_the_run_has_ended(folder: RunFolder):
    folder.stdout.write_bytes(said("one") + b'{"type":"assis')
    read = page(folder, ended=True)
    assert (texts(read), read.at_end) == (["one", '{"type":"assis'], True)
    assert page(folder, read.next, ended=True).entries == ()


def test_half_of_a_long_line_waits_too(folder: RunFolder):
    folder.stdout.write_bytes(b"x" * (LINE_LIMIT + 10))
    assert page(folder) == EMPTY
    assert len(page(folder, ended=True).entries) == 1


# Long lines


def test_a_long_line_is_told_by_its_size(folder: RunFolder):
    long = b'{"type":"user","x":"' + b"secret" * 400_000 + b'"}\n'
    folder.stdout.write_bytes(said("before") + long + said("after"))
    read = page(folder)
    before, entry, after = read.entries
    assert (before.text, after.text, read.at_end) == ("before", "after", True)
    assert (entry.kind, entry.truncated, entry.id) == (EntryKind.RAW, True, f"{len(said('before'))}:0")
    assert entry.text.startswith(f'[a line of {len(long):,} bytes] {{"type":"user"')
    assert "secret" not in entry.text


@pytest.mark.parametrize("extra", [0, 1])
def test_a_line_at_the_limit(folder: RunFolder, extra: int):
    folder.stdout.write_bytes(b"x" * (LINE_LIMIT + extra) + b"\n" + said("after"))
    first, after = page(folder).entries
    assert first.text.startswith("[a line of ") == bool(extra)
    assert after.text == "after"


def test_a_line_without_end_is_passed_over_in_pieces(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SCAN_LIMIT", 4 * LINE_LIMIT)
    folder.stdout.write_bytes(said("before") + b"x" * 10 * LINE_LIMIT + b"\n" + said("after"))
    for ended in (False, True):
        found, after, pages = [], 0, 0
        while not (read := page(folder, after, ended=ended)).at_end:
            found, after, pages = [*found, *read.entries], read.next, pages + 1
        assert 1 < pages < 6
        kinds = [entry.kind for entry in (*found, *read.entries)]
        assert kinds == [EntryKind.TEXT, EntryKind.RAW, EntryKind.TEXT]


def test_lines_that_say_nothing_do_not_hold_a_page_up(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SCAN_LIMIT", 10_000)
    folder.stdout.write_bytes(b"\n" * 50_000 + said("after"))
    first = page(folder)
    assert (first.entries, first.next, first.at_end) == ((), 10_000, False)
    assert [entry.text for entry in everything(folder, 10)] == ["after"]


# What is not a file


def test_a_run_without_output_has_an_empty_transcript(folder: RunFolder):
    assert page(folder) == EMPTY
    assert page(RunFolder(path=folder.path / "gone"), 77, ended=True) == EMPTY
    folder.stdout.touch()
    assert page(folder, ended=True) == EMPTY


def test_what_stands_in_the_place_of_the_output_is_not_read(folder: RunFolder):
    (folder.path / "target").write_bytes(said("of somebody else"))
    folder.stdout.symlink_to("target")
    assert page(folder) == EMPTY
    folder.stdout.unlink()
    os.mkfifo(folder.stdout)
    assert page(folder) == EMPTY
    folder.stdout.unlink()
    folder.stdout.mkdir()
    assert page(folder) == EMPTY


def test_no_descriptor_is_left_open(folder: RunFolder):
    folder.stdout.write_bytes(said("x"))
    before = len(os.listdir("/proc/self/fd"))
    page(folder)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captured CLI output beside the checkout")
@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.ndjson")), ids=lambda path: path.stem)
def test_captured_runs_are_the_same_in_small_pages(folder: RunFolder, capture: Path):
    folder.stdout.write_bytes(capture.read_bytes())
    whole = page(folder, 0, 500, ended=True)
    assert whole.at_end
    assert everything(folder, 1) == list(whole.entries)
