"""The earlier events of a batch that is resumed: what the board has to know of the time before.

The displays ask once, in a thread, when a resumed run begins. What agents said and did is left out: it moves nothing
on a board, and there may be a hundred thousand of it.
"""

from collections.abc import Iterator
from contextlib import closing
from heapq import merge
from pathlib import Path
from sqlite3 import Connection

from runner.domain.events import CATALOGUE, CommandProgress, Envelope
from runner.store import queries
from runner.store.database import open_reader

_PAGE = 1000


def earlier_events(database: Path, batch_id: int, before: int) -> list[Envelope]:
    """The batch's events with a lower `seq` than `before`, in order. Raises DatabaseError; blocks."""
    types = [kind.event_type for kind in CATALOGUE if kind is not CommandProgress]
    with closing(open_reader(database)) as connection:
        streams = [_of_type(connection, batch_id, before, type_) for type_ in types]
        return list(merge(*streams, key=lambda event: event.seq))


def _of_type(connection: Connection, batch_id: int, before: int, type_: str) -> Iterator[Envelope]:
    after = 0
    while rows := queries.events_page(
        connection, limit=_PAGE, after=after, before=before, batch=batch_id, type=type_
    ):
        for row in rows:
            yield row.envelope
        after = rows[-1].seq
