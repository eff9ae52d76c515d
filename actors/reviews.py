"""The review pool: background chains that never hold up the cycle.

The batch actor spawns chains, at most `background_review_workers` run at the same time, the others wait in a
bounded queue. A chain drives its own small machine and ends as a row of `background_tasks`. The queue may be full
when reviews are much slower than stories: then a chain is given up with a reason, never waited for.

The pool is supervised on its own. Each of its lives begins with the chains that are on record without an end, so a
crash of a worker costs the cycle nothing and no chain is lost; one that is known already is not taken twice.
"""

from collections import deque
from dataclasses import dataclass

import trio

from actors import lifeline
from actors.attempt import Errand
from actors.briefing import Briefing
from actors.command import run_errand
from actors.kit import Shift
from actors.mailbox import Mailbox
from actors.steps import model_for
from actors.tree import Branch, NodeState, Role
from runner.domain import chain
from runner.domain.chain import TASK_TYPES, ChainState
from runner.domain.freshness import RUN_KEY
from runner.domain.model import parse_key
from runner.domain.steps import ChainDone
from runner.store import queries
from runner.store.records import AttemptRow, BackgroundRow

QUEUE_CAPACITY = 64
"""Chains that may wait: as many as a sprint of 64 cycles with nothing but critical reviews would leave behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain on record, to be run."""

    background_task_id: int
    cycle: int
    phase: str
    stories: tuple[str, ...]
    epic: str

    @classmethod
    def from_row(cls, row: BackgroundRow) -> "Chain | None":
        """The chain a row tells of; None for other background tasks."""
        phase = next((phase for phase, kind in TASK_TYPES.items() if kind == row.task_type), None)
        if phase is None or row.cycle is None:
            return None
        first = parse_key(row.story_keys[0])
        return cls(
            background_task_id=row.id,
            cycle=row.cycle,
            phase=phase,
            stories=row.story_keys,
            epic=first.epic if first else "",
        )


class ReviewPool:
    """The pool of one run of a batch, over as many lives as its supervisor gives it."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self.mailbox: Mailbox[Chain] = Mailbox(QUEUE_CAPACITY)
        self._queued: set[int] = set()
        """Those in the mailbox, by their ids."""
        self._left: deque[Chain] = deque()
        """What was on record when this life began; it goes first."""
        self._open: set[int] = set()
        """All that have not ended yet, by their ids."""
        self._idle = trio.Event()
        self._idle.set()

    async def spawn(self, waiting: Chain) -> None:
        """Take a chain that is on record; returns at once, whatever the pool is busy with."""
        number = waiting.background_task_id
        if number in self._open:
            return
        try:
            self.mailbox.cast_nowait(waiting)
        except trio.WouldBlock:
            await self._close(waiting, "failed", "too many background reviews are waiting")
            return
        self._queued.add(number)
        self._set_open(self._open | {number})

    async def drained(self) -> None:
        """Wait until every chain has ended, or been turned back by a stop."""
        await self._idle.wait()

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run chains until cancelled, beginning with those that an earlier life or an earlier run has left."""
        self._shift = await lifeline.take_over(self._shift, _is_review)
        await self._catch_up()
        async with trio.open_nursery() as nursery:
            for number in range(self._shift.kit.settings.background_review_workers):
                nursery.start_soon(self._work, branch, number, name=f"review-worker-{number + 1}")
            task_status.started()

    async def _catch_up(self) -> None:
        batch_id = self._shift.batch_id
        rows = await self._shift.kit.reads.ask(lambda database: queries.unfinished_background(database, batch_id))
        found = {row.id: chain for row in rows if (chain := Chain.from_row(row)) is not None}
        # No checkpoint from here on to the announcement: a chain spawned meanwhile is in the mailbox or on record.
        self._left = deque(chain for number, chain in found.items() if number not in self._queued)
        self._set_open(self._queued | found.keys())
        for row in rows:
            if row.id in found and row.status == "interrupted":
                await self._shift.kit.recorder.record(
                    lambda journal, number=row.id: journal.reopen_background(number)  # type: ignore[misc]
                )

    def _set_open(self, numbers: set[int]) -> None:
        self._open = numbers
        if not numbers:
            self._idle.set()
        elif self._idle.is_set():
            self._idle = trio.Event()

    async def _work(self, branch: Branch, number: int) -> None:
        with branch.grow(f"review-worker-{number + 1}", Role.WORKER) as own:
            while True:
                own.state = NodeState.WAITING
                waiting = await self._next()
                own.state = NodeState.RUNNING
                await self._run_chain(waiting, own)
                self._set_open(self._open - {waiting.background_task_id})

    async def _next(self) -> Chain:
        if self._left:
            return self._left.popleft()
        waiting = await self.mailbox.receive()
        self._queued.discard(waiting.background_task_id)
        return waiting

    async def _run_chain(self, waiting: Chain, branch: Branch) -> None:
        state = ChainState(cycle=waiting.cycle, phase=waiting.phase, stories=waiting.stories)
        while not isinstance(step := chain.next_step(state), ChainDone):
            errand = Errand(
                step=step,
                briefing=Briefing(epic=waiting.epic, cycle=waiting.cycle, background=True),
                model=model_for(self._shift.kit.settings, step.command),
                allowed_failures=1,
                background_task_id=waiting.background_task_id,
            )
            ended = await run_errand(self._shift, errand, branch)
            if ended is None:
                # The row stays open: a resume runs the chain again from this review.
                return
            state = chain.absorb(state, ended)
        await self._close(waiting, "completed" if step.ok else "failed", step.reason)

    async def _close(self, waiting: Chain, status: str, reason: str) -> None:
        await self._shift.kit.recorder.record(
            lambda journal: journal.end_background(waiting.background_task_id, status, reason)
        )


def task_type(phase: str) -> str:
    """What a chain is called in `background_tasks`."""
    return TASK_TYPES[phase]


def _is_review(attempt: AttemptRow) -> bool:
    """What an earlier life of the pool may have left without an end; the rest is somebody else's, and alive."""
    return attempt.background_task_id is not None and attempt.step_key != RUN_KEY
