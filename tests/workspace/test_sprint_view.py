"""The sprint as the dashboard shows it: a real file, real story files, times as the database would tell them."""

from pathlib import Path

import msgspec
import pytest

from runner.domain.errors import SprintFileError, SprintFileMissing
from runner.store.records import StoryTimes
from runner.workspace.project import Paths
from runner.workspace.sprint_view import EpicLine, SprintStory, read_sprint_text, sprint_view
from runner.workspace.story_files import StoryFiles

SAMPLES = Path(__file__).parents[3] / "shared/data/sprint-status"
FILE = """
project: demo
generated: 2026-01-22
epics: not this
stories: [nor, that]
development_status:
  # Epic 2: The Second
  epic-2: in-progress
  2-10-tenth: backlog
  2-2-second: Done
  2-3-third: blocked
  epic-2-retrospective: optional
  # Epic 1: The First
  epic-1: backlog
  epic-5-SR: done
  5-sr-1-own: completed
  3-1-alone: drafted
  3-2-too: what is this
  login: backlog
  4-1-ready: done
"""


@pytest.fixture
def sprint(paths: Paths) -> Paths:
    paths.status_file.write_text(FILE)
    (paths.implementation / "2-2-second.md").write_text("# Story 2.2: From The File")
    return paths


def view(paths: Paths, times: dict[str, StoryTimes] | None = None) -> dict[str, object]:
    text = read_sprint_text(paths.status_file, StoryFiles(paths.implementation))
    return sprint_view(text, times or {})


def stories(paths: Paths, times: dict[str, StoryTimes] | None = None) -> dict[str, SprintStory]:
    return {story.key: story for story in view(paths, times)["stories"]}  # type: ignore[attr-defined]


def test_the_files_own_keys_stand_beside_ours(sprint: Paths):
    found = view(sprint)
    assert list(found) == ["project", "generated", "epics", "stories", "development_status"]
    assert (found["project"], found["generated"]) == ("demo", "2026-01-22")
    assert found["development_status"]["2-2-second"] == "Done"  # type: ignore[index]


def test_ours_win_over_keys_of_the_same_name(sprint: Paths):
    found = view(sprint)
    assert isinstance(found["epics"], tuple)
    assert isinstance(found["stories"], tuple)


def test_stories_come_in_the_runners_order(sprint: Paths):
    assert list(stories(sprint)) == [
        *("2-2-second", "2-3-third", "2-10-tenth", "3-1-alone", "3-2-too", "4-1-ready", "5-sr-1-own", "login")
    ]


def test_epics_are_told_with_what_is_done(sprint: Paths):
    def line(id: str, status: str, done: int, total: int, title: str = "") -> EpicLine:
        return EpicLine(id=id, title=title, status=status, stories_done=done, stories_total=total)

    assert view(sprint)["epics"] == (
        line("1", "backlog", 0, 0, "The First"),
        line("2", "in-progress", 1, 3, "The Second"),
        line("3", "in-progress", 0, 2),
        line("4", "done", 1, 1),
        line("5-SR", "done", 1, 1),
        line("login", "backlog", 0, 1),
    )


def test_a_story_is_told_as_the_runner_reads_it(sprint: Paths):
    found = stories(sprint)
    assert found["2-2-second"] == SprintStory(
        key="2-2-second",
        short_key="2-2",
        epic_id="2",
        name="From The File",
        status="done",
        duration_ms=None,
        blocked_reason="",
    )
    assert [found[key].status for key in ("3-1-alone", "3-2-too", "5-sr-1-own")] == [
        *("ready-for-dev", "what is this", "done")
    ]
    assert (found["5-sr-1-own"].epic_id, found["login"].epic_id, found["login"].short_key) == (
        "5-SR",
        "login",
        "login",
    )


def test_times_are_those_of_the_database(sprint: Paths):
    times = StoryTimes(started_at=1, ended_at=2, duration_ms=77, blocked_reason="review limit")
    found = stories(sprint, {"2-3-third": times, "2-2-second": times})
    assert (found["2-3-third"].duration_ms, found["2-3-third"].blocked_reason) == (77, "review limit")
    assert (found["2-2-second"].duration_ms, found["2-2-second"].blocked_reason) == (77, "")


def test_it_tells_whose_times_are_wanted(sprint: Paths):
    text = read_sprint_text(sprint.status_file, StoryFiles(sprint.implementation))
    assert set(text.keys) == set(stories(sprint))


def test_a_view_is_json(sprint: Paths):
    decoded = msgspec.json.decode(msgspec.json.encode(view(sprint)))
    assert decoded["epics"][1]["stories_total"] == 3


def test_missing_and_invalid_files_are_told_apart(paths: Paths):
    with pytest.raises(SprintFileMissing):
        view(paths)
    paths.status_file.write_text("development_status:\n\t- x")
    with pytest.raises(SprintFileError, match=r"sprint-status\.yaml:2: ") as caught:
        view(paths)
    assert not isinstance(caught.value, SprintFileMissing)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the checkout")
@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_real_files_are_shown(paths: Paths, sample: Path):
    paths.status_file.write_bytes(sample.read_bytes())
    found = view(paths)
    total = sum(epic.stories_total for epic in found["epics"])  # type: ignore[attr-defined]
    assert total == len(stories(paths)) > 20
    assert all(epic.title for epic in found["epics"])  # type: ignore[attr-defined]
