"""The context actor: makes the project context before the first cycle, or refreshes it beside the cycles.

The batch actor asks for `prepare` at the start of a batch. What was found then (missing, expired, fresh) is on
record, so a resumed batch goes on with it. Only one refresh runs at a time: it is one step with one key.
"""

from dataclasses import dataclass

import msgspec
import trio

from actors.attempt import Errand
from actors.briefing import Briefing
from actors.command import run_errand
from actors.kit import Shift
from actors.steps import model_for
from actors.tree import Branch
from runner.domain.events import (
    ContextComplete,
    ContextCreate,
    ContextError,
    ContextFresh,
    ContextRefresh,
    Event,
)
from runner.domain.freshness import Freshness, freshness
from runner.domain.steps import CommandEnded, RunCommand
from runner.workspace.artifacts import context_age

COMMAND = "generate-project-context"
TASK_TYPE = "project-context-refresh"
FOUND_KEY = "context/freshness"
RUN_KEY = f"context/{COMMAND}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the batch found when it started."""

    freshness: Freshness


async def prepare(shift: Shift, branch: Branch, refreshes: trio.Nursery) -> bool:
    """See to the project context; False when the batch stops meanwhile. A refresh runs on in `refreshes`."""
    known = shift.ledger.outcome(FOUND_KEY, Found)
    found = known or await _find(shift)
    match found.freshness:
        case Freshness.MISSING:
            return await _create(shift, branch)
        case Freshness.EXPIRED:
            await _refresh(shift, branch, refreshes)
        case Freshness.FRESH if known is None:
            await _tell(shift, ContextFresh())
        case _:
            pass
    return True


async def _find(shift: Shift) -> Found:
    kit = shift.kit
    age = await trio.to_thread.run_sync(context_age, kit.paths.context, kit.clock())
    found = Found(freshness=freshness(age, kit.settings.project_context_max_age_hours))
    encoded = msgspec.json.encode(found)
    await kit.recorder.record(lambda journal: journal.record_step(shift.batch_id, FOUND_KEY, "Found", encoded))
    shift.ledger.decided(FOUND_KEY, encoded)
    return found


async def _create(shift: Shift, branch: Branch) -> bool:
    if shift.ledger.outcome(RUN_KEY, CommandEnded) is not None:
        return True
    if not shift.ledger.attempts(RUN_KEY):
        await _tell(shift, ContextCreate(status="starting", message="project-context.md is missing"))
    ended = await run_errand(shift, _errand(shift), branch)
    if ended is None:
        return False
    if ended.ok:
        await _tell(shift, ContextCreate(status="complete"), ContextComplete())
    else:
        await _tell(shift, ContextCreate(status="failed", message=ended.reason))
        message = f"going on without project context: {COMMAND} failed: {ended.reason}"
        await shift.warn("context_unavailable", message)
    return True


async def _refresh(shift: Shift, branch: Branch, refreshes: trio.Nursery) -> None:
    """Start the refresh, or the one that was cut off; it goes on beside the cycles."""
    if shift.ledger.outcome(RUN_KEY, CommandEnded) is not None:
        return
    task_id = await shift.kit.recorder.record(
        lambda journal: journal.spawn_background_once(shift.batch_id, TASK_TYPE, (), RUN_KEY, None)
    )
    if not shift.ledger.attempts(RUN_KEY):
        await _tell(shift, ContextRefresh(status="started", message="project-context.md is old"))
    refreshes.start_soon(_run_refresh, shift, task_id, branch, name="context-refresh")


async def _run_refresh(shift: Shift, task_id: int, branch: Branch) -> None:
    ended = await run_errand(shift, _errand(shift, task_id), branch)
    if ended is None:
        return
    status = "completed" if ended.ok else "failed"
    await shift.kit.recorder.record(lambda journal: journal.end_background(task_id, status, ended.reason))
    done: Event = ContextComplete() if ended.ok else ContextError(status="failed", message=ended.reason)
    await _tell(shift, done)


def _errand(shift: Shift, task_id: int | None = None) -> Errand:
    return Errand(
        step=RunCommand(key=RUN_KEY, command=COMMAND, stories=()),
        briefing=Briefing(epic="", cycle=None),
        model=model_for(shift.kit.settings, COMMAND),
        background_task_id=task_id,
    )


async def _tell(shift: Shift, *events: Event) -> None:
    for event in events:
        await shift.kit.recorder.tell(event, batch_id=shift.batch_id)
