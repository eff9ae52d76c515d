"""The project context at the start of a batch: missing, expired, fresh; and all of it again after a resume."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from actors import context
from actors.gate import Stop
from actors.kit import Shift
from actors.supervisor import Supervisor
from tests.actors.stage import HOUR_MS, Stage, crashes, fails, until, waits

COMMAND = context.COMMAND


@pytest.fixture
def missing(tmp_path: Path) -> Stage:
    return Stage(tmp_path, {}, context=False)


@pytest.fixture
def fresh(tmp_path: Path) -> Stage:
    return Stage(tmp_path, {})


@pytest.fixture
def expired(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, {})
    old = stage.wall() / 1000 - 25 * 3600
    os.utime(stage.kit.paths.context, (old, old))
    return stage


@asynccontextmanager
async def crew_of(stage: Stage) -> AsyncIterator[Supervisor]:
    """A crew for the length of the block."""
    async with trio.open_nursery() as nursery:
        crew = Supervisor((), random=stage.kit.random)
        await nursery.start(crew.run, stage.root)
        yield crew
        nursery.cancel_scope.cancel()


async def prepare(stage: Stage, shift: Shift) -> bool:
    """Prepare, and see a refresh to its end."""
    async with crew_of(stage) as crew:
        prepared = await context.prepare(shift, stage.root, crew)
        await crew.wait_child(context.REFRESH)
        return prepared


def told(stage: Stage) -> list[str]:
    """The events about the context, as `type status`."""
    about = [event for event in stage.events if event.type.startswith(("context:", "background:"))]
    return [f"{event.type} {json.loads(event.payload)['status']}" for event in about]


async def test_a_fresh_context_needs_nothing_and_is_told_once(fresh: Stage):
    async with fresh.recording():
        shift = await fresh.shift()
        assert await prepare(fresh, shift)
        assert await prepare(fresh, await fresh.shift_of(shift.batch_id))
    assert told(fresh) == ["context:fresh fresh"]
    assert fresh.puppets.commands == []


async def test_a_missing_context_is_made_and_waited_for(missing: Stage):
    async with missing.recording():
        assert await prepare(missing, await missing.shift())
    assert missing.puppets.commands == [COMMAND]
    assert told(missing) == ["context:create starting", "context:create complete", "context:complete complete"]


async def test_a_batch_goes_on_without_a_context_that_cannot_be_made(missing: Stage):
    missing.puppets.plan(COMMAND, *[fails("no quota")] * 3)
    async with missing.recording():
        assert await prepare(missing, await missing.shift())
    assert missing.attempts(COMMAND) == ["error"] * 3
    assert told(missing) == ["context:create starting", "context:create failed"]
    (warning,) = missing.payloads("batch:warning")
    assert warning["warning_type"] == "context_unavailable"
    assert "no quota" in warning["message"]


async def test_a_context_that_was_made_is_not_made_again(missing: Stage):
    async with missing.recording():
        shift = await missing.shift()
        for _ in range(2):
            assert await prepare(missing, await missing.shift_of(shift.batch_id))
    assert missing.puppets.commands == [COMMAND]


async def test_making_it_stops_with_the_batch_and_goes_on_with_it(missing: Stage):
    async with missing.recording():
        shift = await missing.shift()
        missing.puppets.plan(COMMAND, fails())
        shift.gate.stop(Stop.COMMAND)
        assert not await prepare(missing, shift)
        assert missing.puppets.commands == []
        assert await prepare(missing, await missing.shift_of(shift.batch_id))
    assert missing.attempts(COMMAND) == ["error", "success"]


async def test_a_cut_off_start_is_not_told_twice(missing: Stage):
    missing.puppets.plan(COMMAND, waits())
    async with missing.recording():
        shift = await missing.shift()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(prepare, missing, shift)
            await missing.puppets.at_work(COMMAND)
            nursery.cancel_scope.cancel()
        assert await prepare(missing, await missing.shift_of(shift.batch_id))
    assert missing.attempts(COMMAND) == ["interrupted", "success"]
    assert told(missing).count("context:create starting") == 1


async def test_an_expired_context_is_refreshed_beside_the_cycles(expired: Stage):
    expired.puppets.plan(COMMAND, waits())
    async with expired.recording():
        shift = await expired.shift()
        async with crew_of(expired) as crew:
            assert await context.prepare(shift, expired.root, crew)
            await expired.puppets.at_work(COMMAND)
            assert expired.query("SELECT status FROM background_tasks") == [("running",)]
            await expired.puppets.let_go(COMMAND)
            await crew.wait_child(context.REFRESH)
    assert expired.query("SELECT task_type, status FROM background_tasks") == [(context.TASK_TYPE, "completed")]
    assert told(expired) == [
        "background:start running",
        "context:refresh started",
        "background:end completed",
        "context:complete complete",
    ]
    (start,) = expired.payloads("command:start")
    assert start["background"]


async def test_a_refresh_that_fails_leaves_the_old_context(expired: Stage):
    expired.puppets.plan(COMMAND, *[fails("no quota")] * 3)
    async with expired.recording():
        assert await prepare(expired, await expired.shift())
    assert told(expired)[-2:] == ["background:end failed", "context:error failed"]
    assert "no quota" in expired.payloads("context:error")[0]["message"]
    assert expired.kit.paths.context.exists()


async def test_a_refresh_that_crashes_has_failed_and_is_not_begun_again(expired: Stage):
    expired.puppets.plan(COMMAND, crashes(RuntimeError("a mistake in the runner")))
    async with expired.recording():
        shift = await expired.shift()
        assert await prepare(expired, shift)
        assert await prepare(expired, await expired.shift_of(shift.batch_id))
    assert expired.query("SELECT status, reason FROM background_tasks") == [
        ("failed", "RuntimeError: a mistake in the runner")
    ]
    assert told(expired)[-2:] == ["background:end failed", "context:error failed"]
    assert expired.attempts(COMMAND) == ["interrupted"]


async def test_a_refresh_that_was_cut_off_goes_on_under_its_own_number(expired: Stage):
    expired.puppets.plan(COMMAND, waits())
    async with expired.recording():
        shift = await expired.shift()
        async with crew_of(expired) as crew:
            assert await context.prepare(shift, expired.root, crew)
            await expired.puppets.at_work(COMMAND)
        await expired.kit.recorder.record(lambda journal: journal.end_batch(shift.batch_id, "stopped", "now"))
        assert expired.query("SELECT status FROM background_tasks") == [("interrupted",)]
        assert await prepare(expired, await expired.shift_of(shift.batch_id))
    assert expired.query("SELECT status FROM background_tasks") == [("completed",)]
    assert expired.attempts(COMMAND) == ["interrupted", "success"]
    assert told(expired).count("context:refresh started") == 1


async def test_what_was_found_when_the_batch_started_stands(expired: Stage):
    """A resumed batch goes on with the refresh, though somebody has written the file meanwhile."""
    async with expired.recording():
        shift = await expired.shift()
        shift.gate.stop(Stop.COMMAND)
        assert await prepare(expired, shift)
        expired.kit.paths.context.touch()
        assert await prepare(expired, await expired.shift_of(shift.batch_id))
    assert expired.attempts(COMMAND) == ["success"]


async def test_age_is_counted_by_the_clock_of_the_runner(fresh: Stage):
    fresh.wall.jump(25 * HOUR_MS)
    async with fresh.recording():
        assert await prepare(fresh, await fresh.shift())
    await until(lambda: fresh.puppets.commands == [COMMAND])
