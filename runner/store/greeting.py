"""What a browser is told when it connects: the batch at a glance and the events so far, all of one instant.

`/ws` sends it as `init`; what comes after it are the events behind its `seq`. Reads only.
"""

from dataclasses import dataclass
from sqlite3 import Connection

from runner.store import queries
from runner.store.records import BackgroundRow, BatchSummary, EventRow, fetch_all, snapshot

RECENT_EVENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """A story of a batch, without its commands."""

    story_key: str
    epic_id: str
    status: str
    started_at: int
    ended_at: int | None
    blocked_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """The state of the database at one `seq`."""

    batch: BatchSummary | None
    """The batch that is under way, else the latest; None before the first."""
    stories: tuple[StoryLine, ...]
    """That batch's, in the order in which they came into it."""
    events: tuple[EventRow, ...]
    """The last ones of all batches, oldest first."""
    background: tuple[BackgroundRow, ...]
    """That batch's background tasks that are not over."""
    seq: int
    """Of the newest event; 0 before the first."""
    database: str
    """Which one it is: a `seq` says something only beside this."""


def read_greeting(connection: Connection) -> Greeting:
    """All of it in one snapshot."""
    with snapshot(connection):
        batch = queries.present_batch(connection)
        return Greeting(
            batch=batch,
            stories=() if batch is None else _stories(connection, batch.id),
            events=queries.events_page(connection, limit=RECENT_EVENTS),
            background=() if batch is None else queries.unfinished_background(connection, batch.id),
            seq=queries.last_seq(connection),
            database=queries.identity(connection),
        )


def _stories(connection: Connection, batch_id: int) -> tuple[StoryLine, ...]:
    query = (
        "SELECT story_key, epic_id, status, started_at, ended_at, blocked_reason FROM stories"
        " WHERE batch_id = ? ORDER BY id"
    )
    return fetch_all(connection, StoryLine, query, batch_id)
