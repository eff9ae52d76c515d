"""`status`: what goes on in a project, as its database tells it; works beside a running runner and without one.

`read_status` gives the body of `GET /api/orchestrator/status`, as far as it exists outside of a runner: what only
lives in its memory (process ids, the supervision tree, the fan-out) is null. Reads only.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

import msgspec

from runner.commands.given import Given
from runner.display.past import envelope
from runner.display.tables import table
from runner.display.words import clean, duration, moment, named, shorts
from runner.domain.events import BatchStart, BatchState, CycleStart, Envelope, Event
from runner.domain.wire import read_event
from runner.store import queries
from runner.store.database import open_reader
from runner.store.records import BatchRow, CommandRow, snapshot
from runner.workspace.place import Holder, database_file, find_paths, holder

IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    number: int
    story_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A command that runs."""

    story_keys: tuple[str, ...]
    command: str
    task_id: str
    attempt: int
    started_at: int
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A background chain or context refresh that is not over."""

    background_task_id: int
    task_type: str
    story_keys: tuple[str, ...]
    status: str
    started_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """The unfinished batch that a resume goes on with."""

    batch_id: int
    status: str
    max_cycles: int | None
    cycles_completed: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    resets_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The body of the answer; times are epoch milliseconds, `max_cycles` None means until no story is left."""

    status: str = IDLE
    batch_id: int | None = None
    max_cycles: int | None = None
    cycles_completed: int = 0
    cycle: Cycle | None = None
    current: tuple[Current, ...] = ()
    background: tuple[Background, ...] = ()
    resumable: Resumable | None = None
    limit: Limit | None = None
    supervision: None = None
    fanout: None = None
    last_seq: int = 0


def show(given: Given) -> list[str]:
    """The answer in words, or as JSON. Raises ProjectError and DatabaseError."""
    paths = find_paths(given.where)
    held = holder(paths.state)
    told = read_status(database_file(given.where, paths), held)
    if given.as_json:
        return [msgspec.json.encode(told).decode()]
    return in_words(told, held, now=time.time_ns() // 1_000_000)


def in_words(told: Status, held: Holder | None, *, now: int) -> list[str]:
    """The answer for people."""
    by = "" if held is None or held.pid is None else f" (pid {held.pid})"
    if told.batch_id is None:
        return [f"idle: a runner waits for a start{by}" if held else "idle: no runner works here", *_left(told)]
    of = "" if told.max_cycles is None else f" of {told.max_cycles}"
    done = f"{told.cycles_completed}{of} cycles done"
    lines = [f"{told.status.replace('_', ' for ')}: batch {told.batch_id}, {done}{by}"]
    if told.limit is not None:
        lines.append(f"the usage limit resets at {moment(told.limit.resets_at, now)}")
    if told.cycle is not None:
        stories = ", ".join(named(key) for key in told.cycle.story_keys)
        lines.append(f"cycle {told.cycle.number}: {stories}")
    return [*lines, "", *_tables(told, now)]


def _left(told: Status) -> list[str]:
    """What an idle project can go on with."""
    if not told.last_seq:
        return ["no batch has run here yet; start one with --cycles N"]
    if told.resumable is None:
        return ["nothing is left to resume; `history` lists what was done"]
    left = told.resumable
    of = "" if left.max_cycles is None else f" of {left.max_cycles}"
    reason = f" ({clean(left.reason)})" if left.reason else ""
    done = f"{left.cycles_completed}{of} cycles done"
    return [f"batch {left.batch_id} is unfinished: {left.status}{reason}, {done}; --resume continues it"]


def _tables(told: Status, now: int) -> list[str]:
    head = ("stories", "command", "task", "attempt", "for")
    rows = [
        (
            shorts(row.story_keys),
            row.command,
            clean(row.task_id) or "-",
            str(row.attempt),
            duration(now - row.started_at),
        )
        for row in told.current
    ]
    behind = [
        (shorts(row.story_keys), row.task_type, row.status, "-", duration(now - row.started_at))
        for row in told.background
    ]
    return table(head, rows + behind, right=("attempt", "for")) or ["no command runs at this moment"]


def read_status(database: Path, held: Holder | None) -> Status:
    """The status of a project whose lock is held by `held`. Raises DatabaseError; no database: all idle."""
    if not database.exists():
        return Status()
    with closing(open_reader(database)) as connection, snapshot(connection):
        unfinished = queries.resumable_batch(connection)
        last_seq = queries.last_seq(connection)
        batch = queries.latest_batch(connection)
        # A batch that nobody holds any more has not ended well, but it does not run either.
        if held is None or batch is None or batch.ended_at is not None:
            return Status(resumable=_resumable(unfinished), last_seq=last_seq)
        return _active(connection, batch, last_seq)


def _active(connection: Connection, batch: BatchRow, last_seq: int) -> Status:
    running = queries.running_commands(connection, batch.id)
    resets_at = batch.resets_at if batch.status == "waiting_limit" else None
    return Status(
        status=_state(connection, batch),
        batch_id=batch.id,
        max_cycles=batch.max_cycles,
        cycles_completed=batch.cycles_completed,
        cycle=_cycle(connection, batch.id),
        current=tuple(_current(row) for row in running if row.background_task_id is None),
        background=tuple(
            Background(
                background_task_id=row.id,
                task_type=row.task_type,
                story_keys=row.story_keys,
                status=row.status,
                started_at=row.spawned_at,
            )
            for row in queries.unfinished_background(connection, batch.id)
        ),
        limit=None if resets_at is None else Limit(resets_at=resets_at),
        last_seq=last_seq,
    )


def _state(connection: Connection, batch: BatchRow) -> str:
    """What the batch does; that it is about to pause or stop is told by its last event alone."""
    state, run = (_last(connection, batch.id, kind) for kind in (BatchState, BatchStart))
    if state is None or run is None or state.seq < run.seq:
        return batch.status
    match read_event(state):
        case BatchState(state="pausing" | "stopping" as word):
            return word
        case _:
            return batch.status


def _cycle(connection: Connection, batch_id: int) -> Cycle | None:
    begun = _last(connection, batch_id, CycleStart)
    match begun and read_event(begun):
        case CycleStart(cycle_number=number, story_keys=keys):
            return Cycle(number=number, story_keys=keys)
        case _:
            return None


def _last(connection: Connection, batch_id: int, kind: type[Event]) -> Envelope | None:
    """The batch's last event of this kind."""
    rows = queries.events_page(connection, batch=batch_id, type=kind.event_type, limit=1)
    return envelope(rows[0]) if rows else None


def _current(row: CommandRow) -> Current:
    return Current(
        story_keys=row.story_keys,
        command=row.command,
        task_id=row.task_id,
        attempt=row.attempt,
        started_at=row.started_at,
    )


def _resumable(row: BatchRow | None) -> Resumable | None:
    if row is None:
        return None
    return Resumable(
        batch_id=row.id,
        status=row.status,
        max_cycles=row.max_cycles,
        cycles_completed=row.cycles_completed,
        reason=row.reason,
    )
