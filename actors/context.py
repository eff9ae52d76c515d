"""The context actor: makes the project context before the first cycle, or refreshes it beside the cycles.

The batch actor asks for `prepare` at the start of a batch. What was found then (missing, expired, fresh) is on
record, so a resumed batch goes on with it. Only one refresh runs at a time: it is one step with one key. It belongs
to the batch's crew and is temporary: when it crashes, it has failed, and the batch goes on with the old context.
"""

from functools import partial

import msgspec
import trio

from actors import lifeline
from actors.attempt import Errand
from actors.briefing import Briefing
from actors.child import in_words
from actors.command import run_errand
from actors.kit import Shift
from actors.steps import model_for
from actors.supervisor import ChildSpec, Restart, Supervisor
from actors.tree import Branch
from runner.domain.events import (
    ContextComplete,
    ContextCreate,
    ContextError,
    ContextFresh,
    ContextRefresh,
    Event,
)
from runner.domain.freshness import FOUND_KEY, RUN_KEY, Found, Freshness, freshness
from runner.domain.steps import CommandEnded, RunCommand
from runner.store import queries
from runner.workspace.artifacts import context_age

COMMAND = "generate-project-context"
TASK_TYPE = "project-context-refresh"
REFRESH = "context-refresh"
"""What the refresh is called in the tree."""
REFRESH_SHUTDOWN_SECONDS = 125.0
"""Its agent gets its grace, at most 120 s."""


async def prepare(shift: Shift, branch: Branch, crew: Supervisor) -> bool:
    """See to the project context; False when the batch stops meanwhile. A refresh runs on in the crew."""
    known = shift.ledger.outcome(FOUND_KEY, Found)
    found = known or await _find(shift)
    match found.freshness:
        case Freshness.MISSING:
            return await _create(shift, branch)
        case Freshness.EXPIRED:
            await _refresh(shift, crew)
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


async def _refresh(shift: Shift, crew: Supervisor) -> None:
    """Start the refresh, or the one that was cut off; it goes on beside the cycles."""
    rows = await shift.kit.reads.ask(lambda database: queries.unfinished_background(database, shift.batch_id))
    begun = any(row.task_type == TASK_TYPE for row in rows)
    if shift.ledger.has_outcome(RUN_KEY) and not begun:
        return
    task_id = await shift.kit.recorder.record(
        lambda journal: journal.spawn_background_once(shift.batch_id, TASK_TYPE, (), RUN_KEY, None)
    )
    if not shift.ledger.attempts(RUN_KEY):
        await _tell(shift, ContextRefresh(status="started", message="project-context.md is old"))
    await crew.start_child(
        ChildSpec(
            id=REFRESH,
            start=partial(_run_refresh, shift, task_id),
            restart=Restart.TEMPORARY,
            shutdown=REFRESH_SHUTDOWN_SECONDS,
        )
    )


async def _run_refresh(
    shift: Shift, task_id: int, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    task_status.started()
    try:
        ended = await run_errand(shift, _errand(shift, task_id), branch)
        if ended is not None:
            await _end(shift, task_id, ended)
    except Exception as crash:
        await _end_crashed(shift, task_id, in_words(crash))
        raise


async def _end_crashed(shift: Shift, task_id: int, reason: str) -> None:
    """It is not begun again; what its agent has done all the same is done."""
    shift = await lifeline.take_over(shift, lambda attempt: attempt.step_key == RUN_KEY)
    ended = shift.ledger.outcome(RUN_KEY, CommandEnded)
    if ended is None:
        made = shift.ledger.success(RUN_KEY) is not None
        ended = CommandEnded(ok=made, reason="" if made else reason)
        encoded = msgspec.json.encode(ended)
        await shift.kit.recorder.record(
            lambda journal: journal.record_step(shift.batch_id, RUN_KEY, "command", encoded)
        )
    await _end(shift, task_id, ended)


async def _end(shift: Shift, task_id: int, ended: CommandEnded) -> None:
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
