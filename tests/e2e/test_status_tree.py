"""`status` beside a real runner: the tree that is told is the tree that lives."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runner.commands.given import Given
from runner.commands.status import show
from runner.workspace.status_socket import NAME
from tests.support.project import make_project, write_scenario
from tests.support.runs import run, running, started, wait_until

STEP = "c1/code-review-1/1-1-one"
WORKS_ON = {"command": "code-review-1", "actions": [{"sleep": 60}]}
FAILS_FIRST = {"command": "code-review-1", "attempt": "1", "actions": [{"exit": 1}]}


class Desk:
    """Somebody who asks for the status of a project."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.notes: list[str] = []

    def overview(self) -> dict[str, Any]:
        (line,) = show(Given(project=self.project, as_json=True), self.notes.append)
        told: dict[str, Any] = json.loads(line)
        return told

    def words(self) -> str:
        return "\n".join(show(Given(project=self.project), self.notes.append))

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Every branch by its id; none when no tree is told."""
        return {node["id"]: node for node in _below(self.overview()["supervision"])}


def _below(node: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if node is not None:
        yield node
        for child in node["children"]:
            yield from _below(child)


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def _project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return make_project(folder / "project", {"1-1-one": "review"})


def test_the_tree_follows_a_run_from_its_work_to_its_stop(tmp_path: Path):
    project = _project(tmp_path / "home")
    desk = Desk(project)
    with started(project, write_scenario(tmp_path, [WORKS_ON]), "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        told = desk.overview()
        (current,) = told["current"]
        assert (told["status"], told["batch_id"], current["command"]) == ("running", 1, "code-review-1")
        nodes = desk.nodes()
        assert {"root", "window", "signals", "recorder", "control", "batch", "cycle-1"} <= set(nodes)
        assert nodes["recorder"]["mailbox"]["capacity"] == 1024
        (agent,) = (node for node in nodes.values() if node["role"] == "process")
        assert agent["pid"] == current["pid"]
        assert runner.pid in _ancestors(agent["pid"])
        assert agent["deadline"] > time.time() * 1000
        assert agent in nodes[f"command-{STEP}"]["children"]

        runner.send_signal(signal.SIGINT)
        wait_until(lambda: desk.overview()["status"] == "stopping")
        assert desk.nodes()["batch"]["state"] == "stopping"
        assert f"pid {agent['pid']}" in desk.words()
        runner.send_signal(signal.SIGTERM)
        runner.communicate()
    told = desk.overview()
    assert (told["status"], told["supervision"], told["resumable"]["batch_id"]) == ("idle", None, 1)
    assert not (project / ".sprint-runner" / NAME).exists()
    assert not desk.notes


def test_a_wait_shows_when_it_is_over(tmp_path: Path):
    project = _project(tmp_path / "home")
    scenario = write_scenario(tmp_path, [FAILS_FIRST])
    with started(project, scenario, "--cycles", "1", SPRINT_RUNNER_RETRY_BACKOFF_SECONDS="600"):
        desk, command = Desk(project), f"command-{STEP}"
        wait_until(lambda: desk.nodes().get(command, {}).get("state") == "waiting")
        assert 0 < desk.nodes()[command]["deadline"] - time.time() * 1000 < 3_600_000
        assert "goes on at" in desk.words()


def test_a_socket_left_by_a_dead_runner_is_replaced_at_the_end_of_a_long_path(tmp_path: Path):
    folder = tmp_path.joinpath(*["a" * 100] * 3)
    project, scenario = _project(folder), write_scenario(tmp_path, [WORKS_ON])
    desk = Desk(project)
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: f"command-{STEP}" in desk.nodes())
        runner.kill()
        runner.communicate()
    assert (project / ".sprint-runner" / NAME).is_socket()
    assert desk.overview()["status"] == "idle"
    with started(project, scenario, "--resume"):
        wait_until(lambda: f"command-{STEP}" in desk.nodes())


def test_two_askers_are_answered_beside_fifty_who_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = _project(tmp_path / "home")
    desk = Desk(project)
    with started(project, write_scenario(tmp_path, [WORKS_ON]), "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        wait_until(lambda: "window" in desk.nodes())
        desk.notes.clear()
        # From inside: the path may be longer than an address.
        monkeypatch.chdir(project / ".sprint-runner")
        with ExitStack() as lookers:
            for _ in range(50):
                looker = lookers.enter_context(socket.socket(socket.AF_UNIX))
                looker.settimeout(10)
                looker.connect(NAME)
            with ThreadPoolExecutor(2) as pool:
                told = list(pool.map(lambda _: desk.overview(), range(2)))
            assert [overview["supervision"]["id"] for overview in told] == ["root", "root"]
            began = time.monotonic()
            runner.send_signal(signal.SIGTERM)
            runner.communicate()
            assert (runner.returncode, time.monotonic() - began < 5) == (4, True)


@pytest.mark.slow
def test_a_runner_that_is_stopped_is_told_apart(tmp_path: Path):
    project = _project(tmp_path / "home")
    desk = Desk(project)
    with started(project, write_scenario(tmp_path, [WORKS_ON]), "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        os.kill(runner.pid, signal.SIGSTOP)
        told = desk.overview()
        assert (told["status"], told["supervision"], told["current"][0]["pid"]) == ("running", None, None)
        (note,) = desk.notes
        assert f"(pid {runner.pid}) does not answer: nothing heard for 2 s" in note
        os.kill(runner.pid, signal.SIGCONT)
        wait_until(lambda: desk.overview()["supervision"] is not None)


@pytest.mark.slow
def test_a_folder_in_place_of_the_socket_costs_the_tree_alone(tmp_path: Path):
    project = _project(tmp_path / "home")
    (project / ".sprint-runner" / NAME).mkdir(parents=True)
    (project / ".sprint-runner").chmod(0o700)
    done = run(project, write_scenario(tmp_path), "--cycles", "1")
    assert done.returncode == 0
    assert done.stderr.count(NAME) == 1
