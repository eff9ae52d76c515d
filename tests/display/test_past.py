"""The earlier events of a batch, out of a real database."""

from contextlib import closing
from pathlib import Path

import pytest

from runner.display.past import earlier_events
from runner.domain.errors import DatabaseError
from runner.domain.events import BatchStart, CommandProgress, CycleStart
from runner.store.database import open_writer
from runner.store.journal import Journal


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "runner.db"
    noise = CommandProgress(
        story_key="1-1", command="dev-story", task_id="", message="thinking", command_id=1, kind="text"
    )
    with closing(open_writer(path)) as connection:
        journal = Journal(connection, clock=lambda: 1000, redact=str)
        for _ in range(2):
            batch_id = journal.create_batch(None, "scripted")
            for number in range(1, 4):
                journal.emit(CycleStart(cycle_number=number, story_keys=("1-1",)), batch_id=batch_id)
                journal.emit(noise, batch_id=batch_id)
    return path


def test_events_come_in_order_without_what_agents_said(database: Path):
    events = earlier_events(database, 2, 999)
    assert [event.seq for event in events] == [8, 9, 11, 13]
    assert [event.type for event in events] == [BatchStart.event_type, *[CycleStart.event_type] * 3]


def test_only_events_before_the_present_run(database: Path):
    assert [event.seq for event in earlier_events(database, 2, 11)] == [8, 9]


def test_missing_database_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(DatabaseError, match="no database"):
        earlier_events(tmp_path / "none.db", 1, 9)
