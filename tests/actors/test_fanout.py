"""The fan-out over a store in memory, on the virtual clock; what is stored is published at once, as it always is.

`hypothesis` chooses when events come, when followers come, and how long reading and handling take.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.fanout import PAGE, RECENT, Fanout
from runner.domain.events import Envelope, News


@dataclass
class Store:
    """Events in memory; a reading sees what is there in the middle of the time it takes."""

    clock: int = 0
    fanout: Fanout = field(init=False)
    events: list[Envelope] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fanout = Fanout(lambda: self.clock)

    def add(self, count: int, *, happened: int = 0) -> None:
        first = len(self.events) + 1
        new = [
            Envelope(seq=seq, type="test", timestamp=happened, payload=b"{}") for seq in range(first, first + count)
        ]
        self.events += new
        self.fanout.publish(new)

    async def page(self, after: int, limit: int, *, seconds: float = 0) -> Sequence[Envelope]:
        self.asked.append(limit)
        await trio.sleep(seconds / 2)
        found = list(islice(self.events, after, after + limit))
        await trio.sleep(seconds / 2)
        return found


async def handle(events: AsyncIterator[Envelope], into: list[tuple[float, int]], *, seconds: float = 0) -> None:
    async for event in events:
        into.append((trio.current_time(), event.seq))
        await trio.sleep(seconds)


async def follow(
    store: Store, after: int, into: list[tuple[float, int]], *, page: float = 0, each: float = 0
) -> None:
    async def paged(after: int, limit: int) -> Sequence[Envelope]:
        return await store.page(after, limit, seconds=page)

    async with aclosing(store.fanout.follow(after, paged)) as events:
        await handle(events, into, seconds=each)


@dataclass(frozen=True)
class Follower:
    comes_at: float
    after: int
    page: float
    each: float


TIMES = st.sampled_from([0.0, 0.01, 0.25, 0.5, 1.0])
FOLLOWERS = st.builds(Follower, comes_at=TIMES, after=st.integers(0, 12), page=TIMES, each=TIMES)


@settings(deadline=None)
@given(
    commits=st.lists(st.tuples(TIMES, st.integers(0, 4)), max_size=8),
    followers=st.lists(FOLLOWERS, min_size=1, max_size=4),
)
def test_every_follower_sees_every_event_once_in_order(
    commits: list[tuple[float, int]], followers: list[Follower]
) -> None:
    async def play() -> None:
        store = Store()
        seen: list[list[tuple[float, int]]] = [[] for _ in followers]

        async def come(follower: Follower, into: list[tuple[float, int]]) -> None:
            await trio.sleep(follower.comes_at)
            await follow(store, follower.after, into, page=follower.page, each=follower.each)

        async with trio.open_nursery() as nursery:
            for follower, into in zip(followers, seen, strict=True):
                nursery.start_soon(come, follower, into)
            for pause, count in commits:
                await trio.sleep(pause)
                store.add(count)
            await trio.sleep(1000)
            nursery.cancel_scope.cancel()
        for follower, into in zip(followers, seen, strict=True):
            assert [seq for _, seq in into] == list(range(follower.after + 1, len(store.events) + 1))

    trio.run(play, clock=MockClock(autojump_threshold=0))


async def test_a_slow_follower_delays_nobody(autojump_clock: MockClock, nursery: trio.Nursery):
    store, quick, slow = Store(), list[tuple[float, int]](), list[tuple[float, int]]()
    began = trio.current_time()

    async def follow_slowly() -> None:
        await follow(store, 0, slow, page=30, each=100)

    nursery.start_soon(follow_slowly)
    nursery.start_soon(follow, store, 0, quick)
    for _ in range(5):
        await trio.sleep(1)
        store.add(1)
    await wait_all_tasks_blocked()
    assert [(second - began, seq) for second, seq in quick] == [(seq, seq) for seq in range(1, 6)]
    assert slow == []
    await trio.sleep(1000)
    assert [seq for _, seq in slow] == [1, 2, 3, 4, 5]


async def test_a_follower_that_has_seen_everything_sleeps_until_there_is_more(nursery: trio.Nursery):
    store, seen = Store(), list[tuple[float, int]]()
    store.add(3)
    nursery.start_soon(follow, store, 3, seen)
    await wait_all_tasks_blocked()
    reads = len(store.asked)
    for _ in range(100):
        await trio.lowlevel.checkpoint()
    assert len(store.asked) == reads
    store.fanout.publish([])
    await wait_all_tasks_blocked()
    assert len(store.asked) == reads
    store.add(1)
    await wait_all_tasks_blocked()
    assert [seq for _, seq in seen] == [4]


async def test_a_backlog_is_read_in_pages(nursery: trio.Nursery):
    store, seen = Store(), list[tuple[float, int]]()
    store.add(RECENT + 2 * PAGE)
    nursery.start_soon(follow, store, 0, seen)
    await wait_all_tasks_blocked()
    assert [seq for _, seq in seen] == list(range(1, RECENT + 2 * PAGE + 1))
    assert store.asked[:2] == [PAGE, PAGE]


async def told(store: Store, after: int) -> News:
    async with aclosing(store.fanout.news(after, store.page)) as news:
        return await anext(news)


async def test_what_is_new_comes_together_and_not_from_the_store():
    store = Store()
    store.add(3)
    store.add(4)
    assert [event.seq for event in (await told(store, 2)).events] == [3, 4, 5, 6, 7]
    assert store.asked == []


async def test_what_is_no_longer_in_memory_comes_from_the_store():
    store = Store()
    store.add(RECENT + 10)
    assert (await told(store, 9)).events[0].seq == 10
    assert store.asked == [PAGE]
    assert (await told(store, 10)).events[0].seq == 11
    assert store.asked == [PAGE]


@pytest.mark.parametrize(("delay_ms", "age"), [(0, 0.0), (40, 0.04), (100, 0.1), (101, 0.0), (-5000, 0.0)])
async def test_the_promise_counts_from_the_event_unless_the_database_was_what_took_long(
    autojump_clock: MockClock, delay_ms: int, age: float
):
    store = Store(clock=10_000)
    store.add(1, happened=10_000 - delay_ms)
    assert trio.current_time() - (await told(store, 0)).born == pytest.approx(age)
    assert list(store.fanout.commit_delays) == [max(0, delay_ms) / 1000]


async def test_last_seq_is_that_of_the_newest_event():
    store = Store()
    assert store.fanout.last_seq == 0
    store.add(3)
    store.add(0)
    assert store.fanout.last_seq == 3


async def test_who_is_caught_up_waits_without_asking_the_store(nursery: trio.Nursery):
    """A store that is slow or gone must not delay what is in memory."""
    store, seen = Store(), list[tuple[float, int]]()
    store.add(2)
    nursery.start_soon(follow, store, 0, seen)
    await wait_all_tasks_blocked()
    store.add(1)
    await wait_all_tasks_blocked()
    assert ([seq for _, seq in seen], store.asked) == ([1, 2, 3], [])
