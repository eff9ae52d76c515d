"""What the web asks the database: the store's queries, in threads of their own, with answers fit for the wire."""

from collections.abc import Callable, Sequence

import msgspec

from runner.domain.events import Envelope
from runner.domain.wire import message
from runner.store import queries
from runner.store.greeting import StoryLine, read_greeting
from runner.store.records import BackgroundRow, BatchSummary
from web.ports import Reads

REPLAY_LIMIT = 5000
"""Events that a client may have missed and still be told one by one."""


class Initial(msgspec.Struct, frozen=True):
    """What a browser is told when it connects, as the payload of `init`."""

    batch: BatchSummary | None
    stories: tuple[StoryLine, ...]
    events: tuple[msgspec.Raw, ...]
    """The last ones in full, oldest first."""
    background: tuple[BackgroundRow, ...]
    seq: int
    database: str
    """Its identity, for `?of=` when the browser comes back."""
    server_time: int


class Records:
    """Questions of delivery and of the live handler."""

    def __init__(self, reads: Reads, clock: Callable[[], int]) -> None:
        self._reads = reads
        self._clock = clock

    async def last_seq(self) -> int:
        """The newest stored event. Raises DatabaseError, like all that is asked here."""
        return await self._reads.ask(queries.last_seq)

    async def identity(self) -> str:
        """Which database it is."""
        return await self._reads.ask(queries.identity)

    async def events(self, after: int, limit: int) -> Sequence[Envelope]:
        """The next stored events, in order."""
        rows = await self._reads.ask(lambda database: queries.events_after(database, after, limit=limit))
        return [row.envelope for row in rows]

    async def greeting(self) -> tuple[bytes, int]:
        """The `init` message, and the `seq` of the last event that it covers."""
        greeting = await self._reads.ask(read_greeting)
        initial = Initial(
            batch=greeting.batch,
            stories=greeting.stories,
            events=tuple(msgspec.Raw(message(row.envelope)) for row in greeting.events),
            background=greeting.background,
            seq=greeting.seq,
            database=greeting.database,
            server_time=self._clock(),
        )
        return msgspec.json.encode({"type": "init", "payload": initial}), greeting.seq
