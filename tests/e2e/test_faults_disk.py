"""Disks that are full or may not be written while a batch runs: one reason, no story blamed, and a real resume."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.checker import violations
from tests.support.faults import agents_alive, fill, small_disk, undecided, unwritable
from tests.support.project import make_project, sprint_file, statuses, write_scenario
from tests.support.runs import command, environment, query, run, running, started, successes, wait_until

STORIES = {"1-1-one": "review", "2-1-two": "review"}
STEP = "c1/code-review-1/1-1-one"
STEPS = [STEP, "c1/batch-commit/1-1-one", "c2/code-review-1/2-1-two", "c2/batch-commit/2-1-two"]
TALKS = {
    "command": "code-review-1",
    "story": "1-1*",
    "actions": [*[{"say": "x" * 2000}, {"sleep": 0.1}] * 15, "builtin"],
}
"""Works for a second and a half, and tells of it: its output and its events need room."""


class Machine(NamedTuple):
    """A project on three disks."""

    project: Path
    scenario: Path
    disks: dict[str, Path]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    project = tmp_path / "project"
    state = project / ".sprint-runner"
    disks = {"project": project, "database": state, "run folders": state / "runs"}
    with ExitStack() as mounts:
        for folder in disks.values():
            mounts.enter_context(small_disk(folder))
        make_project(project, STORIES)
        yield Machine(project, write_scenario(tmp_path, [TALKS]), disks)


def _stopped(machine: Machine, full: Path) -> tuple[int, str]:
    """Fill a disk while the first agent works; how the runner ended, and what it said on standard error."""
    with started(machine.project, machine.scenario, "--cycles", "2") as runner:
        wait_until(lambda: running(machine.project, STEP))
        fill(full)
        _, err = runner.communicate(timeout=30)
    return runner.returncode, err


@pytest.mark.slow
@pytest.mark.parametrize("disk", ["database", "run folders", "project"])
def test_full_disk_stops_the_batch_with_a_reason_until_there_is_room(machine: Machine, disk: str):
    folder = machine.disks[disk]
    code, said = _stopped(machine, folder)
    assert code == 4
    assert said.startswith("sprint-runner: batch 1 stopped: ")
    assert said.count("\n") == 1
    assert str(folder) in said
    assert "full" in said or "No space left" in said
    assert "free" in said
    assert not agents_alive(machine.project)
    again = run(machine.project, machine.scenario, "--resume")
    assert again.returncode in (2, 4)
    assert str(folder) in again.stderr
    assert set(successes(machine.project)) <= {STEP}
    (folder / "everything-else").unlink()
    resumed = run(machine.project, machine.scenario, "--resume")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert successes(machine.project) == STEPS
    assert not undecided(machine.project)
    assert not violations(machine.project)


@pytest.mark.slow
def test_reason_that_finds_no_room_in_the_database_is_told_in_one_line(machine: Machine):
    """The agent never ends: what cannot be recorded are events that nobody waits for."""
    endless = {**TALKS, "attempt": "1", "actions": [*TALKS["actions"][:-1], "hang"]}
    scenario = write_scenario(machine.scenario.parent / "endless", [endless])
    with started(machine.project, scenario, "--cycles", "2", "--json") as runner:
        wait_until(lambda: running(machine.project, STEP))
        fill(machine.disks["database"])
        _, err = runner.communicate(timeout=30)
    path = machine.disks["database"] / "sprint-runner.db"
    assert err.startswith(f"sprint-runner: batch 1 stopped: the disk is full for database {path}")
    assert err.count("\n") == 1
    assert query(machine.project, "SELECT status, resumable FROM batches") == [("running", 1)]
    (machine.disks["database"] / "everything-else").unlink()
    assert run(machine.project, machine.scenario, "--resume").returncode == 0
    assert successes(machine.project) == STEPS
    assert not violations(machine.project)


@pytest.mark.slow
def test_story_is_not_blocked_by_agents_that_fail_for_want_of_room(tmp_path: Path):
    """The agent finds no room on the project's disk, and makes some by the time it has given up."""
    actions = [
        {"run": ["{python}", "-c", "open('big', 'wb').write(bytes(20_000_000))"]},
        {"result": {"is_error": True, "text": "no space left on device"}},
    ]
    rule = {"command": "code-review-1", "story": "1-1*", "attempt": ["1", "2", "3"], "actions": actions}
    with small_disk(tmp_path / "project") as project, small_disk(project / ".sprint-runner"):
        make_project(project, STORIES)
        scenario = write_scenario(tmp_path, [rule])
        assert run(project, scenario, "--cycles", "1").returncode == 4
        ((reason,),) = query(project, "SELECT reason FROM commands")
        assert str(reason).startswith(f"the disk of {project} is full")
        assert statuses(project)["1-1-one"] == "review"
        assert not undecided(project)
        (project / "big").unlink()
        # The second attempt fills it again: told again, and nobody is charged for it.
        assert run(project, scenario, "--resume").returncode == 4
        (project / "big").unlink()
        assert run(project, write_scenario(tmp_path), "--resume").returncode == 0
        assert statuses(project)["1-1-one"] == "done"
        assert not violations(project)


def _of_sprint_file(project: Path) -> Path:
    return sprint_file(project).parent


def _of_runs(project: Path) -> Path:
    return project / ".sprint-runner" / "runs"


@pytest.mark.slow
@pytest.mark.parametrize("folder_of", [_of_sprint_file, _of_runs])
def test_folder_that_becomes_read_only_stops_the_batch_until_it_is_writable(tmp_path: Path, folder_of):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [TALKS])
    with started(project, scenario, "--cycles", "2") as runner:
        wait_until(lambda: running(project, STEP))
        with unwritable(folder_of(project)) as folder:
            _, err = runner.communicate(timeout=30)
    assert runner.returncode == 4
    assert f"cannot write {folder}" in err or f"cannot write the run folder {folder}" in err
    assert err.count("\n") == 1
    assert not agents_alive(project)
    resumed = run(project, scenario, "--resume")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert successes(project) == STEPS
    assert not undecided(project)
    assert not violations(project)


@pytest.mark.slow
@pytest.mark.parametrize("place", [".", ".sprint-runner"])
def test_read_only_project_is_refused_before_anything_starts(tmp_path: Path, place: str):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path)
    (project / ".sprint-runner").mkdir(mode=0o700)
    if place == ".":
        (project / ".sprint-runner").rmdir()
    with unwritable(project / place):
        refused = run(project, scenario, "--cycles", "1")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert str(project / ".sprint-runner") in refused.stderr
    assert run(project, scenario, "--cycles", "1").returncode == 0
    assert not violations(project)


@pytest.mark.slow
def test_stop_on_a_full_disk_keeps_its_bound(machine: Machine):
    hangs = {
        "command": "code-review-1",
        "story": "1-1*",
        "attempt": "1",
        "actions": [{"ignore_signals": ["INT"]}, "hang"],
    }
    scenario = write_scenario(machine.scenario.parent, [hangs])
    settings = {"SPRINT_RUNNER_STOP_GRACE_SECONDS": "1"}
    with started(machine.project, scenario, "--cycles", "2", **settings) as runner:
        wait_until(lambda: running(machine.project, STEP))
        fill(machine.disks["database"])
        fill(machine.disks["run folders"])
        runner.send_signal(signal.SIGTERM)
        runner.communicate(timeout=3)
    assert runner.returncode == 4
    assert not agents_alive(machine.project)
    for disk in ("database", "run folders"):
        (machine.disks[disk] / "everything-else").unlink()
    assert run(machine.project, machine.scenario, "--resume").returncode == 0
    assert successes(machine.project) == STEPS
    assert not violations(machine.project)


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_onto_a_full_disk_does_not_end_the_batch(tmp_path: Path, stream: str):
    project, scenario = make_project(tmp_path / "project", {"1-1-one": "review"}), write_scenario(tmp_path)
    with open("/dev/full", "wb") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        argv = command(project, scenario, "--cycles", "1")
        done = subprocess.run(argv, env=environment(), text=True, check=False, **streams)
    assert done.returncode == 0
    if stream == "stdout":
        assert done.stderr.splitlines() == [
            f"sprint-runner: standard output: {os.strerror(28)}; nothing more is shown there, the batch goes on"
        ]
    assert not violations(project)
