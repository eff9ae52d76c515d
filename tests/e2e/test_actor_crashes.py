"""A crash of any actor, planted by the test: the batch goes on from the journal, or ends with a reason. No third way.

Everything is real but the crash: agents, guards, database, git. A crash is a method that raises, once or each time,
at a place where a mistake of ours would make it raise. Afterwards the checker looks at what is on record.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
from structlog.testing import capture_logs

from actors.child import innermost
from actors.control import ResumeBatch
from runner.domain.errors import RunnerError
from tests.support.checker import violations
from tests.support.inside import ONE_CYCLE, Interruption, Run, run_inside, scripted
from tests.support.project import make_project, write_scenario
from tests.support.runs import query, running, successes

STORIES = {"1-1-one": "backlog"}
CRITICAL = {"command": "story-review-1", "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}]}
CONTEXT = "context/generate-project-context"


class Mistake(Exception):
    """What no part of the runner foresees."""


@dataclass(frozen=True)
class Place:
    """Where an actor crashes: a method, the call of it that crashes, and who is restarted over it."""

    name: str
    where: str
    """Module, class or nothing, and function."""
    call: int = 1
    after: bool = False
    """It crashes when it has done its work, not before."""
    restarted: frozenset[str] = frozenset({"batch"})
    context: str = "fresh"

    def __str__(self) -> str:
        return self.name


def plant(monkeypatch: pytest.MonkeyPatch, place: Place, *, always: bool = False) -> Callable[[], int]:
    """Have the place crash; gives how often it did."""
    *path, name = place.where.split(".")
    owner: Any = import_module(".".join(path[:2]))
    for part in path[2:]:
        owner = getattr(owner, part)
    genuine, calls, crashes = getattr(owner, name), 0, 0

    @contextmanager
    def crashing() -> Iterator[None]:
        nonlocal calls, crashes
        calls += 1
        due = calls == place.call or (always and calls > place.call)
        crashes += due
        if due and not place.after:
            raise Mistake(place.name)
        yield
        if due:
            raise Mistake(place.name)

    def at_once(*arguments: Any, **named: Any) -> Any:
        with crashing():
            return genuine(*arguments, **named)

    async def later(*arguments: Any, **named: Any) -> Any:
        with crashing():
            return await genuine(*arguments, **named)

    monkeypatch.setattr(owner, name, later if iscoroutinefunction(genuine) else at_once)
    return lambda: crashes


ALONE = frozenset[str]()
CREW = frozenset({"reviews"})
RECORDER = frozenset({"recorder", "batch"})

PLACES = [
    Place("recorder before a commit", "actors.recorder._Desk.commit", call=12, restarted=RECORDER),
    Place("recorder after a commit", "actors.recorder._Desk.commit", call=12, after=True, restarted=RECORDER),
    Place("recorder at a note", "actors.recorder._settle", call=20, restarted=RECORDER),
    Place("fan-out", "actors.fanout.Fanout.publish", call=12, restarted=RECORDER),
    Place("follower", "actors.fanout.Fanout._recently", call=3, restarted=ALONE),
    Place("lifeline", "actors.lifeline.Lifeline._close_runs", restarted=frozenset({"lifeline"})),
    Place("window", "actors.window.Window.run", restarted=frozenset({"window"})),
    Place("batch before a cycle", "actors.batch.Batch._cycle"),
    Place("batch after a cycle", "actors.batch.Batch._cycle", after=True),
    Place("batch at its end", "actors.lifeline.end_run", after=True),
    Place("gate", "actors.batch.Batch._watch_gate"),
    Place("selection", "actors.selection._put_on_record", after=True),
    Place("story before a step", "actors.story._Story._carry_out", call=2),
    Place("story at its end", "actors.story._put_on_record", after=True),
    Place("command before an attempt", "actors.command._Command._admitted", call=3),
    Place("command after an attempt", "actors.command.make_attempt", call=3, after=True),
    Place("command before its outcome", "actors.command._put_on_record", call=3),
    Place("command after its outcome", "actors.command._put_on_record", call=3, after=True),
    Place("attempt after its intent", "actors.attempt._Attempt.carry_out", call=3),
    Place("attempt before its end", "actors.attempt._Attempt._put_on_record", call=3),
    Place("attempt after its end", "actors.attempt._Attempt._put_on_record", call=3, after=True),
    Place("process at its spawn", "actors.process.AgentProcess._spawn", call=3),
    Place("process follower", "actors.process.AgentProcess._read", call=3),
    Place("process limits", "actors.process.AgentProcess._check", call=3),
    Place("review pool at its start", "actors.reviews.ReviewPool._catch_up"),
    Place("review worker before a chain", "actors.reviews.ReviewPool._run_chain", restarted=CREW),
    Place("review worker in a chain", "actors.reviews.run_errand", after=True, restarted=CREW),
    Place("review worker before the end", "actors.reviews.ReviewPool._close", restarted=CREW),
    Place("review worker after the end", "actors.reviews.ReviewPool._close", after=True, restarted=CREW),
    Place("context before it is made", "actors.context._create", context="missing"),
    Place("context while it is made", "actors.context.run_errand", after=True, context="missing"),
    Place("context before the refresh", "actors.context._refresh", context="expired"),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Crashes are logged with their tracebacks; these are planned."""
    with capture_logs():
        yield
    structlog.reset_defaults()


def make(folder: Path, context: str) -> tuple[Path, Path]:
    """A project with one story, and the scenario of its agents."""
    project = make_project(folder / "project", STORIES, context=context != "missing")
    if context == "expired":
        path = next(project.rglob("project-context.md"))
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return project, write_scenario(folder, [CRITICAL])


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The steps of a run in which nothing crashes."""
    project, scenario = make(tmp_path_factory.mktemp("undisturbed"), "fresh")
    assert trio.run(run_inside, scripted(project, scenario)).code == 0
    return successes(project)


def wrong(project: Path, steps: Sequence[str]) -> list[str]:
    """What is wrong with a project whose one cycle is complete."""
    done = sorted(successes(project))
    found = [] if done == sorted(steps) else [f"steps {done}"]
    left = query(project, "SELECT task_type, status FROM background_tasks WHERE status <> 'completed'")
    return [*found, *map(str, left), *violations(project)]


def restarted(project: Path) -> set[str]:
    rows = query(project, "SELECT payload_json FROM events WHERE event_type = 'supervisor:restart'")
    return {json.loads(str(text))["child"] for (text,) in rows}


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_one_crash_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str], place: Place
):
    project, scenario = make(tmp_path, place.context)
    crashes = plant(monkeypatch, place)
    ended = await run_inside(scripted(project, scenario))
    assert (crashes(), ended.code, ended.reason) == (1, 0, "1 cycle completed")
    assert wrong(project, steps if place.context == "fresh" else [*steps, CONTEXT]) == []
    assert restarted(project) <= place.restarted


@pytest.mark.slow
async def test_a_refresh_that_crashes_has_failed_and_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]
):
    project, scenario = make(tmp_path, "expired")
    crashes = plant(monkeypatch, Place("the refresh", "actors.context.run_errand"))
    ended = await run_inside(scripted(project, scenario))
    assert (crashes(), ended.code) == (1, 0)
    assert query(project, "SELECT task_type, status, reason FROM background_tasks WHERE status <> 'completed'") == [
        ("project-context-refresh", "failed", "Mistake: the refresh")
    ]
    assert len(query(project, "SELECT id FROM events WHERE event_type = 'context:error'")) == 1
    assert (sorted(successes(project)), restarted(project), violations(project)) == (sorted(steps), set(), [])


@pytest.mark.slow
async def test_a_refresh_that_crashes_when_its_work_is_done_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]
):
    project, scenario = make(tmp_path, "expired")
    plant(monkeypatch, Place("the refresh", "actors.context.run_errand", after=True))
    assert (await run_inside(scripted(project, scenario))).code == 0
    assert wrong(project, [*steps, CONTEXT]) == []


@pytest.mark.slow
async def test_a_crash_of_the_pool_does_not_disturb_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project, scenario = make(tmp_path, "fresh")
    plant(monkeypatch, Place("the pool", "actors.reviews.run_errand"))
    assert (await run_inside(scripted(project, scenario))).code == 0
    assert restarted(project) == {"reviews"}
    assert query(project, "SELECT step_key FROM commands WHERE status <> 'success' OR attempt > 1") == []


@pytest.mark.slow
async def test_a_door_that_crashes_over_a_stop_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]
):
    project, scenario = make(tmp_path, "fresh")
    crashes = plant(monkeypatch, Place("the door", "actors.control.Control._serve", call=2))
    # Early: while the door is started again the batch goes on, and must not come to its end.
    interruption = Interruption(when=lambda: running(project, "c1/create-story/1-1-one"))
    ended = await run_inside(scripted(project, scenario), interruption=interruption)
    assert (crashes(), ended.code, ended.reason) == (1, 4, "stopped by SIGINT")
    # The batch did not notice: what ran has ended by itself.
    assert query(project, "SELECT step_key FROM commands WHERE status <> 'success'") == []
    assert restarted(project) == {"door"}
    assert (await run_inside(scripted(project, scenario), ResumeBatch())).code == 0
    assert wrong(project, steps) == []


# Each time

LOOPS = [
    *(place for place in PLACES if place.name in ("recorder before a commit", "lifeline", "gate")),
    Place("recorder at its start", "actors.recorder.open_writer"),
    Place("door", "actors.control.Control._serve"),
    Place("batch", "actors.batch.Batch._cycle"),
    Place("story", "actors.story._Story._carry_out"),
    Place("command", "actors.command._Command._admitted", call=3),
    Place("attempt", "actors.attempt._Attempt._put_on_record", call=3),
    Place("process", "actors.process.AgentProcess._spawn", call=3),
    Place("review pool", "actors.reviews.ReviewPool._catch_up"),
    Place("review worker", "actors.reviews.ReviewPool._run_chain"),
    Place("context", "actors.context._create", context="missing"),
]


async def outcome(project: Path, scenario: Path) -> tuple[int, str]:
    """Exit code and reason of a run, whether it began or not."""
    try:
        ended: Run = await run_inside(scripted(project, scenario))
    except ExceptionGroup as group:
        error = innermost(group)
        assert isinstance(error, RunnerError)
        return error.exit_code, str(error)
    return ended.code, ended.reason


@pytest.mark.slow
@pytest.mark.parametrize("place", LOOPS, ids=str)
async def test_a_crash_each_time_ends_with_a_reason_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str], place: Place
):
    project, scenario = make(tmp_path, place.context)
    with monkeypatch.context() as planted:
        plant(planted, place, always=True)
        code, reason = await outcome(project, scenario)
    assert (code, "\n" in reason) == (1, False)
    assert "ended 4 times in 60 s" in reason or "crashed" in reason
    again = ResumeBatch() if query(project, "SELECT id FROM batches WHERE resumable = 1") else ONE_CYCLE
    assert (await run_inside(scripted(project, scenario), again)).code == 0
    assert wrong(project, steps if place.context == "fresh" else [*steps, CONTEXT]) == []
