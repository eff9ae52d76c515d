"""The cycle machine: one or two stories of an epic through the shared phases.

Which phase applies to which story is the table in `phases`; this file interprets it. The batch actor asks
`next_step`, carries it out and hands the outcome to `absorb`.

    begin(selection) -> state        next_step(state) -> step        absorb(state, outcome) -> state

A state holds the steps still to do in the present phase. When none is left the machine enters the next phase that
has a story to work on. Whatever an outcome tells about the sprint file is looked at first: a story that somebody
blocked leaves, a status nobody expects is diagnosed once and then blocks its story.
"""

from collections.abc import Mapping
from dataclasses import replace

from runner.domain.model import Status, read_status
from runner.domain.phases import PHASES, CycleState, CycleStory, Selection
from runner.domain.steps import (
    DIAGNOSIS,
    ERRORS,
    CommandEnded,
    CycleDone,
    CycleStep,
    HandOver,
    InjectContext,
    Injected,
    Marked,
    MarkStory,
    Outcome,
    RunCommand,
    RunTogether,
    SpawnReviews,
    Step,
    StoryEnded,
    diagnosis,
    inject,
    mark,
    spawn,
)
from runner.domain.verdicts import Decision
from runner.domain.watch import CHOSEN_IN_FILE, GONE, MOST_DIAGNOSES, UNEXPECTED, Sight, look, noted, replaceable

__all__ = ["CycleState", "CycleStory", "Selection", "absorb", "begin", "next_step", "phase_of"]


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
            state = _saw(_after_story(state, key, outcome), outcome.seen)
        case MarkStory(story=key), Marked():
            state = _saw(state, noted(state.seen, key, outcome.found))
        case InjectContext(stories=stories), Injected():
            state = _after_creation(state, stories)
        case _:
            pass
    return _settle(state)


# --- from step to step --------------------------------------------------------------------------------------------


def _settle(state: CycleState) -> CycleState:
    """Drop what has become pointless, and enter phases until there is a step to do or no phase is left."""
    while True:
        state = _drop_finished(_drop_left(state))
        if state.todo or state.phase >= len(PHASES) - 1:
            return state if state.todo else replace(state, phase=len(PHASES))
        state = _enter(replace(state, phase=state.phase + 1))


def _enter(state: CycleState) -> CycleState:
    phase = PHASES[state.phase]
    stories = phase.stories(state)
    if not stories:
        return state
    if phase.name == "create-tech-spec":
        assumed = dict.fromkeys(stories, Decision.REQUIRED.value)
        state = replace(state, speced=stories, decisions={**assumed, **state.decisions})
    return replace(state, todo=phase.steps(state, stories))


def _drop_left(state: CycleState) -> CycleState:
    """Nothing is done any more for stories that left while steps for them were waiting."""
    if not state.left:
        return state
    steps = (_for_active(state, step) for step in state.todo)
    return replace(state, todo=tuple(step for step in steps if step is not None))


def _for_active(state: CycleState, step: Step) -> Step | None:
    match step:
        case MarkStory(new=Status.BLOCKED):
            return step  # the last thing that is done for a story, as it leaves
        case MarkStory(story=key) | HandOver(story=key):
            return step if key in state.active else None
        case InjectContext(stories=stories):
            remaining = _staying(state, stories)
            return inject(state.number, remaining) if remaining else None
        case SpawnReviews(phase=phase, stories=stories):
            remaining = _staying(state, stories)
            return spawn(state.number, phase, remaining) if remaining else None
        case RunTogether(commands=commands):
            return step if _staying(state, commands[0].stories) else None


def _staying(state: CycleState, stories: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in stories if key not in state.left)


def _drop_finished(state: CycleState) -> CycleState:
    """Pass over stories that somebody finished before their development began."""
    while state.todo and isinstance(head := state.todo[0], HandOver):
        if read_status(state.seen.get(head.story, "")) is not Status.DONE:
            break
        state = replace(state, todo=state.todo[1:], completed=(*state.completed, head.story))
    return state


# --- what outcomes lead to ----------------------------------------------------------------------------------------


def _after_commands(state: CycleState, step: RunTogether, ended: tuple[CommandEnded, ...]) -> CycleState:
    first, *_ = step.commands
    if first.command == "batch-commit":
        return state  # it fails nothing, and what is committed is not taken back
    # Of two readings nobody knows which is newer. The first command's one counts: create-story moves its stories on.
    for command, result in reversed(tuple(zip(step.commands, ended, strict=True))):
        diagnosed = command.stories if command.command == DIAGNOSIS else ()
        state = _saw(_count_diagnosis(state, diagnosed), result.seen, diagnosed=diagnosed)
    for command, result in zip(step.commands, ended, strict=True):
        state = replace(state, decisions={**state.decisions, **result.facts.decisions})
        state = state if result.ok else _give_up(state, command.stories)
    return _follow_up(state, first, critical=ended[0].facts.critical)


def _follow_up(state: CycleState, command: RunCommand, *, critical: bool) -> CycleState:
    stories = _staying(state, command.stories)
    if stories and command.command == "create-story":
        return replace(state, todo=(*state.todo, inject(state.number, stories)))
    if stories and critical:
        return replace(state, todo=(*state.todo, spawn(state.number, command.command.removesuffix("-1"), stories)))
    return state


def _after_creation(state: CycleState, stories: tuple[str, ...]) -> CycleState:
    """The runner moves on what the agent left in the backlog."""
    idle = (key for key in stories if read_status(state.seen.get(key, "")) is Status.BACKLOG)
    marks = (mark(state.number, key, Status.READY_FOR_DEV, expected=(Status.BACKLOG,)) for key in idle)
    return replace(state, todo=(*marks, *state.todo))


def _after_story(state: CycleState, key: str, outcome: StoryEnded) -> CycleState:
    if outcome.status is Status.DONE:
        return replace(state, completed=(*state.completed, key))
    return _leave(state, key, outcome.reason)


def _give_up(state: CycleState, stories: tuple[str, ...]) -> CycleState:
    """Block the stories of a step that was given up."""
    for key in reversed(_staying(state, stories)):
        state = _block(state, key, ERRORS)
    return state


def _block(state: CycleState, key: str, reason: str) -> CycleState:
    """Let a story leave, and say so in the sprint file."""
    step = mark(state.number, key, Status.BLOCKED, expected=replaceable(state.seen, key), reason=reason)
    return replace(_leave(state, key, reason), todo=(step, *state.todo))


def _leave(state: CycleState, key: str, reason: str) -> CycleState:
    completed = tuple(story for story in state.completed if story != key)
    return replace(state, completed=completed, left={**state.left, key: reason})


# --- the sprint file ----------------------------------------------------------------------------------------------


def _saw(state: CycleState, seen: Mapping[str, str], *, diagnosed: tuple[str, ...] = ()) -> CycleState:
    """Take note of the sprint file: somebody may have blocked, removed or misspelled a story."""
    state = replace(state, seen=dict(seen))
    for key in state.active:
        match look(seen, key):
            case Sight.BLOCKED:
                state = _leave(state, key, CHOSEN_IN_FILE)
            case _ if key in state.completed:
                pass  # its work is done, whatever somebody makes of its line afterwards
            case Sight.GONE:
                state = _leave(state, key, GONE)
            case Sight.UNEXPECTED:
                state = _puzzled(state, key, diagnosed=key in diagnosed)
            case Sight.EXPECTED if state.began[key] is None:
                state = replace(state, began={**state.began, key: read_status(seen[key])})
            case _:
                pass
    return state


def _puzzled(state: CycleState, key: str, *, diagnosed: bool) -> CycleState:
    """Have an unexpected status diagnosed; block the story when the diagnosis did not help."""
    count = state.diagnosed.get(key, 0)
    if diagnosed or count >= MOST_DIAGNOSES:
        return _block(state, key, UNEXPECTED)
    if any(_diagnoses(step, key) for step in state.todo):
        return state
    return replace(state, todo=(diagnosis(state.number, key, count), *state.todo))


def _count_diagnosis(state: CycleState, stories: tuple[str, ...]) -> CycleState:
    counts = {key: state.diagnosed.get(key, 0) + 1 for key in stories}
    return replace(state, diagnosed={**state.diagnosed, **counts})


def _diagnoses(step: Step, key: str) -> bool:
    return isinstance(step, RunTogether) and any(
        command.command == DIAGNOSIS and key in command.stories for command in step.commands
    )
