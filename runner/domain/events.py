"""The catalogue of events: every fact the runner tells the world, as it goes over the wire.

Each class is one type. Its fields, in order, are the payload; its docstring says when it happens. The recorder
stores an event before anybody sees it; `docs/events.md` is compared with this file by a test. Actors create events,
nobody changes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share: a type on the wire."""

    event_type: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStart(Event):
    """A run of a batch begins; `resumed` when it continues an earlier run."""

    event_type: ClassVar[str] = "batch:start"
    batch_id: int
    max_cycles: int | str
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnd(Event):
    """A run of a batch is over: exactly one for each `batch:start`."""

    event_type: ClassVar[str] = "batch:end"
    batch_id: int
    cycles_completed: int
    status: str
    """completed, stopped, error"""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWarning(Event):
    """Something is not as it should be and the batch goes on all the same."""

    event_type: ClassVar[str] = "batch:warning"
    batch_id: int
    message: str
    warning_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState(Event):
    """The batch pauses, waits for a usage limit, stops or runs on."""

    event_type: ClassVar[str] = "batch:state"
    batch_id: int
    state: str
    """running, pausing, paused, waiting_limit, stopping"""
    detail: str = ""
    resets_at: int | None = None
    """Epoch milliseconds at which a usage limit resets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStart(Event):
    """A cycle begins with these stories; not repeated by a resume."""

    event_type: ClassVar[str] = "cycle:start"
    cycle_number: int
    story_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleEnd(Event):
    """A cycle is over."""

    event_type: ClassVar[str] = "cycle:end"
    cycle_number: int
    completed_stories: tuple[str, ...]
    blocked_stories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStart(Event):
    """A story enters its cycle."""

    event_type: ClassVar[str] = "story:start"
    story_key: str
    epic_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStatus(Event):
    """A story's status in the sprint file changed, whoever changed it."""

    event_type: ClassVar[str] = "story:status"
    story_key: str
    old_status: str
    new_status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStart(Event):
    """An attempt of a command is about to start."""

    event_type: ClassVar[str] = "command:start"
    story_key: str
    """Comma-separated when two."""
    story_keys: tuple[str, ...]
    command: str
    task_id: str
    command_id: int
    attempt: int
    model: str
    background: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProgress(Event):
    """The agent reported a task, called a tool or said something."""

    event_type: ClassVar[str] = "command:progress"
    story_key: str
    command: str
    task_id: str
    message: str
    command_id: int
    kind: str
    """task, tool, text, note"""
    status: str | None = None
    """start or end of a task or tool."""
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnd(Event):
    """An attempt of a command is over."""

    event_type: ClassVar[str] = "command:end"
    story_key: str
    command: str
    task_id: str
    status: str
    """success, error, interrupted, limit"""
    metrics: Mapping[str, float]
    """duration_ms, input_tokens, output_tokens, tokens, cost_usd, num_turns, leftovers"""
    command_id: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCreate(Event):
    """The project context is missing and is being made; the batch waits."""

    event_type: ClassVar[str] = "context:create"
    status: str
    """starting, complete, failed"""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRefresh(Event):
    """The project context is old and is being made anew in the background."""

    event_type: ClassVar[str] = "context:refresh"
    status: str
    """started"""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextComplete(Event):
    """The project context has been made."""

    event_type: ClassVar[str] = "context:complete"
    status: str = "complete"
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFresh(Event):
    """The project context is young enough."""

    event_type: ClassVar[str] = "context:fresh"
    status: str = "fresh"
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextError(Event):
    """The refresh of the project context failed; the old one stays."""

    event_type: ClassVar[str] = "context:error"
    status: str
    """failed"""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundStart(Event):
    """A background chain or context refresh was handed to its actor."""

    event_type: ClassVar[str] = "background:start"
    background_task_id: int
    task_type: str
    story_keys: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundEnd(Event):
    """A background chain or context refresh is over."""

    event_type: ClassVar[str] = "background:end"
    background_task_id: int
    task_type: str
    story_keys: tuple[str, ...]
    status: str
    """completed, failed, interrupted"""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorRestart(Event):
    """A supervisor restarted a child that had crashed."""

    event_type: ClassVar[str] = "supervisor:restart"
    child: str
    restarts: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorEscalate(Event):
    """A supervisor gave up on a child that crashed too often."""

    event_type: ClassVar[str] = "supervisor:escalate"
    child: str
    restarts: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised(Event):
    """Something failed: a command, a file, a part of the runner."""

    event_type: ClassVar[str] = "error"
    type: str
    """command, sprint-file, database, supervision, ..."""
    message: str
    context: Mapping[str, str] = field(default_factory=dict)


CATALOGUE: tuple[type[Event], ...] = (
    BatchStart,
    BatchEnd,
    BatchWarning,
    BatchState,
    CycleStart,
    CycleEnd,
    StoryStart,
    StoryStatus,
    CommandStart,
    CommandProgress,
    CommandEnd,
    ContextCreate,
    ContextRefresh,
    ContextComplete,
    ContextFresh,
    ContextError,
    BackgroundStart,
    BackgroundEnd,
    SupervisorRestart,
    SupervisorEscalate,
    ErrorRaised,
)
"""Every type of event there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A stored event: what a browser gets."""

    seq: int
    """Row id in the database, rising without gaps."""
    type: str
    timestamp: int
    """Epoch milliseconds at which it happened."""
    payload: bytes
    """The payload as JSON, as it was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Events that are handed on together."""

    events: Sequence[Envelope]
    """In `seq` order, without a gap."""
    born: float
    """From when the promise of their delivery counts, in seconds of the event loop's clock: of the first of them."""
