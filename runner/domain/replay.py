"""The replay: drives the present machines over what an earlier run of a batch has left on record.

A batch actor does this before it goes on with a batch. A run can be cut off anywhere, so any prefix of a history is
a legal one: the answer is the position, the steps that are due now. A history that these machines could not have
left was made by another version of the program: NonDeterminism names the step on record and the one asked for in
its place. Nothing here is read, started or written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from runner.domain import chain, cycle, review
from runner.domain.chain import ChainState
from runner.domain.cycle import CycleState, Selection
from runner.domain.errors import NonDeterminism
from runner.domain.freshness import FOUND_KEY, RUN_KEY, Found, Freshness
from runner.domain.steps import (
    ChainDone,
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
    Spawned,
    SpawnReviews,
    StoryDone,
    StoryEnded,
    StoryStep,
    step_key,
)

Kind = TypeVar("Kind")

KINDS: Mapping[type, str] = {
    CommandEnded: "command",
    CycleDone: "end",
    Found: "Found",
    Injected: "Injected",
    Marked: "Marked",
    Selection: "selection",
    Spawned: "Spawned",
    StoryEnded: "story",
}
"""What the journal calls each kind of outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A step with its outcome. The end of a cycle is one too: its key is that of the step `end`."""

    key: str
    kind: str
    outcome: str
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A batch's way through the workflow, as far as it is on record."""

    steps: tuple[Recorded, ...] = ()
    """In the order in which they were recorded. It only serves to name the first step that does not fit."""
    begun: tuple[str, ...] = ()
    """Keys of the steps that agents were started for, with or without an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a batch goes on; `c2/end` and `c3/select` are places too."""

    steps: tuple[str, ...]
    """What is due in the foreground; never empty, several for commands that run together."""
    background: tuple[str, ...] = ()
    """What is due beside it: of each review chain the next review, and the refresh of the project context."""


def replay(recording: Recording) -> Position:
    """The position after everything on record. Raises NonDeterminism for a history of another version."""
    return _Replay(recording).run()


class _Replay:
    """One walk over a recording. Whoever asks for a step without an outcome gets None and asks no further."""

    def __init__(self, recording: Recording) -> None:
        self._records = {recorded.key: recorded for recorded in recording.steps}
        self._order = {recorded.key: place for place, recorded in enumerate(recording.steps)}
        self._begun = recording.begun
        self._asked: list[str] = []
        self._beside: list[str] = []

    def run(self) -> Position:
        if self._context():
            number = 1
            while self._cycle(number):
                number += 1
        self._find_unasked()
        return Position(steps=self._due(self._asked), background=self._due(self._beside))

    def _due(self, asked: list[str]) -> tuple[str, ...]:
        return tuple(key for key in asked if key not in self._records)

    def _find_unasked(self) -> None:
        """Everything on record must have been asked for, or is due now."""
        asked = {*self._asked, *self._beside}
        for key in (*self._records, *self._begun):
            if key not in asked:
                raise NonDeterminism(expected=key, got=self._asked_after(self._place(key)))

    def _place(self, key: str) -> int:
        return self._order.get(key, len(self._order))

    def _asked_after(self, place: int) -> str:
        """What was asked for when only the steps before this place were on record; what is due at the latest."""
        return next(key for key in self._asked if self._place(key) >= place)

    # --- the batch ------------------------------------------------------------------------------------------------

    def _context(self) -> bool:
        """Whether the batch came to its first cycle."""
        found = self._take(FOUND_KEY, Found)
        if found is not None and found.freshness is Freshness.MISSING:
            return self._take(RUN_KEY, CommandEnded) is not None
        if found is not None and found.freshness is Freshness.EXPIRED:
            self._take_beside(RUN_KEY)
        return found is not None

    def _cycle(self, number: int) -> bool:
        """Whether the batch came to the end of this cycle."""
        selection = self._take(step_key(number, "select"), Selection)
        if selection is None:
            return False
        state = cycle.begin(selection)
        while not isinstance(step := cycle.next_step(state), CycleDone):
            outcome = self._outcome(state, step)
            if outcome is None:
                return False
            state = cycle.absorb(state, outcome)
        return self._end(number, step)

    def _end(self, number: int, done: CycleDone) -> bool:
        recorded = self._take(key := step_key(number, "end"), CycleDone)
        if recorded is None:
            return False
        # Names are compared only where both know them: what looked like a secret is masked in the record.
        if {*recorded.completed} & {*done.blocked} or {*recorded.blocked} & {*done.completed}:
            raise NonDeterminism(expected=_ending(key, recorded), got=_ending(key, done))
        return True

    # --- steps ----------------------------------------------------------------------------------------------------

    def _outcome(self, state: CycleState, step: CycleStep | StoryStep) -> Outcome | None:
        match step:
            case RunTogether(commands=commands):
                return self._commands(commands)
            case HandOver():
                return self._story(state, step)
            case MarkStory():
                return self._take(step.key, Marked)
            case InjectContext():
                return self._take(step.key, Injected)
            case SpawnReviews():
                return self._spawn(state.number, step)
            case CycleDone() | StoryDone():
                raise AssertionError("an end has no outcome")

    def _commands(self, commands: tuple[RunCommand, ...]) -> tuple[CommandEnded, ...] | None:
        ended = [self._take(command.key, CommandEnded) for command in commands]
        complete = tuple(one for one in ended if one is not None)
        return complete if len(complete) == len(ended) else None

    def _story(self, of: CycleState, step: HandOver) -> StoryEnded | None:
        """What came of a story: the steps within it have to lead there."""
        began, limit = of.began[step.story], of.selection.review_limit
        state = review.begin(of.number, step.story, began=began, review_limit=limit, seen=of.seen)
        while not isinstance(due := review.next_step(state), StoryDone):
            outcome = self._outcome(of, due)
            if outcome is None:
                return None
            state = review.absorb(state, outcome)
        ended = self._take(step.key, StoryEnded)
        if ended is not None and ended.status is not due.status:
            raise NonDeterminism(expected=f"{step.key} ({ended.status})", got=f"{step.key} ({due.status})")
        return ended

    def _spawn(self, number: int, step: SpawnReviews) -> Spawned | None:
        spawned = self._take(step.key, Spawned)
        if spawned is None:
            return None
        state = ChainState(cycle=number, phase=step.phase, stories=step.stories)
        while not isinstance(due := chain.next_step(state), ChainDone):
            ended = self._take_beside(due.key)
            if ended is None:
                break
            state = chain.absorb(state, ended)
        further = step_key(number, f"{step.phase}-{state.attempt + 1}", *step.stories)
        if further in self._records or further in self._begun:
            got = f"the end of {step.key}" if isinstance(due, ChainDone) else due.key
            raise NonDeterminism(expected=further, got=got)
        return spawned

    # --- the record -----------------------------------------------------------------------------------------------

    def _take(self, key: str, kind: type[Kind]) -> Kind | None:
        """Ask for a step; its outcome when that is on record."""
        self._asked.append(key)
        return self._read(key, kind)

    def _take_beside(self, key: str) -> CommandEnded | None:
        """Ask for a command that runs beside the cycles."""
        self._beside.append(key)
        return self._read(key, CommandEnded)

    def _read(self, key: str, kind: type[Kind]) -> Kind | None:
        recorded = self._records.get(key)
        if recorded is None:
            return None
        asked = f"{key} ({KINDS[kind]})"
        if recorded.kind != KINDS[kind]:
            raise NonDeterminism(expected=f"{key} ({recorded.kind})", got=asked)
        try:
            return msgspec.json.decode(recorded.outcome, type=kind)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise NonDeterminism(expected=f"{asked} in another form ({error})", got=asked) from error


def _ending(key: str, done: CycleDone) -> str:
    completed, blocked = (",".join(keys) or "none" for keys in (done.completed, done.blocked))
    return f"{key} (done: {completed}; blocked: {blocked})"
