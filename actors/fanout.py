"""The fan-out: tells everybody who watches that events have been committed.

It holds no queue for anybody. A follower keeps its own place (the last `seq` it has handled), is woken when there is
more, and reads on: from the newest events, which are kept in memory, or, when it is further behind, from the stored
ones in pages. So a slow follower costs nothing and delays nobody, none is ever skipped, and a follower that joins
late is the same as one that was there from the start.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from itertools import islice

import trio

from runner.domain.events import Envelope, News

Page = Callable[[int, int], Awaitable[Sequence[Envelope]]]
"""Reads at most n stored events after a seq."""
PAGE = 500
RECENT = 512
"""Events kept in memory, of 4 KiB at most: who reads without a pause never needs the database."""
COMMIT_SECONDS = 0.1
"""What a commit may take; of an event that took longer the database was the cause, which is told apart."""
KEPT_DELAYS = 512


class Fanout:
    """Publishes from the recorder to any number of followers."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._last_seq = 0
        self._more = trio.Event()
        self._recent: deque[tuple[Envelope, float]] = deque(maxlen=RECENT)
        self.commit_delays: deque[float] = deque(maxlen=KEPT_DELAYS)
        """Seconds from when an event happened until it was committed; of the last events."""

    @property
    def last_seq(self) -> int:
        """The newest committed event; 0 before the first of this process."""
        return self._last_seq

    def publish(self, events: Sequence[Envelope]) -> None:
        """Announce committed events; never blocks."""
        if not events:
            return
        now, now_ms = trio.current_time(), self._clock()
        for event in events:
            delay = max(0, now_ms - event.timestamp) / 1000
            self.commit_delays.append(delay)
            self._recent.append((event, now - delay if delay <= COMMIT_SECONDS else now))
        self._last_seq = events[-1].seq
        self._more.set()
        self._more = trio.Event()

    async def news(self, after: int, page: Page) -> AsyncGenerator[News, None]:
        """Every event after `after`, in order, several at a time when there are, for as long as they are wanted."""
        while True:
            # Taken before reading: what is published meanwhile wakes us again.
            more = self._more
            if self._recent and after >= self._last_seq:
                await more.wait()
                continue
            news = self._recently(after) or await self._stored(after, page)
            if news.events:
                yield news
                after = news.events[-1].seq
            else:
                await more.wait()

    async def follow(self, after: int, page: Page) -> AsyncGenerator[Envelope, None]:
        """The same, one by one."""
        async with aclosing(self.news(after, page)) as told:
            async for news in told:
                for event in news.events:
                    yield event

    async def _stored(self, after: int, page: Page) -> News:
        # Taken before reading, which takes its time: what is older than all that is in memory is no younger.
        born = min((born for _, born in islice(self._recent, 1)), default=trio.current_time())
        return News(events=await page(after, PAGE), born=born)

    def _recently(self, after: int) -> News | None:
        """What comes after `after`, when all of it is in memory."""
        if not self._recent or not self._recent[0][0].seq <= after + 1 <= self._last_seq:
            return None
        first = after + 1 - self._recent[0][0].seq
        found = tuple(islice(self._recent, first, first + PAGE))
        return News(events=tuple(event for event, _ in found), born=found[0][1])
