"""The fan-out: tells everybody who watches that events have been committed.

It holds no queue. A follower keeps its own place (the last `seq` it has handled), is woken when there is more, and
reads the stored events in pages. So a slow follower costs nothing and delays nobody, none is ever skipped, and a
follower that joins late is the same as one that was there from the start.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import trio

from runner.domain.events import Envelope

Page = Callable[[int, int], Awaitable[Sequence[Envelope]]]
"""Reads at most n stored events after a seq."""
PAGE = 500


class Fanout:
    """Publishes from the recorder to any number of followers."""

    def __init__(self) -> None:
        self._last_seq = 0
        self._more = trio.Event()

    @property
    def last_seq(self) -> int:
        """The newest committed event; 0 before the first of this process."""
        return self._last_seq

    def publish(self, events: Sequence[Envelope]) -> None:
        """Announce committed events; never blocks."""
        if events:
            self._last_seq = events[-1].seq
            self._more.set()
            self._more = trio.Event()

    async def follow(self, after: int, page: Page) -> AsyncGenerator[Envelope, None]:
        """Every event after `after`, in order, then the live ones, for as long as the caller wants them."""
        while True:
            # Taken before reading: what is published meanwhile wakes us again.
            more = self._more
            events = await page(after, PAGE)
            for event in events:
                yield event
                after = event.seq
            if not events:
                await more.wait()
