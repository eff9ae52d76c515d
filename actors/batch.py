"""The batch actor: cycle after cycle, from wherever the journal says the batch stands.

Control starts it under a supervisor and sends it orders; commands report their troubles to it. It owns the gate:
pausing, waiting for a usage limit and stopping all mean that nothing passes the gate, and differ in what opens it
again. It decides nothing about the workflow: it asks the cycle machine, carries out, records and absorbs. What goes
on beside the cycles is its crew, under a supervisor: a crash there does not disturb the cycle.
"""

from dataclasses import dataclass

import trio

from actors import context, lifeline
from actors.briefing import Briefing
from actors.gate import Gate, Stop
from actors.kit import Kit, Shift
from actors.ledger import Ledger
from actors.mailbox import Mailbox, Question
from actors.orders import LimitReached, NeedsOperator, Order, PauseOrder, Report, ResumeOrder, StopOrder, Trouble
from actors.recorder import RECORD_SECONDS
from actors.reviews import Chain, ReviewPool, task_type
from actors.selection import select_cycle
from actors.steps import inject, look_for_commit, mark_story, record_spawn, run_together
from actors.story import run_story
from actors.supervisor import ChildSpec, Supervisor
from actors.supervisor import Report as CrashReport
from actors.timer import wait_for_reset
from actors.tree import Branch, NodeState, Role
from actors.verdict import COMMIT
from runner.domain import cycle
from runner.domain.cycle import CycleState, Selection
from runner.domain.steps import (
    CycleDone,
    CycleStep,
    HandOver,
    InjectContext,
    MarkStory,
    Outcome,
    RunTogether,
    Spawned,
    SpawnReviews,
)
from runner.store import queries
from runner.store.recorded import own_history

MAILBOX_CAPACITY = 16
"""Orders and troubles that may wait: one from each command that can run, and a few impatient operators."""
CREW_SHUTDOWN_SECONDS = 125.0
"""One that is stopped ends its agents within their grace, at most 120 s."""
NODE_STATES = {"paused": NodeState.WAITING, "waiting_limit": NodeState.WAITING, "stopping": NodeState.STOPPING}
"""How the tree calls what the batch does; else it is running."""
ALL_DONE = "all stories done or blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """What the batch is to do: a row of the database says how far it is."""

    batch_id: int
    max_cycles: int | None
    attended: bool
    """Whether somebody can resume it when it pauses; else a pause that needs the operator ends the run."""


class Batch:
    """One run of a batch, over as many lives as its supervisor gives it."""

    def __init__(self, kit: Kit, order: BatchOrder, report: CrashReport) -> None:
        self._kit = kit
        self._order = order
        self._report = report
        self.mailbox: Mailbox[Order] = Mailbox(MAILBOX_CAPACITY)
        self._stop: StopOrder | None = None
        self._pause_reason: str | None = None
        self._resets_at: int | None = None
        self.state = "running"
        self.result: tuple[str, str] | None = None
        """Status and reason, once the run is over."""

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Go on from the journal until the batch is complete or stopped, and record its end."""
        kit, batch_id = self._kit, self._order.batch_id
        await lifeline.settle_commands(kit)
        history = await kit.reads.ask(lambda database: own_history(database, batch_id))
        self._branch, self._gate = branch, Gate()
        self._work = trio.CancelScope()
        shift = Shift(kit=kit, batch_id=batch_id, gate=self._gate, ledger=Ledger(history), orders=self.mailbox)
        async with trio.open_nursery() as nursery:
            self._timers = nursery
            nursery.start_soon(self._take_orders, name="batch-orders")
            nursery.start_soon(self._watch_gate, name="batch-gate")
            await self._go_on_waiting()
            task_status.started()
            outcome = await self._run_to_end(shift, branch)
            nursery.cancel_scope.cancel()
        branch.state = NodeState.STOPPING
        with trio.CancelScope(shield=True, deadline=trio.current_time() + RECORD_SECONDS):
            self.result = await lifeline.end_run(kit, batch_id, *outcome)

    async def _run_to_end(self, shift: Shift, branch: Branch) -> tuple[str, str]:
        reason: str | None = None
        crew = Supervisor((), report=self._report, random=self._kit.random)
        with self._work, branch.grow("crew", Role.SUPERVISOR) as own:
            async with trio.open_nursery() as nursery:
                await nursery.start(crew.run, own)
                reason = await self._with_crew(shift, crew, branch)
                nursery.cancel_scope.cancel()
        if reason is not None:
            return "completed", reason
        return "stopped", self._stop.reason if self._stop else "stopped"

    async def _with_crew(self, shift: Shift, crew: Supervisor, branch: Branch) -> str | None:
        """Run the cycles, and let the crew end its work; the reason why the batch is complete."""
        pool = ReviewPool(shift)
        await crew.start_child(
            ChildSpec(id="reviews", start=pool.run, shutdown=CREW_SHUTDOWN_SECONDS, mailbox=pool.mailbox)
        )
        reason = await self._cycles(shift, pool, branch, crew)
        await crew.wait_child(context.REFRESH)
        await pool.drained()
        return reason

    # --- the cycles -----------------------------------------------------------------------------------------------

    async def _cycles(self, shift: Shift, pool: ReviewPool, branch: Branch, crew: Supervisor) -> str | None:
        """Run cycles; the reason why the batch is complete, or None when it was stopped."""
        if not await context.prepare(shift, branch, crew):
            return None
        batch = await self._kit.reads.ask(lambda database: queries.batch(database, self._order.batch_id))
        shift.ledger.forget(batch.cycles_completed)
        number = batch.cycles_completed + 1
        limit = self._order.max_cycles
        while limit is None or number <= limit:
            if not await self._gate.admit(Stop.CYCLE):
                return None
            selection = await select_cycle(shift, number)
            if selection is None:
                return None
            if not selection.stories:
                return ALL_DONE
            if not await self._cycle(shift, pool, selection, branch):
                return None
            number += 1
        return f"{limit} cycle{'s' if limit != 1 else ''} completed"

    async def _cycle(self, shift: Shift, pool: ReviewPool, selection: Selection, branch: Branch) -> bool:
        """Take one cycle to its end; False when the batch stops on the way."""
        state = cycle.begin(selection)
        with branch.grow(f"cycle-{selection.number}", Role.ACTOR) as own:
            while not isinstance(step := cycle.next_step(state), CycleDone):
                outcome = await self._carry_out(shift, pool, state, step, own)
                if outcome is None:
                    return False
                state = cycle.absorb(state, outcome)
                if isinstance(step, HandOver) and self._gate.closed(Stop.STORY):
                    return False
        done, blocked, batch_id = step.completed, {key: state.left[key] for key in step.blocked}, shift.batch_id
        await self._kit.recorder.record(lambda journal: journal.end_cycle(batch_id, selection.number, done, blocked))
        shift.ledger.forget(selection.number)
        return True

    async def _carry_out(
        self, shift: Shift, pool: ReviewPool, state: CycleState, step: CycleStep, branch: Branch
    ) -> Outcome | None:
        epic = state.selection.stories[0].epic
        briefing = Briefing(epic=epic, cycle=state.number, decisions=state.decisions)
        match step:
            case RunTogether():
                return await self._run_commands(shift, state, step, briefing, branch)
            case HandOver():
                return await run_story(shift, state, step, briefing, branch)
            case MarkStory():
                return await mark_story(shift, step)
            case InjectContext():
                return await inject(shift, step)
            case SpawnReviews():
                return await self._spawn(shift, pool, state.number, epic, step)
            case CycleDone():
                raise AssertionError("the end of a cycle is not carried out")

    async def _run_commands(
        self, shift: Shift, state: CycleState, step: RunTogether, briefing: Briefing, branch: Branch
    ) -> Outcome | None:
        first = step.commands[0]
        known = shift.ledger.has_outcome(first.key)
        ended = await run_together(shift, step, briefing, state.keys, branch)
        if ended is not None and first.command == COMMIT and not known:
            await look_for_commit(shift, first, ended[0])
        return ended

    async def _spawn(self, shift: Shift, pool: ReviewPool, number: int, epic: str, step: SpawnReviews) -> Spawned:
        recorded = shift.ledger.outcome(step.key, Spawned)
        if recorded is not None:
            return recorded
        spawned = await record_spawn(shift, step, task_type(step.phase), number)
        await pool.spawn(
            Chain(
                background_task_id=spawned.background_task_id,
                cycle=number,
                phase=step.phase,
                stories=step.stories,
                epic=epic,
            )
        )
        return spawned

    # --- orders and troubles --------------------------------------------------------------------------------------

    async def _take_orders(self) -> None:
        while True:
            match await self.mailbox.receive():
                case StopOrder() as order:
                    await self._take_stop(order)
                case PauseOrder(reason=reason):
                    await self._pause(reason)
                case ResumeOrder():
                    await self._resume()
                case Report(trouble=trouble, reply=reply):
                    with Question(trouble, reply):
                        await self._face(trouble)
                        reply.answer(None)

    async def _take_stop(self, order: StopOrder) -> None:
        # Nothing runs while the gate is held, so there is no command, story or cycle to wait for.
        when = min(order.when, Stop.COMMAND) if self._gate.held and not self._gate.inside else order.when
        if self._stop is not None:
            # A stop under way can be made sooner and not later: who asked for it may have gone.
            when = min(when, self._stop.when)
        self._stop = StopOrder(when=when, reason=order.reason)
        self._gate.stop(when)
        until = "" if when is Stop.NOW else f", after this {when.name.lower()}"
        await self._say("stopping", f"{order.reason}{until}")
        if when is Stop.NOW:
            self._work.cancel()

    async def _pause(self, reason: str) -> None:
        self._pause_reason = reason
        self._gate.hold()
        await self._say("pausing" if self._gate.inside else "paused", reason)

    async def _resume(self) -> None:
        self._pause_reason, self._resets_at = None, None
        self._gate.release()
        await self._say("running")

    async def _face(self, trouble: Trouble) -> None:
        match trouble:
            case LimitReached(resets_at=resets_at, reason=reason):
                await self._wait_for_limit(max(resets_at, self._resets_at or 0), reason)
            case NeedsOperator(reason=reason) if self._order.attended:
                await self._pause(reason)
            case NeedsOperator(reason=reason):
                # Nobody is there to resume: the run ends as soon as what runs has ended.
                await self._say("paused", reason)
                self._stop = StopOrder(when=Stop.COMMAND, reason=reason)
                self._gate.stop(Stop.COMMAND)

    async def _wait_for_limit(self, resets_at: int, reason: str) -> None:
        if resets_at == self._resets_at:
            return
        self._resets_at = resets_at
        self._gate.hold()
        await self._say("waiting_limit", reason, resets_at)
        self._timers.start_soon(self._reset, resets_at, name="limit-timer")

    async def _reset(self, resets_at: int) -> None:
        """Go on when the limit has reset."""
        await wait_for_reset(self._kit, resets_at, self._branch)
        if self._resets_at == resets_at and self._pause_reason is None:
            await self._resume()

    async def _go_on_waiting(self) -> None:
        """A resumed batch whose limit has not reset yet waits on; one that is being stopped goes on stopping."""
        batch = await self._kit.reads.ask(lambda database: queries.batch(database, self._order.batch_id))
        # The gate and the timer of an earlier life are gone.
        self._resets_at = None
        if batch.resets_at is not None and batch.resets_at > self._kit.clock():
            await self._wait_for_limit(batch.resets_at, batch.reason or "usage limit")
        if self._pause_reason is not None:
            self._gate.hold()
        if self._stop is not None:
            self._gate.stop(self._stop.when)

    async def _watch_gate(self) -> None:
        """Pausing has become paused at the moment the last command is out."""
        while True:
            if self.state == "pausing" and not self._gate.inside:
                await self._say("paused", self._pause_reason or "")
            else:
                # Looked at first: what changed while we said something is not announced again.
                await self._gate.change()

    async def _say(self, state: str, detail: str = "", resets_at: int | None = None) -> None:
        self.state, self._branch.state = state, NODE_STATES.get(state, NodeState.RUNNING)
        batch_id = self._order.batch_id
        await self._kit.recorder.record(
            lambda journal: journal.set_batch_state(batch_id, state, detail=detail, resets_at=resets_at)
        )
