"""Events as a run would have stored them, written down by hand: for reducers and displays."""

from dataclasses import dataclass, field
from typing import Self

import msgspec

from runner.domain.events import (
    BatchEnd,
    BatchStart,
    CommandEnd,
    CommandProgress,
    CommandStart,
    CycleEnd,
    CycleStart,
    Envelope,
    Event,
    StoryStart,
    StoryStatus,
)

START = 1_790_000_000_000
ONE, TWO = "2a-1-scanner", "2a-2-parser"


def envelope(event: Event, *, seq: int = 1, at: int = START) -> Envelope:
    return Envelope(seq=seq, type=event.event_type, timestamp=at, payload=msgspec.json.encode(event))


@dataclass(slots=True)
class Tape:
    """Records events one after another; times in seconds since the start."""

    events: list[Envelope] = field(default_factory=list)
    now: int = START
    commands: int = 0

    def add(self, *events: Event, after: float = 0) -> Self:
        self.now += int(after * 1000)
        for event in events:
            self.events.append(envelope(event, seq=len(self.events) + 1, at=self.now))
        return self

    def start(self, max_cycles: int | str = 2, *, resumed: bool = False, after: float = 0) -> Self:
        return self.add(BatchStart(batch_id=7, max_cycles=max_cycles, resumed=resumed), after=after)

    def cycle(self, number: int, *keys: str) -> Self:
        self.add(CycleStart(cycle_number=number, story_keys=keys))
        return self.add(*(StoryStart(story_key=key, epic_id="2a") for key in keys))

    def begin(self, command: str, *keys: str, attempt: int = 1, model: str = "", background: bool = False) -> int:
        self.commands += 1
        self.add(
            CommandStart(
                story_key=",".join(keys),
                story_keys=keys,
                command=command,
                task_id="",
                command_id=self.commands,
                attempt=attempt,
                model=model,
                background=background,
            )
        )
        return self.commands

    def task(self, number: int, command: str, task: str, status: str, message: str, *, after: float = 1) -> Self:
        return self.progress(number, command, message, kind="task", task=task, status=status, after=after)

    def progress(
        self,
        number: int,
        command: str,
        message: str,
        *,
        kind: str = "text",
        task: str = "",
        status: str | None = None,
        after: float = 1,
    ) -> Self:
        event = CommandProgress(
            story_key=ONE,
            command=command,
            task_id=task,
            message=message,
            command_id=number,
            kind=kind,
            status=status,
        )
        return self.add(event, after=after)

    def end(
        self,
        number: int,
        command: str,
        *keys: str,
        status: str = "success",
        tokens: int = 1000,
        cost: float = 0.5,
        reason: str = "",
        after: float = 10,
    ) -> Self:
        metrics = {"duration_ms": after * 1000, "tokens": float(tokens), "cost_usd": cost}
        event = CommandEnd(
            story_key=",".join(keys),
            command=command,
            task_id="",
            status=status,
            metrics=metrics,
            command_id=number,
            attempt=1,
            reason=reason,
        )
        return self.add(event, after=after)

    def run(self, command: str, *keys: str, tokens: int = 1000, cost: float = 0.5, after: float = 10) -> Self:
        number = self.begin(command, *keys)
        return self.end(number, command, *keys, tokens=tokens, cost=cost, after=after)

    def status(self, key: str, old: str, new: str, reason: str = "sprint file changed") -> Self:
        return self.add(StoryStatus(story_key=key, old_status=old, new_status=new, reason=reason))

    def end_cycle(self, number: int, done: tuple[str, ...], blocked: tuple[str, ...] = ()) -> Self:
        return self.add(CycleEnd(cycle_number=number, completed_stories=done, blocked_stories=blocked))

    def finish(self, status: str = "completed", reason: str = "2 cycles completed", *, cycles: int = 1) -> Self:
        return self.add(BatchEnd(batch_id=7, cycles_completed=cycles, status=status, reason=reason))


def one_cycle() -> Tape:
    """A pair: the first story is done after two reviews, the second one is blocked."""
    tape = Tape().start().cycle(1, ONE, TWO)
    for command in ("create-story", "story-review-1", "create-tech-spec", "tech-spec-review-1"):
        tape.run(command, ONE, TWO)
    tape.status(ONE, "ready-for-dev", "in-progress").run("dev-story", ONE)
    tape.run("code-review-1", ONE).run("code-review-2", ONE).status(ONE, "review", "done", "set by the runner")
    tape.status(TWO, "ready-for-dev", "in-progress").run("dev-story", TWO)
    tape.status(TWO, "review", "blocked", "repeated error pattern")
    return tape.run("batch-commit", ONE).end_cycle(1, (ONE,), (TWO,))
