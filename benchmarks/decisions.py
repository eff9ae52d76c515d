"""How long the cycle and review machines take to decide a whole cycle of two stories."""

from benchmarks.measure import Row, interleaved
from runner.domain import cycle, review
from runner.domain.cycle import CycleState, CycleStory, Selection
from runner.domain.steps import (
    CommandEnded,
    CycleDone,
    CycleStep,
    Facts,
    HandOver,
    InjectContext,
    Injected,
    Marked,
    MarkStory,
    Outcome,
    RunTogether,
    Spawned,
    SpawnReviews,
    StoryDone,
    StoryEnded,
)
from runner.domain.verdicts import Review, Severity

BOUND_MS = 1.0
CYCLES = 50
STORIES = (
    CycleStory(key="2a-1-scanner", short="2a-1", epic="2a", written="backlog"),
    CycleStory(key="2a-2-list", short="2a-2", epic="2a", written="backlog"),
)
SEEN = {story.key: "ready-for-dev" for story in STORIES}
CRITICAL = Facts(critical=True, review=Review(severity=Severity.CRITICAL))
CLEAN = Facts(review=Review(severity=Severity.ZERO))


def _ended(command: str) -> CommandEnded:
    facts = CRITICAL if command.endswith("review-1") else CLEAN
    return CommandEnded(ok=True, facts=facts, seen=SEEN)


def _outcome(state: CycleState, step: CycleStep) -> Outcome:
    match step:
        case RunTogether(commands=commands):
            return tuple(_ended(command.command) for command in commands)
        case HandOver(story=story):
            return _story(state, story)
        case MarkStory(new=new):
            return Marked(found=str(new))
        case InjectContext():
            return Injected()
        case SpawnReviews():
            return Spawned(background_task_id=1)
        case CycleDone():
            raise AssertionError("the end of a cycle has no outcome")


def _story(state: CycleState, story: str) -> StoryEnded:
    own = review.begin(state.number, story, began=state.began[story], review_limit=10, seen=state.seen)
    while not isinstance(step := review.next_step(own), StoryDone):
        own = review.absorb(own, _outcome(state, step))
    return StoryEnded(status=step.status, reason=step.reason, seen=own.seen)


def play() -> int:
    """Decide whole cycles; gives the number of steps of the last one."""
    steps = 0
    for number in range(CYCLES):
        state, steps = cycle.begin(Selection(number=number, stories=STORIES)), 0
        while not isinstance(step := cycle.next_step(state), CycleDone):
            state, steps = cycle.absorb(state, _outcome(state, step)), steps + 1
    return steps


def measure() -> list[Row]:
    (median,) = interleaved(play)
    per_cycle = median * 1000 / CYCLES
    return [
        Row(
            what=f"decisions of a cycle of two new stories ({play()} steps of the cycle machine)",
            figure=f"{per_cycle:.2f} ms",
            bound=f"≤ {BOUND_MS:g} ms",
            kept=per_cycle <= BOUND_MS,
        )
    ]
