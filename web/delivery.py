"""Delivery: the actor that hands every committed event to every browser, or drops the browser.

It follows the fan-out. An event is encoded and framed once, and the same bytes go to every outbox; when it is behind,
several events go out in one write. A push never waits, so no client delays another. Whoever is too slow is reset by
its own outbox and comes back with `?after=SEQ`.

A client that has read everything up to `seq` is taken in by `join`, between two pushes: there is no event that
it gets twice or not at all.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import aclosing
from itertools import accumulate

import trio

from runner.domain.events import News
from runner.domain.overview import FanoutView, Latency
from web import frames
from web.outbox import Outbox
from web.ports import Branch, Feed
from web.records import Records

WRITE_BYTES = 64 * 1024
"""Frames that go out in one write: between two writes the clients have a chance to read."""
KEPT_LATENCIES = 1024
SILENCE_MARGIN_SECONDS = 10.0
"""For the answer to a ping."""
LOOK_SECONDS = 1.0
EVICTIONS = ("deadline", "overflow")


class Delivery:
    """The actor; the live handler brings it its clients."""

    def __init__(self, feed: Feed, records: Records, *, heartbeat: float) -> None:
        self._feed = feed
        self._records = records
        self._heartbeat = heartbeat
        self._live: dict[Outbox, None] = {}
        self._ahead: dict[Outbox, int] = {}
        """Clients that have read from the database what has not come along here yet, and up to where."""
        self._latencies: deque[tuple[float, int]] = deque(maxlen=KEPT_LATENCIES)
        """Ages of events when they were delivered, and how many."""
        self._delivered = 0
        self._evicted = 0
        self.eviction_ages: deque[float] = deque(maxlen=KEPT_LATENCIES)
        """Seconds the oldest undelivered event of each client had when the client was dropped."""
        self._acknowledged: dict[Outbox, int] = {}
        self.seq = 0
        """The last event that was handed to the clients."""
        self._ready = trio.Event()

    @property
    def clients(self) -> int:
        """Clients that are caught up."""
        return len(self._live) + len(self._ahead)

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled. A new life knows nothing of where the old one stopped: its clients come again."""
        # A database that cannot be read is no reason not to be started: that would be the end of the web.
        task_status.started()
        if self._ready.is_set():
            self._ready = trio.Event()
        self.seq = await self._records.last_seq()
        # Those of the old life, and who came meanwhile: nobody knows what they have been given.
        for outbox in (*self._live, *self._ahead):
            outbox.reset("delivery has begun anew")
        self._ready.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_alive)
            async with aclosing(self._feed.news(self.seq, self._records.events)) as told:
                async for news in told:
                    await self._deliver(news)

    async def ready(self) -> None:
        """Wait until it is known where delivery begins."""
        await self._ready.wait()

    def join(self, outbox: Outbox, after: int) -> bool:
        """Take a client in that has everything up to `after`; False when that is not enough yet."""
        if outbox.is_over:
            return True
        if after < self.seq:
            return False
        outbox.go_live(self._note)
        if after == self.seq:
            self._live[outbox] = None
        else:
            self._ahead[outbox] = after
        return True

    def leave(self, outbox: Outbox) -> None:
        """It is gone, for whatever reason."""
        self._live.pop(outbox, None)
        self._ahead.pop(outbox, None)
        self._acknowledged.pop(outbox, None)
        if outbox.ended in EVICTIONS:
            self._evicted += 1
            self.eviction_ages.append(outbox.age)

    def acknowledge(self, outbox: Outbox, seq: int) -> None:
        """It says that it has handled all up to `seq`: what the kernel took may lie in a page that stands still."""
        self._acknowledged[outbox] = seq

    def send(self, outbox: Outbox, payload: bytes) -> None:
        """A message for one client, between the events."""
        outbox.push(frames.text(payload), trio.current_time())

    async def farewell(self) -> None:
        """Tell all that the server goes away, and wait until they have been told; the caller sets the limit."""
        goodbye = frames.close(frames.GOING_AWAY)
        clients = (*self._live, *self._ahead)
        for outbox in clients:
            outbox.say_goodbye(goodbye)
        for outbox in clients:
            await outbox.drained()

    @property
    def lag(self) -> int:
        """Events that the client which is furthest behind has yet to handle, of those who say so."""
        return max((self.seq - seq for seq in self._acknowledged.values()), default=0)

    @property
    def worst_eviction(self) -> float:
        """Age in seconds of the oldest event that a client was dropped over, at worst lately."""
        return max(self.eviction_ages, default=0.0)

    @property
    def longest(self) -> int:
        """Bytes that wait for the client that is furthest behind."""
        return max((outbox.size for outbox in self._live), default=0)

    @property
    def queued(self) -> int:
        """Bytes that wait for all clients together."""
        return sum(outbox.size for outbox in (*self._live, *self._ahead))

    def view(self) -> FanoutView:
        """How delivery does, as the status shows it."""
        ages = sorted(self._latencies)
        return FanoutView(
            clients=self.clients,
            delivered=self._delivered,
            evicted=self._evicted,
            latency_ms=Latency(p50=_quantile(ages, 0.5), p99=_quantile(ages, 0.99), max=_quantile(ages, 1.0)),
        )

    # --- the events -------------------------------------------------------------------------------------------------

    async def _deliver(self, news: News) -> None:
        for part in _parts(news):
            self._push(part)
            await trio.lowlevel.checkpoint()

    def _push(self, part: "_Part") -> None:
        """Give it to all of them. No checkpoint: whoever joins does so before or after."""
        data = b"".join(part.frames)
        self.seq = part.last
        events, taken = len(part.frames), 0
        for outbox in self._live:
            taken += outbox.push(data, part.born, events)
        if taken:
            self._note(trio.current_time() - part.born, events * taken)
        for outbox, after in list(self._ahead.items()):
            if after <= part.last:
                rest = part.frames[after + 1 - part.first :]
                if outbox.push(b"".join(rest), part.born, len(rest)) and rest:
                    self._note(trio.current_time() - part.born, len(rest))
                del self._ahead[outbox]
                self._live[outbox] = None

    def _note(self, age: float, events: int) -> None:
        self._latencies.append((age, events))
        self._delivered += events

    async def _keep_alive(self) -> None:
        """Ask all clients for a sign of life, and drop those that gave none."""
        next_ping = trio.current_time() + self._heartbeat
        while True:
            await trio.sleep(LOOK_SECONDS)
            now = trio.current_time()
            due = now >= next_ping
            next_ping += self._heartbeat if due else 0.0
            for outbox in (*self._live, *self._ahead):
                if now - outbox.heard > self._heartbeat + SILENCE_MARGIN_SECONDS:
                    outbox.reset("silent")
                elif due:
                    outbox.push(frames.PING, now)


class _Part:
    """A run of events that goes out in one write."""

    def __init__(self, first: int, born: float) -> None:
        self.first = first
        self.born = born
        self.frames: list[bytes] = []

    @property
    def last(self) -> int:
        return self.first + len(self.frames) - 1


def _parts(news: News) -> Iterator[_Part]:
    part, size = _Part(news.events[0].seq, news.born), 0
    for event in news.events:
        frame = frames.event(event)
        if size and size + len(frame) > WRITE_BYTES:
            yield part
            part, size = _Part(event.seq, news.born), 0
        part.frames.append(frame)
        size += len(frame)
    yield part


def _quantile(ages: list[tuple[float, int]], fraction: float) -> float:
    """In milliseconds, each age as often as there were events of it; 0 when nothing was delivered."""
    wanted = fraction * sum(events for _, events in ages)
    counted = accumulate(events for _, events in ages)
    found = (age for (age, _), count in zip(ages, counted, strict=True) if count >= wanted)
    return round(next(found, 0.0) * 1000, 3)
