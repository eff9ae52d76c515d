"""A batch's recording: its order, what stands in it, and that not all events of a batch are walked for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.domain.errors import NonDeterminism
from runner.domain.replay import Recorded, Recording
from runner.store.command_log import Intent, Place
from runner.store.database import open_writer
from runner.store.journal import Journal
from runner.store.recorded import own_history, recording

FOUND = b'{"freshness":"fresh"}'
SELECTION = b'{"number":1,"stories":[]}'


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "sprint-runner.db")) as connection:
        yield connection


@pytest.fixture
def journal(db: sqlite3.Connection) -> Journal:
    """A journal whose clock goes on by a millisecond with each look."""
    times = iter(range(1_700_000_000_000, 1_700_000_001_000))
    return Journal(db, clock=lambda: next(times), redact=str)


def begin(journal: Journal, batch: int, key: str, *, attempt: int = 1) -> None:
    place = Place(batch_id=batch, step_key=key, command=key.split("/")[1])
    journal.intend(
        Intent(
            place=place,
            attempt=attempt,
            agent="scripted",
            model="",
            session_id="",
            continued=False,
            run_id="",
            tag=1,
            before={},
        )
    )


def test_a_batch_without_anything_on_record(db: sqlite3.Connection, journal: Journal):
    assert recording(db, journal.create_batch(1, "scripted")) == Recording()


def test_a_recording_is_in_the_order_of_the_record_with_the_ends_of_cycles_in_it(
    db: sqlite3.Connection, journal: Journal
):
    batch, other = journal.create_batch(2, "scripted"), journal.create_batch(1, "scripted")
    journal.record_step(batch, "context/freshness", "Found", FOUND)
    journal.record_step(other, "context/freshness", "Found", FOUND)
    journal.record_step(batch, "c1/select", "selection", SELECTION)
    for attempt in (1, 2):
        begin(journal, batch, "c1/dev-story/1-1", attempt=attempt)
    begin(journal, batch, "c1/code-review-1/1-1")
    journal.end_cycle(other, 1, ["9-9"], {})
    journal.end_cycle(batch, 1, ["1-1"], {"1-2": "review limit"})
    journal.record_step(batch, "c2/select", "selection", SELECTION)
    kept = recording(db, batch)
    assert [step.key for step in kept.steps] == ["context/freshness", "c1/select", "c1/end", "c2/select"]
    end = '{"completed":["1-1"],"blocked":["1-2"]}'
    assert kept.steps[2] == Recorded(key="c1/end", kind="end", outcome=end)
    assert kept.begun == ("c1/dev-story/1-1", "c1/code-review-1/1-1")


def test_a_history_is_given_only_to_the_version_that_could_have_left_it(db: sqlite3.Connection, journal: Journal):
    batch = journal.create_batch(1, "scripted")
    journal.record_step(batch, "context/freshness", "Found", FOUND)
    assert own_history(db, batch).steps == {"context/freshness": FOUND.decode()}
    journal.record_step(batch, "c1/elect", "selection", SELECTION)
    with pytest.raises(NonDeterminism, match="on record is c1/elect, asked for is c1/select"):
        own_history(db, batch)


def test_the_ends_of_cycles_are_found_without_a_walk_through_the_events_of_the_batch(db: sqlite3.Connection):
    plans: list[str] = []
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    recording(db, 1)
    db.set_trace_callback(None)
    for statement in statements:
        if "cycle:end" in statement:
            plans += [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert plans == ["SEARCH events USING INDEX events_by_type (event_type=?)"]
