"""Finding events by what they say and what they belong to: an inverted index beside the events.

`EventLog` keeps it up to date, a migration fills it, `event_pages` asks it. To each event belong the words of its
texts and one mark for its batch, command, type and each of its stories; what several of them have in common, the
index tells without looking at an event. Writing into it costs most at the beginning of each savepoint, and every
change has one, so it is written for a whole chunk of events at once, by the transaction of the last of them. The few
events after the last chunk are put into an index in memory by whoever asks. Nothing here raises over a text.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import msgspec

from runner.domain.events import CommandProgress

CHUNK = 128
"""Events that are indexed together: of one at a time, each would cost twice as much to record."""
TEXT_LIMIT = 1000
"""Characters of a searched text that count, and of these..."""
WORD_LIMIT = 32
"""...so many words. An event's line has fewer."""
PHRASE_LIMIT = 8
"""Parts of one word (`src/app.py` has three) that are looked for side by side; the next ones anywhere."""

_SCHEMA = (
    # Nothing but the index: the texts themselves stay in `events`, which never changes a row.
    "CREATE VIRTUAL TABLE event_search"
    " USING fts5 (payload_json, content = 'events', content_rowid = 'id', columnsize = 0)",
    "CREATE TABLE event_search_state (id INTEGER PRIMARY KEY CHECK (id = 1), indexed_to INTEGER NOT NULL)",
    "INSERT INTO event_search_state (id, indexed_to) VALUES (1, 0)",
)
_INSERT = "INSERT INTO event_search (rowid, payload_json) VALUES (?, ?)"
_UNINDEXED = (
    "SELECT id, batch_id, command_id, event_type, story_key, payload_json FROM events"
    " WHERE id > ? AND id < ? ORDER BY id"
)
_FREQUENT = CommandProgress.event_type
_SELDOM = 1 << 48
"""Added to the ids of all events but those of the type that nearly all are of. So they lie together in the index, and
a type can be searched without stepping over what is said in all others."""
_MARK = "\ue000"
"""A letter to the index that is in nobody's alphabet: no word is taken for a mark."""
_decode = msgspec.json.Decoder(dict[str, object]).decode
_PART = re.compile(r"[^\W_]+")

_TOGETHER = 4096
"""Events that a migration takes up at a time."""

Row = tuple[int, int | None, int | None, str, str | None, str]
"""Id, batch, command, type, story keys and payload of an event."""


def create(connection: sqlite3.Connection) -> None:
    """Make an empty index."""
    for statement in _SCHEMA:
        connection.execute(statement)


def index_events(connection: sqlite3.Connection) -> None:
    """Take up all events that are not in the index; part of the transaction that is open."""
    done = indexed_to(connection)
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    rows = connection.execute(_UNINDEXED, (done, last + 1))
    while chunk := rows.fetchmany(_TOGETHER):
        connection.executemany(_INSERT, _entries(chunk))
    connection.execute("UPDATE event_search_state SET indexed_to = ?", (last,))


def indexed_to(connection: sqlite3.Connection) -> int:
    """The id of the last event that the index knows."""
    ((done,),) = connection.execute("SELECT indexed_to FROM event_search_state").fetchall()
    return int(done)


def expression(text: str, marks: Mapping[str, str | int]) -> str:
    """What an event has to have: every word of a text and every mark (`batch`, `command`, `type`, `story`).

    A word is no pattern and no syntax. One without a letter or digit says nothing and is passed over; a text of
    such words alone fits no event.
    """
    groups = [f"({' '.join(_phrases(text))})"] if text.strip() else []
    groups += [_quoted(_mark(name, value)) for name, value in marks.items()]
    return " AND ".join(groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The events between two ids, and how many of them from which end."""

    low: int
    high: int
    newest_first: bool
    limit: int


def find(connection: sqlite3.Connection, text: str, marks: Mapping[str, str | int], span: Span) -> list[int]:
    """The ids of the events of a span that have all words of a text and all marks, from that end on.

    To be called in a snapshot.
    """
    wanted = expression(text, marks)
    kind = marks.get("type")
    offsets = (0, _SELDOM) if kind is None else (0,) if kind == _FREQUENT else (_SELDOM,)
    rest = connection.execute(_UNINDEXED, (max(indexed_to(connection), span.low), span.high))
    with closing(_index_of(rest)) as tail:
        found = [
            id for index in (connection, tail) for offset in offsets for id in _matches(index, wanted, span, offset)
        ]
    return sorted(found, reverse=span.newest_first)[: span.limit]


def _matches(index: sqlite3.Connection, expression: str, span: Span, offset: int) -> Iterator[int]:
    query = (
        "SELECT rowid FROM event_search WHERE event_search MATCH ? AND rowid > ? AND rowid < ?"
        f" ORDER BY rowid {'DESC' if span.newest_first else 'ASC'} LIMIT ?"
    )
    high = min(span.high, _SELDOM) + offset
    for (rowid,) in index.execute(query, (expression, span.low + offset, high, span.limit)):
        yield rowid - offset


def _index_of(rows: Iterable[Row]) -> sqlite3.Connection:
    """An index of a few events in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create(connection)
    connection.executemany(_INSERT, _entries(rows))
    return connection


def texts_in(payload: Mapping[str, object]) -> list[str]:
    """All texts in a payload, however deep, and the names that they have there; not the names of its fields."""
    values: list[object] = list(payload.values())
    texts = []
    for value in values:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            values += value
            values += value.values()
        elif isinstance(value, list):
            values += value
    return texts


def _entries(rows: Iterable[Row]) -> list[tuple[int, str]]:
    """Place and words of events, in the order in which the index takes them without writing in between."""
    return sorted(_entry(*row) for row in rows)


def _entry(
    id: int, batch: int | None, command: int | None, type: str, stories: str | None, payload: str
) -> tuple[int, str]:
    marks = [_mark("batch", batch), _mark("command", command), _mark("type", type)]
    marks += [_mark("story", key.strip()) for key in (stories or "").split(",")]
    words = "\n".join([type, *texts_in(_read(payload))]).replace(_MARK, " ")
    return id if type == _FREQUENT else id + _SELDOM, "\n".join([words, *marks])


def _read(payload: str) -> dict[str, object]:
    try:
        return _decode(payload)
    except (ValueError, RecursionError):
        return {}  # not written by us; it is still found by its marks


@lru_cache(maxsize=1024)
def _mark(name: str, value: str | int | None) -> str:
    """A word that stands for a value: of one length, and never part of another."""
    text = f"{name} {value}".encode("utf-8", "surrogatepass")
    return _MARK + blake2b(text, digest_size=8).hexdigest()


def _phrases(text: str) -> Iterator[str]:
    """The words of a text as the index wants to be asked for them, each once."""
    # What is not in the index cannot be found: a question mark says as much as a lone surrogate.
    clean = text.strip()[:TEXT_LIMIT].encode("utf-8", "replace").decode()
    clean = clean.replace("\0", "?").replace(_MARK, "?")
    words = list(dict.fromkeys(clean.split()))[:WORD_LIMIT]
    for word in words:
        parts = _PART.findall(word)
        if len(parts) <= PHRASE_LIMIT:
            yield _quoted(word)
        else:
            for start in range(0, len(parts), PHRASE_LIMIT):
                yield _quoted(" ".join(parts[start : start + PHRASE_LIMIT]))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
