"""`kill -9` of the runner at many places of a short batch: nothing lost, nothing twice, nothing left alive."""

import random
import signal
import time
from pathlib import Path

import pytest

from runner.guard import tags
from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import query, run, started, successes, wait_until

PLACES = 30
STORIES = {"1-1-one": "backlog", "1-2-two": "review"}
CHAIN = {
    "command": "story-review-[12]",
    "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}],
}
LEAVES_CHILDREN = {
    "command": "dev-story",
    "actions": [
        {"spawn": {"kind": "setsid", "seconds": 60}},
        {"spawn": {"kind": "daemon", "seconds": 60}},
        "builtin",
    ],
}
RULES = [CHAIN, LEAVES_CHILDREN]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], float]:
    """The steps of a run that nobody kills, and its length in seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    project = make_project(folder / "project", STORIES)
    began = time.monotonic()
    done = run(project, write_scenario(folder, RULES), "--cycles", "1")
    assert done.returncode == 0, done.stderr
    assert not violations(project)
    return successes(project), time.monotonic() - began


def _alive(project: Path) -> list[int]:
    rows = query(project, "SELECT tag FROM commands WHERE tag <> 0")
    return [pid for (tag,) in rows if isinstance(tag, int) for pid in tags.tagged(tag)]


@pytest.mark.slow
@pytest.mark.parametrize("place", range(PLACES))
def test_a_killed_runner_is_resumed_exactly(tmp_path: Path, undisturbed: tuple[list[str], float], place: int):
    steps, seconds = undisturbed
    project = make_project(tmp_path / "project", STORIES)
    scenario = write_scenario(tmp_path, RULES)
    wait = random.Random(place).uniform(0.9, 1.1) * seconds * (place + 1) / (PLACES + 1)
    with started(project, scenario, "--cycles", "1") as runner:
        time.sleep(wait)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    wait_until(lambda: not _alive(project), seconds=1.0)
    if not query(project, "SELECT id FROM batches"):
        assert run(project, scenario, "--cycles", "1").returncode == 0
    elif query(project, "SELECT id FROM batches WHERE resumable = 1"):
        resumed = run(project, scenario, "--resume")
        assert resumed.returncode == 0, resumed.stderr
    assert sorted(successes(project)) == sorted(steps)
    assert not violations(project)
