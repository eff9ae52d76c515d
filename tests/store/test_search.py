"""Searching the events of a real database, before and after they are taken up into the index.

Events come from a journal, one transaction each. With `SHORT` more of them all lie outside of the index, with `LONG`
most within.
"""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.domain.events import BatchWarning, CommandProgress, ErrorRaised, StoryStatus
from runner.store import queries, search
from runner.store.database import open_reader, open_writer
from runner.store.journal import Journal
from runner.store.migrations import STEPS, backup_path, migrate

SHORT = 0
LONG = 2 * search.CHUNK
SECRET = "sk-canary-0123456789"


def journal_of(connection: sqlite3.Connection) -> Journal:
    return Journal(
        connection,
        clock=itertools.count(1).__next__,
        redact=lambda text: text.replace(SECRET, "[redacted]"),
    )


def progress(message: str, *, story: str = "1-1-one", **more: object) -> CommandProgress:
    given: dict[str, object] = {"command": "dev-story", "task_id": "lint", "command_id": 0, "kind": "text", **more}
    return CommandProgress(story_key=story, message=message, **given)  # type: ignore[arg-type]


def fill(path: Path, filler: int) -> None:
    """Seven events to be found, then many that say nothing of interest."""
    with closing(open_writer(path)) as db:
        journal = journal_of(db)
        for _ in range(2):
            batch_id = journal.create_batch(1, "scripted")
        journal.emit(progress("Reading src/app.py: it fails"), batch_id=1)
        journal.emit(progress("Reading the tests", story="1-1-one,1-2-two"), batch_id=1)
        journal.emit(progress("nothing", metrics={"files": "seventeen"}), batch_id=2)
        journal.emit(ErrorRaised(type="command", message="it fails", context={"where": "Überall"}), batch_id=2)
        journal.emit(StoryStatus(story_key="1-2-two", old_status="review", new_status="done", reason="Reading"))
        for number in range(filler):
            journal.emit(progress(f"filling {number}", story="9-9-nine"), batch_id=batch_id)


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["none in the index", "in the index"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "sprint-runner.db"
    fill(path, request.param)
    return path


@pytest.fixture
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_reader(path)) as connection:
        yield connection


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "sprint-runner.db")) as connection:
        yield connection


def seqs(connection: sqlite3.Connection, q: str, **filters: object) -> list[int]:
    page = queries.events_page(connection, **{"limit": 50, **filters}, q=q)  # type: ignore[arg-type]
    return [row.seq for row in page]


FOUND: dict[str, tuple[str, list[int]]] = {
    "one word": ("reading", [3, 4, 7]),
    "any case": ("READING", [3, 4, 7]),
    "all of several": ("fails reading", [3]),
    "all, in different texts": ("fails command überall", [6]),
    "without accents": ("uberall", [6]),
    "parts side by side": ("src/app.py", [3]),
    "parts in another order": ("app/src.py", []),
    "a part of it": ("app", [3]),
    "no part of a word": ("read", []),
    "a value of a table": ("seventeen", [5]),
    "a name in a table": ("files", [5]),
    "no name of a field": ("message", []),
    "the type": ("story:status", [7]),
    "a key": ("1-2-two", [4, 7]),
    "one word twice": ("reading reading", [3, 4, 7]),
    "one that says nothing": ("reading * - fails", [3]),
    "only such": ("* ?", []),
    "none": ("nowhere", []),
    "one of two": ("reading nowhere", []),
    "a part of a key": ("2", [4, 7]),
}


@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND)
def test_events_are_found_by_what_they_say(reader: sqlite3.Connection, text: str, expected: list[int]) -> None:
    assert seqs(reader, text, before=8) == expected


COMBINED: dict[str, tuple[str, dict[str, object], list[int]]] = {
    "type": ("reading", {"type": "story:status"}, [7]),
    "batch": ("fails", {"batch": 2}, [6]),
    "story": ("reading", {"story": "1-2-two"}, [4, 7]),
    "story and type": ("", {"story": "1-2-two", "type": "command:progress"}, [4]),
    "all of them": ("the tests", {"story": "1-1-one", "type": "command:progress", "batch": 1}, [4]),
    "what nothing has": ("reading", {"type": "nothing"}, []),
    "limit": ("reading", {"limit": 2}, [4, 7]),
    "limit, in front": ("reading", {"limit": 1, "before": 7}, [4]),
    "limit, behind": ("reading", {"limit": 1, "after": 3}, [4]),
    "between": ("reading", {"after": 3, "before": 7}, [4]),
    "of both ends of the index": ("", {"story": "1-2-two", "limit": 9}, [4, 7]),
    "of no text": (" \t\n", {"batch": 1, "type": "command:progress"}, [3, 4]),
}


@pytest.mark.parametrize(("text", "filters", "expected"), COMBINED.values(), ids=COMBINED)
def test_text_goes_with_all_other_filters(
    reader: sqlite3.Connection, text: str, filters: dict[str, object], expected: list[int]
) -> None:
    assert seqs(reader, text, **{"before": 8, **filters}) == expected


def test_pages_go_backwards_over_the_end_of_the_index(tmp_path: Path) -> None:
    fill(tmp_path / "x.db", LONG)
    with closing(open_reader(tmp_path / "x.db")) as reader:
        inside, last = search.indexed_to(reader), queries.last_seq(reader)
        assert 0 < inside < last
        found: list[int] = []
        while page := seqs(reader, "filling", limit=7, before=found[0] if found else last + 1):
            found = page + found
        assert found == list(range(8, last + 1))
        assert seqs(reader, "filling", limit=3, after=inside - 1) == [inside, inside + 1, inside + 2]
        assert seqs(reader, "filling", limit=3, before=inside + 2) == [inside - 1, inside, inside + 1]


# Text that means harm

WORDS = " ".join(map(str, range(2_000)))
HOSTILE = (
    *('"', '""', '"a', 'a" OR "b', "NEAR(a b)", "a NEAR b", "*", "a*", "^a", "-a", "+", "a AND", "OR", "NOT", "("),
    *(")" * 300, "says:a", "{payload_json}: a", "a\0b", "\0", "\ud800", "x\udfffy", "\ue000", "\ufffe", "🙂", "%_"),
    *(
        "\n" * 10_000,
        f"{' ' * 10_000}x",
        "a" * 10_000,
        "a-" * 5_000,
        "a " * 5_000,
        " ".join(map(str, range(2_000))),
        '"' * 10_000,
    ),
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_syntax(reader: sqlite3.Connection, text: str) -> None:
    assert set(seqs(reader, text, before=8)) <= set(range(1, 8))
    assert seqs(reader, text, type="nothing") == []
    assert seqs(reader, "", story=text) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters()))
def test_any_text_is_answered(reader: sqlite3.Connection, text: str) -> None:
    seqs(reader, text)


def test_a_very_long_word_is_looked_for_in_pieces(db: sqlite3.Connection) -> None:
    path = "/".join(f"part{number}" for number in range(20))
    journal_of(db).emit(progress(path))
    assert seqs(db, path) == [1]
    assert seqs(db, path.replace("part19", "part99")) == []


def test_what_an_agent_says_counts_for_no_mark(db: sqlite3.Connection) -> None:
    journal = journal_of(db)
    journal.emit(progress(search.expression("", {"story": "7-7-seven"})))
    assert seqs(db, "", story="7-7-seven") == []
    journal.emit(progress("x", story="7-7-seven"))
    assert seqs(db, "", story="7-7-seven") == [2]


# Writing


def emit(journal: Journal, number: int) -> None:
    journal.emit(BatchWarning(batch_id=1, message=f"warning {number}", warning_type="test"))


def test_the_index_grows_with_the_events(db: sqlite3.Connection) -> None:
    journal = journal_of(db)
    for number in range(1, search.CHUNK):
        emit(journal, number)
    assert search.indexed_to(db) == 0
    emit(journal, search.CHUNK)
    assert search.indexed_to(db) == search.CHUNK
    assert seqs(db, f"warning {search.CHUNK}") == [search.CHUNK]


def test_the_index_is_undone_with_the_change_that_wrote_it(db: sqlite3.Connection) -> None:
    journal = journal_of(db)
    for number in range(1, search.CHUNK):
        emit(journal, number)
    db.execute("BEGIN IMMEDIATE")
    for name, undo in [("lost", "ROLLBACK TO change"), ("kept", "")]:
        db.execute("SAVEPOINT change")
        journal.emit(progress(name))
        assert seqs(db, name) == [search.CHUNK]
        if undo:
            db.execute(undo)
        db.execute("RELEASE change")
    db.execute("COMMIT")
    assert (seqs(db, "lost"), seqs(db, "kept")) == ([], [search.CHUNK])
    assert search.indexed_to(db) == search.CHUNK
    db.execute("BEGIN")
    for number in range(search.CHUNK):
        emit(journal, number)
    db.execute("ROLLBACK")
    assert search.indexed_to(db) == search.CHUNK
    assert seqs(db, "test") == list(range(search.CHUNK - 50, search.CHUNK))


def test_a_chunk_that_was_left_out_is_made_up_for(db: sqlite3.Connection) -> None:
    """Rows that somebody wrote by hand, past the end of a chunk."""
    rows = [(number, f'{{"message":"by hand {number}"}}') for number in range(1, search.CHUNK + 2)]
    db.executemany("INSERT INTO events (id, timestamp, event_type, payload_json) VALUES (?, 1, 'error', ?)", rows)
    assert seqs(db, "hand 1") == [1]
    journal = journal_of(db)
    for number in range(search.CHUNK):
        emit(journal, number)
    assert search.indexed_to(db) == 2 * search.CHUNK
    assert seqs(db, "hand 1") == [1]


def test_secrets_are_not_in_the_index(db: sqlite3.Connection) -> None:
    journal = journal_of(db)
    for _ in range(search.CHUNK):
        journal.emit(progress(f"my {SECRET}", metrics={SECRET: SECRET}))
    assert seqs(db, SECRET) == []
    assert len(seqs(db, "redacted")) == 50


# Migrating


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A payload on record, and whether an event of its type can be found by the word `needle`."""

    payload: str | bytes
    found: bool


STORED = {
    "a text": Stored(payload='{"message":"a needle"}', found=True),
    "deep": Stored(payload='{"a":[{"b":{"needle":[1]}}]}', found=True),
    "no text": Stored(payload='{"n":1}', found=False),
    "no object": Stored(payload='["needle"]', found=False),
    "no JSON": Stored(payload="needle", found=False),
    "nested without end": Stored(payload='{"a":' + "[" * 100_000, found=False),
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_events_on_record_are_indexed_by_the_migration(tmp_path: Path, stored: Stored) -> None:
    path = tmp_path / "sprint-runner.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        migrate(first, path, steps=STEPS[:1])
        first.execute(
            "INSERT INTO events (id, timestamp, event_type, story_key, payload_json) VALUES (5, 1, 'error', ?, ?)",
            ("a-1, a-2", stored.payload),
        )
    with closing(open_writer(path)) as db:
        assert search.indexed_to(db) == 5
        assert seqs(db, "needle") == ([5] if stored.found else [])
        assert seqs(db, "", story="a-2") == [5]
    with closing(sqlite3.connect(backup_path(path, 1))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT id FROM events").fetchall() == [(5,)]


def test_the_index_can_be_dumped(db: sqlite3.Connection) -> None:
    journal_of(db).emit(progress("words"))
    assert any("words" in line for line in db.iterdump())


def test_what_is_written_meanwhile_is_not_seen_in_part(tmp_path: Path) -> None:
    path = tmp_path / "moving.db"
    with closing(open_writer(path)) as writer, closing(open_reader(path)) as reader:
        journal = journal_of(writer)
        for number in range(search.CHUNK - 1):
            emit(journal, number)

        def interfere(statement: str) -> None:
            if "MATCH" in statement and queries.last_seq(writer) < search.CHUNK:
                emit(journal, 0)

        reader.set_trace_callback(interfere)
        assert len(seqs(reader, "warning", limit=500)) == search.CHUNK - 1
        reader.set_trace_callback(None)
        assert len(seqs(reader, "warning", limit=500)) == search.CHUNK
