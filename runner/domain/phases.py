"""The phases of a cycle as a table, and the state that its rows look at.

Every rule about which phase applies to which story lives here, as the table `PHASES`; the cycle machine only
interprets it. A row says which stories a phase is for and which steps it takes to begin with; what follows from the
outcomes is for the machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runner.domain.model import Status
from runner.domain.steps import HandOver, RunTogether, Step, diagnosis, run, run_command, step_key
from runner.domain.verdicts import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStory:
    """What is known of a story when its cycle starts; recorded, so that a resume sees the same."""

    key: str
    short: str
    epic: str
    written: str
    """Its status as written in the sprint file."""
    has_tech_spec: bool = False
    file_decision: str | None = None
    """The decision its story file carries, for a story that starts as ready-for-dev."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A cycle's recorded beginning. The settings that steer the flow belong to it: changing them is for later."""

    number: int
    stories: tuple[CycleStory, ...]
    review_limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleState:
    """Where a cycle stands."""

    selection: Selection
    phase: int = 0
    todo: tuple[Step, ...] = ()
    began: Mapping[str, Status | None] = field(default_factory=dict)
    """Status at cycle start, after the diagnosis of an unexpected one."""
    seen: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    """Stories that take no further part, with the reason."""
    completed: tuple[str, ...] = ()
    """Stories that are done; none of them has left."""
    decisions: Mapping[str, str] = field(default_factory=dict)
    speced: tuple[str, ...] = ()
    """The stories of the tech-spec phase."""
    diagnosed: Mapping[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.selection.number

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(story.key for story in self.selection.stories)

    @property
    def active(self) -> tuple[str, ...]:
        return tuple(key for key in self.keys if key not in self.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A row of the table: a phase without stories is skipped."""

    name: str
    stories: Callable[[CycleState], tuple[str, ...]]
    steps: Callable[[CycleState, tuple[str, ...]], tuple[Step, ...]]


def needs_spec(state: CycleState) -> tuple[str, ...]:
    """The stories that the tech-spec phase is for; a story without a decision counts as REQUIRED."""
    without = {story.key for story in state.selection.stories if not story.has_tech_spec}
    stories = tuple(key for key in _begun_as(state, Status.BACKLOG, Status.READY_FOR_DEV) if key in without)
    # One REQUIRED takes its partner along, even one that says SKIP: the original's rule.
    required = any(state.decisions.get(key, Decision.REQUIRED) == Decision.REQUIRED for key in stories)
    return stories if required else ()


def _begun_as(state: CycleState, *statuses: Status) -> tuple[str, ...]:
    return tuple(key for key in state.active if state.began[key] in statuses)


def _unexpected(state: CycleState) -> tuple[str, ...]:
    return tuple(key for key in state.active if state.began[key] is None)


def _diagnose(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    return tuple(diagnosis(state.number, key, state.diagnosed.get(key, 0)) for key in stories)


def _new(state: CycleState) -> tuple[str, ...]:
    return _begun_as(state, Status.BACKLOG)


def _create(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    commands = ("create-story", "story-discovery")
    return (RunTogether(commands=tuple(run_command(state.number, name, *stories) for name in commands)),)


def _review(phase: str) -> Callable[[CycleState, tuple[str, ...]], tuple[Step, ...]]:
    def steps(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
        return (run(state.number, f"{phase}-1", *stories),)

    return steps


def _specify(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    return (run(state.number, "create-tech-spec", *stories),)


def _speced(state: CycleState) -> tuple[str, ...]:
    return tuple(key for key in state.speced if key not in state.left)


def _active(state: CycleState) -> tuple[str, ...]:
    return state.active


def _hand_over(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    return tuple(HandOver(key=step_key(state.number, "story", key), story=key) for key in stories)


def _completed(state: CycleState) -> tuple[str, ...]:
    return state.completed


def _commit(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    return (run(state.number, "batch-commit", *stories),)


PHASES = (
    Phase(name="diagnosis", stories=_unexpected, steps=_diagnose),
    Phase(name="create-story", stories=_new, steps=_create),
    Phase(name="story-review", stories=_new, steps=_review("story-review")),
    Phase(name="create-tech-spec", stories=needs_spec, steps=_specify),
    Phase(name="tech-spec-review", stories=_speced, steps=_review("tech-spec-review")),
    Phase(name="dev + code-review", stories=_active, steps=_hand_over),
    Phase(name="batch-commit", stories=_completed, steps=_commit),
)
