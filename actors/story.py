"""The story actor: drives the review machine of one story until it is done or blocked.

The batch actor hands a story over and waits for the outcome. All rules are in `runner.domain.review`.
"""

import msgspec
import trio

from actors.briefing import Briefing
from actors.kit import Shift
from actors.steps import mark_story, run_together
from actors.tree import Branch, Role
from runner.domain import review
from runner.domain.cycle import CycleState
from runner.domain.model import Status, read_status
from runner.domain.review import StoryState
from runner.domain.steps import HandOver, MarkStory, Outcome, RunTogether, StoryDone, StoryEnded


async def run_story(
    shift: Shift, cycle: CycleState, step: HandOver, briefing: Briefing, branch: Branch
) -> StoryEnded | None:
    """Take a story through development and review; None when the batch stops on the way."""
    recorded = shift.ledger.outcome(step.key, StoryEnded)
    if recorded is not None:
        await trio.lowlevel.checkpoint()
        return recorded
    with branch.grow(f"story-{step.story}", Role.ACTOR) as own:
        ended = await _Story(shift, cycle, step, briefing, own).run()
    if ended is not None:
        await _put_on_record(shift, step.key, ended)
    return ended


async def _put_on_record(shift: Shift, key: str, ended: StoryEnded) -> None:
    encoded = msgspec.json.encode(ended)
    await shift.kit.recorder.record(lambda journal: journal.record_step(shift.batch_id, key, "story", encoded))
    shift.ledger.decided(key, encoded)


class _Story:
    def __init__(self, shift: Shift, cycle: CycleState, step: HandOver, briefing: Briefing, branch: Branch) -> None:
        self._shift = shift
        self._cycle = cycle
        self._story = step.story
        self._briefing = briefing
        self._branch = branch
        self._warned = False

    async def run(self) -> StoryEnded | None:
        state = review.begin(
            self._cycle.number,
            self._story,
            began=self._cycle.began[self._story],
            review_limit=self._cycle.selection.review_limit,
            seen=self._cycle.seen,
        )
        while not isinstance(step := review.next_step(state), StoryDone):
            outcome = await self._carry_out(step)
            if outcome is None:
                return None
            state = review.absorb(state, outcome)
            await self._warn_of_early_done(state)
        return StoryEnded(status=step.status, reason=step.reason, seen=state.seen)

    async def _carry_out(self, step: object) -> Outcome | None:
        match step:
            case MarkStory():
                return await mark_story(self._shift, step)
            case RunTogether():
                watched = self._cycle.keys
                return await run_together(self._shift, step, self._briefing, watched, self._branch)
            case _:
                raise AssertionError(f"a story has no such step: {step!r}")

    async def _warn_of_early_done(self, state: StoryState) -> None:
        """Somebody called the story done while its reviews go on: it stays in the file and changes nothing."""
        early = state.done is None and read_status(state.seen.get(self._story, "")) is Status.DONE
        if early and not self._warned:
            self._warned = True
            await self._shift.warn(
                "early_done", f"{self._story} was set to done before its reviews had ended; they go on"
            )
