"""Migrating databases: those of the original tool are built by hand, in the variants that exist."""

import hashlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from runner.domain.errors import DatabaseError
from runner.domain.events import CATALOGUE
from runner.store.database import open_writer
from runner.store.migrations import STEPS, VERSION, backup_path, migrate

AT = 1_769_210_247
"""A time in seconds; `AT * 1000` is the same one in milliseconds."""
AT_MS = AT * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sprint-runner.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A version of the original's schema."""

    event_type: bool = True
    payload_json: bool = True
    not_null: bool = True
    tables_after_events: bool = True

    def script(self) -> str:
        required = "NOT NULL" if self.not_null else ""
        later = [f"event_type TEXT {required},"] * self.event_type
        payload = [", payload_json TEXT"] * self.payload_json
        text = f"""
            CREATE TABLE batches (id INTEGER PRIMARY KEY AUTOINCREMENT, started_at INTEGER {required},
                ended_at INTEGER, max_cycles INTEGER {required}, cycles_completed INTEGER DEFAULT 0,
                status TEXT DEFAULT 'running');
            CREATE TABLE stories (id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id INTEGER REFERENCES batches(id),
                story_key TEXT {required}, epic_id TEXT {required}, status TEXT DEFAULT 'in-progress',
                started_at INTEGER {required}, ended_at INTEGER);
            CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT,
                batch_id INTEGER {required} REFERENCES batches(id), story_id INTEGER REFERENCES stories(id),
                command_id INTEGER, timestamp INTEGER {required}, {"".join(later)} epic_id TEXT {required},
                story_key TEXT {required}, command TEXT {required}, task_id TEXT {required},
                status TEXT {required}, message TEXT {"".join(payload)});
            CREATE INDEX events_by_batch ON events (batch_id);
            CREATE INDEX idx_stories_batch ON stories (batch_id, story_key);
            CREATE VIEW latest AS SELECT * FROM batches;
        """
        if self.tables_after_events:
            text += f"""
                CREATE TABLE commands (id INTEGER PRIMARY KEY AUTOINCREMENT,
                    story_id INTEGER {required} REFERENCES stories(id), command TEXT {required},
                    task_id TEXT {required}, started_at INTEGER {required}, ended_at INTEGER,
                    status TEXT DEFAULT 'running', output_summary TEXT);
                CREATE TABLE background_tasks (id INTEGER PRIMARY KEY AUTOINCREMENT,
                    batch_id INTEGER {required} REFERENCES batches(id), story_key TEXT {required},
                    task_type TEXT {required}, spawned_at INTEGER {required}, completed_at INTEGER,
                    status TEXT DEFAULT 'running');
            """
        return text


VARIANTS = {
    "newest": Variant(),
    "no payload": Variant(payload_json=False),
    "no type": Variant(event_type=False),
    "neither": Variant(event_type=False, payload_json=False),
    "all nullable": Variant(not_null=False),
    "oldest": Variant(event_type=False, payload_json=False, not_null=False, tables_after_events=False),
}
EVENT = {
    "batch_id": 3,
    "timestamp": AT_MS,
    "epic_id": "4",
    "story_key": "4-1",
    "command": "dev-story",
    "task_id": "setup",
    "status": "start",
}


@contextmanager
def original(path: Path, variant: Variant = Variant()) -> Iterator[sqlite3.Connection]:
    """A database of the original tool with batch 3 and story 5, open for more rows; ids have gaps."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(variant.script())
        insert(connection, "batches", id=3, started_at=AT, max_cycles=999, cycles_completed=2)
        insert(connection, "stories", id=5, batch_id=3, story_key="4-1", epic_id="4", started_at=AT_MS)
        yield connection
        connection.commit()


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ",".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({','.join(values)}) VALUES ({marks})", tuple(values.values()))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(open_writer(path)) as writer:
        return writer.execute(query).fetchall()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# The original's databases

SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"


@pytest.fixture(scope="module")
def new_schema(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    return rows(tmp_path_factory.mktemp("new") / "new.db", SCHEMA)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_becomes_like_a_new_database(
    path: Path, variant: Variant, new_schema: list[tuple[object, ...]]
) -> None:
    with original(path, variant) as connection:
        event_type = {"event_type": "command:start"} if variant.event_type else {}
        insert(connection, "events", id=9, **EVENT, **event_type)
    with closing(open_writer(path)) as writer:
        assert writer.execute(SCHEMA).fetchall() == new_schema
        found = writer.execute("SELECT id, batch_id, event_type, story_key FROM events").fetchall()
        assert found == [(9, 3, "command:start", "4-1")]
        assert writer.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert writer.execute("INSERT INTO batches (started_at) VALUES (1)").lastrowid == 4


def test_seconds_and_milliseconds_become_milliseconds(path: Path) -> None:
    with original(path) as connection:
        insert(connection, "batches", id=4, started_at=AT + 1, ended_at=AT_MS + 5000, max_cycles=2)
        insert(connection, "batches", id=5, started_at=AT + 0.5, ended_at=None, max_cycles=2)
        insert(connection, "background_tasks", batch_id=4, story_key="a", task_type="t", spawned_at=AT + 2)
        insert(connection, "events", **{**EVENT, "batch_id": 4, "event_type": "error", "timestamp": AT + 3})
    assert rows(path, "SELECT id, started_at, ended_at FROM batches WHERE id > 3") == [
        (4, AT_MS + 1000, AT_MS + 5000),
        (5, AT_MS + 500, AT_MS + 500),
    ]
    assert rows(path, "SELECT spawned_at, completed_at FROM background_tasks") == [(AT_MS + 2000, AT_MS + 5000)]
    assert rows(path, "SELECT timestamp FROM events") == [(AT_MS + 3000,)]


def test_open_batches_are_closed_with_their_last_event(path: Path) -> None:
    with original(path) as connection:
        for seconds in (60, 90, 30):
            insert(connection, "events", **{**EVENT, "event_type": "error", "timestamp": AT + seconds})
    assert rows(path, "SELECT status, ended_at, resumable, max_cycles, cycles_completed, reason FROM batches") == [
        ("stopped", AT_MS + 90_000, 0, None, 2, "the original runner left it running")
    ]


BATCH_STATUSES = {
    "running": "stopped",
    "completed": "completed",
    "all_done": "completed",
    "stopped": "stopped",
    "error": "error",
    "whatever": "stopped",
}
STORY_STATUSES = {
    "pending": ("backlog", ""),
    "in-progress": ("in-progress", ""),
    "done": ("done", ""),
    "blocked": ("blocked", ""),
    "failed": ("blocked", "failed"),
    "skipped": ("blocked", "skipped"),
}
COMMAND_STATUSES = {
    "running": "interrupted",
    "completed": "success",
    "success": "success",
    "failed": "error",
    "error": "error",
    "whatever": "interrupted",
}
BACKGROUND_STATUSES = {
    "running": "interrupted",
    "pending": "interrupted",
    "complete": "completed",
    "completed": "completed",
    "failed": "failed",
}


def test_batch_statuses_are_put_into_todays_words(path: Path) -> None:
    with original(path) as connection:
        connection.execute("DELETE FROM batches")
        for status in BATCH_STATUSES:
            insert(connection, "batches", started_at=AT, max_cycles=2, status=status)
    found = rows(path, "SELECT status, resumable, max_cycles FROM batches ORDER BY id")
    assert found == [(status, 0, 2) for status in BATCH_STATUSES.values()]


def test_story_statuses_are_put_into_todays_words(path: Path) -> None:
    with original(path) as connection:
        for status in STORY_STATUSES:
            insert(connection, "stories", batch_id=3, story_key="k", epic_id="e", started_at=AT, status=status)
    found = rows(path, "SELECT status, blocked_reason FROM stories WHERE id > 5 ORDER BY id")
    assert found == list(STORY_STATUSES.values())


def test_commands_are_kept_with_their_story_and_batch(path: Path) -> None:
    with original(path) as connection:
        for status in COMMAND_STATUSES:
            values = {"story_id": 5, "command": "dev-story", "task_id": "lint", "started_at": AT}
            insert(connection, "commands", **values, status=status)
    found = rows(path, "SELECT story_id, batch_id, status, ended_at, output_summary, step_key FROM commands")
    assert found == [(5, 3, status, AT_MS, "", "") for status in COMMAND_STATUSES.values()]
    links = rows(path, "SELECT command_id, story_id FROM command_stories")
    assert links == [(number, 5) for number in range(1, len(COMMAND_STATUSES) + 1)]


def test_background_statuses_are_put_into_todays_words(path: Path) -> None:
    with original(path) as connection:
        for status in BACKGROUND_STATUSES:
            values = {"batch_id": 3, "story_key": "system", "task_type": "t", "spawned_at": AT}
            insert(connection, "background_tasks", **values, status=status)
    found = rows(path, "SELECT status FROM background_tasks ORDER BY id")
    assert found == [(status,) for status in BACKGROUND_STATUSES.values()]


def test_rows_of_no_batch_do_not_stop_the_migration(path: Path) -> None:
    with original(path) as connection:
        insert(connection, "stories", id=8, batch_id=77, story_key="k", epic_id="e", started_at=AT)
        insert(connection, "commands", id=1, story_id=8, command="c", task_id="", started_at=AT)
        insert(connection, "events", id=1, **{**EVENT, "batch_id": 77, "story_id": 8, "event_type": "error"})
    assert rows(path, "SELECT id FROM stories") == [(5,)]
    assert rows(path, "SELECT id, story_id, batch_id FROM commands") == [(1, None, None)]
    assert rows(path, "SELECT id, batch_id, story_id FROM events") == [(1, None, None)]


# Payloads of old events


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """An event as the original stored it, and what its payload has to become."""

    row: dict[str, object]
    type: str
    payload: dict[str, object]


TASK = {"story_key": "4-1", "command": "dev-story", "task_id": "setup", "command_id": 0}
OLD_EVENTS = {
    "start told by the columns": Old(
        row={"message": "Reading"},
        type="command:start",
        payload={
            **TASK,
            "message": "Reading",
            "story_keys": ["4-1"],
            "attempt": 1,
            "model": "",
            "background": False,
        },
    ),
    "start of a pair": Old(
        row={"story_key": "4-1, 4-2"},
        type="command:start",
        payload={**TASK, "story_key": "4-1, 4-2", "story_keys": ["4-1", "4-2"], "attempt": 1}
        | {"model": "", "background": False},
    ),
    "end told by the columns": Old(
        row={"status": "end", "message": "Read (files:3)"},
        type="command:end",
        payload={**TASK, "message": "Read (files:3)", "status": "success", "metrics": {}, "attempt": 1}
        | {"reason": ""},
    ),
    "end that failed": Old(
        row={"status": "failed"},
        type="command:end",
        payload={**TASK, "status": "error", "metrics": {}, "attempt": 1, "reason": ""},
    ),
    "progress": Old(
        row={"status": "progress", "message": "half way"},
        type="command:progress",
        payload={**TASK, "message": "half way", "kind": "task", "status": None, "metrics": {}},
    ),
    "stored type wins over the columns": Old(
        row={"event_type": "command:end", "status": "end"},
        type="command:end",
        payload={**TASK, "status": "success", "metrics": {}, "attempt": 1, "reason": ""},
    ),
    "stored payload is completed": Old(
        row={
            "event_type": "command:end",
            "payload_json": '{"story_key":"4-2","command":"x","task_id":"t","status":"end","metrics":null}',
        },
        type="command:end",
        payload={"story_key": "4-2", "command": "x", "task_id": "t", "command_id": 0, "status": "success"}
        | {"metrics": {}, "attempt": 1, "reason": ""},
    ),
    "context being made": Old(
        row={"task_id": "context", "status": "create", "story_key": "system"},
        type="context:create",
        payload={"status": "starting", "message": ""},
    ),
    "context being refreshed": Old(
        row={"task_id": "context", "status": "refresh", "message": "old"},
        type="context:refresh",
        payload={"status": "started", "message": "old"},
    ),
    "batch of all stories": Old(
        row={"event_type": "batch:start", "payload_json": '{"batch_id":3,"max_cycles":null,"batch_mode":"all"}'},
        type="batch:start",
        payload={"batch_id": 3, "max_cycles": "all", "batch_mode": "all", "resumed": False},
    ),
    "batch of two cycles": Old(
        row={"event_type": "batch:start", "payload_json": '{"batch_id":3,"max_cycles":2}'},
        type="batch:start",
        payload={"batch_id": 3, "max_cycles": 2, "resumed": False},
    ),
    "batch with nothing left": Old(
        row={"event_type": "batch:end", "payload_json": '{"batch_id":3,"status":"all_done","cycles_completed":4}'},
        type="batch:end",
        payload={"batch_id": 3, "status": "completed", "cycles_completed": 4, "reason": "all_done"},
    ),
    "batch stopped, count missing": Old(
        row={"event_type": "batch:end", "payload_json": '{"batch_id":3,"status":"stopped"}'},
        type="batch:end",
        payload={"batch_id": 3, "status": "stopped", "cycles_completed": 0, "reason": ""},
    ),
    "end of a cycle": Old(
        row={"event_type": "cycle:end", "payload_json": '{"cycle_number":1,"completed_stories":["4-1"]}'},
        type="cycle:end",
        payload={"cycle_number": 1, "completed_stories": ["4-1"], "blocked_stories": []},
    ),
    "type of no today": Old(
        row={"event_type": "cleanup:complete", "task_id": "", "status": ""},
        type="cleanup:complete",
        payload={"story_key": "4-1", "epic_id": "4", "command": "dev-story"},
    ),
}
GARBLED = ("{", "[1]", "null", "7", "", "[" * 100_000, '{"x": NaN}', '{"message": "\\ud800"}', b"\xff\xfe")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Type and payload of all old events after a migration: OLD_EVENTS, then GARBLED."""
    path = tmp_path_factory.mktemp("payloads") / "old.db"
    with original(path, VARIANTS["all nullable"]) as connection:
        for old in OLD_EVENTS.values():
            insert(connection, "events", **{**EVENT, **old.row})
        for stored in GARBLED:
            insert(connection, "events", **EVENT, payload_json=stored)
    found = rows(path, "SELECT event_type, payload_json FROM events ORDER BY id")
    return [(str(kind), str(text)) for kind, text in found]


@pytest.mark.parametrize("name", OLD_EVENTS)
def test_payload_is_rebuilt_in_todays_shape(rebuilt: list[tuple[str, str]], name: str) -> None:
    old = OLD_EVENTS[name]
    kind, text = rebuilt[list(OLD_EVENTS).index(name)]
    payload = json.loads(text)
    assert (kind, payload) == (old.type, old.payload)
    for event in CATALOGUE:
        if event.event_type == kind:
            msgspec.convert(payload, event)


@pytest.mark.parametrize("number", range(len(GARBLED)))
def test_payload_that_cannot_be_read_is_rebuilt_from_the_columns(rebuilt: list[tuple[str, str]], number: int) -> None:
    kind, text = rebuilt[len(OLD_EVENTS) + number]
    payload = json.loads(text, parse_constant=pytest.fail)
    assert (kind, payload["story_key"]) == ("command:start", "4-1")


def test_events_of_old_commands_keep_their_ids(path: Path) -> None:
    with original(path) as connection:
        insert(connection, "commands", id=6, story_id=5, command="c", task_id="", started_at=AT)
        insert(connection, "events", id=41, **EVENT, story_id=5, command_id=6, event_type="command:start")
    ((*ids, text),) = rows(path, "SELECT id, batch_id, story_id, command_id, payload_json FROM events")
    assert ids == [41, 3, 5, 6]
    assert json.loads(str(text))["command_id"] == 6


# Copies and failures


def explode(connection: sqlite3.Connection) -> None:
    STEPS[0](connection)
    raise ValueError("what a row")


def dangle(connection: sqlite3.Connection) -> None:
    STEPS[0](connection)
    insert(connection, "stories", batch_id=999, story_key="k", epic_id="e", status="done", started_at=1)


def add_column(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE batches ADD COLUMN note TEXT NOT NULL DEFAULT ''")


@contextmanager
def bare(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_new_database_leaves_no_copy(path: Path) -> None:
    open_writer(path).close()
    open_writer(path).close()
    assert not list(path.parent.glob("*.bak*"))


def test_copy_of_the_original_is_whole_and_private(path: Path) -> None:
    with original(path) as connection:
        before = list(connection.iterdump())
    open_writer(path).close()
    backup = backup_path(path, 0)
    assert backup.name == "sprint-runner.db.v0.bak"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with bare(backup) as copy:
        assert list(copy.iterdump()) == before
    assert not list(path.parent.glob("*.part*"))


def test_older_copy_is_kept(path: Path) -> None:
    with original(path):
        pass
    backup_path(path, 0).write_text("the first copy")
    open_writer(path).close()
    assert backup_path(path, 0).read_text() == "the first copy"


def test_copy_cut_short_is_made_again(path: Path) -> None:
    with original(path):
        pass
    path.with_name(f"{path.name}.v0.bak.part").write_text("half a copy")
    open_writer(path).close()
    assert not list(path.parent.glob("*.part"))
    with bare(backup_path(path, 0)) as copy:
        assert copy.execute("SELECT id FROM batches").fetchall() == [(3,)]


@pytest.mark.parametrize(("step", "says"), [(explode, "what a row"), (dangle, "refers to a row of batches")])
@pytest.mark.parametrize("events", [1, 600], ids=["small", "bigger than the cache"])
def test_failing_migration_leaves_the_file_as_it_was(path: Path, step: object, says: str, events: int) -> None:
    with original(path) as connection:
        for _ in range(events):
            insert(connection, "events", **EVENT, event_type="error", message="x" * 300)
    before = digest(path)
    with bare(path) as connection:
        connection.execute("PRAGMA cache_size = 10")
        with pytest.raises(DatabaseError, match=says) as caught:
            migrate(connection, path, steps=[step])  # type: ignore[list-item]
        assert not connection.in_transaction
    assert digest(path) == before
    assert str(path) in caught.value.message
    assert str(backup_path(path, 0)) in caught.value.hint
    assert rows(path, "SELECT count(*) FROM events") == [(events,)]


def test_full_disk_leaves_the_file_as_it_was(path: Path) -> None:
    with original(path) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    before = digest(path)
    with bare(path) as connection:
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DatabaseError, match="full"):
            migrate(connection, path)
    assert digest(path) == before


def test_copy_that_cannot_be_made_stops_the_migration(path: Path) -> None:
    with original(path):
        pass
    before = digest(path)
    path.with_name(f"{path.name}.v0.bak.part").mkdir()
    with pytest.raises(DatabaseError, match="cannot be migrated") as caught:
        open_writer(path)
    assert "a copy" not in caught.value.hint
    assert digest(path) == before


def test_failing_first_start_can_be_repeated(path: Path) -> None:
    with bare(path) as connection, pytest.raises(DatabaseError):
        migrate(connection, path, steps=[explode])
    assert rows(path, "SELECT count(*) FROM batches") == [(0,)]


def test_later_version_is_one_more_step(path: Path) -> None:
    rows(path, "INSERT INTO batches (started_at) VALUES (1)")
    with closing(open_writer(path)) as writer:
        migrate(writer, path, steps=[*STEPS, add_column])
        assert writer.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
        assert writer.execute("SELECT started_at, note FROM batches").fetchall() == [(1, "")]
        migrate(writer, path, steps=[*STEPS, add_column])
    backup = backup_path(path, VERSION)
    with bare(backup) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert copy.execute("SELECT started_at FROM batches").fetchall() == [(1,)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_original_takes_all_steps_with_a_copy_each(path: Path) -> None:
    with original(path):
        pass
    with bare(path) as connection:
        migrate(connection, path, steps=[*STEPS, add_column])
        assert connection.execute("SELECT id, note FROM batches").fetchall() == [(3, "")]
    assert backup_path(path, 0).exists()
    assert backup_path(path, VERSION).exists()
