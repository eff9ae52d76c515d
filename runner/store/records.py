"""What queries answer with: frozen records, and how rows become records.

Used by `queries` alone, the records by everybody who asks them. Fields are named like the columns and the JSON of
the interface. Times are epoch milliseconds, None when the thing has not happened. Texts ending in `_json` are
JSON as stored.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from runner.domain.events import Envelope

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """A batch as stored."""

    id: int
    started_at: int
    ended_at: int | None
    max_cycles: int | None
    """None: until no story is left."""
    cycles_completed: int
    status: str
    resumable: bool
    runs: int
    resets_at: int | None
    reason: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSummary:
    """A line of the batch list."""

    id: int
    status: str
    started_at: int
    ended_at: int | None
    max_cycles: int | None
    cycles_completed: int
    story_count: int
    duration_ms: int | None
    """None while it is not ended."""
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRow:
    """A cycle of a batch."""

    number: int
    status: str
    started_at: int
    ended_at: int | None
    selection_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """One attempt of a command, as shown; its run's files lie in the folder `run_id`."""

    id: int
    batch_id: int | None
    command: str
    story_keys: tuple[str, ...]
    task_id: str
    status: str
    started_at: int
    ended_at: int | None
    step_key: str
    attempt: int
    background_task_id: int | None
    agent: str
    model: str
    session_id: str
    continued: bool
    run_id: str
    exit_code: int | None
    reason: str
    resets_at: int | None
    verdict_json: str
    output_summary: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    num_turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """A story of a batch, with every attempt of every command it took part in, oldest first."""

    id: int
    story_key: str
    epic_id: str
    status: str
    started_at: int
    ended_at: int | None
    blocked_reason: str
    commands: tuple[CommandRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRow:
    """A background chain or context refresh."""

    id: int
    batch_id: int
    story_keys: tuple[str, ...]
    task_type: str
    spawned_at: int
    completed_at: int | None
    status: str
    step_key: str
    cycle: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a batch took so far."""

    commands: int
    """Attempts, all of them."""
    input_tokens: int
    output_tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDetail:
    """One batch with everything in it; `totals.commands` tells when commands were left out."""

    batch: BatchRow
    cycles: tuple[CycleRow, ...]
    stories: tuple[StoryRow, ...]
    commands: tuple[CommandRow, ...]
    """Those of no story: the project context."""
    background: tuple[BackgroundRow, ...]
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt of a step, as recovery and resume need it."""

    command_id: int
    step_key: str
    command: str
    attempt: int
    status: str
    session_id: str
    run_id: str
    tag: int
    charged: bool
    reason: str
    verdict_json: str
    resets_at: int | None
    before_json: str
    agent: str
    background_task_id: int | None
    continued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedCommand:
    """An attempt that no end was recorded for, and where it stands."""

    batch_id: int | None
    cycle: int | None
    attempt: AttemptRow


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was recorded of a batch's way through the workflow."""

    steps: dict[str, str]
    """Step key to the outcome's JSON."""
    attempts: dict[str, list[AttemptRow]]
    """Step key to its attempts, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A stored event, ready to be sent."""

    seq: int
    type: str
    timestamp: int
    payload_json: str

    @property
    def envelope(self) -> Envelope:
        """As it goes over the wire."""
        return Envelope(seq=self.seq, type=self.type, timestamp=self.timestamp, payload=self.payload_json.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryTimes:
    """How long a story took over all batches, and how it stood when last seen in one."""

    started_at: int
    """In the last batch that had it."""
    ended_at: int | None
    duration_ms: int
    """Of its ended rounds, together."""
    blocked_reason: str


def fetch_all(
    connection: sqlite3.Connection, record: Callable[..., Record], query: str, *values: object
) -> tuple[Record, ...]:
    """The rows of a query as records; its columns are named like the record's fields."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return tuple(
        record(**{name: _read(name, value) for name, value in zip(names, row, strict=True)}) for row in cursor
    )


def fetch_first(
    connection: sqlite3.Connection, record: Callable[..., Record], query: str, *values: object
) -> Record | None:
    rows = fetch_all(connection, record, query, *values)
    return rows[0] if rows else None


def _read(name: str, value: object) -> object:
    """SQLite has neither truth values nor lists."""
    if name in ("resumable", "continued", "charged", "background"):
        return bool(value)
    if name == "story_keys":
        return tuple(str(value).split(",")) if value else ()
    return value


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """See one state of the database in several queries, whatever is written meanwhile."""
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if own:
            connection.execute("ROLLBACK")
