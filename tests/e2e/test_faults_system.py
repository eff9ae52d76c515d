"""Faults around the runner: no files to open, a clock that is set, a runner that is stopped, nobody who reads."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.checker import violations
from tests.support.faults import agents_alive, leave_no_files, undecided
from tests.support.inside import claude, run_inside, scripted
from tests.support.project import make_project, statuses, write_scenario
from tests.support.runs import CHECKOUT, command, environment, query, run, running, started, successes, wait_until
from tests.support.stub import write_stub

STORIES = {"1-1-one": "review"}
STEP = "c1/code-review-1/1-1-one"
STEPS = [STEP, "c1/batch-commit/1-1-one"]
DAY_SECONDS = 24 * 60 * 60
TALKS = {"command": "code-review-1", "actions": [*[{"say": "still at it"}, {"sleep": 0.1}] * 10, "builtin"]}


# Files


@pytest.mark.slow
@pytest.mark.parametrize("spare", [0, 2, 4])
def test_runner_without_files_to_open_stops_and_blames_nobody(tmp_path: Path, spare: int):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [TALKS])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        leave_no_files(runner.pid, spare)
        _, err = runner.communicate(timeout=30)
    assert runner.returncode == 4
    (line,) = [line for line in err.splitlines() if line.startswith("sprint-runner: ")]
    assert "batch 1 stopped: " in line
    assert "too many" in line.lower()
    assert "raise the limit on open files (ulimit -n)" in line
    assert "Traceback" not in err
    assert not agents_alive(project)
    assert statuses(project)["1-1-one"] != "blocked"
    assert run(project, scenario, "--resume").returncode == 0
    assert successes(project) == STEPS
    assert not undecided(project)
    assert query(project, "SELECT count(*) FROM commands WHERE step_key = ?", STEPS[1])[0][0] in (1, 2)
    assert not violations(project)


# Clocks


class Wall:
    """The wall clock of this process, which somebody sets."""

    def __init__(self) -> None:
        self._real = time.time_ns
        self.ahead = 0

    def time_ns(self) -> int:
        return self._real() + self.ahead

    def time(self) -> float:
        return self.time_ns() / 1e9


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, -1])
async def test_wall_clock_that_is_set_changes_no_duration_wait_or_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
):
    wall = Wall()
    monkeypatch.setattr(time, "time_ns", wall.time_ns)
    monkeypatch.setattr(time, "time", wall.time)
    limited = {"command": "code-review-1", "attempt": "1", "actions": [{"limit": {"seconds": 2}}]}
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [limited])

    async def set_the_clock(events: Any) -> None:
        async for event in events:
            if event.type == "command:start":
                wall.ahead = days * DAY_SECONDS * 1_000_000_000

    began = time.monotonic()
    ended = await run_inside(scripted(project, scenario), show=set_the_clock)
    assert ended.code == 0
    assert 1 < time.monotonic() - began < 20
    times = [int(str(at)) for (at,) in query(project, "SELECT timestamp FROM events ORDER BY id")]
    assert times == sorted(times)
    assert times[-1] - times[0] < 60_000
    ends = query(project, "SELECT payload_json FROM events WHERE event_type = 'command:end'")
    assert all(0 <= json.loads(str(payload))["metrics"]["duration_ms"] < 60_000 for (payload,) in ends)
    assert query(project, "SELECT status FROM commands WHERE step_key = ?", STEP) == [("limit",), ("success",)]
    assert not violations(project)


# A runner that is stopped and goes on

_STOPPED_FOR_A_WHILE = """
import sys, trio
from pathlib import Path
from tests.support.inside import run_inside, scripted
settings = {"command_idle_timeout_minutes": 0.04}
ended = trio.run(lambda: run_inside(scripted(Path(sys.argv[1]), Path(sys.argv[2])), settings=settings))
sys.exit(ended.code)
"""


@pytest.mark.slow
def test_runner_that_was_stopped_ends_no_agent_over_it_and_catches_up(tmp_path: Path):
    """For longer than an agent may be silent; the agent is not silent, but nobody has heard it."""
    lines = 25
    talks = {"command": "code-review-1", "actions": [*[{"say": "still at it"}, {"sleep": 0.25}] * lines, "builtin"]}
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [talks])
    argv = [sys.executable, "-c", _STOPPED_FOR_A_WHILE, str(project), str(scenario)]
    with subprocess.Popen(argv, cwd=CHECKOUT, env=environment(), start_new_session=True) as runner:
        wait_until(lambda: running(project, STEP))
        runner.send_signal(signal.SIGSTOP)
        time.sleep(4)
        assert agents_alive(project)
        runner.send_signal(signal.SIGCONT)
        assert runner.wait(timeout=30) == 0
    assert query(project, "SELECT status, reason FROM commands WHERE step_key = ?", STEP) == [("success", "")]
    assert query(project, "SELECT count(*) FROM events WHERE message = 'still at it'") == [(lines,)]
    assert not violations(project)


# Nobody reads


def _in_a_terminal(project: Path, scenario: Path, hang_up: signal.Handlers) -> tuple[int, int]:
    """A runner whose terminal is a real one; its process id and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, hang_up)
        os.execvpe(sys.executable, command(project, scenario, "--cycles", "1"), environment(TERM="xterm"))
    return pid, terminal


@pytest.mark.slow
@pytest.mark.parametrize(("hang_up", "code"), [(signal.SIG_DFL, 4), (signal.SIG_IGN, 0)], ids=["plain", "nohup"])
def test_terminal_that_is_closed_stops_the_batch_unless_hangups_are_ignored(
    tmp_path: Path, hang_up: signal.Handlers, code: int
):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [TALKS])
    pid, terminal = _in_a_terminal(project, scenario, hang_up)
    wait_until(lambda: running(project, STEP))
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == code
    assert not agents_alive(project)
    if code:
        assert query(project, "SELECT reason FROM batches") == [("stopped by SIGHUP",)]
        assert run(project, scenario, "--resume").returncode == 0
    assert successes(project) == STEPS
    assert not violations(project)


@pytest.mark.parametrize("arguments", [["--json"], pytest.param([], marks=pytest.mark.slow)], ids=["json", "lines"])
def test_batch_goes_on_when_nobody_reads_its_output_and_says_so_once(tmp_path: Path, arguments: list[str]):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path)
    with started(project, scenario, "--cycles", "1", *arguments) as runner:
        assert runner.stdout is not None
        assert runner.stderr is not None
        runner.stdout.readline()
        runner.stdout.close()
        err = runner.stderr.read()
        assert runner.wait(timeout=30) == 0
    assert err == ("sprint-runner: standard output: Broken pipe; nothing more is shown there, the batch goes on\n")
    assert successes(project) == STEPS
    assert not violations(project)


@pytest.mark.slow
def test_batch_goes_on_when_nobody_reads_anything_of_it(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path)
    with started(project, scenario, "--cycles", "1", "--log-level", "debug") as runner:
        assert runner.stdout is not None
        assert runner.stderr is not None
        runner.stdout.close()
        runner.stderr.close()
        assert runner.wait(timeout=30) == 0
    assert successes(project) == STEPS
    assert not violations(project)


# Memory


async def test_agent_that_the_system_has_killed_says_so(tmp_path: Path):
    """As the kernel does when memory runs out; nothing but the signal can be known."""
    project = make_project(tmp_path / "project", STORIES)
    stub = write_stub(tmp_path, "begin()\nos.kill(os.getpid(), signal.SIGKILL)")
    assert (await run_inside(claude(project, stub))).code == 0
    ((reason, charged),) = query(
        project, "SELECT reason, charged FROM commands WHERE step_key = ? AND attempt = 1", STEP
    )
    assert reason == "ended without a result (killed by signal 9); the system may have run out of memory"
    assert charged == 1
    assert not violations(project)
