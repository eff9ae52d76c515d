"""The sprint file: what is read out of it, and what is refused with file, line and remedy."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.domain.errors import SprintFileError
from runner.domain.model import Status
from runner.domain.sprint import Epic
from runner.workspace.sprint_file import read_sprint, read_top_level

REAL = Path(__file__).parents[3] / "shared/data/sprint-status"
REAL_FILES = sorted(REAL.glob("*.yaml"))
HEAD = b"development_status:\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sprint-status.yaml"


# Real files


@pytest.mark.skipif(not REAL_FILES, reason="the real sprint files are not here")
def test_real_files_parse_over_their_whole_life():
    sprints = [read_sprint(path) for path in REAL_FILES]
    assert [len(sprint.stories) for sprint in sprints] == [42] * 9 + [50] * 2
    assert all(story.key.patterned and story.status for sprint in sprints for story in sprint.stories)
    assert all(epic.title and epic.status for sprint in sprints for epic in sprint.epics)


# Reading


def test_stories_keep_file_order_and_what_is_written(file: Path):
    file.write_bytes(
        HEAD + b"  epic-2a: in-progress\n  2a-10-x: ' Done '\n  2a-2: drafted\n  odd_one: wip\n"
        b"  epic-2a-retrospective: optional\n  empty:\n"
    )
    sprint = read_sprint(file)
    assert sprint.written == {"2a-10-x": "Done", "2a-2": "drafted", "odd_one": "wip", "empty": ""}
    assert [story.status for story in sprint.stories] == [Status.DONE, Status.READY_FOR_DEV, None, None]
    assert sprint.epics == (Epic(id="2a", status="in-progress"),)


def test_epic_titles_come_from_comments(file: Path):
    file.write_bytes(
        b"# Epic Status:\r\n"
        + HEAD
        + b"  # Epic 5-SR: The Runner: again  \r\n  epic-5-sr: done\r\n  epic-2: backlog\r\n"
    )
    assert read_sprint(file).epics == (
        Epic(id="5-sr", status="done", title="The Runner: again"),
        Epic(id="2", status="backlog"),
    )


def test_top_level_is_plain_values(file: Path):
    file.write_bytes(b"generated: 2026-01-22\nactions: [{epic: 1}]\n" + HEAD + b"  1-1-a: done\n")
    assert read_top_level(file) == {
        "generated": "2026-01-22",
        "actions": [{"epic": "1"}],
        "development_status": {"1-1-a": "done"},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    data: bytes
    says: str
    line: int = 0


REFUSED = {
    "empty": Refused(data=b"", line=1, says="the file is empty"),
    "list": Refused(data=b"- a\n", line=1, says="the file holds a list"),
    "invalid": Refused(data=HEAD + b"  a: [\n", line=3, says="not valid YAML"),
    "tab": Refused(data=HEAD + b"\ta: done\n", line=2, says="tab"),
    "no section": Refused(data=b"project: x\n", says="has no development_status; run sprint planning first"),
    "section is a list": Refused(data=HEAD + b"  - a\n", line=2, says="development_status has to hold"),
    "section is empty": Refused(data=HEAD, line=1, says="development_status has to hold"),
    "status is a list": Refused(data=HEAD + b"  1-1-a: [done]\n", line=2, says="the status of '1-1-a'"),
    "status is a table": Refused(data=HEAD + b"  1-1-a:\n    status: done\n", line=3, says="the status of '1-1-a'"),
    "duplicate": Refused(data=HEAD + b"  a: done\n  a: backlog\n", line=3, says="stands already in line 2"),
    "alias bomb": Refused(data=HEAD + b"  a: &a [x, x]\n  b: [*a, *a]\n", line=2, says="anchors"),
    "path": Refused(data=HEAD + b"  1-1-a: done\n  ../../x: done\n", line=3, says="'../../x' is not a story key"),
    "option": Refused(data=HEAD + b"  --flag: done\n", line=2, says="'--flag' is not a story key"),
    "epic path": Refused(data=HEAD + b"  epic-../x: done\n", line=2, says="is not a story key"),
    "line break": Refused(data=HEAD + b'  "a\\nb": done\n', line=2, says=r"'a\nb' is not a story key"),
    "shell": Refused(data=HEAD + b"  1-1;rm -rf ~: done\n", line=2, says="is not a story key"),
    "right-to-left": Refused(data=HEAD + "  a\u202eb: done\n".encode(), line=2, says=r"'a\u202eb' is not"),
    "long": Refused(data=HEAD + b"  " + b"a" * 201 + b": done\n", line=2, says="...' is not a story key"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_bad_file_is_refused_in_one_line_with_place_and_remedy(file: Path, case: Refused):
    file.write_bytes(case.data)
    with pytest.raises(SprintFileError) as caught:
        read_sprint(file)
    assert str(caught.value).startswith(f"{file}:{case.line}: " if case.line else f"{file} ")
    assert case.says in str(caught.value)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_missing_file_says_to_run_sprint_planning(file: Path):
    with pytest.raises(SprintFileError) as caught:
        read_sprint(file)
    assert str(caught.value) == f"sprint-status.yaml not found at {file}; run sprint planning first"


def test_something_else_in_its_place_is_named(file: Path):
    os.mkfifo(file)
    with pytest.raises(SprintFileError, match="not a regular file"):
        read_sprint(file)
