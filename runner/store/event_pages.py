"""Pages of the stored events: after a `seq`, or of all that fit a batch, a story, a command, a type, a text.

Part of `queries`, which hands these functions on. What a page costs depends on what it holds, and never on how many
events there are: what one index of the table tells in order is read from it, everything else is told by `search`.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from runner.store import search
from runner.store.records import EventRow, fetch_all, snapshot
from runner.store.search import Span

PAGE_LIMIT = 1000
"""Most rows in one page, whatever is asked: at 4 KiB an event a page stays below 5 MB."""
_BEYOND = 2**63 - 1
_EVENT = "SELECT id AS seq, event_type AS type, timestamp, payload_json FROM events"


def events_after(connection: sqlite3.Connection, seq: int, *, limit: int) -> tuple[EventRow, ...]:
    """The next events after `seq`, in order."""
    return fetch_all(connection, EventRow, f"{_EVENT} WHERE id > ? ORDER BY id LIMIT ?", seq, bounded(limit))


def events_page(
    connection: sqlite3.Connection,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    batch: int | None = None,
    story: str | None = None,
    command: int | None = None,
    type: str | None = None,
    q: str | None = None,
) -> tuple[EventRow, ...]:
    """A page of the events that fit all that is given, in `seq` order.

    With `after` the first ones behind it, else the last ones (in front of `before`). `command` is a command's id,
    `story` a full key: events of a pair are events of both its stories. `q` is any text: an event fits that has
    every word of it somewhere in what it says; None or an empty text asks for nothing.
    """
    high = _BEYOND if before is None else before
    span = Span(low=after or 0, high=high, newest_first=after is None, limit=bounded(limit))
    text = (q or "").strip()
    with snapshot(connection):
        if story is None and not text and (command is None or type is None):
            span = _narrowed(connection, span, batch)
            page = _listed(connection, span, {"batch_id": batch, "command_id": command, "event_type": type})
        else:
            marks = {"batch": batch, "story": story, "command": command, "type": type}
            page = _found(connection, span, text, marks)
    return tuple(sorted(page, key=lambda row: row.seq))


def _narrowed(connection: sqlite3.Connection, span: Span, batch: int | None) -> Span:
    """The part of a span that a batch's events lie in: batches follow one another."""
    if batch is None:
        return span
    query = "SELECT min(id), (SELECT max(id) FROM events WHERE batch_id = ?1) FROM events WHERE batch_id = ?1"
    first, last = connection.execute(query, (batch,)).fetchone()
    if first is None:
        return replace(span, high=span.low)
    return replace(span, low=max(span.low, first - 1), high=min(span.high, last + 1))


def _listed(
    connection: sqlite3.Connection, span: Span, columns: Mapping[str, int | str | None]
) -> tuple[EventRow, ...]:
    """The events of a span that fit a batch and at most one thing more, read in order from one index."""
    given = {name: value for name, value in columns.items() if value is not None}
    # The span tells nearly the same as the batch: the index to read from is the other's.
    texts = [f"+{name} = ?" if name == "batch_id" and len(given) > 1 else f"{name} = ?" for name in given]
    where = " AND ".join(["id > ?", "id < ?", *texts])
    query = f"{_EVENT} WHERE {where} ORDER BY id {'DESC' if span.newest_first else 'ASC'} LIMIT ?"
    return fetch_all(connection, EventRow, query, span.low, span.high, *given.values(), span.limit)


def _found(
    connection: sqlite3.Connection, span: Span, text: str, marks: Mapping[str, int | str | None]
) -> tuple[EventRow, ...]:
    """The events of a span that have all words of a text, and all that is given beside it."""
    given = {name: value for name, value in marks.items() if value is not None}
    found = search.find(connection, text, given, span)
    query = f"{_EVENT} WHERE id IN (SELECT value FROM json_each(?))"
    return fetch_all(connection, EventRow, query, json.dumps(found))


def last_seq(connection: sqlite3.Connection) -> int:
    """The `seq` of the newest event; 0 before the first."""
    (seq,) = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    return int(seq)


def bounded(limit: int) -> int:
    """A limit that a page may have."""
    return min(max(limit, 1), PAGE_LIMIT)
