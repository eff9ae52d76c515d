"""The cycle machine: one or two stories of an epic through the shared phases.

Every rule about which phase applies to which story lives in this file, as the table `PHASES`; the code below it
only interprets the table. The batch actor asks `next_step`, carries it out and hands the outcome to `absorb`.

    begin(selection) -> state        next_step(state) -> step        absorb(state, outcome) -> state

A state holds the steps still to do in the present phase. When none is left the machine enters the next phase that
has a story to work on. Whatever an outcome tells about the sprint file is looked at first: a story that somebody
blocked leaves, a status nobody expects is diagnosed once and then blocks its story.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from runner.domain.model import Status, read_status
from runner.domain.steps import (
    ERRORS,
    CommandEnded,
    CycleDone,
    CycleStep,
    HandOver,
    InjectContext,
    Marked,
    MarkStory,
    Outcome,
    RunCommand,
    RunTogether,
    SpawnReviews,
    Step,
    StoryEnded,
    mark,
    run,
    run_command,
    step_key,
)
from runner.domain.verdicts import Decision
from runner.domain.watch import Sight, look, noted, replaceable

CHOSEN_IN_FILE = "blocked in the sprint file"
GONE = "no longer in the sprint file"
UNEXPECTED = "unexpected status"


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


# --- the phases: for whom, and with which steps -------------------------------------------------------------------


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


def _needs_spec(state: CycleState) -> tuple[str, ...]:
    without = {story.key for story in state.selection.stories if not story.has_tech_spec}
    stories = tuple(key for key in _begun_as(state, Status.BACKLOG, Status.READY_FOR_DEV) if key in without)
    # One REQUIRED takes its partner along, even one that says SKIP: the original's rule.
    required = any(state.decisions.get(key, Decision.REQUIRED) == Decision.REQUIRED for key in stories)
    return stories if required else ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A row of the table: a phase without stories is skipped."""

    name: str
    stories: Callable[[CycleState], tuple[str, ...]]
    steps: Callable[[CycleState, tuple[str, ...]], tuple[Step, ...]]


PHASES = (
    Phase(name="diagnosis", stories=_unexpected, steps=_diagnose),
    Phase(name="create-story", stories=_new, steps=_create),
    Phase(name="story-review", stories=_new, steps=_review("story-review")),
    Phase(name="create-tech-spec", stories=_needs_spec, steps=_specify),
    Phase(name="tech-spec-review", stories=_speced, steps=_review("tech-spec-review")),
    Phase(name="dev + code-review", stories=_active, steps=_hand_over),
    Phase(name="batch-commit", stories=_completed, steps=_commit),
)


# --- the machine --------------------------------------------------------------------------------------------------


def begin(selection: Selection) -> CycleState:
    """The state in which a cycle starts."""
    written = {story.key: story.written for story in selection.stories}
    decisions = {story.key: story.file_decision for story in selection.stories if story.file_decision}
    state = CycleState(
        selection=selection,
        began={key: read_status(text) for key, text in written.items()},
        seen=written,
        decisions=decisions,
        phase=-1,
    )
    return _settle(state)


def phase_of(state: CycleState) -> str:
    """The name of the phase a cycle is in; empty when it is done."""
    return PHASES[state.phase].name if state.phase < len(PHASES) else ""


def next_step(state: CycleState) -> CycleStep:
    """What has to be done now."""
    if state.todo:
        return state.todo[0]
    blocked = tuple(key for key in state.keys if key in state.left)
    return CycleDone(completed=state.completed, blocked=blocked)


def absorb(state: CycleState, outcome: Outcome) -> CycleState:
    """The state after the present step had this outcome; the present step is always `next_step(state)`."""
    step, state = state.todo[0], replace(state, todo=state.todo[1:])
    match step, outcome:
        case RunTogether(), tuple(ended):
            state = _after_commands(state, step, ended)
        case HandOver(story=key), StoryEnded():
            state = _after_story(_saw(state, outcome.seen), key, outcome)
        case MarkStory(story=key), Marked():
            state = _saw(state, noted(state.seen, key, outcome.found))
        case _:
            pass
    return _settle(state)


def _settle(state: CycleState) -> CycleState:
    """Drop what has become pointless, and enter phases until there is a step to do or no phase is left."""
    while True:
        state = _drop_finished(state)
        if state.todo or state.phase >= len(PHASES) - 1:
            return state if state.todo else replace(state, phase=len(PHASES))
        state = _enter(replace(state, phase=state.phase + 1))


def _enter(state: CycleState) -> CycleState:
    phase = PHASES[state.phase]
    stories = phase.stories(state)
    if not stories:
        return state
    if phase.name == "create-tech-spec":
        state = replace(state, speced=stories)
    return replace(state, todo=phase.steps(state, stories))


def _drop_finished(state: CycleState) -> CycleState:
    """Pass over stories that have left, and over those that somebody finished before their development began."""
    while state.todo and isinstance(head := state.todo[0], HandOver):
        if head.story in state.left:
            state = replace(state, todo=state.todo[1:])
        elif read_status(state.seen.get(head.story, "")) is Status.DONE:
            state = replace(state, todo=state.todo[1:], completed=(*state.completed, head.story))
        else:
            break
    return state


def _after_commands(state: CycleState, step: RunTogether, ended: tuple[CommandEnded, ...]) -> CycleState:
    for command, result in zip(step.commands, ended, strict=True):
        diagnosed = command.stories if command.command == "sprint-status" else ()
        state = _saw(_count_diagnosis(state, diagnosed), result.seen, diagnosed=diagnosed)
        if command.command != "batch-commit" and not result.ok:
            state = _give_up(state, command.stories)
        state = replace(state, decisions={**state.decisions, **result.facts.decisions})
    stories = tuple(key for key in step.commands[0].stories if key not in state.left)
    follow: tuple[Step, ...] = ()
    if stories and step.commands[0].command == "create-story":
        follow = _after_creation(state, stories)
    elif stories and ended[0].facts.critical:
        name = step.commands[0].command.removesuffix("-1")
        key = step_key(state.number, f"{name}-chain", *stories)
        follow = (SpawnReviews(key=key, phase=name, stories=stories),)
    return replace(state, todo=(*state.todo, *follow))


def _after_creation(state: CycleState, stories: tuple[str, ...]) -> tuple[Step, ...]:
    """Context goes into the discovery files; the runner moves on what the agent left in the backlog."""
    inject = InjectContext(key=step_key(state.number, "inject-context", *stories), stories=stories)
    idle = (key for key in stories if read_status(state.seen.get(key, "")) is Status.BACKLOG)
    return (
        inject,
        *(mark(state.number, key, Status.READY_FOR_DEV, expected=(Status.BACKLOG,)) for key in idle),
    )


def _after_story(state: CycleState, key: str, outcome: StoryEnded) -> CycleState:
    if outcome.status is Status.DONE:
        return replace(state, completed=(*state.completed, key))
    return replace(state, left={**state.left, key: outcome.reason})


def _give_up(state: CycleState, stories: tuple[str, ...]) -> CycleState:
    """Block the stories of a step that was given up."""
    active = tuple(key for key in stories if key not in state.left)
    marks = tuple(
        mark(state.number, key, Status.BLOCKED, expected=replaceable(state.seen, key), reason=ERRORS)
        for key in active
    )
    left = {**state.left, **dict.fromkeys(active, ERRORS)}
    return replace(state, left=left, todo=(*state.todo, *marks))


def _saw(state: CycleState, seen: Mapping[str, str], *, diagnosed: tuple[str, ...] = ()) -> CycleState:
    """Take note of the sprint file: somebody may have blocked, removed or misspelled a story."""
    if not seen:
        return state
    state = replace(state, seen=dict(seen))
    for key in state.active:
        match look(seen, key):
            case Sight.BLOCKED:
                state = replace(state, left={**state.left, key: CHOSEN_IN_FILE})
            case Sight.GONE:
                state = replace(state, left={**state.left, key: GONE})
            case Sight.UNEXPECTED if key not in state.completed:
                state = _puzzled(state, key, diagnosed=key in diagnosed)
            case Sight.EXPECTED if state.began[key] is None:
                state = replace(state, began={**state.began, key: read_status(seen[key])})
            case _:
                pass
    return state


def _puzzled(state: CycleState, key: str, *, diagnosed: bool) -> CycleState:
    """Have an unexpected status diagnosed; block the story when the diagnosis did not help."""
    if diagnosed:
        expected = replaceable(state.seen, key)
        step = mark(state.number, key, Status.BLOCKED, expected=expected, reason=UNEXPECTED)
        return replace(state, left={**state.left, key: UNEXPECTED}, todo=(step, *state.todo))
    if any(_diagnoses(step, key) for step in state.todo):
        return state
    return replace(state, todo=(diagnosis(state.number, key, state.diagnosed.get(key, 0)), *state.todo))


def _count_diagnosis(state: CycleState, stories: tuple[str, ...]) -> CycleState:
    counts = {key: state.diagnosed.get(key, 0) + 1 for key in stories}
    return replace(state, diagnosed={**state.diagnosed, **counts})


def _diagnoses(step: Step, key: str) -> bool:
    return isinstance(step, RunTogether) and any(
        command.command == "sprint-status" and key in command.stories for command in step.commands
    )


def diagnosis(cycle: int, key: str, count: int) -> RunTogether:
    """The diagnosis of a story's status; the second and later ones in a cycle have keys of their own."""
    place = "sprint-status" if count == 0 else f"sprint-status.{count + 1}"
    command = RunCommand(key=step_key(cycle, place, key), command="sprint-status", stories=(key,))
    return RunTogether(commands=(command,))
