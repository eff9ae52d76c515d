"""Agents and callers that spoil what the runner stands on: its streams, its run folders, its guards."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from runner.guard import tags
from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import command, environment, query, run, running, started, successes, wait_until

STORY = {"1-1-one": "review"}
STEP = "c1/code-review-1/1-1-one"
HANGS = {"command": "code-review-1", "attempt": "1", "actions": ["hang"]}


@pytest.mark.parametrize("arguments", [["--json"], []], ids=["json", "lines"])
@pytest.mark.parametrize("closed", [1, 2])
def test_closed_stream_changes_no_file(tmp_path: Path, closed: int, arguments: list[str]):
    project = make_project(tmp_path / "project", STORY)
    argv = command(project, write_scenario(tmp_path), "--cycles", "1", *arguments)
    done = subprocess.run(argv, env=environment(), check=False, preexec_fn=lambda: os.close(closed))
    assert done.returncode == 0
    assert successes(project)[0] == STEP
    assert (project / ".sprint-runner" / "lock").read_bytes().count(b"\n") == 1
    assert not violations(project)


def _run_dir(project: Path) -> Path:
    ((run_id,),) = query(project, "SELECT run_id FROM commands WHERE step_key = ? AND attempt = 1", STEP)
    return project / ".sprint-runner" / "runs" / str(run_id)


def _spoil_lock(folder: Path) -> None:
    (folder / "guard.lock").unlink()
    (folder / "guard.lock").mkdir()


def _spoil_output(folder: Path) -> None:
    (folder / "stdout.ndjson").unlink()
    os.mkfifo(folder / "stdout.ndjson")


def _spoil_errors(folder: Path) -> None:
    (folder / "stderr.log").unlink()
    os.mkfifo(folder / "stderr.log")


def _spoil_folder(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("not a folder any more")


@pytest.mark.parametrize("spoil", [_spoil_lock, _spoil_output, _spoil_errors, _spoil_folder])
def test_spoilt_run_folder_is_got_over_by_the_next_start(tmp_path: Path, spoil):
    project, scenario = make_project(tmp_path / "project", STORY), write_scenario(tmp_path, [HANGS])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        spoil(_run_dir(project))
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    resumed = run(project, scenario, "--resume")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert successes(project)[0] == STEP
    assert not violations(project)


def test_fifo_for_standard_error_does_not_hold_up_a_stop(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", STORY), write_scenario(tmp_path, [HANGS])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        _spoil_errors(_run_dir(project))
        began = time.monotonic()
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(timeout=20) == 4
    assert time.monotonic() - began < 7
    assert not violations(project)


def _lives(pid: int) -> bool:
    """Whether a process is there and not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.slow
def test_stopped_guard_of_a_dead_runner_is_ended_with_its_agent(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", STORY), write_scenario(tmp_path, [HANGS])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        ((tag,),) = query(project, "SELECT tag FROM commands WHERE step_key = ?", STEP)
        (agent, *_) = tags.tagged(int(str(tag)))
        guard = int(Path(f"/proc/{agent}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(guard, signal.SIGSTOP)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    resumed = run(project, scenario, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert not _lives(guard)
    assert not violations(project)


@pytest.mark.slow
def test_stop_amid_a_flood_keeps_its_bound_and_loses_no_result(tmp_path: Path):
    flood = {"command": "code-review-1", "attempt": "1",
             "actions": [{"flood": {"size": 300_000_000}}, {"say": "ZERO ISSUES"}, "hang_after_result"]}  # fmt: skip
    project, scenario = make_project(tmp_path / "project", STORY), write_scenario(tmp_path, [flood])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        output = _run_dir(project) / "stdout.ndjson"
        wait_until(lambda: output.stat().st_size > 300_000_000, seconds=60)
        began = time.monotonic()
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(timeout=30) == 4
        assert time.monotonic() - began < 7
    assert run(project, scenario, "--resume").returncode == 0
    assert successes(project)[0] == STEP
    assert query(project, "SELECT count(*) FROM commands WHERE step_key = ?", STEP) == [(1,)]
    assert not violations(project)
