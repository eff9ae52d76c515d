"""The review machine: one story through development and its code reviews.

The story actor drives it the way the batch actor drives the cycle machine. `judge` is the whole of the rules about
when a story is good enough, stuck, or due for another round; the counters belong to the story.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runner.domain.cycle import CHOSEN_IN_FILE, GONE, UNEXPECTED, diagnosis
from runner.domain.model import Status, read_status
from runner.domain.steps import (
    ERRORS,
    CommandEnded,
    Marked,
    MarkStory,
    Outcome,
    RunTogether,
    Step,
    StoryDone,
    StoryStep,
    mark,
    run,
)
from runner.domain.verdicts import Review, Severity, alike
from runner.domain.watch import Sight, look, noted, replaceable

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
    todo: tuple[Step, ...] = ()
    reviews: tuple[Review, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    diagnosed: int = 0
    done: StoryDone | None = None


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
        return replace(state, todo=(_review(state, 1),))
    return replace(state, todo=(mark(cycle, story, Status.IN_PROGRESS), run(cycle, "dev-story", story)))


def next_step(state: StoryState) -> StoryStep:
    """What has to be done now."""
    if state.todo:
        return state.todo[0]
    return state.done or StoryDone(status=Status.BLOCKED, reason=UNEXPECTED)


def absorb(state: StoryState, outcome: Outcome) -> StoryState:
    """The state after the present step had this outcome."""
    step, state = state.todo[0], replace(state, todo=state.todo[1:])
    match step, outcome:
        case RunTogether(), (CommandEnded() as ended,):
            return _after_command(state, step.commands[0].command, ended)
        case MarkStory(), Marked() if state.done is None:
            return _before_development(state, outcome)
        case _:
            return state


def _before_development(state: StoryState, outcome: Marked) -> StoryState:
    """Somebody may have finished the story since its cycle began: then there is nothing to develop."""
    if outcome.conflict and read_status(outcome.found) is Status.DONE:
        return replace(state, todo=(), done=StoryDone(status=Status.DONE))
    return _saw(state, noted(state.seen, state.story, outcome.found), step="mark")


def _after_command(state: StoryState, command: str, ended: CommandEnded) -> StoryState:
    if not ended.ok:
        return _finish(_keep(state, ended.seen), StoryDone(status=Status.BLOCKED, reason=ERRORS))
    if command == "sprint-status":
        state = replace(state, diagnosed=state.diagnosed + 1)
        return _saw(state, ended.seen, step=command)
    if command == "dev-story":
        return _saw(replace(state, todo=(_review(state, 1),)), ended.seen, step=command)
    state = replace(state, reviews=(*state.reviews, ended.facts.review))
    verdict = judge(state.reviews, state.review_limit)
    if verdict is None:
        state = replace(state, todo=(_review(state, len(state.reviews) + 1),))
        return _saw(state, ended.seen, step=command)
    state = _keep(state, ended.seen)
    # A story that a person blocked meanwhile stays blocked, whatever the review found.
    if look(state.seen, state.story) is Sight.BLOCKED:
        return _leave(state, CHOSEN_IN_FILE)
    return _finish(state, verdict)


def _review(state: StoryState, attempt: int) -> RunTogether:
    return run(state.cycle, f"code-review-{attempt}", state.story)


def _keep(state: StoryState, seen: Mapping[str, str]) -> StoryState:
    return replace(state, seen=dict(seen)) if seen else state


def _saw(state: StoryState, seen: Mapping[str, str], *, step: str) -> StoryState:
    """Take note of the sprint file before going on."""
    if not seen:
        return state
    state = _keep(state, seen)
    match look(seen, state.story):
        case Sight.BLOCKED:
            return _leave(state, CHOSEN_IN_FILE)
        case Sight.GONE:
            return _leave(state, GONE)
        case Sight.UNEXPECTED if step == "sprint-status":
            return _finish(state, StoryDone(status=Status.BLOCKED, reason=UNEXPECTED))
        case Sight.UNEXPECTED:
            return replace(state, todo=(diagnosis(state.cycle, state.story, state.diagnosed), *state.todo))
        case _:
            return state


def _leave(state: StoryState, reason: str) -> StoryState:
    """The sprint file already says so: nothing is left to write."""
    return replace(state, todo=(), done=StoryDone(status=Status.BLOCKED, reason=reason))


def _finish(state: StoryState, verdict: StoryDone) -> StoryState:
    """Write the verdict into the sprint file as the story's last step."""
    if look(state.seen, state.story) is Sight.GONE:
        return replace(state, todo=(), done=verdict)
    expected = replaceable(state.seen, state.story)
    step = mark(state.cycle, state.story, verdict.status, expected=expected, reason=verdict.reason)
    return replace(state, todo=(step,), done=verdict)
