"""Changing the sprint file: one word of it, and not a byte more."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.domain.errors import SprintFileError
from runner.domain.model import Status
from runner.workspace import yaml_text
from runner.workspace.sprint_file import Mark, MarkKind, _replaced, compare_and_set, read_sprint

REAL_FILES = sorted((Path(__file__).parents[3] / "shared/data/sprint-status").glob("*.yaml"))
HEAD = b"development_status:\n"
LOADERS = [loader for name in ("CSafeLoader", "SafeLoader") if (loader := getattr(yaml, name, None))]
EVERY = frozenset(Status)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sprint-status.yaml"


def change(file: Path, data: bytes, key: str = "1-1-a", new: Status = Status.DONE) -> bytes:
    file.write_bytes(data)
    assert compare_and_set(file, key, expected=EVERY, new=new).kind is MarkKind.SET
    return file.read_bytes()


@pytest.mark.skipif(not REAL_FILES, reason="the real sprint files are not here")
def test_every_story_of_a_real_file_is_set_without_touching_another_byte(file: Path):
    data = REAL_FILES[-1].read_bytes()
    stories = read_sprint(REAL_FILES[-1]).stories
    for story in stories:
        line = f"  {story.key}: ".encode()
        assert data.count(line) == 1
        before, _, rest = data.partition(line)
        expected = before + line + b"blocked" + rest[len(story.written) :]
        assert change(file, data, story.key.text, Status.BLOCKED) == expected
    assert len(stories) == 50


CHANGES = {
    "plain": (b"  1-1-a: backlog\n", b"  1-1-a: done\n"),
    "no newline at the end": (b"  1-1-a: backlog", b"  1-1-a: done"),
    "single quotes": (b"  1-1-a: 'backlog'\n", b"  1-1-a: 'done'\n"),
    "double quotes": (b'  "1-1-a": "backlog"\n', b'  "1-1-a": "done"\n'),
    "inline comment": (b"  1-1-a: backlog   # backlog, 1-1-a: x\n", b"  1-1-a: done   # backlog, 1-1-a: x\n"),
    "spaces": (b"  1-1-a :    backlog  \n", b"  1-1-a :    done  \n"),
    "spaces in quotes": (b"  1-1-a: ' Backlog '\n", b"  1-1-a: 'done'\n"),
    "CRLF": (b"  1-1-a: backlog\r\n  1-1-b: done\r\n", b"  1-1-a: done\r\n  1-1-b: done\r\n"),
    "longer key beside it": (b"  1-1-ab: review\n  1-1-a: review\n", b"  1-1-ab: review\n  1-1-a: done\n"),
    "trailing text": (
        b"  1-1-a: review\n# 1-1-a: review\n\n#\t\xc3\xa9\n",
        b"  1-1-a: done\n# 1-1-a: review\n\n#\t\xc3\xa9\n",
    ),
    "older spelling": (b"  1-1-a: drafted\n", b"  1-1-a: done\n"),
    "value on the next line": (b"  1-1-a:\n    review\n", b"  1-1-a:\n    done\n"),
    "explicit key": (b"  ? 1-1-a\n  : review\n", b"  ? 1-1-a\n  : done\n"),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_only_the_word_changes(file: Path, before: bytes, after: bytes):
    assert change(file, HEAD + before) == HEAD + after


def test_flow_mapping_is_changed_in_place(file: Path):
    before = b"{project: x, development_status: {1-1-a: review, 1-1-b: review}, z: [1]} # end"
    assert change(file, before) == before.replace(b"1-1-a: review", b"1-1-a: done")


def test_byte_order_mark_stays(file: Path):
    assert change(file, b"\xef\xbb\xbf" + HEAD + b"  1-1-a: review\n") == b"\xef\xbb\xbf" + HEAD + b"  1-1-a: done\n"


def test_same_key_elsewhere_in_the_file_stays(file: Path):
    other = b"notes:\n  1-1-a: review\n"
    assert change(file, other + HEAD + b"  1-1-a: review\n") == other + HEAD + b"  1-1-a: done\n"


@pytest.mark.parametrize(("before", "after"), [(b"  1-1-a: wip\n", b"blocked"), (b"  1-1-a:\n", b"blocked")])
def test_status_that_nobody_knows_is_expected_as_written(file: Path, before: bytes, after: bytes):
    file.write_bytes(HEAD + before)
    written = read_sprint(file).stories[0].written
    mark = compare_and_set(file, "1-1-a", expected={written}, new=Status.BLOCKED)
    assert mark == Mark(kind=MarkKind.SET, found=written)
    assert file.read_bytes() == HEAD + b"  1-1-a: blocked\n"


def test_mode_of_the_file_stays(file: Path):
    file.write_bytes(HEAD + b"  1-1-a: review\n")
    file.chmod(0o664)
    compare_and_set(file, "1-1-a", expected=EVERY, new=Status.DONE)
    assert file.stat().st_mode & 0o7777 == 0o664


@pytest.mark.parametrize("written", ["done", "Done", "completed"])
def test_status_that_is_there_already_writes_nothing(file: Path, written: str):
    file.write_bytes(HEAD + f"  1-1-a: {written}\n".encode())
    before = file.stat()
    mark = compare_and_set(file, "1-1-a", expected=(), new=Status.DONE)
    assert mark == Mark(kind=MarkKind.ALREADY, found=written)
    assert file.stat() == before


def test_a_status_that_somebody_else_set_is_left_alone(file: Path):
    file.write_bytes(HEAD + b"  1-1-a: blocked\n")
    mark = compare_and_set(file, "1-1-a", expected={Status.IN_PROGRESS, Status.REVIEW}, new=Status.DONE)
    assert mark == Mark(kind=MarkKind.CONFLICT, found="blocked")
    assert file.read_bytes() == HEAD + b"  1-1-a: blocked\n"


def test_a_story_that_is_gone_is_a_conflict(file: Path):
    file.write_bytes(HEAD + b"  1-1-b: review\n")
    assert compare_and_set(file, "1-1-a", expected=EVERY, new=Status.DONE) == Mark(kind=MarkKind.CONFLICT, found="")


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"  1-1-a: review\n  x: [\n",
        HEAD + b"  1-1-a: |\n    review\n",
        HEAD + b"  1-1-a: [review]\n",
        b"",
        HEAD,
    ],
    ids=["invalid", "block style", "list", "empty", "no stories"],
)
def test_what_cannot_be_changed_safely_is_refused_untouched(file: Path, data: bytes):
    file.write_bytes(data)
    with pytest.raises(SprintFileError, match=str(file)):
        compare_and_set(file, "1-1-a", expected=EVERY, new=Status.DONE)
    assert file.read_bytes() == data
    assert list(file.parent.iterdir()) == [file]


def test_change_of_a_missing_file_is_refused(file: Path):
    with pytest.raises(SprintFileError, match="run sprint planning first"):
        compare_and_set(file, "1-1-a", expected=EVERY, new=Status.DONE)


WORDS = st.sampled_from(["backlog", "ready-for-dev", "in-progress", "review", "Drafted", "contexted"])
QUOTES = st.sampled_from(["", "'", '"'])
REMARKS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff\x85"),
    max_size=12,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    key: str
    indent: str
    quote: str
    word: str
    remark: str
    blank: bool

    def render(self, word: str) -> str:
        comment = f"  # {self.remark}" if self.remark else ""
        blank = f"# {self.remark}\n\n" if self.blank else ""
        return f"{blank}{self.indent}{self.key}: {self.quote}{word}{self.quote}{comment}\n"


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Line], int, str, str, str]:
    indent = draw(st.sampled_from([" ", "  ", "    "]))
    lines = [
        Line(
            key=f"{number}-{draw(st.integers(1, 99))}-slug",
            indent=indent,
            quote=draw(QUOTES),
            word=draw(WORDS),
            remark=draw(REMARKS),
            blank=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(2, 6)))
    ]
    chosen = draw(st.integers(0, len(lines) - 1))
    head = f"# {draw(REMARKS)}\nproject: x\ndevelopment_status:\n"
    return lines, chosen, head, draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["", "\ufeff"]))


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=files())
def test_random_files_keep_every_other_byte(
    file: Path, monkeypatch: pytest.MonkeyPatch, loader: type, case: tuple[list[Line], int, str, str, str]
):
    monkeypatch.setattr(yaml_text, "_LOADER", loader)
    lines, chosen, head, end, mark = case

    def render(word: str | None) -> bytes:
        body = "".join(line.render(word if word and at == chosen else line.word) for at, line in enumerate(lines))
        return (mark + (head + body).replace("\n", end)).encode()

    assert change(file, render(None), lines[chosen].key, Status.DONE) == render("done")
    assert read_sprint(file).written[lines[chosen].key] == "done"


def test_a_file_that_was_saved_meanwhile_is_not_replaced(file: Path):
    file.write_bytes(HEAD + b"  1-1-a: review # just saved\n")
    assert not _replaced(file, old=HEAD + b"  1-1-a: review\n", new=HEAD + b"  1-1-a: done\n")
    assert file.read_bytes() == HEAD + b"  1-1-a: review # just saved\n"
    assert list(file.parent.iterdir()) == [file]
