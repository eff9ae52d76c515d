"""Delivery from a real fan-out to real connections; the store of events is a list in memory."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import trio
import trio.testing
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, TextMessage

from actors.fanout import Fanout
from actors.tree import Branch, Role
from runner.domain.events import Envelope
from tests.web.test_outbox import Ends, connected, fill
from web.delivery import WRITE_BYTES, Delivery
from web.outbox import LIVE_SECONDS

PATIENCE_SECONDS = 20.0


class Store:
    """What the database would say."""

    def __init__(self, fanout: Fanout) -> None:
        self.stored: list[Envelope] = []
        self._fanout = fanout

    async def last_seq(self) -> int:
        await trio.lowlevel.checkpoint()
        return len(self.stored)

    async def events(self, after: int, limit: int) -> Sequence[Envelope]:
        await trio.lowlevel.checkpoint()
        return self.stored[after : after + limit]

    def add(self, count: int = 1, *, size: int = 10, publish: bool = True) -> None:
        first = len(self.stored) + 1
        payload = b'"' + b"x" * size + b'"'
        new = [Envelope(seq=seq, type="t", timestamp=0, payload=payload) for seq in range(first, first + count)]
        self.stored += new
        if publish:
            self._fanout.publish(new)


class House:
    """A delivery that runs."""

    def __init__(self, nursery: trio.Nursery) -> None:
        fanout = Fanout(lambda: 0)
        self.store = Store(fanout)
        self.delivery = Delivery(fanout, self.store, heartbeat=0.5)  # type: ignore[arg-type]  # the same two methods
        self.nursery = nursery
        self.scope = trio.CancelScope()

    async def start(self) -> None:
        self.scope = trio.CancelScope()
        self.nursery.start_soon(self._run)
        await trio.testing.wait_all_tasks_blocked()
        await self.delivery.ready()

    async def _run(self) -> None:
        with self.scope:
            await self.delivery.run(Branch("delivery", Role.ACTOR, clock=lambda: 0))


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            here = House(nursery)
            await here.start()
            yield here
            nursery.cancel_scope.cancel()


class Listener:
    """Reads frames as a client would."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._wire = Connection(ConnectionType.CLIENT)
        self._text = ""
        self.seqs: list[int] = []
        self.others: list[object] = []

    async def until(self, seq: int) -> list[int]:
        while not self.seqs or self.seqs[-1] < seq:
            await self.hear()
        return self.seqs

    async def hear(self) -> None:
        self._wire.receive_data(await self._ends.client.recv(1 << 16))
        for event in self._wire.events():
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    self.seqs.append(msgspec.json.decode(self._text)["seq"])
                    self._text = ""
            else:
                self.others.append(event)


async def test_who_has_joined_gets_every_event_once_and_in_order():
    async with house() as here, connected() as ends:
        assert here.delivery.join(ends.outbox, 0)
        here.store.add(3)
        here.store.add(400)
        assert await Listener(ends).until(403) == list(range(1, 404))


async def test_who_lacks_events_is_not_taken_in():
    async with house() as here, connected() as ends:
        here.store.add(3)
        await trio.testing.wait_all_tasks_blocked()
        assert not here.delivery.join(ends.outbox, 2)
        assert here.delivery.join(ends.outbox, 3)


async def test_who_is_ahead_of_delivery_gets_nothing_twice():
    async with house() as here, connected() as ends, connected() as other:
        assert here.delivery.join(other.outbox, 0)
        assert here.delivery.join(ends.outbox, 4)
        here.store.add(3)
        assert await Listener(other).until(3) == [1, 2, 3]
        here.store.add(3)
        assert await Listener(ends).until(6) == [5, 6]


async def test_nothing_is_lost_or_doubled_whenever_somebody_joins():
    chance = random.Random(7)
    async with house() as here:

        async def come(after: int, got: list[int]) -> None:
            async with connected() as ends:
                listener = Listener(ends)
                listener.seqs = got
                # As the live handler does it: read from the store until delivery takes the client in.
                while not here.delivery.join(ends.outbox, after):
                    for event in await here.store.events(after, 3):
                        got.append(event.seq)
                        after = event.seq
                await listener.until(300)
                here.delivery.leave(ends.outbox)

        everybody: list[tuple[int, list[int]]] = []
        async with trio.open_nursery() as nursery:
            while len(here.store.stored) < 300:
                here.store.add(chance.randint(1, 4))
                for _ in range(chance.randint(0, 5)):
                    await trio.lowlevel.checkpoint()
                if len(everybody) < 40:
                    after = chance.randint(0, len(here.store.stored))
                    everybody.append((after, []))
                    nursery.start_soon(come, *everybody[-1])
        last = len(here.store.stored)
        for after, got in everybody:
            assert got[: 300 - after] == list(range(after + 1, 301))
            assert got == list(range(after + 1, after + 1 + len(got)))
            assert got[-1] <= last


async def test_a_backlog_goes_out_in_writes_of_a_bounded_size():
    async with house() as here, connected() as ends:
        assert here.delivery.join(ends.outbox, 0)
        here.store.add(100, size=4000)
        listener = Listener(ends)
        assert await listener.until(100) == list(range(1, 101))
        assert WRITE_BYTES < 100 * 4000


async def test_who_does_not_read_is_dropped_and_delays_nobody():
    async with house() as here, connected() as stalled, connected() as ends:
        assert here.delivery.join(stalled.outbox, 0)
        assert here.delivery.join(ends.outbox, 0)
        fill(stalled.outbox)
        here.store.add(1)
        with trio.fail_after(LIVE_SECONDS):
            assert await Listener(ends).until(1) == [1]
        await stalled.outbox.drained()
        here.delivery.leave(stalled.outbox)
        view = here.delivery.view()
        assert (view.clients, view.evicted) == (1, 1)
        [age] = here.delivery.eviction_ages
        assert age >= LIVE_SECONDS


async def test_only_what_the_kernel_took_counts_as_delivered():
    async with house() as here, connected() as stalled, connected() as ends:
        assert here.delivery.join(stalled.outbox, 0)
        assert here.delivery.join(ends.outbox, 0)
        fill(stalled.outbox)
        here.store.add(5)
        await Listener(ends).until(5)
        assert here.delivery.view().delivered == 5
        assert here.delivery.queued > 0
        await stalled.outbox.drained()
        assert here.delivery.view().delivered == 5


async def test_clients_are_asked_for_a_sign_of_life_and_dropped_without_one():
    async with house() as here, connected() as silent, connected() as ends:
        assert here.delivery.join(silent.outbox, 0)
        assert here.delivery.join(ends.outbox, 0)
        silent.outbox.heard -= 60
        listener = Listener(ends)
        while not any(isinstance(event, Ping) for event in listener.others):
            await listener.hear()
        while not silent.outbox.ended:
            await listener.hear()
        assert (silent.outbox.ended, ends.outbox.ended) == ("silent", "")


async def test_a_new_life_takes_nobody_over():
    """Nobody can know what the old one had handed out: its clients come again and say so."""
    async with house() as here, connected() as ends:
        assert here.delivery.join(ends.outbox, 0)
        here.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        here.store.add(2)
        await here.start()
        assert ends.outbox.ended == "delivery has begun anew"
        assert here.delivery.seq == 2


async def test_the_farewell_is_heard():
    async with house() as here, connected() as ends:
        assert here.delivery.join(ends.outbox, 0)
        await here.delivery.farewell()
        listener = Listener(ends)
        await listener.hear()
        [goodbye] = listener.others
        assert isinstance(goodbye, CloseConnection)
        assert goodbye.code == 1001


async def test_how_far_the_slowest_client_is_behind_is_what_it_says_itself():
    async with house() as here, connected() as ends:
        assert here.delivery.join(ends.outbox, 0)
        here.store.add(5)
        await Listener(ends).until(5)
        assert here.delivery.lag == 0
        here.delivery.acknowledge(ends.outbox, 2)
        assert here.delivery.lag == 3
        here.delivery.leave(ends.outbox)
        assert here.delivery.lag == 0


async def test_who_joins_while_delivery_begins_anew_is_dropped_too():
    """It was let in by where the old life stood: what came in between it would never get."""
    async with house() as here, connected() as ends:
        here.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        here.store.add(5)
        assert here.delivery.join(ends.outbox, 0)
        await here.start()
        assert (ends.outbox.ended, here.delivery.seq) == ("delivery has begun anew", 5)
