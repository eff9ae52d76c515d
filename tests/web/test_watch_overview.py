"""What goes on, for who asked for it: made once for all who watch, and not at all while nobody does."""

import json
from typing import Any

import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection, open_websocket_url

from runner.domain.errors import DatabaseError
from runner.domain.overview import Overview
from tests.web import test_delivery
from tests.web.house import House, noise
from tests.web.test_outbox import connected
from web.metrics import Sample
from web.panorama import Panorama
from web.watcher import Watcher


def sample(seq: int) -> Sample:
    return Sample(
        overview=Overview(last_seq=seq),
        loop_lag=0.0015,
        commit_delay=0.002,
        client_lag=0,
        queued_bytes=0,
        longest_bytes=0,
        worst_eviction=0.5,
        database_bytes=4096,
        memory_bytes=1 << 20,
    )


async def test_many_watchers_are_one_question_a_second(autojump_clock: MockClock):
    asked = 0

    async def ask() -> Sample:
        nonlocal asked
        asked += 1
        await trio.sleep(0.1)
        return sample(asked)

    panorama = Panorama(ask)
    seen: list[bytes] = []

    async def watch() -> None:
        for _ in range(5):
            seen.append(await panorama.message())
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(watch)
    assert asked == 5
    assert len(set(map(id, seen))) == 5
    payload = json.loads(seen[-1])["payload"]
    assert payload["overview"]["last_seq"] == 5
    assert payload["health"]["loop_lag_ms"] == 1.5


async def test_what_has_not_changed_is_the_same_message(autojump_clock: MockClock):
    seqs = iter([1, 1, 2])

    async def ask() -> Sample:
        return sample(next(seqs))

    panorama = Panorama(ask)
    seen: list[bytes] = []
    for _ in range(3):
        seen.append(await panorama.message())
        await trio.sleep(1)
    assert seen[0] is seen[1]
    assert seen[1] != seen[2]


async def test_nothing_is_asked_while_nobody_watches(autojump_clock: MockClock):
    asked = 0

    async def ask() -> Sample:
        nonlocal asked
        asked += 1
        return sample(asked)

    async with test_delivery.house() as here, connected() as ends:
        watcher = Watcher(ends.outbox, here.delivery, Panorama(ask))
        await trio.sleep(3)
        assert asked == 0
        watcher.watch(True)
        watcher.watch(True)
        await trio.sleep(3.5)
        assert asked == 4
        watcher.watch(False)
        await trio.sleep(3)
        assert asked == 4
        watcher.watch(True)
        await trio.sleep(0.5)
        assert asked == 5
        ends.outbox.reset("gone")
        await trio.sleep(3)
        assert asked == 5


async def test_database_that_cannot_be_read_is_looked_at_again(autojump_clock: MockClock):
    failures = iter([DatabaseError("locked"), DatabaseError("locked")])

    async def ask() -> Sample:
        if error := next(failures, None):
            raise error
        return sample(3)

    async with test_delivery.house() as here, connected() as ends:
        Watcher(ends.outbox, here.delivery, Panorama(ask)).watch(True)
        await trio.sleep(2.5)
        assert b'"last_seq":3' in await ends.client.recv(1 << 16)


async def test_watcher_is_told_until_it_has_enough(home: House):
    async with open_websocket_url(f"ws://127.0.0.1:{home.port}/ws") as socket:
        await _say(socket, overview=True)
        for _ in range(2):
            told = await _next_overview(socket)
            assert told["overview"]["supervision"]["role"] == "supervisor"
            assert told["health"]["memory_bytes"] > 1 << 20
            # Something has to change.
            await trio.to_thread.run_sync(home.tell, *noise(1))
        await _say(socket, overview=False)
        await socket.send_message('{"type":"ping"}')
        # It may have been on its way.
        while json.loads(await socket.get_message())["type"] != "pong":
            pass
        with trio.move_on_after(1.5) as waiting:
            await _next_overview(socket)
        assert waiting.cancelled_caught


async def _say(socket: WebSocketConnection, *, overview: bool) -> None:
    await socket.send_message(json.dumps({"type": "watch", "overview": overview}))


async def _next_overview(socket: WebSocketConnection) -> Any:
    while True:
        message = json.loads(await socket.get_message())
        if message["type"] == "overview":
            return message["payload"]
