"""The overview as the database tells it: everything but what lives in a runner's memory.

The running runner completes it with its tree; `status` shows it as it is when no runner answers. Reads only.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from types import MappingProxyType

from runner.domain.events import BatchStart, BatchState, CycleStart, Envelope, Event
from runner.domain.overview import Background, Current, Cycle, Limit, Overview, Resumable
from runner.domain.wire import read_event
from runner.store import queries
from runner.store.records import BatchRow, CommandRow, snapshot


def read_overview(connection: Connection, *, held: bool, pids: Mapping[str, int] = MappingProxyType({})) -> Overview:
    """What goes on; `held`: somebody works on the project, so a batch without an end runs.

    `pids` are the processes that work on the steps, by step key, where that is known.
    """
    with snapshot(connection):
        last_seq = queries.last_seq(connection)
        batch = queries.latest_batch(connection)
        # A batch that nobody holds any more has not ended well, but it does not run either.
        if not held or batch is None or batch.ended_at is not None:
            return Overview(resumable=_resumable(queries.resumable_batch(connection)), last_seq=last_seq)
        return _active(connection, batch, last_seq, pids)


def _active(connection: Connection, batch: BatchRow, last_seq: int, pids: Mapping[str, int]) -> Overview:
    running = queries.running_commands(connection, batch.id)
    resets_at = batch.resets_at if batch.status == "waiting_limit" else None
    return Overview(
        status=_state(connection, batch),
        batch_id=batch.id,
        max_cycles=batch.max_cycles,
        cycles_completed=batch.cycles_completed,
        cycle=_cycle(connection, batch.id),
        current=tuple(_current(row, pids) for row in running if row.background_task_id is None),
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
    for row in queries.events_page(connection, batch=batch_id, type=kind.event_type, limit=1):
        return row.envelope
    return None


def _current(row: CommandRow, pids: Mapping[str, int]) -> Current:
    return Current(
        story_keys=row.story_keys,
        command=row.command,
        task_id=row.task_id,
        attempt=row.attempt,
        started_at=row.started_at,
        pid=pids.get(row.step_key),
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
