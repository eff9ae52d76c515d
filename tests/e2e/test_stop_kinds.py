"""The four kinds of stop, asked of control in the middle of a story; then a resume in a new process.

The first part runs in this process: the real tree with real agents, on the real clock.
"""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.control import Ended, StartBatch, StopBatch
from actors.gate import Stop
from actors.lifeline import Lifeline
from actors.root import root
from runner.app import Outfit, build
from runner.outfit import Options, outfit
from runner.workspace.place import project_lock
from tests.support.checker import violations
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import run, running, successes, wait_until

IN_STORY = "c2/dev-story/2-1-three"
SLOW_STORY = {"command": "dev-story", "story": "2-1", "attempt": "1", "actions": [{"sleep": 0.5}, "builtin"]}


@dataclass(frozen=True)
class Case:
    """A kind of stop, the last step that is done then, and the first that is not."""

    when: Stop
    done: str
    open: str


CASES = (
    Case(Stop.COMMAND, done=IN_STORY, open="c2/code-review-1/2-1-three"),
    Case(Stop.STORY, done="c2/code-review-1/2-1-three", open="c2/dev-story/2-2-four"),
    Case(Stop.CYCLE, done="c2/batch-commit/2-1-three,2-2-four", open="c3/dev-story/3-1-five"),
    Case(Stop.NOW, done="c2/tech-spec-review-1/2-1-three,2-2-four", open=IN_STORY),
)


async def _run_and_stop(project: Path, scenario: Path, when: Stop) -> Ended:
    environment = {**os.environ, "SPRINT_RUNNER_RETRY_BACKOFF_SECONDS": "0"}
    options = Options(project=project, agent="scripted", scenario=scenario)
    with project_lock(options.where) as lock:
        return await _see_it_stop(outfit(options, environment, lock), when)


async def _see_it_stop(prepared: Outfit, when: Stop) -> Ended:
    parts = build(prepared)
    runner, recorder = parts.runner, parts.recorder
    supervisor = root(recorder, Lifeline(runner.kit), runner.control, report=_unexpected, random=lambda: 0.0)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run, runner.branch)
            await runner.control.ask(StartBatch(max_cycles=3))
            await trio.to_thread.run_sync(wait_until, partial(running, prepared.paths.root, IN_STORY))
            await runner.control.ask(StopBatch(when=when))
            ended = await runner.control.ended()
            nursery.cancel_scope.cancel()
    return ended


async def _unexpected(crash: object) -> None:
    raise AssertionError(f"something crashed: {crash}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    project = make_project(folder / "project", SIX_STORIES)
    assert run(project, write_scenario(folder), "--cycles", "3").returncode == 0
    return successes(project)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.when.name.lower())
async def test_a_stop_takes_effect_where_it_was_asked_for(tmp_path: Path, undisturbed: list[str], case: Case):
    project = make_project(tmp_path / "project", SIX_STORIES)
    scenario = write_scenario(tmp_path, [SLOW_STORY])
    ended = await _run_and_stop(project, scenario, case.when)
    assert (ended.status, ended.reason) == ("stopped", "stopped by the operator")
    steps = successes(project)
    assert case.done in steps
    assert case.open not in steps
    assert not violations(project)
    resumed = await trio.to_thread.run_sync(run, project, scenario, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert sorted(successes(project)) == sorted(undisturbed)
    assert not violations(project)
