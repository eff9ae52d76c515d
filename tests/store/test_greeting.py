"""What a browser is told when it connects, of a database that a journal has written."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.store import queries
from runner.store.command_log import Intent, Place
from runner.store.database import open_reader, open_writer
from runner.store.greeting import RECENT_EVENTS, Greeting, StoryLine, read_greeting
from runner.store.journal import Journal

STORIES = (("1-1-one", "1", "backlog"), ("1-2-two", "1", "review"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sprint-runner.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(open_writer(path)) as connection:
        yield Journal(connection, clock=itertools.count(1_000).__next__, redact=lambda text: text)


def greeting(path: Path) -> Greeting:
    with closing(open_reader(path)) as connection:
        return read_greeting(connection)


def intend(journal: Journal, batch: int, attempt: int) -> None:
    place = Place(batch_id=batch, step_key="c1/dev-story", command="dev-story", stories=("1-1-one",), cycle=1)
    journal.intend(
        Intent(
            place=place,
            attempt=attempt,
            agent="scripted",
            model="",
            session_id="s",
            continued=False,
            run_id="r",
            tag=1,
            before={},
        )
    )


def test_before_the_first_batch_there_is_nothing_to_tell(path: Path, journal: Journal) -> None:
    told = greeting(path)
    assert told == Greeting(batch=None, stories=(), events=(), background=(), seq=0, database=told.database)


def test_a_database_is_told_from_another(path: Path, journal: Journal, tmp_path: Path) -> None:
    here = greeting(path).database
    journal.create_batch(1, "scripted")
    assert greeting(path).database == here
    open_writer(tmp_path / "other.db").close()
    assert greeting(tmp_path / "other.db").database not in ("", here)


def test_the_batch_under_way_is_told_with_its_stories(path: Path, journal: Journal) -> None:
    journal.end_batch(journal.create_batch(1, "scripted"), "completed", "")
    batch = journal.create_batch(2, "scripted")
    journal.begin_cycle(batch, 1, b"{}", STORIES)
    intend(journal, batch, 1)
    journal.note_blocked(batch, "1-2-two", "review limit")
    told = greeting(path)
    assert told.batch is not None
    assert (told.batch.id, told.batch.status, told.batch.story_count, told.batch.duration_ms) == (
        2,
        "running",
        2,
        None,
    )
    (one, two) = told.stories
    assert one == StoryLine(
        story_key="1-1-one",
        epic_id="1",
        status="backlog",
        started_at=one.started_at,
        ended_at=None,
        blocked_reason="",
    )
    assert (two.story_key, two.status, two.blocked_reason) == ("1-2-two", "blocked", "review limit")


@pytest.mark.parametrize("state", ["paused", "waiting_limit"])
def test_a_batch_that_waits_is_under_way(path: Path, journal: Journal, state: str) -> None:
    waiting = journal.create_batch(2, "scripted")
    journal.set_batch_state(waiting, state)
    journal.end_batch(journal.create_batch(1, "scripted"), "stopped", "")
    told = greeting(path)
    assert told.batch is not None
    assert (told.batch.id, told.batch.status) == (waiting, state)


def test_the_latest_batch_is_told_when_none_is_under_way(path: Path, journal: Journal) -> None:
    for status in ("error", "completed"):
        batch = journal.create_batch(1, "scripted")
        journal.begin_cycle(batch, 1, b"{}", STORIES[:batch])
        journal.end_batch(batch, status, "")
    told = greeting(path)
    assert told.batch is not None
    assert (told.batch.id, told.batch.status) == (2, "completed")
    assert len(told.stories) == 2


def test_background_tasks_are_told_until_they_are_over(path: Path, journal: Journal) -> None:
    batch = journal.create_batch(1, "scripted")
    ended, cut_off, running = (
        journal.spawn_background(batch, "story-review-chain", ("1-1-one",), f"c1/{number}", None)
        for number in range(3)
    )
    journal.end_background(ended, "completed")
    journal.end_background(cut_off, "interrupted")
    told = greeting(path).background
    assert [(task.id, task.status) for task in told] == [(cut_off, "interrupted"), (running, "running")]


def test_the_last_events_come_oldest_first(path: Path, journal: Journal) -> None:
    batch = journal.create_batch(1, "scripted")
    for number in range(RECENT_EVENTS + 10):
        intend(journal, batch, number)
    told = greeting(path)
    assert told.seq == RECENT_EVENTS + 11
    assert [event.seq for event in told.events] == list(range(told.seq - RECENT_EVENTS + 1, told.seq + 1))


def test_a_greeting_is_of_one_instant(path: Path, journal: Journal) -> None:
    """What is recorded while it is read is told by the events behind its seq."""
    batch = journal.create_batch(1, "scripted")
    with closing(open_reader(path)) as reader:

        def interfere(statement: str) -> None:
            if statement.startswith("SELECT story_key"):
                journal.end_batch(batch, "completed", "")

        reader.set_trace_callback(interfere)
        told = read_greeting(reader)
        reader.set_trace_callback(None)
        assert told.batch is not None
        assert (told.batch.status, told.seq, len(told.events)) == ("running", 1, 1)
        assert queries.last_seq(reader) > 1


def test_a_greeting_leaves_no_transaction_open(path: Path, journal: Journal) -> None:
    with closing(open_reader(path)) as reader:
        read_greeting(reader)
        assert not reader.in_transaction
