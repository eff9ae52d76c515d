"""The plan: what the next cycles would do, found out by rehearsing them.

`plan` drives the real machines, cycle and review, with assumed outcomes instead of agents: every command succeeds,
a story without a decision needs a tech-spec, reviews find nothing. So the plan can never tell another story than the
batch, as far as the future is decided. `--dry-run` shows it. Nothing here is started, read or written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from runner.domain import cycle, review
from runner.domain.cycle import CycleState, CycleStory, Selection
from runner.domain.model import Status, Story
from runner.domain.sprint import Sprint, select
from runner.domain.steps import (
    DIAGNOSIS,
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
    RunCommand,
    RunTogether,
    Spawned,
    SpawnReviews,
    StoryDone,
    StoryEnded,
)
from runner.domain.taxonomy import base_name
from runner.domain.verdicts import Decision, Review, Severity

Recorded = TypeVar("Recorded")


class Recall(Protocol):
    """Gives the recorded outcome of a step; None when it has none."""

    def __call__(self, key: str, kind: type[Recorded]) -> Recorded | None: ...


UNDECIDED = "only if create-story says REQUIRED"
DIAGNOSED = "the status is assumed to be ready-for-dev afterwards"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """Commands that run together."""

    phase: str
    commands: tuple[str, ...]
    story_keys: tuple[str, ...]
    assumed: str = ""
    """What would have to be true; empty when it is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCycle:
    """One cycle, with its stories as they stand when it begins."""

    number: int
    stories: tuple[CycleStory, ...]
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The next cycles, and the open stories that they do not reach."""

    cycles: tuple[PlannedCycle, ...]
    left: tuple[str, ...]

    @property
    def commands(self) -> int:
        return sum(len(step.commands) for planned in self.cycles for step in planned.steps)


def nothing_on_record(key: str, kind: type[Recorded]) -> Recorded | None:
    """For a batch that has done nothing yet."""
    return None


def plan(
    sprint: Sprint,
    enter: Callable[[Story], CycleStory],
    *,
    cycles: int | None,
    first: int = 1,
    under_way: Selection | None = None,
    recall: Recall = nothing_on_record,
    review_limit: int = 10,
) -> Plan:
    """Rehearse up to `cycles` cycles (None: until no story is left), the first one with number `first`.

    `enter` says what is known of a story when its cycle begins. `under_way` is the selection of a cycle that has
    begun already; `recall` gives the recorded outcomes of its steps, which are not planned again.
    """
    planned: list[PlannedCycle] = []
    written = dict(sprint.written)
    while cycles is None or len(planned) < cycles:
        selection = under_way if not planned else None
        if selection is None:
            stories = tuple(enter(story) for story in select(_with_statuses(sprint, written)))
            selection = Selection(number=first + len(planned), stories=stories, review_limit=review_limit)
        if not selection.stories:
            break
        planned.append(_Rehearsal(written, recall).run(selection))
    left = tuple(story.key.text for story in _with_statuses(sprint, written).stories if story.open)
    return Plan(cycles=tuple(planned), left=left)


def _with_statuses(sprint: Sprint, written: Mapping[str, str]) -> Sprint:
    return Sprint(stories=tuple(Story(story.key, written[story.key.text]) for story in sprint.stories))


class _Rehearsal:
    """One cycle on an imagined sprint file; `written` (story to status) is changed as the file would be."""

    def __init__(self, written: dict[str, str], recall: Recall) -> None:
        self._written = written
        self._recall = recall
        self._steps: list[PlannedStep] = []

    def run(self, selection: Selection) -> PlannedCycle:
        state = cycle.begin(selection)
        while not isinstance(step := cycle.next_step(state), CycleDone):
            state = cycle.absorb(state, self._outcome(state, step))
        return PlannedCycle(number=selection.number, stories=selection.stories, steps=tuple(self._steps))

    def _outcome(self, state: CycleState, step: CycleStep) -> Outcome:
        match step:
            case RunTogether():
                return self._commands(state, step)
            case HandOver():
                return self._recall(step.key, StoryEnded) or self._story(state, step.story)
            case MarkStory():
                return self._recall(step.key, Marked) or self._mark(step)
            case InjectContext():
                return Injected()
            case SpawnReviews():
                return Spawned(background_task_id=0)
            case CycleDone():
                raise AssertionError("the end of a cycle has no outcome")

    def _story(self, state: CycleState, key: str) -> StoryEnded:
        limit = state.selection.review_limit
        story = review.begin(state.number, key, began=state.began[key], review_limit=limit, seen=state.seen)
        while not isinstance(step := review.next_step(story), StoryDone):
            story = review.absorb(story, self._outcome(state, step))
        return StoryEnded(status=step.status, reason=step.reason, seen=self._seen(state))

    def _commands(self, state: CycleState, step: RunTogether) -> tuple[CommandEnded, ...]:
        known = {command.key: self._recall(command.key, CommandEnded) for command in step.commands}
        due = tuple(command for command in step.commands if known[command.key] is None)
        if due:
            self._plan(state, due)
        return tuple(
            known[command.key] or CommandEnded(ok=True, facts=_facts(command), seen=self._seen(state))
            for command in step.commands
        )

    def _plan(self, state: CycleState, due: tuple[RunCommand, ...]) -> None:
        phase, names = cycle.phase_of(state), tuple(command.command for command in due)
        assumed = _assumed(state, phase, names[0])
        self._steps.append(PlannedStep(phase=phase, commands=names, story_keys=due[0].stories, assumed=assumed))
        for command in due:
            self._written.update(_written_by(command))

    def _mark(self, step: MarkStory) -> Marked:
        self._written[step.story] = str(step.new)
        return Marked(found=str(step.new))

    def _seen(self, state: CycleState) -> dict[str, str]:
        return {key: self._written[key] for key in state.keys if key in self._written}


def _assumed(state: CycleState, phase: str, command: str) -> str:
    """What is not decided yet about a step."""
    if command == DIAGNOSIS:
        return DIAGNOSED
    if phase in ("create-tech-spec", "tech-spec-review"):
        known = {story.key: story.file_decision for story in state.selection.stories}
        required = any(known[key] == Decision.REQUIRED for key in state.speced)
        # A story that is written already without a decision counts as REQUIRED: nobody is asked again.
        written = any(known[key] is None and state.began[key] is not Status.BACKLOG for key in state.speced)
        return "" if required or written else UNDECIDED
    return ""


def _written_by(command: RunCommand) -> dict[str, str]:
    """What an agent writes into the sprint file when all goes well."""
    status = {
        "create-story": Status.READY_FOR_DEV,
        "dev-story": Status.REVIEW,
        DIAGNOSIS: Status.READY_FOR_DEV,
    }.get(command.command)
    return {} if status is None else dict.fromkeys(command.stories, str(status))


def _facts(command: RunCommand) -> Facts:
    if base_name(command.command) == "code-review":
        return Facts(review=Review(severity=Severity.ZERO))
    return Facts()
