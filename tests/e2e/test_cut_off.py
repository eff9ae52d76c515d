"""Runs that were cut off where more than the journal has to tell what was done: git, the sprint file, a clock."""

import json
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from tests.support.checker import violations
from tests.support.project import git, make_project, sprint_file, statuses, write_scenario
from tests.support.runs import query, run, running, started, wait_until

STORY = "1-1-one"
COMMIT = f"c1/batch-commit/{STORY}"
REVIEW = f"c1/code-review-1/{STORY}"
SUBJECT = "feat(1): implement stories 1-1"


def make(folder: Path, command: str, *actions: object, status: str = "review") -> tuple[Path, Path]:
    """A project with one story, and a scenario in which the first try of a command does this."""
    rules = [{"command": command, "attempt": "1", "actions": list(actions)}]
    return make_project(folder / "project", {STORY: status}), write_scenario(folder, rules)


def kill_when(project: Path, scenario: Path, condition: partial[bool]) -> None:
    """Run until something is true, then `kill -9` the runner."""
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(condition)
        runner.send_signal(signal.SIGKILL)
        runner.wait()


def resume(project: Path, scenario: Path) -> None:
    done = run(project, scenario, "--resume")
    assert done.returncode == 0, done.stderr
    assert violations(project) == []


def attempts(project: Path, step: str) -> list[str]:
    rows = query(project, "SELECT status FROM commands WHERE step_key = ? ORDER BY attempt", step)
    return [str(status) for (status,) in rows]


def warnings(project: Path, kind: str) -> list[str]:
    rows = query(project, "SELECT payload_json FROM events WHERE event_type = 'batch:warning' ORDER BY id")
    told = [json.loads(str(text)) for (text,) in rows]
    return [warning["message"] for warning in told if warning["warning_type"] == kind]


def committed(project: Path) -> bool:
    return SUBJECT in git(project, "log", "--format=%s").splitlines()


@pytest.mark.slow
def test_a_commit_that_was_made_before_the_cut_counts(tmp_path: Path):
    project, scenario = make(tmp_path, "batch-commit", "builtin", "hang")
    kill_when(project, scenario, partial(committed, project))
    resume(project, scenario)
    assert attempts(project, COMMIT) == ["success"]
    assert git(project, "log", "--format=%s").splitlines().count(SUBJECT) == 1


@pytest.mark.slow
def test_a_commit_that_was_cut_off_before_is_made_by_the_next_attempt(tmp_path: Path):
    project, scenario = make(tmp_path, "batch-commit", "hang")
    kill_when(project, scenario, partial(running, project, COMMIT))
    resume(project, scenario)
    assert attempts(project, COMMIT) == ["interrupted", "success"]
    assert committed(project)


@pytest.mark.slow
def test_a_commit_of_somebody_else_is_not_taken_for_it(tmp_path: Path):
    project, scenario = make(tmp_path, "batch-commit", "hang")
    kill_when(project, scenario, partial(running, project, COMMIT))
    git(project, "commit", "--quiet", "--allow-empty", "--message", "by hand")
    resume(project, scenario)
    assert attempts(project, COMMIT) == ["interrupted", "success"]
    assert git(project, "log", "--format=%s").splitlines()[:2] == [SUBJECT, "by hand"]


@pytest.mark.slow
def test_the_lock_of_a_killed_git_is_moved_aside_and_told(tmp_path: Path):
    lock = ".git/index.lock"
    project, scenario = make(tmp_path, "batch-commit", {"write": {"file": lock, "text": ""}}, "hang")
    kill_when(project, scenario, partial(Path.exists, project / lock))
    resume(project, scenario)
    assert committed(project)
    (told,) = warnings(project, "stale_git_lock")
    assert str(project / lock) in told
    assert not (project / lock).exists()


@pytest.mark.slow
def test_the_lock_of_a_git_that_was_killed_with_its_agent_does_not_bar_the_next_attempt(tmp_path: Path):
    lock = {"write": {"file": ".git/index.lock", "text": ""}}
    project, scenario = make(tmp_path, "batch-commit", lock, {"kill_self": "KILL"})
    assert run(project, scenario, "--cycles", "1").returncode == 0
    assert attempts(project, COMMIT) == ["error", "success"]
    assert committed(project)
    assert len(warnings(project, "stale_git_lock")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("theirs", ["blocked", "done", "in-progress"])
def test_what_a_person_wrote_into_the_sprint_file_meanwhile_is_seen_and_kept(tmp_path: Path, theirs: str):
    project, scenario = make(tmp_path, "code-review-1", "hang")
    kill_when(project, scenario, partial(running, project, REVIEW))
    file = sprint_file(project)
    file.write_text(file.read_text().replace(f"{STORY}: review", f"{STORY}: {theirs}  # by hand"))
    resume(project, scenario)
    assert statuses(project)[STORY] == ("blocked  # by hand" if theirs == "blocked" else "done  # by hand")
    changes = query(project, "SELECT payload_json FROM events WHERE event_type = 'story:status' ORDER BY id")
    seen = [json.loads(str(text)) for (text,) in changes]
    assert (seen[0]["old_status"], seen[0]["new_status"]) == ("review", theirs)


@pytest.mark.slow
def test_a_limit_that_has_reset_since_the_cut_holds_nothing_up(tmp_path: Path):
    project, scenario = make(tmp_path, "code-review-1", {"limit": {"seconds": 2}})
    waiting = "SELECT resets_at FROM batches WHERE status = 'waiting_limit'"
    kill_when(project, scenario, partial(lambda: bool(query(project, waiting))))
    ((resets_at,),) = query(project, waiting)
    wait_until(lambda: time.time() * 1000 > int(str(resets_at)))
    ((last,),) = query(project, "SELECT max(id) FROM events")
    resume(project, scenario)
    assert attempts(project, REVIEW) == ["limit", "success"]
    states = query(project, "SELECT payload_json FROM events WHERE event_type = 'batch:state' AND id > ?", last)
    assert not [told for (told,) in states if "waiting_limit" in str(told)]
