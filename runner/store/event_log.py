"""Writing events: a row each, kept in memory until the recorder publishes them after the commit.

The base of the journal. Texts are redacted and cut here, in the one place every event passes on its way to the
database and to the world.
"""

import sqlite3
from collections.abc import Callable

import msgspec

from runner.domain.events import Envelope, Event
from runner.domain.redaction import redact_all
from runner.store import search

EVENT_TEXT_LIMIT = 4096
"""Characters of a single text in an event; the whole text stays in the run's files."""
_COLUMNS = ("epic_id", "story_key", "command", "task_id", "status", "message")
encode = msgspec.json.Encoder().encode


class EventLog:
    """Stores events on one connection; to be used inside a transaction."""

    def __init__(
        self, connection: sqlite3.Connection, *, clock: Callable[[], int], redact: Callable[[str], str]
    ) -> None:
        self._db = connection
        self._clock = clock
        self._redact = redact
        self._events: list[Envelope] = []

    def take_events(self) -> list[Envelope]:
        """What was written since the last call, in `seq` order."""
        events, self._events = self._events, []
        return events

    def mark(self) -> int:
        """A point to come back to when a change is undone."""
        return len(self._events)

    def forget_since(self, mark: int) -> None:
        """Drop the events of a change that was undone."""
        del self._events[mark:]

    def emit(
        self,
        event: Event,
        *,
        batch_id: int | None = None,
        story_id: int | None = None,
        command_id: int | None = None,
        at: int | None = None,
    ) -> None:
        """Store an event; `at` is when it happened, in epoch milliseconds (default: now)."""
        payload = self._payload(event)
        timestamp = self._clock() if at is None else at
        values = [payload.get(name) for name in _COLUMNS]
        columns = [value if isinstance(value, str | None) else str(value) for value in values]
        encoded = encode(payload)
        row = self._db.execute(
            "INSERT INTO events (batch_id, story_id, command_id, timestamp, event_type, epic_id, story_key,"
            " command, task_id, status, message, payload_json) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (batch_id, story_id, command_id, timestamp, event.event_type, *columns, encoded.decode()),
        )
        seq = rowid(row)
        self._events.append(Envelope(seq=seq, type=event.event_type, timestamp=timestamp, payload=encoded))
        if seq % search.CHUNK == 0:
            search.index_events(self._db)

    def _payload(self, event: Event) -> dict[str, object]:
        """The event as JSON values, without secrets and with long texts cut."""
        plain = msgspec.to_builtins(event)
        # Nearly always there is no secret, and one look at all texts is cheaper than one at each.
        texts = "\0".join(search.texts_in(plain))
        if self._redact(texts) != texts:
            plain = redact_all(plain, self._redact)
        payload: dict[str, object] = plain
        long = {
            name: text for name, text in payload.items() if isinstance(text, str) and len(text) > EVENT_TEXT_LIMIT
        }
        if not long:
            return payload
        cut = {name: text[:EVENT_TEXT_LIMIT] for name, text in long.items()}
        return {**payload, **cut, "truncated": True}

    def story_id(self, batch_id: int, key: str) -> int | None:
        row = self._db.execute(
            "SELECT id FROM stories WHERE batch_id = ? AND story_key = ?", (batch_id, key)
        ).fetchone()
        return None if row is None else int(row[0])

    def one(self, query: str, *values: object) -> tuple:  # type: ignore[type-arg]
        row: tuple[object, ...] = self._db.execute(query, values).fetchone()
        return row


def rowid(cursor: sqlite3.Cursor) -> int:
    rowid = cursor.lastrowid
    assert rowid is not None  # an INSERT always has one
    return rowid
