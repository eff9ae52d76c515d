"""The review machine: one story through development and its code reviews.

The story actor drives it the way the batch actor drives the cycle machine. `judge` is the whole of the rules about
when a story is good enough, stuck, or due for another round; the counters belong to the story.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runner.domain.model import Status
from runner.domain.steps import (
    DIAGNOSIS,
    ERRORS,
    CommandEnded,
    Marked,
    MarkStory,
    Outcome,
    RunTogether,
    StoryDone,
    StoryStep,
    diagnosis,
    mark,
    run,
)
from runner.domain.verdicts import Review, Severity, alike
from runner.domain.watch import CHOSEN_IN_FILE, GONE, MOST_DIAGNOSES, UNEXPECTED, Sight, look, noted, replaceable

REPEATED = "repeated error pattern"
LIMIT = "review limit"
ENOUGH_REVIEWS = 3
"""From this attempt on, lesser findings may remain and a repeated pattern blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryState:
    """Where a story's development stands."""

    cycle: int
    story: str
    review_limit: int
    todo: tuple[StoryStep, ...] = ()
    """Never empty; ends with the verdict once there is one."""
    reviews: tuple[Review, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    diagnosed: int = 0

    @property
    def done(self) -> StoryDone | None:
        """The verdict, once there is one; it may still have to be written into the sprint file."""
        last = self.todo[-1]
        return last if isinstance(last, StoryDone) else None


def judge(reviews: tuple[Review, ...], limit: int) -> StoryDone | None:
    """The verdict over a story after its latest review; None: another review is due."""
    attempt, last = len(reviews), reviews[-1].severity
    if last is Severity.ZERO:
        return StoryDone(status=Status.DONE)
    if attempt >= ENOUGH_REVIEWS and alike(reviews[-ENOUGH_REVIEWS:]):
        return StoryDone(status=Status.BLOCKED, reason=REPEATED)
    if attempt >= ENOUGH_REVIEWS and last not in (Severity.CRITICAL, Severity.UNKNOWN):
        return StoryDone(status=Status.DONE)
    if attempt >= limit:
        return StoryDone(status=Status.BLOCKED, reason=LIMIT)
    return None


def begin(cycle: int, story: str, *, began: Status | None, review_limit: int, seen: Mapping[str, str]) -> StoryState:
    """The state in which a story is handed over; one that waits for review is not developed again."""
    state = StoryState(cycle=cycle, story=story, review_limit=review_limit, seen=dict(seen))
    if began is Status.REVIEW:
        return replace(state, todo=(_review(state),))
    return replace(state, todo=(_start(state), run(cycle, "dev-story", story)))


def next_step(state: StoryState) -> StoryStep:
    """What has to be done now."""
    return state.todo[0]


def absorb(state: StoryState, outcome: Outcome) -> StoryState:
    """The state after the present step had this outcome."""
    step, state = state.todo[0], replace(state, todo=state.todo[1:])
    match step, outcome:
        case RunTogether(commands=(command,)), (CommandEnded() as ended,):
            return _after_command(replace(state, seen=dict(ended.seen)), command.command, ended)
        case MarkStory(), Marked():
            return _after_mark(replace(state, seen=noted(state.seen, state.story, outcome.found)), outcome)
        case _:
            return state


def _after_mark(state: StoryState, marked: Marked) -> StoryState:
    """Somebody may have been quicker: what cannot be overwritten stands."""
    if not marked.conflict:
        return state
    match look(state.seen, state.story):
        case Sight.BLOCKED:
            return _leave(state, CHOSEN_IN_FILE)
        case Sight.GONE:
            return _leave(state, GONE)
        case _ if state.done is not None:
            return state
        case Sight.UNEXPECTED:
            return _puzzled(replace(state, todo=(_start(state, again=state.diagnosed + 1), *state.todo)))
        case Sight.EXPECTED:
            return replace(state, todo=(StoryDone(status=Status.DONE),))  # finished since its cycle began


def _after_command(state: StoryState, command: str, ended: CommandEnded) -> StoryState:
    """Go on as the rules say, unless the sprint file says otherwise."""
    if command == DIAGNOSIS:
        state = replace(state, diagnosed=state.diagnosed + 1)
    if not ended.ok:
        state = _finish(state, StoryDone(status=Status.BLOCKED, reason=ERRORS))
    elif command == "dev-story":
        state = replace(state, todo=(_review(state),))
    elif command != DIAGNOSIS:
        state = _after_review(replace(state, reviews=(*state.reviews, ended.facts.review)))
    return _heed_file(state, diagnosed=command == DIAGNOSIS)


def _after_review(state: StoryState) -> StoryState:
    verdict = judge(state.reviews, state.review_limit)
    return replace(state, todo=(_review(state),)) if verdict is None else _finish(state, verdict)


def _heed_file(state: StoryState, *, diagnosed: bool) -> StoryState:
    """A story that a person blocked stays blocked, whatever was found; an odd status is diagnosed before going on."""
    match look(state.seen, state.story):
        case Sight.BLOCKED:
            return _leave(state, CHOSEN_IN_FILE)
        case Sight.GONE:
            return _leave(state, GONE)
        case Sight.UNEXPECTED if diagnosed:
            return _finish(state, StoryDone(status=Status.BLOCKED, reason=UNEXPECTED))
        case Sight.UNEXPECTED if state.done is None or state.done.status is Status.DONE:
            return _puzzled(state)
        case _:
            return state


def _puzzled(state: StoryState) -> StoryState:
    if state.diagnosed >= MOST_DIAGNOSES:
        return _finish(state, StoryDone(status=Status.BLOCKED, reason=UNEXPECTED))
    step = diagnosis(state.cycle, state.story, state.diagnosed, where=".dev")
    return replace(state, todo=(step, *state.todo))


def _start(state: StoryState, *, again: int = 0) -> MarkStory:
    return mark(state.cycle, state.story, Status.IN_PROGRESS, count=again)


def _review(state: StoryState) -> RunTogether:
    return run(state.cycle, f"code-review-{len(state.reviews) + 1}", state.story)


def _leave(state: StoryState, reason: str) -> StoryState:
    """The sprint file already says so: nothing is left to write."""
    return replace(state, todo=(StoryDone(status=Status.BLOCKED, reason=reason),))


def _finish(state: StoryState, verdict: StoryDone) -> StoryState:
    """Write the verdict into the sprint file as the story's last step."""
    expected = replaceable(state.seen, state.story)
    step = mark(state.cycle, state.story, verdict.status, expected=expected, reason=verdict.reason)
    return replace(state, todo=(step, verdict))
