"""The vocabulary of the machines: what can be asked for next, and what can have come of it.

`cycle`, `review` and `chain` decide steps; actors carry them out and hand back outcomes; the journal records each
outcome under the step's key. A key is a place in the workflow (`c2/code-review-3/2a-1-scanner`), never a time or
a row number, so a resumed run asks for the same keys in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.domain.model import Status
from runner.domain.verdicts import Review, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """One agent run for one or two stories."""

    key: str
    command: str
    """With its number where it has one: `code-review-2`."""
    stories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTogether:
    """Commands that run at the same time; the next step waits for all of them."""

    commands: tuple[RunCommand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectContext:
    """Append the project context to the discovery files of these stories."""

    key: str
    stories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnReviews:
    """Hand a review chain to the background pool and go on at once."""

    key: str
    phase: str
    """`story-review` or `tech-spec-review`."""
    stories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkStory:
    """Set one status in the sprint file, if it is one of `expected` now."""

    key: str
    story: str
    expected: tuple[str, ...]
    new: Status
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Let a story actor take one story through development and code review."""

    key: str
    story: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleDone:
    """Nothing is left to do in this cycle."""

    completed: tuple[str, ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryDone:
    """Nothing is left to do for this story."""

    status: Status
    """DONE, or BLOCKED when it left the cycle for whatever reason."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDone:
    """The background chain has come to its end."""

    ok: bool
    reason: str = ""


NOT_REVIEWED = Review(severity=Severity.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a command's text said, as far as its kind of command is asked for it."""

    decisions: Mapping[str, str] = field(default_factory=dict)
    """Story key to REQUIRED or SKIP (create-story)."""
    critical: bool = False
    """Whether critical issues were found (story and tech-spec reviews)."""
    review: Review = NOT_REVIEWED
    """Severity and findings (code reviews)."""
    warnings: tuple[str, ...] = ()
    """What was missing and what is assumed instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded:
    """A command's last word: it succeeded once, or was given up."""

    ok: bool
    reason: str = ""
    facts: Facts = Facts()
    seen: Mapping[str, str] = field(default_factory=dict)
    """Status as written of each story of the cycle, read after the command; a story that is gone is missing.
    Read for the commands of a cycle only, and empty when all of its stories are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """Which discovery files carry the context now, and which do not."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """The chain is in the pool's hands."""

    background_task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The sprint file says `found` now; `conflict` when that is neither what we expected nor what we wanted."""

    found: str
    conflict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEnded:
    """What came of a story that was handed over."""

    status: Status
    reason: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)


Step = RunTogether | InjectContext | SpawnReviews | MarkStory | HandOver
CycleStep = Step | CycleDone
StoryStep = Step | StoryDone
ChainStep = RunCommand | ChainDone
Outcome = tuple[CommandEnded, ...] | Injected | Spawned | Marked | StoryEnded

DIAGNOSIS = "sprint-status"
"""The command that sets an unexpected status right."""
ERRORS = "3 consecutive errors"
"""Reason a story is blocked with when one of its steps was given up."""
OPEN_STATUSES = tuple(status.value for status in Status if status not in (Status.DONE, Status.BLOCKED))


def step_key(cycle: int, what: str, *stories: str) -> str:
    """The place of a step in the batch."""
    return "/".join((f"c{cycle}", what, ",".join(stories)) if stories else (f"c{cycle}", what))


def cycle_of(key: str) -> int | None:
    """The cycle a step belongs to; None for a step of the whole batch."""
    number = key.partition("/")[0].removeprefix("c")
    return int(number) if number.isdecimal() else None


def run(cycle: int, command: str, *stories: str) -> RunTogether:
    """A step that runs a single command."""
    return RunTogether(commands=(run_command(cycle, command, *stories),))


def run_command(cycle: int, command: str, *stories: str) -> RunCommand:
    return RunCommand(key=step_key(cycle, command, *stories), command=command, stories=stories)


def diagnosis(cycle: int, story: str, count: int, *, where: str = "") -> RunTogether:
    """A step that has a status diagnosed, after `count` earlier ones; `where` tells the machines' keys apart."""
    key = step_key(cycle, _nth(DIAGNOSIS + where, count + 1), story)
    return RunTogether(commands=(RunCommand(key=key, command=DIAGNOSIS, stories=(story,)),))


def inject(cycle: int, stories: tuple[str, ...]) -> InjectContext:
    return InjectContext(key=step_key(cycle, "inject-context", *stories), stories=stories)


def spawn(cycle: int, phase: str, stories: tuple[str, ...]) -> SpawnReviews:
    return SpawnReviews(key=step_key(cycle, f"{phase}-chain", *stories), phase=phase, stories=stories)


def mark(
    cycle: int,
    story: str,
    new: Status,
    *,
    expected: tuple[str, ...] = OPEN_STATUSES,
    reason: str = "",
    count: int = 0,
) -> MarkStory:
    """A step that sets a status, after `count` earlier tries; by default it may overwrite any open status."""
    key = step_key(cycle, _nth(f"mark-{new}", count + 1), story)
    return MarkStory(key=key, story=story, expected=expected, new=new, reason=reason)


def _nth(place: str, number: int) -> str:
    """The second and later steps at a place have keys of their own."""
    return place if number == 1 else f"{place}.{number}"
