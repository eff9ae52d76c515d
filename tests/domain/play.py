"""Plays cycles and whole batches in memory: the machines decide, a script says what comes of each step.

The sprint file is a dict, what an agent says goes through `read_facts`, and every outcome goes through JSON, as on
its way through the journal. Nothing of the project is replaced; what is left out is processes, files and time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from runner.domain import chain, cycle, review
from runner.domain.chain import ChainState
from runner.domain.cycle import CycleState, CycleStory, Selection
from runner.domain.facts import read_facts
from runner.domain.model import Status, Story, StoryKey, parse_key, read_status
from runner.domain.review import StoryState
from runner.domain.sprint import Sprint, select
from runner.domain.steps import (
    ChainDone,
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
    StoryStep,
)

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Does:
    """What happens at a step: an agent's part, and what others do to the sprint file meanwhile."""

    says: str | None = None
    """None: what is usual for the command."""
    writes: Mapping[str, str | None] = field(default_factory=dict)
    """Story to status, after what is usual for the command; None removes the story."""
    ok: bool = True
    """False: given up after three failures."""
    early: bool = False
    """Whether a command ends, and the file is read, before its companion of the same step has done anything."""


FAILS = Does(ok=False)
Script = Callable[[str], Does]
"""From a step's key to what happens there."""


class Stopped(Exception):
    """The play was cut off: as many outcomes are on record as it was allowed."""


def story_key(text: str) -> StoryKey:
    parsed = parse_key(text)
    assert parsed is not None
    return parsed


def scripted(script: Mapping[str, Does]) -> Script:
    """Looks a step up by its key, its key without the cycle, or its command's name."""

    def does(key: str) -> Does:
        _, _, place = key.partition("/")
        names = (key, place, place.partition("/")[0])
        return next((script[name] for name in names if name in script), Does())

    return does


def usual(command: RunCommand) -> Does:
    """What a command says and writes where the script is silent."""
    match command.command:
        case "create-story":
            says = "\n".join(f"{key}: [TECH-SPEC-DECISION: REQUIRED]" for key in command.stories)
            return Does(says=says, writes=dict.fromkeys(command.stories, "ready-for-dev"))
        case "dev-story":
            return Does(says="", writes=dict.fromkeys(command.stories, "review"))
        case name if name.startswith("code-review"):
            return Does(says="ZERO ISSUES")
        case name if "-review-" in name:
            return Does(says="NO CRITICAL ISSUES FOUND")
        case _:
            return Does(says="")


@dataclass(slots=True, kw_only=True)
class Play:
    """One batch; `record` may hold the outcomes of an earlier life of it."""

    sprint: dict[str, str]
    does: Script = lambda key: Does()
    limit: int = 10
    specs: frozenset[str] = frozenset()
    """Stories with a tech-spec file."""
    decided: Mapping[str, str] = field(default_factory=dict)
    """Decisions in story files."""
    record: dict[str, bytes] = field(default_factory=dict)
    stop_after: int | None = None
    """How many outcomes may be on record before the play is cut off."""
    too_late: bool = False
    """Whether it is cut off when the next step is carried out already and only its record is missing."""
    steps: list[str] = field(default_factory=list)
    """What was asked for, in order, without cycle numbers; commands that run together in one line."""
    keys: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    background: list[str] = field(default_factory=list)
    chains: list[ChainDone] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cycle_states: list[tuple[CycleState, CycleStep]] = field(default_factory=list)
    story_states: list[tuple[StoryState, StoryStep]] = field(default_factory=list)
    watched: tuple[str, ...] = ()

    def batch(self, cycles: int | None = None) -> list[CycleDone]:
        """Cycle after cycle; None: until no story is left."""
        ended: list[CycleDone] = []
        while cycles is None or len(ended) < cycles:
            selection = self.select(len(ended) + 1)
            if not selection.stories:
                break
            ended.append(self.cycle(selection))
        return ended

    def select(self, number: int) -> Selection:
        stories = tuple(Story(story_key(text), status.strip()) for text, status in self.sprint.items())
        chosen = select(Sprint(stories=stories))
        selection = Selection(number=number, stories=tuple(map(self._begun, chosen)), review_limit=self.limit)
        return self._once(f"c{number}/select", Selection, lambda: selection)

    def _begun(self, story: Story) -> CycleStory:
        key = story.key
        decision = self.decided.get(key.text) if story.status is Status.READY_FOR_DEV else None
        return CycleStory(
            key=key.text,
            short=key.short,
            epic=key.epic,
            written=story.written,
            has_tech_spec=key.text in self.specs,
            file_decision=decision,
        )

    def cycle(self, selection: Selection) -> CycleDone:
        self.watched = tuple(story.key for story in selection.stories)
        spawned: list[SpawnReviews] = []
        state = cycle.begin(selection)
        while not isinstance(step := cycle.next_step(state), CycleDone):
            self.cycle_states.append((state, step))
            self.phases.append(cycle.phase_of(state))
            spawned += [step] if isinstance(step, SpawnReviews) else []
            state = cycle.absorb(state, self._carry_out(step, state))
        self.cycle_states.append((state, step))
        for waiting in spawned:
            self._review_in_background(selection.number, waiting)
        return step

    def _carry_out(self, step: CycleStep | StoryStep, state: CycleState) -> Outcome:
        match step:
            case RunTogether():
                return self._run(step)
            case HandOver():
                self.keys.append(step.key)
                return self._once(step.key, StoryEnded, lambda: self._story(step.story, state))
        self._ask(step.key)
        match step:
            case MarkStory():
                return self._once(step.key, Marked, lambda: self._mark(step))
            case InjectContext():
                return self._once(step.key, Injected, lambda: self._inject(step))
            case SpawnReviews():
                return self._once(step.key, Spawned, lambda: Spawned(background_task_id=1))
        raise AssertionError(step)

    def _story(self, story: str, of: CycleState) -> StoryEnded:
        began, limit = of.began[story], of.selection.review_limit
        state = review.begin(of.number, story, began=began, review_limit=limit, seen=of.seen)
        while not isinstance(step := review.next_step(state), StoryDone):
            self.story_states.append((state, step))
            state = review.absorb(state, self._carry_out(step, of))
        return StoryEnded(status=step.status, reason=step.reason, seen=state.seen)

    def _review_in_background(self, number: int, spawned: SpawnReviews) -> None:
        state = ChainState(cycle=number, phase=spawned.phase, stories=spawned.stories)
        while not isinstance(step := chain.next_step(state), ChainDone):
            self.keys.append(step.key)
            self.background.append(_place(step.key))
            state = chain.absorb(state, self._once(step.key, CommandEnded, lambda step=step: self._command(step)))
        self.chains.append(step)

    # --- steps ----------------------------------------------------------------------------------------------------

    def _ask(self, *keys: str) -> None:
        self.keys += keys
        self.steps.append(" + ".join(map(_place, keys)))

    def _once(self, key: str, kind: type[Kind], make: Callable[[], Kind]) -> Kind:
        """The recorded outcome of a step, or what comes of it now."""
        if key not in self.record:
            if len(self.record) == self.stop_after and not self.too_late:
                raise Stopped
            outcome = make()
            if len(self.record) == self.stop_after:
                raise Stopped
            self.record[key] = msgspec.json.encode(outcome)
        return msgspec.json.decode(self.record[key], type=kind)

    def _run(self, step: RunTogether) -> tuple[CommandEnded, ...]:
        self._ask(*(command.key for command in step.commands))
        ended = {}
        for command in sorted(step.commands, key=lambda command: not self.does(command.key).early):
            ended[command] = self._once(command.key, CommandEnded, lambda command=command: self._command(command))
        return tuple(ended[command] for command in step.commands)

    def _command(self, command: RunCommand) -> CommandEnded:
        own, does = usual(command), self.does(command.key)
        self._edit({**(own.writes if does.ok else {}), **does.writes})
        text = (own.says if does.says is None else does.says) or ""
        facts = read_facts(command.command, text, tuple(map(story_key, command.stories))) if does.ok else Facts()
        self.warnings += facts.warnings
        seen = {key: self.sprint[key] for key in self.watched if key in self.sprint}
        return CommandEnded(ok=does.ok, reason="" if does.ok else "exit code 1", facts=facts, seen=seen)

    def _mark(self, step: MarkStory) -> Marked:
        """Compare and set, as the runner does it with the real file."""
        self._edit(self.does(step.key).writes)
        found = self.sprint.get(step.story, "")
        if found and (read_status(found) in (*step.expected, step.new) or found in step.expected):
            self.sprint[step.story] = str(step.new)
            return Marked(found=str(step.new))
        return Marked(found=found, conflict=True)

    def _inject(self, step: InjectContext) -> Injected:
        self._edit(self.does(step.key).writes)
        return Injected()

    def _edit(self, writes: Mapping[str, str | None]) -> None:
        for story, status in writes.items():
            if status is None:
                self.sprint.pop(story, None)
            elif story in self.sprint:
                self.sprint[story] = status


def _place(key: str) -> str:
    return key.partition("/")[2]
