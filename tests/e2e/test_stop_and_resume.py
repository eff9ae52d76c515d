"""Stopping in every way, in the middle of a story, and resuming in a new process.

Real runners, real agents, real signals. Whatever happens in between, the steps that succeeded must be those of a
run that nobody disturbed, each once.
"""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.checker import violations
from tests.support.project import SIX_STORIES, make_project, sprint_file, write_scenario
from tests.support.runs import query, run, running, started, successes, wait_until

IN_STORY = "c2/dev-story/2-1-three"
SLOW_STORY = {"command": "dev-story", "story": "2-1", "attempt": "1", "actions": [{"sleep": 1.0}, "builtin"]}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The steps of a run from start to end."""
    folder = tmp_path_factory.mktemp("undisturbed")
    project = make_project(folder / "project", SIX_STORIES)
    done = run(project, write_scenario(folder), "--cycles", "3")
    assert done.returncode == 0, done.stderr
    assert not violations(project)
    return successes(project)


def _stop_in_story(project: Path, scenario: Path, *signals: signal.Signals) -> "subprocess.CompletedProcess[str]":
    with started(project, scenario, "--cycles", "3") as runner:
        wait_until(lambda: running(project, IN_STORY))
        for number in signals:
            runner.send_signal(number)
            time.sleep(0.05)
        out, err = runner.communicate()
    return subprocess.CompletedProcess([], runner.returncode, out, err)


@pytest.mark.slow
def test_a_ctrl_c_that_is_held_down_until_the_end_is_a_stop(tmp_path: Path):
    project = make_project(tmp_path / "project", SIX_STORIES)
    with started(project, write_scenario(tmp_path, [SLOW_STORY]), "--cycles", "3") as runner:
        wait_until(lambda: running(project, IN_STORY))
        while runner.poll() is None:
            runner.send_signal(signal.SIGINT)
            time.sleep(0.002)
    assert runner.returncode == 4


@pytest.mark.parametrize(
    ("signals", "interrupted"),
    [
        ((signal.SIGINT,), False),
        pytest.param((signal.SIGINT, signal.SIGINT), True, marks=pytest.mark.slow),
        ((signal.SIGTERM,), True),
        pytest.param((signal.SIGHUP,), True, marks=pytest.mark.slow),
    ],
    ids=["ctrl-c", "ctrl-c-twice", "sigterm", "sighup"],
)
def test_stop_in_a_story_and_resume(
    tmp_path: Path, undisturbed: list[str], signals: tuple[signal.Signals, ...], interrupted: bool
):
    project = make_project(tmp_path / "project", SIX_STORIES)
    scenario = write_scenario(tmp_path, [SLOW_STORY])
    stopped = _stop_in_story(project, scenario, *signals)
    assert stopped.returncode == 4, stopped.stderr
    assert not violations(project)
    assert (IN_STORY in successes(project)) is not interrupted
    assert query(project, "SELECT status FROM commands ORDER BY id DESC LIMIT 1") == [
        ("interrupted" if interrupted else "success",)
    ]
    resumed = run(project, scenario, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert not violations(project)
    assert sorted(successes(project)) == sorted(undisturbed)
    assert "backlog" not in sprint_file(project).read_text().replace("epic-1: backlog", "").replace(
        "epic-2: backlog", ""
    ).replace("epic-3: backlog", "")


def test_hang_up_is_ignored_by_a_runner_that_was_started_so(tmp_path: Path):
    project = make_project(tmp_path / "project", {"1-1-one": "review"})
    scenario = write_scenario(tmp_path, [{"command": "code-review-1", "actions": [{"sleep": 0.5}, "builtin"]}])
    with started(project, scenario, "--cycles", "1", hang_up=signal.SIG_IGN) as runner:
        wait_until(lambda: running(project, "c1/code-review-1/1-1-one"))
        runner.send_signal(signal.SIGHUP)
        _, errors = runner.communicate()
    assert (runner.returncode, errors) == (0, "")


def test_a_start_beside_an_unfinished_batch_is_refused(tmp_path: Path):
    project = make_project(tmp_path / "project", SIX_STORIES)
    scenario = write_scenario(tmp_path, [SLOW_STORY])
    _stop_in_story(project, scenario, signal.SIGTERM)
    refused = run(project, scenario, "--cycles", "1")
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert "--new" in refused.stderr
    fresh = run(project, scenario, "--cycles", "1", "--new")
    assert fresh.returncode == 0, fresh.stderr
    assert query(project, "SELECT id, status, resumable FROM batches") == [(1, "stopped", 0), (2, "completed", 0)]


def test_resume_without_an_unfinished_batch_is_refused(tmp_path: Path):
    project = make_project(tmp_path / "project", SIX_STORIES)
    refused = run(project, write_scenario(tmp_path), "--resume")
    assert refused.returncode == 2
    assert "no unfinished batch" in refused.stderr
