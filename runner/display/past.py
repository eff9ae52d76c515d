"""The earlier events of a batch that is resumed: what the board has to know of the time before.

The displays ask once, in a thread, when a resumed run begins. What agents said and did is left out: it moves nothing
on a board, and there may be a hundred thousand of it.
"""

from contextlib import closing
from pathlib import Path

from runner.domain.events import Envelope
from runner.store.board import telling_events
from runner.store.database import open_reader


def earlier_events(database: Path, batch_id: int, before: int) -> list[Envelope]:
    """The batch's events with a lower `seq` than `before`, in order. Raises DatabaseError; blocks."""
    with closing(open_reader(database)) as connection:
        return list(telling_events(connection, batch_id, before=before))
