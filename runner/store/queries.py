"""Reading the database: every question the runner, the dashboard and the command line ask it.

All functions take a connection of `open_reader` and only read. What can grow without end is paged; what belongs
together is read in one snapshot. Answers are the records of `records`. Nothing here knows JSON shapes or HTTP.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from runner.store.event_pages import PAGE_LIMIT as PAGE_LIMIT
from runner.store.event_pages import bounded
from runner.store.event_pages import events_after as events_after
from runner.store.event_pages import events_page as events_page
from runner.store.event_pages import last_seq as last_seq
from runner.store.records import (
    AttemptRow,
    BackgroundRow,
    BatchDetail,
    BatchRow,
    BatchSummary,
    CommandRow,
    CycleRow,
    History,
    StoryRow,
    StoryTimes,
    Totals,
    UnfinishedCommand,
    fetch_all,
    fetch_first,
    snapshot,
)

DETAIL_LIMIT = 2000
"""Most commands in the detail of one batch, the newest: a sprint of 40 stories has some 600."""

_BATCH = (
    "SELECT id, started_at, ended_at, max_cycles, cycles_completed, status, resumable, runs, resets_at, reason,"
    " agent FROM batches"
)
_SUMMARY = (
    "SELECT id, status, started_at, ended_at, max_cycles, cycles_completed,"
    " (SELECT count(DISTINCT story_key) FROM stories WHERE batch_id = batches.id) AS story_count,"
    " ended_at - started_at AS duration_ms,"
    " (SELECT total(cost_usd) FROM commands WHERE batch_id = batches.id) AS cost_usd"
    " FROM batches"
)
_UNDER_WAY = "status IN ('running', 'paused', 'waiting_limit')"
_COMMAND = (
    "SELECT id, batch_id, command, (SELECT group_concat(story_key) FROM command_stories"
    " JOIN stories ON stories.id = story_id WHERE command_id = commands.id) AS story_keys,"
    " task_id, status, started_at, ended_at, step_key, attempt, background_task_id, agent, model, session_id,"
    " continued, run_id, exit_code, reason, resets_at, verdict_json, output_summary, input_tokens,"
    " output_tokens, cost_usd, num_turns FROM commands"
)
_ATTEMPT_COLUMNS = (
    "id AS command_id, step_key, command, attempt, status, session_id, run_id, tag, charged, reason,"
    " verdict_json, resets_at, before_json, agent, background_task_id, continued"
)
_ATTEMPT = f"SELECT {_ATTEMPT_COLUMNS} FROM commands"
_BACKGROUND = (
    "SELECT id, batch_id, story_key AS story_keys, task_type, spawned_at, completed_at, status, step_key,"
    " (SELECT number FROM cycles WHERE cycles.id = cycle_id) AS cycle, reason FROM background_tasks"
)


def identity(connection: sqlite3.Connection) -> str:
    """Which database it is, among all that there are."""
    (found,) = connection.execute("SELECT id FROM identity").fetchone()
    return str(found)


def latest_batch(connection: sqlite3.Connection) -> BatchRow | None:
    """The batch started last."""
    return fetch_first(connection, BatchRow, f"{_BATCH} ORDER BY id DESC LIMIT 1")


def resumable_batch(connection: sqlite3.Connection) -> BatchRow | None:
    """The newest batch that can be resumed."""
    return fetch_first(connection, BatchRow, f"{_BATCH} WHERE resumable = 1 ORDER BY id DESC LIMIT 1")


def batch(connection: sqlite3.Connection, batch_id: int) -> BatchRow:
    """A batch that is known to exist; LookupError when it does not."""
    row = fetch_first(connection, BatchRow, f"{_BATCH} WHERE id = ?", batch_id)
    if row is None:
        raise LookupError(f"no batch {batch_id}")
    return row


def open_batches(connection: sqlite3.Connection) -> tuple[BatchRow, ...]:
    """Batches that a runner began to run and did not live to end."""
    query = f"{_BATCH} WHERE {_UNDER_WAY} ORDER BY id"
    return fetch_all(connection, BatchRow, query)


def batches(connection: sqlite3.Connection, *, limit: int, offset: int = 0) -> tuple[tuple[BatchSummary, ...], int]:
    """A page of the batches, newest first, and how many there are in all."""
    query = f"{_SUMMARY} ORDER BY id DESC LIMIT ? OFFSET ?"
    with snapshot(connection):
        page = fetch_all(connection, BatchSummary, query, bounded(limit), max(offset, 0))
        (total,) = connection.execute("SELECT count(*) FROM batches").fetchone()
    return page, total


def present_batch(connection: sqlite3.Connection) -> BatchSummary | None:
    """The batch that is under way, else the latest."""
    newest = "ORDER BY id DESC LIMIT 1"
    under_way = fetch_first(connection, BatchSummary, f"{_SUMMARY} WHERE {_UNDER_WAY} {newest}")
    return under_way or fetch_first(connection, BatchSummary, f"{_SUMMARY} {newest}")


def batch_exists(connection: sqlite3.Connection, batch_id: int) -> bool:
    """Whether a batch of this number was ever begun."""
    return connection.execute("SELECT 1 FROM batches WHERE id = ?", (batch_id,)).fetchone() is not None


def batch_detail(connection: sqlite3.Connection, batch_id: int) -> BatchDetail | None:
    """One batch with all that belongs to it; None when there is no such batch."""
    with snapshot(connection):
        batch = fetch_first(connection, BatchRow, f"{_BATCH} WHERE id = ?", batch_id)
        if batch is None:
            return None
        newest = f"{_COMMAND} WHERE batch_id = ? ORDER BY id DESC LIMIT {DETAIL_LIMIT}"
        commands = {row.id: row for row in reversed(fetch_all(connection, CommandRow, newest, batch_id))}
        return BatchDetail(
            batch=batch,
            cycles=fetch_all(
                connection,
                CycleRow,
                "SELECT number, status, started_at, ended_at, selection_json FROM cycles"
                " WHERE batch_id = ? ORDER BY number",
                batch_id,
            ),
            stories=_stories(connection, batch_id, commands),
            commands=tuple(row for row in commands.values() if not row.story_keys),
            background=fetch_all(
                connection, BackgroundRow, f"{_BACKGROUND} WHERE batch_id = ? ORDER BY id", batch_id
            ),
            totals=totals(connection, batch_id),
        )


def _stories(
    connection: sqlite3.Connection, batch_id: int, commands: Mapping[int, CommandRow]
) -> tuple[StoryRow, ...]:
    taken: defaultdict[int, list[CommandRow]] = defaultdict(list)
    links = connection.execute(
        "SELECT command_stories.story_id, command_id FROM commands"
        " JOIN command_stories ON command_id = commands.id WHERE batch_id = ? ORDER BY command_id",
        (batch_id,),
    )
    for story_id, command_id in links:
        if command_id in commands:
            taken[story_id].append(commands[command_id])
    return fetch_all(
        connection,
        lambda **row: StoryRow(**row, commands=tuple(taken[row["id"]])),
        "SELECT id, story_key, epic_id, status, started_at, ended_at, blocked_reason FROM stories"
        " WHERE batch_id = ? ORDER BY id",
        batch_id,
    )


def command(connection: sqlite3.Connection, command_id: int) -> CommandRow | None:
    """One attempt of a command."""
    return fetch_first(connection, CommandRow, f"{_COMMAND} WHERE id = ?", command_id)


def running_commands(connection: sqlite3.Connection, batch_id: int) -> tuple[CommandRow, ...]:
    """The commands of a batch that no end was recorded for."""
    query = f"{_COMMAND} WHERE status = 'running' AND batch_id = ? ORDER BY id LIMIT {PAGE_LIMIT}"
    return fetch_all(connection, CommandRow, query, batch_id)


def history(connection: sqlite3.Connection, batch_id: int) -> History:
    """All steps and attempts of a batch, for going on where it stopped."""
    query = f"{_ATTEMPT} WHERE batch_id = ? AND step_key <> '' ORDER BY step_key, attempt"
    attempts: defaultdict[str, list[AttemptRow]] = defaultdict(list)
    with snapshot(connection):
        steps = dict(connection.execute("SELECT step_key, outcome_json FROM steps WHERE batch_id = ?", (batch_id,)))
        for row in fetch_all(connection, AttemptRow, query, batch_id):
            attempts[row.step_key].append(row)
    return History(steps=steps, attempts=dict(attempts))


def unfinished_commands(connection: sqlite3.Connection) -> tuple[UnfinishedCommand, ...]:
    """Attempts of any batch that a runner began and did not live to end."""
    query = (
        f"SELECT {_ATTEMPT_COLUMNS}, batch_id,"
        " (SELECT number FROM cycles WHERE cycles.id = cycle_id) AS cycle"
        " FROM commands WHERE status = 'running' ORDER BY id"
    )
    return fetch_all(connection, _unfinished, query)


def _unfinished(batch_id: int | None, cycle: int | None, **attempt: Any) -> UnfinishedCommand:
    return UnfinishedCommand(batch_id=batch_id, cycle=cycle, attempt=AttemptRow(**attempt))


def unfinished_background(connection: sqlite3.Connection, batch_id: int) -> tuple[BackgroundRow, ...]:
    """Background tasks of a batch that still have something to do: running ones and interrupted ones."""
    query = f"{_BACKGROUND} WHERE batch_id = ? AND status IN ('running', 'interrupted') ORDER BY id"
    return fetch_all(connection, BackgroundRow, query, batch_id)


def totals(connection: sqlite3.Connection, batch_id: int) -> Totals:
    """Tokens and cost of a batch so far."""
    query = (
        "SELECT count(*) AS commands, coalesce(sum(input_tokens), 0) AS input_tokens,"
        " coalesce(sum(output_tokens), 0) AS output_tokens, total(cost_usd) AS cost_usd"
        " FROM commands WHERE batch_id = ?"
    )
    (row,) = fetch_all(connection, Totals, query, batch_id)
    return row


def story_times(connection: sqlite3.Connection, keys: Collection[str]) -> dict[str, StoryTimes]:
    """How long these stories took, by key; stories of no batch are left out."""
    found: dict[str, StoryTimes] = {}
    rows = connection.execute(
        "SELECT story_key, started_at, ended_at, blocked_reason FROM stories"
        " WHERE story_key IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(keys)),),
    )
    for key, started_at, ended_at, reason in rows:
        before = found[key].duration_ms if key in found else 0
        found[key] = StoryTimes(
            started_at=started_at,
            ended_at=ended_at,
            duration_ms=before + (0 if ended_at is None else ended_at - started_at),
            blocked_reason=reason,
        )
    return found
