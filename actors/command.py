"""The command actor: takes one step that runs an agent from "not done" to an outcome on record.

Story, batch, review and context actors run it. It goes on from the attempts on record: a success is only read, a
failure is tried again after a back-off, a limit or an interruption continues the agent's session. The outcome is
recorded last, together with what the sprint file says then; a crash before that costs a reading, not a run.
"""

from dataclasses import replace
from itertools import takewhile

import msgspec
import trio

from actors import sprint_file
from actors.attempt import Errand, make_attempt
from actors.kit import Shift
from actors.orders import LimitReached, NeedsOperator
from actors.tree import Branch, NodeState, Role
from runner.agents.base import Ending, EndingKind
from runner.domain.attempts import AttemptStatus, GiveUp, RunAgain, backoff_seconds, limit_wait_ms, next_move
from runner.domain.model import Status, read_status
from runner.domain.sprint import Sprint
from runner.domain.steps import CommandEnded, Facts

LEFT = "its stories have left the cycle"


async def run_errand(shift: Shift, errand: Errand, branch: Branch) -> CommandEnded | None:
    """Bring a step to its outcome; None when the batch stops before there is one."""
    recorded = shift.ledger.outcome(errand.step.key, CommandEnded)
    if recorded is not None:
        await trio.lowlevel.checkpoint()
        return recorded
    with branch.grow(f"command-{errand.step.key}", Role.ACTOR) as own:
        ended = await _Command(shift, errand, own).run()
        if ended is not None:
            await _put_on_record(shift, errand.step.key, ended)
        return ended


async def _put_on_record(shift: Shift, key: str, ended: CommandEnded) -> None:
    for warning in ended.facts.warnings:
        await shift.warn("missing_marker", warning)
    encoded = msgspec.json.encode(ended)
    await shift.kit.recorder.record(lambda journal: journal.record_step(shift.batch_id, key, "command", encoded))
    shift.ledger.decided(key, encoded)


class _Command:
    """One step on its way to an outcome."""

    def __init__(self, shift: Shift, errand: Errand, branch: Branch) -> None:
        self._shift = shift
        self._errand = errand
        self._key = errand.step.key
        self._branch = branch
        self._has_passed = False

    async def run(self) -> CommandEnded | None:
        while True:
            success = self._shift.ledger.success(self._key)
            if success is not None:
                return await self._settled(facts=msgspec.json.decode(success.verdict_json, type=Facts))
            attempts = self._shift.ledger.attempts(self._key)
            move = next_move(attempts, allowed=self._errand.allowed_failures)
            if isinstance(move, GiveUp):
                return await self._settled(given_up=move.reason)
            if not await self._admitted(move):
                return None
            ending = await make_attempt(self._shift, self._errand, move, self._branch)
            if ended := await self._after(ending):
                return ended

    async def _admitted(self, move: RunAgain) -> bool:
        """Wait for the back-off and at the gate."""
        self._branch.state = NodeState.WAITING
        first = self._shift.kit.settings.retry_backoff_seconds
        wait = backoff_seconds(move.failures, first, self._shift.kit.random())
        if wait:
            self._branch.due_in(wait)
        await self._shift.gate.sleep(wait)
        self._branch.deadline = None
        admitted = await self._shift.gate.admit()
        self._branch.state = NodeState.RUNNING
        return admitted

    async def _after(self, ending: Ending) -> CommandEnded | None:
        """See to what stands in the way of the next attempt; an outcome when there is to be none."""
        match ending.kind:
            case EndingKind.LIMIT:
                await self._shift.report(LimitReached(resets_at=self._resets_at(ending), reason=ending.reason))
            case EndingKind.OPERATOR:
                await self._shift.report(NeedsOperator(reason=ending.reason))
            case EndingKind.FAILURE if self._errand.watched:
                return await self._after_failure()
            case _:
                pass
        return None

    def _resets_at(self, ending: Ending) -> int:
        """When to go on; without a reset time the waits grow with the limits met in a row, over restarts too."""
        now, told = self._shift.kit.clock(), ending.resets_at
        # A time that has just passed is worth one try; believed again and again it would be a tight loop.
        if told is not None and (told > now or not self._has_passed):
            self._has_passed = told <= now
            return told
        before = reversed(self._shift.ledger.attempts(self._key)[:-1])
        in_a_row = sum(1 for _ in takewhile(lambda attempt: attempt.status is AttemptStatus.LIMIT, before))
        return now + limit_wait_ms(in_a_row)

    async def _after_failure(self) -> CommandEnded | None:
        """Read the sprint file again: somebody may have taken the stories out meanwhile."""
        sprint = await sprint_file.look(self._shift)
        if sprint is None:
            return None
        seen = sprint.written
        gone = all(read_status(seen.get(key, "blocked")) is Status.BLOCKED for key in self._errand.step.stories)
        if gone and self._errand.step.stories:
            return CommandEnded(ok=False, reason=LEFT, seen=self._watched(sprint))
        return None

    async def _settled(self, *, facts: Facts | None = None, given_up: str = "") -> CommandEnded | None:
        """The outcome, with what the sprint file says now; None when the batch was stopped over that."""
        outcome = CommandEnded(ok=facts is not None, reason=given_up, facts=facts or Facts())
        if not self._errand.watched:
            return outcome
        sprint = await sprint_file.look(self._shift)
        if sprint is None:
            return None
        return replace(outcome, seen=self._watched(sprint))

    def _watched(self, sprint: Sprint) -> dict[str, str]:
        return {key: text for key, text in sprint.written.items() if key in self._errand.watched}
