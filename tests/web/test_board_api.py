"""The page's beginning: the board of one `seq` is what all events up to it make, and the plan is that of a start."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runner.domain.board import Board, absorb_all
from runner.store import queries
from runner.store.database import open_reader
from tests.support.project import SIX_STORIES, make_project, sprint_file, write_scenario
from tests.support.runs import database, run, wait_until
from tests.support.served import Served, served

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
TALK = [{"task": "setup start Reading"}, {"say": "hm"}, {"task": "implement start Writing"}, {"say": "well"}]
GATE = {"command": "dev-story", "attempt": "1", "actions": [*TALK, {"run": ["{python}", "-c", WAIT]}, "builtin"]}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Served]:
    project = make_project(tmp_path / "project", SIX_STORIES)
    with served(project, write_scenario(tmp_path, [GATE])) as one:
        yield one


def folded(project: Path) -> Any:
    """The board of somebody who heard every event."""
    events = []
    with closing(open_reader(database(project))) as connection:
        while page := queries.events_after(connection, events[-1].seq if events else 0, limit=1000):
            events += [row.envelope for row in page]
    return json.loads(msgspec.json.encode(absorb_all(Board(), events)))


def develops(runner: Served) -> bool:
    running = runner.get("/api/board")["board"]["running"]
    return any(one["command"] == "dev-story" and one["doing"] == "Writing" for one in running.values())


def test_board_in_the_middle_is_that_of_who_heard_everything(runner: Served):
    runner.begin()
    wait_until(lambda: develops(runner))
    wait_until(lambda: runner.get("/api/board")["board"] == folded(runner.project))
    answer = runner.get("/api/board")
    assert answer["project"] == "project"
    assert answer["seq"] == runner.get("/api/orchestrator/status")["last_seq"]
    assert {one["id"] for one in answer["attempts"] if one["status"] == "running"} == {
        int(number) for number in answer["board"]["running"]
    }


def test_board_after_a_kill_and_a_resume_is_too(runner: Served):
    runner.begin()
    wait_until(lambda: develops(runner))
    runner.kill()
    runner.start()
    (runner.project / "go").touch()
    runner.post("/api/orchestrator/resume")
    wait_until(runner.idle)
    answer = runner.get("/api/board")
    assert answer["board"] == folded(runner.project)
    assert answer["board"]["state"] == "completed"
    assert [one["status"] for one in answer["attempts"]].count("running") == 0


def test_pause_is_a_wait_that_ends_with_it(runner: Served):
    runner.begin()
    wait_until(lambda: develops(runner))
    runner.post("/api/orchestrator/pause")
    (runner.project / "go").touch()
    # The status is what the batch is about to put on record.
    wait_until(lambda: runner.get("/api/board")["board"]["state"] == "paused")
    (wait,) = runner.get("/api/board")["waits"]
    assert (wait["state"], wait["to"]) == ("paused", None)
    runner.post("/api/orchestrator/resume")
    wait_until(runner.idle)
    (wait,) = runner.get("/api/board")["waits"]
    assert wait["from"] <= wait["to"]


def test_past_batch_stays_as_it_was(runner: Served):
    (runner.project / "go").touch()
    runner.begin()
    wait_until(runner.idle)
    first = runner.get("/api/board")["board"]
    runner.begin()
    wait_until(runner.idle)
    assert runner.get("/api/board?batch=1")["board"] == first
    assert runner.get("/api/board")["board"]["batch_id"] == 2


def test_before_the_first_batch_there_is_an_empty_board_and_a_plan(runner: Served):
    answer = runner.get("/api/board")
    assert (answer["board"]["batch_id"], answer["attempts"]) == (None, [])
    plan = runner.get("/api/plan")
    first = plan["cycles"][0]
    assert first["story_keys"] == ["1-1-one", "1-2-two"]
    assert "dev-story" in [command for step in first["steps"] for command in step["commands"]]


def test_plan_is_the_one_of_a_dry_run(runner: Served):
    told = run(runner.project, None, "--dry-run", "--cycles", "2", "--json")
    dry = json.loads(told.stdout)
    for cycle in dry["cycles"]:
        for step in cycle["steps"]:
            step["commands"] = [one["command"] for one in step["commands"]]
    assert len(dry["cycles"]) == 2
    assert runner.get("/api/plan") == {"cycles": dry["cycles"], "left": dry["left"]}


@pytest.mark.parametrize(("path", "status"), [("/api/board?batch=7", 404), ("/api/board?batch=x", 400)])
def test_what_is_no_batch_is_said_so(runner: Served, path: str, status: int):
    assert runner.status(path) == status


@pytest.mark.parametrize(("text", "status"), [(None, 404), ("development_status: [", 422)])
def test_without_a_sprint_file_there_is_no_plan(runner: Served, text: str | None, status: int):
    file = sprint_file(runner.project)
    file.unlink()
    if text is not None:
        file.write_text(text)
    assert runner.status("/api/plan") == status
