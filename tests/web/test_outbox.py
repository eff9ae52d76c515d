"""The outbox over real TCP connections of this machine; the other end reads when a test says so.

Time is the subject, so the clock is the real one: never earlier than promised, and later only by what a loaded
machine may need.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from web.outbox import ANSWER_SECONDS, LIVE_BYTES, LIVE_SECONDS, Outbox

LATENESS = 0.25
SMALL_BUFFER = 4096


class Ends:
    """A connection with an outbox on one end."""

    def __init__(self, outbox: Outbox, client: trio.socket.SocketType) -> None:
        self.outbox = outbox
        self.client = client
        self.notes: list[tuple[float, int]] = []

    def go_live(self) -> None:
        self.outbox.go_live(lambda age, events: self.notes.append((age, events)))

    async def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = await self.client.recv(1 << 16)
            if not more:
                break
            data += more
        return data


@asynccontextmanager
async def connected() -> AsyncIterator[Ends]:
    """The client's buffer is small, so that it is soon full."""
    with trio.socket.socket() as listener, trio.socket.socket() as client:
        await listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        await client.connect(listener.getsockname())
        server, _ = await listener.accept()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        with server:
            async with trio.open_nursery() as nursery:
                yield Ends(Outbox(server, await nursery.start(_hold)), client)
                nursery.cancel_scope.cancel()


async def _hold(*, task_status: trio.TaskStatus[trio.Nursery]) -> None:
    """A connection's nursery, which its outbox cancels."""
    async with trio.open_nursery() as connection:
        task_status.started(connection)
        await trio.sleep_forever()


def fill(outbox: Outbox) -> None:
    """Push until the kernel takes no more."""
    while outbox.push(bytes(SMALL_BUFFER), trio.current_time()):
        pass


async def test_nothing_follows_a_goodbye():
    """The protocol answers the client's own Close: a second one would be against the rules."""
    async with connected() as ends:
        ends.outbox.say_goodbye(b"bye")
        assert not ends.outbox.push(b"more", trio.current_time())
        assert (ends.outbox.size, await ends.read(3)) == (0, b"bye")


async def test_what_the_kernel_takes_is_written_at_once():
    async with connected() as ends:
        assert ends.outbox.push(b"hello", trio.current_time())
        assert (ends.outbox.size, await ends.read(5)) == (0, b"hello")


async def test_what_it_does_not_take_follows_in_order():
    pieces = [os.urandom(size) for size in (1, 70_000, 3, 40_000, 200_000, 0, 5)]
    async with connected() as ends:
        for piece in pieces:
            ends.outbox.push(piece, trio.current_time())
        assert ends.outbox.size > 0
        assert await ends.read(sum(map(len, pieces))) == b"".join(pieces)
        await ends.outbox.drained()
        assert (ends.outbox.size, ends.outbox.ended) == (0, "")


async def test_a_live_client_that_does_not_read_is_reset_when_its_oldest_event_is_too_old():
    async with connected() as ends:
        ends.go_live()
        fill(ends.outbox)
        began = trio.current_time()
        with trio.fail_after(LIVE_SECONDS + LATENESS + 1):
            await ends.outbox.drained()
        assert ends.outbox.ended == "deadline"
        assert LIVE_SECONDS <= ends.outbox.age < LIVE_SECONDS + LATENESS
        assert trio.current_time() - began <= LIVE_SECONDS + LATENESS
        with pytest.raises(ConnectionResetError):
            await ends.read(1 << 30)


async def test_the_time_counts_from_when_the_event_happened():
    async with connected() as ends:
        fill(ends.outbox)
        ends.outbox.pace(ANSWER_SECONDS)
        await ends.read(ends.outbox.size)
        ends.go_live()
        began = trio.current_time()
        ends.outbox.push(bytes(LIVE_BYTES // 2), began - 0.4)
        await ends.outbox.drained()
        assert ends.outbox.ended == "deadline"
        assert 0.1 <= trio.current_time() - began < 0.1 + LATENESS


async def test_what_waits_in_front_of_something_older_has_no_more_time_than_that():
    async with connected() as ends:
        ends.go_live()
        fill(ends.outbox)
        began = trio.current_time()
        ends.outbox.push(b"a ping", began)
        ends.outbox.push(b"an event", began - 0.4)
        await ends.outbox.drained()
        assert ends.outbox.ended == "deadline"
        assert LIVE_SECONDS <= ends.outbox.age < LIVE_SECONDS + LATENESS
        assert 0.1 <= trio.current_time() - began < 0.1 + LATENESS


async def test_what_waits_already_has_no_more_time_than_something_older_that_comes():
    async with connected() as ends:
        ends.go_live()
        fill(ends.outbox)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        ends.outbox.push(b"an event", began - 0.4)
        await ends.outbox.drained()
        assert ends.outbox.ended == "deadline"
        assert LIVE_SECONDS <= ends.outbox.age < LIVE_SECONDS + LATENESS
        assert 0.1 <= trio.current_time() - began < 0.1 + LATENESS


async def test_a_live_client_that_is_too_far_behind_is_reset_at_once():
    async with connected() as ends:
        ends.go_live()
        began = trio.current_time()
        for _ in range(LIVE_BYTES // 1024 + 64):
            ends.outbox.push(bytes(1024), trio.current_time())
        assert (ends.outbox.ended, ends.outbox.size) == ("overflow", 0)
        assert trio.current_time() - began < LIVE_SECONDS


async def test_a_live_client_that_reads_late_but_in_time_gets_everything():
    async with connected() as ends:
        ends.go_live()
        sent = os.urandom(100_000)
        ends.outbox.push(sent, trio.current_time(), 7)
        await trio.sleep(0.2)
        assert await ends.read(len(sent)) == sent
        await ends.outbox.drained()
        [(age, events)] = ends.notes
        assert (ends.outbox.ended, events) == ("", 7)
        assert 0.2 <= age < LIVE_SECONDS


async def test_a_replay_waits_for_a_reader_that_takes_something_every_so_often():
    async with connected() as ends:
        ends.outbox.pace(0.3)
        sent = bytes(60_000)
        ends.outbox.push(sent, trio.current_time())
        got = 0
        while got < len(sent):
            await trio.sleep(0.1)
            got += len(await ends.client.recv(8192))
        assert ends.outbox.ended == ""


async def test_a_replay_without_progress_is_dropped():
    async with connected() as ends:
        ends.outbox.pace(0.2)
        began = trio.current_time()
        ends.outbox.push(bytes(1 << 20), began)
        await ends.outbox.drained()
        assert ends.outbox.ended == "deadline"
        assert 0.2 <= trio.current_time() - began < 0.2 + LATENESS


async def test_nobody_waits_for_an_outbox_that_has_ended():
    async with connected() as ends:
        fill(ends.outbox)
        ends.outbox.end("left")
        await ends.outbox.drained()
        assert not ends.outbox.push(b"more", trio.current_time())
        assert ends.outbox.size == 0


async def test_a_client_that_has_gone_ends_its_outbox():
    async with connected() as ends:
        ends.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        ends.client.close()
        with trio.fail_after(5):
            while not ends.outbox.ended:
                ends.outbox.push(b"x", trio.current_time())
                await trio.lowlevel.checkpoint()
        assert ends.outbox.ended.startswith("write: ")


async def test_what_was_written_before_the_end_still_goes_out():
    async with connected() as ends:
        sent = os.urandom(100_000)
        ends.outbox.push(sent, trio.current_time())
        ends.outbox.finish()
        assert ends.outbox.ended == ""
        assert await ends.read(len(sent)) == sent
        await ends.outbox.drained()
        assert ends.outbox.ended == "finished"


async def test_nothing_waits_and_the_end_is_at_once():
    async with connected() as ends:
        ends.outbox.finish()
        assert ends.outbox.ended == "finished"
