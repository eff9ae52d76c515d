"""What the web asks the database: the store's queries, in threads of their own, with answers fit for the wire."""

from collections.abc import Sequence

from runner.domain.events import Envelope
from runner.store import queries
from runner.store.records import EventRow
from web.ports import Reads

REPLAY_LIMIT = 5000
"""Events that a client may have missed and still be told one by one."""


class Records:
    """Questions of delivery and of the live handler."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def last_seq(self) -> int:
        """The newest stored event. Raises DatabaseError, like all that is asked here."""
        return await self._reads.ask(queries.last_seq)

    async def events(self, after: int, limit: int) -> Sequence[Envelope]:
        """The next stored events, in order."""
        rows = await self._reads.ask(lambda database: queries.events_after(database, after, limit=limit))
        return [envelope(row) for row in rows]

    async def greeting(self) -> tuple[bytes, int]:
        rows = await self._reads.ask(lambda database: queries.events_page(database, limit=50))
        seq = rows[-1].seq if rows else 0
        return b'{"type":"init","payload":{"seq":%d}}' % seq, seq


def envelope(row: EventRow) -> Envelope:
    """A stored event as it is sent."""
    return Envelope(seq=row.seq, type=row.type, timestamp=row.timestamp, payload=row.payload_json.encode())
