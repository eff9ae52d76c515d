"""Taking over a database of the original tool: the same rows and ids under our schema.

Called by the first migration, inside its transaction. The old tables are set aside under other names, ours are
created, rows are copied, the old tables go. What varies between the original's versions (columns and whole tables
that are missing, seconds beside milliseconds) is evened out first. Rows that belong to no batch are left behind;
the copy made before the migration keeps them.
"""

import sqlite3
from collections.abc import Iterator

from runner.store.original_events import OldEvent, payload_of, type_of

_PREFIX = "original_"
_COLUMNS = {
    "batches": ("id", "started_at", "ended_at", "max_cycles", "cycles_completed", "status"),
    "stories": ("id", "batch_id", "story_key", "epic_id", "status", "started_at", "ended_at"),
    "commands": ("id", "story_id", "command", "task_id", "started_at", "ended_at", "status", "output_summary"),
    "background_tasks": ("id", "batch_id", "story_key", "task_type", "spawned_at", "completed_at", "status"),
    "events": (
        *("id", "batch_id", "story_id", "command_id", "timestamp", "event_type", "epic_id", "story_key"),
        *("command", "task_id", "status", "message", "payload_json"),
    ),
}
_SIGNATURE = {"batches", "stories", "events"}
"""Tables that every version of the original has."""
_SECONDS_BELOW = 10**11
"""As seconds this is the year 5138, as milliseconds 1973: nothing the original wrote lies on the wrong side."""
_ALL_CYCLES = 999
"""What the original wrote for "until no story is left"."""

_COPIES = (
    f"""
    INSERT INTO batches (id, started_at, ended_at, max_cycles, cycles_completed, status, resumable, reason)
    SELECT id, coalesce(ms(started_at), 0), ms(ended_at), nullif(max_cycles, {_ALL_CYCLES}),
        coalesce(cycles_completed, 0),
        CASE WHEN status IN ('completed', 'all_done') THEN 'completed'
             WHEN status IN ('error', 'failed') THEN 'error' ELSE 'stopped' END,
        0,
        CASE WHEN status = 'running' THEN 'the original runner left it running' ELSE '' END
    FROM original_batches
    """,
    """
    INSERT INTO stories (id, batch_id, story_key, epic_id, status, started_at, ended_at, blocked_reason)
    SELECT id, batch_id, coalesce(story_key, ''), coalesce(epic_id, ''),
        CASE coalesce(status, 'pending') WHEN 'pending' THEN 'backlog' WHEN 'failed' THEN 'blocked'
             WHEN 'skipped' THEN 'blocked' ELSE status END,
        coalesce(ms(started_at), 0), ms(ended_at),
        CASE WHEN status IN ('failed', 'skipped') THEN status ELSE '' END
    FROM original_stories WHERE batch_id IN (SELECT id FROM batches)
    """,
    """
    INSERT INTO commands (id, story_id, command, task_id, started_at, ended_at, status, output_summary, batch_id)
    SELECT o.id, s.id, coalesce(o.command, ''), coalesce(o.task_id, ''),
        coalesce(ms(o.started_at), 0), ms(o.ended_at),
        CASE WHEN o.status IN ('success', 'completed', 'complete', 'done', 'end') THEN 'success'
             WHEN o.status IN ('error', 'failed') THEN 'error' ELSE 'interrupted' END,
        coalesce(o.output_summary, ''), s.batch_id
    FROM original_commands o LEFT JOIN stories s ON s.id = o.story_id
    """,
    """
    INSERT INTO command_stories (command_id, story_id)
    SELECT id, story_id FROM commands WHERE story_id IS NOT NULL
    """,
    """
    INSERT INTO background_tasks (id, batch_id, story_key, task_type, spawned_at, completed_at, status)
    SELECT id, batch_id, coalesce(story_key, ''), coalesce(task_type, ''), coalesce(ms(spawned_at), 0),
        ms(completed_at),
        CASE WHEN status IN ('completed', 'complete', 'success') THEN 'completed'
             WHEN status IN ('failed', 'error') THEN 'failed' ELSE 'interrupted' END
    FROM original_background_tasks WHERE batch_id IN (SELECT id FROM batches)
    """,
)
_READ_EVENTS = """
    SELECT o.id, b.id, s.id, c.id, coalesce(ms(o.timestamp), 0), o.event_type, o.epic_id, o.story_key,
        o.command, o.task_id, o.status, o.message, o.payload_json
    FROM original_events o LEFT JOIN batches b ON b.id = o.batch_id
        LEFT JOIN stories s ON s.id = o.story_id LEFT JOIN commands c ON c.id = o.command_id
    ORDER BY o.id
"""
_WRITE_EVENT = """
    INSERT INTO events (id, batch_id, story_id, command_id, timestamp, event_type, epic_id, story_key,
        command, task_id, status, message, payload_json) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
"""
# Whatever was left open ended with its batch at the latest, and that with its last event.
_CLOSINGS = (
    """
    UPDATE batches SET ended_at = max(started_at,
        coalesce((SELECT max(timestamp) FROM events WHERE events.batch_id = batches.id), 0))
    WHERE ended_at IS NULL
    """,
    """
    UPDATE commands SET ended_at = max(started_at, coalesce(
        (SELECT ended_at FROM batches WHERE batches.id = commands.batch_id), 0))
    WHERE ended_at IS NULL
    """,
    """
    UPDATE background_tasks SET completed_at = max(spawned_at, (
        SELECT ended_at FROM batches WHERE batches.id = background_tasks.batch_id))
    WHERE completed_at IS NULL
    """,
)


def is_original(connection: sqlite3.Connection) -> bool:
    """Whether the tables are those of the original tool, in any of its versions."""
    if not _tables(connection) >= _SIGNATURE:
        return False
    optional = {"event_type", "payload_json"}
    return all(set(_COLUMNS[table]) - optional <= _columns(connection, table) for table in _SIGNATURE)


def set_tables_aside(connection: sqlite3.Connection) -> None:
    """Give the old tables other names and every column a version of the original has."""
    kinds = connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE type IN ('index', 'view', 'trigger') AND sql IS NOT NULL"
    ).fetchall()
    for kind, name in kinds:
        connection.execute(f"DROP {kind} {_quoted(name)}")
    present = _tables(connection)
    for table, columns in _COLUMNS.items():
        aside = _PREFIX + table
        if table in present:
            connection.execute(f"ALTER TABLE {table} RENAME TO {aside}")
        else:
            connection.execute(f"CREATE TABLE {aside} (id INTEGER PRIMARY KEY)")
        for column in sorted(set(columns) - _columns(connection, aside)):
            connection.execute(f"ALTER TABLE {aside} ADD COLUMN {column}")


def absorb_tables(connection: sqlite3.Connection) -> None:
    """Copy the rows of the tables set aside into ours, then drop those."""
    connection.create_function("ms", 1, _milliseconds, deterministic=True)
    for copy in _COPIES:
        connection.execute(copy)
    connection.executemany(_WRITE_EVENT, _events(connection))
    for closing in _CLOSINGS:
        connection.execute(closing)
    for table in reversed(_COLUMNS):
        connection.execute(f"DROP TABLE {_PREFIX}{table}")
    connection.create_function("ms", 1, None)


def _events(connection: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    for row in connection.execute(_READ_EVENTS):
        event = OldEvent.from_row(row)
        texts = (event.epic_id, event.story_key, event.command, event.task_id, event.status, event.message)
        ids = (event.id, event.batch_id, event.story_id, event.command_id, event.timestamp)
        yield (*ids, type_of(event), *(text or None for text in texts), payload_of(event))


def _milliseconds(value: object) -> int | None:
    """A time of the original, which wrote seconds in some places and milliseconds in others."""
    if not isinstance(value, int | float):
        return None
    return int(value * 1000) if value < _SECONDS_BELOW else int(value)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
