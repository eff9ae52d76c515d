"""`status`: beside a running runner, after it, and before there is anything."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from runner.domain.overview import Current, Cycle, Node, NodeState, Overview, Role
from runner.workspace import status_socket
from runner.workspace.lock import ProjectLock
from tests.commands.conftest import START, Call, Clerk

ROOT = Node(
    id="root",
    role=Role.SUPERVISOR,
    state=NodeState.STARTING,
    since=START,
    restarts=0,
    max_restarts=3,
    last_error=None,
    mailbox=None,
    deadline=None,
    pid=None,
    children=(),
)


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
    said = call("status", "--project", project).out
    assert "batch 1 is unfinished: cut off before its end was recorded, 0 cycles done; --resume continues it" in said


def test_runner_that_waits_for_a_start(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    clerk.journal.end_batch(clerk.batch(), "completed", "2 cycles completed")
    assert status(call, project)["status"] == "idle"
    assert "a runner waits for a start" in call("status", "--project", project).out


def test_runner_that_waits_is_spoken_to_by_commands(
    call: Call, project: Path, clerk: Clerk, held: ProjectLock, database: Path
):
    """The options that start a runner would be refused beside it."""
    assert "start one with `start` or in the browser" in call("status", "--project", project).out
    clerk.journal.end_batch(clerk.batch(), "stopped", "by the operator")
    assert "`resume` continues it" in call("status", "--project", project).out


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


@contextmanager
def answering(state: Path, answer: bytes) -> Iterator[None]:
    """Whoever holds the project answers everybody with this."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.sendall(answer)

    with closing(status_socket.listen(state)) as listener:
        listener.setblocking(True)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_runner_is_believed_before_its_database(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    clerk.batch()
    told = Overview(status="starting", supervision=ROOT)
    with answering(project / ".sprint-runner", msgspec.json.encode(told)):
        assert status(call, project) == json.loads(msgspec.json.encode(told))
        text = call("status", "--project", project).out
    assert "starting (pid" in text
    assert "◌ root" in text
    assert "\x1b" not in text


DEEP = b'{"supervision":' + b'{"children":[' * 100_000
SPOILT = {
    "cut off": b'{"status":"runn',
    "nothing": b"",
    "another shape": b"[1, 2]",
    "a state nobody knows": msgspec.json.encode({"supervision": {**msgspec.to_builtins(ROOT), "state": "odd"}}),
    "a time nobody can show": msgspec.json.encode({"limit": {"resets_at": 10**30}}),
    "no end": DEEP,
}


@pytest.mark.parametrize("answer", SPOILT.values(), ids=SPOILT)
def test_spoilt_answer_is_as_good_as_none(call: Call, project: Path, clerk: Clerk, held: ProjectLock, answer: bytes):
    clerk.batch()
    with answering(project / ".sprint-runner", answer):
        called = call("status", "--project", project)
    assert called.code == 0
    assert called.err.count("\n") == 1
    assert "does not answer: what it said was cut off or is not a status" in called.err
    assert "running: batch 1" in called.out


def test_hostile_answer_does_nothing_to_the_terminal(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    words = "\x1b[2Jred\x07"
    current = Current(story_keys=(words,), command=words, task_id=words, attempt=1, started_at=1)
    cycle = Cycle(number=1, story_keys=(words,))
    told = Overview(status=words, batch_id=1, cycle=cycle, current=(current,), supervision=replace(ROOT, id=words))
    with answering(project / ".sprint-runner", msgspec.json.encode(told)):
        called = call("status", "--project", project)
    assert called.code == 0
    assert all(line.isprintable() for line in called.out.splitlines())


def test_runner_without_a_socket_is_said_to_be_silent(call: Call, project: Path, clerk: Clerk, held: ProjectLock):
    clerk.batch()
    called = call("status", "--project", project)
    assert f"the runner (pid {os.getpid()}) does not answer: it has no status.sock" in called.err
    assert "running: batch 1" in called.out


@pytest.mark.parametrize("target", ["nowhere", "/etc/hostname"])
def test_link_in_place_of_the_lock_is_no_trouble(call: Call, project: Path, database: Path, target: str):
    (database.parent / "lock").symlink_to(target)
    called = call("status", "--project", project)
    assert (called.code, called.err) == (0, "")
    with ProjectLock(database.parent):
        called = call("status", "--project", project)
    assert (called.code, called.err.count("\n")) == (0, 1)
