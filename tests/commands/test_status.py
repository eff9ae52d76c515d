"""`status`: beside a running runner, after it, and before there is anything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.workspace.lock import ProjectLock
from tests.commands.conftest import Call, Clerk


@pytest.fixture
def held(database: Path) -> Iterator[ProjectLock]:
    """A runner holds the project: a lock is a lock, whoever asks."""
    with ProjectLock(database.parent) as lock:
        yield lock


def status(call: Call, project: Path) -> dict[str, object]:
    called = call("status", "--json", "--project", project)
    assert called.code == 0
    answer: dict[str, object] = json.loads(called.out)
    return answer


def test_no_database_yet(call: Call, project: Path):
    called = call("status", "--project", project)
    assert called.code == 0
    assert "no batch has run here yet" in called.out
    assert not (project / ".sprint-runner").exists()


def test_shape_is_that_of_the_interface_even_without_anything(call: Call, project: Path):
    assert status(call, project) == {
        "status": "idle",
        "batch_id": None,
        "max_cycles": None,
        "cycles_completed": 0,
        "cycle": None,
        "current": [],
        "background": [],
        "resumable": None,
        "limit": None,
        "supervision": None,
        "fanout": None,
        "last_seq": 0,
    }


def test_running_batch(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    batch = clerk.batch()
    clerk.cycle(batch, 1, "1-1-one", "1-2-two")
    clerk.end(clerk.begin(batch, "create-story", "1-1-one", "1-2-two"))
    clerk.begin(batch, "dev-story", "1-1-one")
    chain = clerk.journal.spawn_background(batch, "story-review-chain", ("1-1-one", "1-2-two"), "c1/chain", 1)
    clerk.begin(batch, "story-review-2", "1-1-one", "1-2-two", background=chain)
    told = status(call, project)
    assert (told["status"], told["batch_id"], told["max_cycles"]) == ("running", batch, 2)
    assert told["cycle"] == {"number": 1, "story_keys": ["1-1-one", "1-2-two"]}
    (current,) = told["current"]  # type: ignore[misc]
    assert (current["command"], current["story_keys"], current["pid"]) == ("dev-story", ["1-1-one"], None)
    (background,) = told["background"]  # type: ignore[misc]
    assert (background["background_task_id"], background["task_type"]) == (chain, "story-review-chain")
    text = call("status", "--project", project).out
    for words in ("running: batch 1, 0 of 2 cycles done", "1-1 one, 1-2 two", "dev-story", "story-review-chain"):
        assert words in text


@pytest.mark.parametrize("state", ["pausing", "stopping", "paused", "waiting_limit", "running"])
def test_state_is_the_last_one_told(call: Call, project: Path, clerk: Clerk, held: ProjectLock, state: str):
    batch = clerk.batch()
    clerk.journal.set_batch_state(batch, state, resets_at=1_790_000_900_000 if state == "waiting_limit" else None)
    told = status(call, project)
    assert told["status"] == state
    assert told["limit"] == ({"resets_at": 1_790_000_900_000} if state == "waiting_limit" else None)


def test_state_of_an_earlier_run_is_forgotten(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    batch = clerk.batch()
    clerk.journal.set_batch_state(batch, "stopping")
    clerk.journal.end_batch(batch, "stopped", "stopped by SIGINT")
    clerk.journal.resume_batch(batch)
    assert status(call, project)["status"] == "running"


def test_batch_of_a_runner_that_was_killed_does_not_run(call: Call, project: Path, clerk: Clerk):
    batch = clerk.batch(None)
    clerk.cycle(batch, 1, "1-1-one")
    clerk.begin(batch, "dev-story", "1-1-one")
    told = status(call, project)
    assert (told["status"], told["current"]) == ("idle", [])
    assert told["resumable"] == {
        "batch_id": batch,
        "status": "running",
        "max_cycles": None,
        "cycles_completed": 0,
        "reason": "",
    }
    assert "--resume continues it" in call("status", "--project", project).out


def test_runner_that_waits_for_a_start(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    clerk.journal.end_batch(clerk.batch(), "completed", "2 cycles completed")
    assert status(call, project)["status"] == "idle"
    assert "a runner waits for a start" in call("status", "--project", project).out


def test_asking_does_not_take_the_lock(call: Call, project: Path, clerk: Clerk, database: Path):
    with ProjectLock(database.parent):
        pass
    for _ in range(3):
        status(call, project)
        with ProjectLock(database.parent):
            pass


def test_project_may_stand_before_the_command(call: Call, project: Path):
    assert call("--project", project, "status").out == call("status", "--project", project).out


def test_file_that_is_no_database_is_refused_in_one_line(call: Call, project: Path, database: Path):
    database.write_bytes(b"no database" * 100)
    called = call("status", "--project", project)
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert "is not a database" in called.err
