"""`start`, `stop`, `pause`, `resume`, and `status`, `history`, `doctor` over HTTP: from outside of a real runner."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.commands import reach
from runner.workspace.lock import ProjectLock
from tests.commands.conftest import Call, Called
from tests.support.project import make_project, write_scenario
from tests.support.runs import query, running, started, wait_until
from tests.web.house import House, house

ORDERS = [["start"], ["stop"], ["pause"], ["resume"], ["watch"]]
SLOW = {"command": "dev-story", "actions": [{"sleep": 1.5}, "builtin"]}
IN_STORY = "c1/dev-story/2-1-three"


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A runner in a process of its own, and commands that speak to it."""

    call: Call
    project: Path
    process: "subprocess.Popen[str]"

    def __call__(self, *arguments: object) -> Called:
        return self.call(*arguments, "--project", self.project)

    def status(self) -> str:
        return str(json.loads(self("status", "--json").out)["status"])


@pytest.fixture
def beside(call: Call, tmp_path: Path) -> Iterator[Beside]:
    """An idle runner."""
    project = make_project(tmp_path / "project", {"2-1-three": "ready-for-dev"})
    with started(project, write_scenario(tmp_path, [SLOW]), "--port", "0") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("sprint-runner: dashboard: http://127.0.0.1:")
        yield Beside(call=call, project=project, process=process)


def test_batch_is_started_paused_resumed_and_stopped_from_outside(beside: Beside):
    assert beside("start", "--cycles", 1).out == "batch 1 started, 1 cycle\n"
    again = beside("start")
    assert (again.code, again.out) == (2, "")
    assert again.err == "sprint-runner: a batch is already running; stop it first\n"
    wait_until(lambda: running(beside.project, IN_STORY))
    assert beside("pause").out.startswith("batch 1 pauses after the running command")
    assert beside.status() in ("pausing", "paused")
    wait_until(lambda: beside.status() == "paused")
    refused = beside("pause")
    assert (refused.code, "not possible while the batch is paused" in refused.err) == (2, True)
    assert beside("resume").out == "batch 1 goes on; `status` shows it\n"
    assert beside("stop", "--after", "now").out == "batch 1 stops now; `status` shows it\n"
    wait_until(lambda: beside.status() == "idle")
    assert "nothing runs" in beside("stop").err
    unfinished = beside("start", "--cycles", "all")
    assert (unfinished.code, "batch 1 is unfinished" in unfinished.err, "--new" in unfinished.err) == (2, True, True)
    assert beside("resume").code == 0
    wait_until(lambda: beside.status() == "idle", seconds=30)
    assert query(beside.project, "SELECT id, status FROM batches") == [(1, "completed")]


def test_json_is_the_body_of_the_route(beside: Beside):
    def told(*arguments: object) -> dict[str, object]:
        return dict(json.loads(beside(*arguments, "--json").out))

    assert told("start", "--cycles", "all") == {"batch_id": 1, "max_cycles": "all", "status": "started"}
    wait_until(lambda: running(beside.project, IN_STORY))
    assert told("pause") == {"status": "pausing", "batch_id": 1}
    assert told("resume") == {"status": "resuming", "batch_id": 1}
    assert told("stop", "--after", "now") == {"status": "stopping", "batch_id": 1}
    wait_until(lambda: beside.status() == "idle")
    assert told("start", "--cycles", 7, "--new") == {"batch_id": 2, "max_cycles": 7, "status": "started"}


# --- a runner in this process: cheaper, and it is asked only -------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("home")) as here:
        yield here


def url(home: House) -> str:
    return f"http://127.0.0.1:{home.port}"


def test_status_is_the_same_by_every_way(call: Call, home: House):
    def told(*arguments: object) -> dict[str, object]:
        called = call("status", "--json", *arguments)
        assert (called.code, called.err) == (0, "")
        return dict(json.loads(called.out))

    by_project, by_url = told("--project", home.project), told("--url", url(home))
    (home.project / ".sprint-runner" / "lock").rename(home.project / ".sprint-runner" / "hidden")
    try:
        by_socket = told("--project", home.project)
    finally:
        (home.project / ".sprint-runner" / "hidden").rename(home.project / ".sprint-runner" / "lock")
    assert set(by_project) == set(by_url) == set(by_socket)
    for one in (by_project, by_url, by_socket):
        assert one["supervision"] is not None
        assert one["fanout"] is not None
    assert "idle: a runner waits for a start" in call("status", "--url", url(home)).out


def test_history_is_the_same_over_http(call: Call, home: House):
    assert json.loads(call("history", "--json", "--url", url(home), "--limit", 3).out) == {"batches": [], "total": 0}
    assert "no batch has run here yet" in call("history", "--url", url(home)).out
    missing = call("history", 7, "--url", url(home))
    assert (missing.code, missing.err) == (2, "sprint-runner: there is no batch 7\n")


def test_doctor_looks_whether_the_runner_answers(call: Call, home: House, project: Path):
    told = call("doctor", "--project", project, "--agent", "scripted", "--url", url(home))
    assert f"answers at {url(home)}, and its parts are alive" in told.out
    gone = json.loads(call("doctor", "--project", project, "--url", f"http://127.0.0.1:{free_port()}", "--json").out)
    assert [(check["name"], check["state"]) for check in gone["checks"]][-1] == ("runner", "fail")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- no runner, and the wrong one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS, ids=lambda words: words[0])
def test_no_runner(call: Call, project: Path, order: list[str]):
    called = call(*order, "--project", project)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert f"no runner works on {project}; start one there" in called.err


@pytest.mark.parametrize("order", [*ORDERS, ["status"], ["history"]], ids=lambda words: words[0])
def test_nobody_at_the_address(call: Call, order: list[str]):
    called = call(*order, "--url", f"http://127.0.0.1:{free_port()}")
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "no runner answers at http://127.0.0.1:" in called.err


@pytest.mark.parametrize("order", ORDERS, ids=lambda words: words[0])
def test_wrong_address(call: Call, order: list[str]):
    called = call(*order, "--url", "ftp://x")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert "'ftp://x' is not the address of a runner; it looks like http://127.0.0.1:8765" in called.err


def test_runner_without_a_dashboard(call: Call, project: Path, database: Path):
    with ProjectLock(database.parent) as lock:
        lock.describe("")
        called = call("stop", "--project", project)
    assert called.code == 2
    assert "was started with --no-server and cannot be spoken to" in called.err


def test_runner_that_is_starting_is_waited_for(
    call: Call, project: Path, database: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reach, "START_SECONDS", 0.2)
    with ProjectLock(database.parent) as lock:
        called = call("stop", "--project", project)
        assert (called.code, "is starting and cannot be reached yet" in called.err) == (2, True)
        monkeypatch.setattr(reach, "START_SECONDS", 10.0)
        address = f"http://127.0.0.1:{free_port()}"
        later = threading.Timer(0.3, lock.describe, [address])
        later.start()
        called = call("stop", "--project", project)
        later.join()
    assert f"no runner answers at {address}" in called.err


@contextmanager
def answering(body: bytes, status: bytes = b"200 OK") -> Iterator[str]:
    """A server that answers everything with this."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_words_of_a_server_do_nothing_to_the_terminal(call: Call):
    fault = json.dumps({"error": "\x1b[2J\u202e\x07gone", "hint": "a\nb"}).encode()
    with answering(fault, b"409 Conflict") as url:
        called = call("stop", "--url", url)
    assert (called.code, called.err) == (2, "sprint-runner: gone; a b\n")


def batch(**changes: object) -> dict[str, object]:
    usual = {"id": 1, "status": "completed", "started_at": 1, "ended_at": 2, "max_cycles": 1, "cycles_completed": 1}
    return {**usual, "story_count": 1, "duration_ms": 1, "cost_usd": 0.0, **changes}


def test_past_of_a_server_does_nothing_to_the_terminal(call: Call):
    page = {"batches": [batch(status="\x1b[2Jred\nx")], "total": 1}
    with answering(json.dumps(page).encode()) as url:
        called = call("history", "--url", url)
    assert called.code == 0
    assert all(line.isprintable() for line in called.out.splitlines())
    assert "red x" in called.out


@pytest.mark.parametrize("started_at", [10**15 * 9, 10**30, -(10**30), 2**53 - 1])
def test_times_that_nobody_can_mean_are_no_traceback(call: Call, started_at: int):
    page = {"batches": [batch(started_at=started_at)], "total": 1}
    with answering(json.dumps(page).encode()) as url:
        called = call("history", "--url", url)
    assert called.code in (0, 2)
    assert called.err.count("\n") == called.code // 2


# --- tokens --------------------------------------------------------------------------------------------------------


def test_token_is_found_or_asked_for(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")
    with house(tmp_path, host="0.0.0.0", unsafe_bind=True) as here:
        assert here.token
        assert call("status", "--project", here.project).err == ""
        assert call("stop", "--project", here.project).err.startswith("sprint-runner: nothing runs")
        asked = call("stop", "--url", url(here))
        assert (asked.code, "the token is missing" in asked.err, "?token=" in asked.err) == (2, True, True)
        refusals: list[Callable[[], Called]] = [
            lambda: call("stop", "--url", f"{url(here)}/?token={here.token}"),
            lambda: call("stop", "--url", url(here), "--project", here.project),
        ]
        assert all("nothing runs" in refused().err for refused in refusals)
        monkeypatch.setenv("SPRINT_RUNNER_TOKEN", here.token)
        assert "nothing runs" in call("stop", "--url", url(here)).err
    monkeypatch.setenv("SPRINT_RUNNER_TOKEN", "no\ntoken")
    assert "is no token" in call("stop", "--url", "http://127.0.0.1:1").err


def test_token_of_the_project_is_told_to_nobody_else(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    heard.append(connection.recv(65536))

    with (
        house(tmp_path, host="0.0.0.0", unsafe_bind=True) as here,
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
    ):
        thread = threading.Thread(target=serve)
        thread.start()
        call("stop", "--project", here.project, "--url", f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert heard
    assert all(b"uthorization" not in request for request in heard)
