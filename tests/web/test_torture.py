"""Clients that stall, flood, trickle and vanish: they are cut off in time, and nobody else is kept waiting.

Times are measured, so what is asserted has room for a loaded machine above, and none below.
"""

import errno
import os
import re
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from tests.actors.stage import task_names
from tests.web.house import START, STATUS, House, house, noise
from tests.web.malformed import CONTINUED, FINAL, PING, PONG
from tests.web.wire import PATIENCE_SECONDS, TEXT, Watcher, Wire, frame
from web.access import BODY_SECONDS
from web.outbox import ANSWER_SECONDS, LIVE_SECONDS
from web.transport import IDLE_SECONDS, LINGER_SECONDS, MOST_IDLE, TALK_BYTES, most_connections

LATENESS = 1.0
"""Of this machine when it is busy."""
HALF_A_FRAME = frame(b"x" * 1000)[:500]


def await_end(sock: socket.socket, *, seconds: float = 20.0) -> None:
    """Wait until the other end is gone; what is unread stays unread."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLERR)
    assert poll.poll(seconds * 1000), "still open"


# Stalled


class Reader:
    """Reads all that comes to a watcher, as fast as it comes."""

    def __init__(self, watcher: Watcher) -> None:
        self._sock = watcher.wire.sock
        self._data = bytearray()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := self._sock.recv(1 << 16):
                self._data += data

    def close(self) -> None:
        # Closing alone would not end a call that waits in another thread.
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def has(self, count: int) -> bool:
        """Whether so many events have come."""
        return self._data.count(b'"type":"batch:warning"') >= count

    def seqs(self) -> list[int]:
        return [int(seq) for seq in re.findall(rb'{"seq":(\d+),', self._data)]


@pytest.mark.parametrize(
    ("count", "least", "most"),
    [(75, LIVE_SECONDS, LIVE_SECONDS + LATENESS), (400, 0.0, PATIENCE_SECONDS)],
    ids=["half a second", "half a megabyte"],
)
def test_browser_that_stalls_is_reset_in_time_and_nobody_else_waits(
    home: House, count: int, least: float, most: float
):
    """75 events are more than its window holds and less than may wait for it; 400 are more than that."""
    with home.watching(window=4096) as stalled, home.watching() as first, home.watching() as second:
        for watcher in (stalled, first, second):
            watcher.next("init")
        assert comes_true(lambda: clients(home) == 3)
        with closing(Reader(first)) as one, closing(Reader(second)) as two:
            began = time.monotonic()
            for told in range(25, count + 1, 25):
                home.tell(*noise(25, size=4000))
                assert comes_true(lambda told=told: one.has(told) and two.has(told))
            await_end(stalled.wire.sock)
            took = time.monotonic() - began
        assert least <= took < most
        assert one.seqs() == two.seqs() == list(range(one.seqs()[0], one.seqs()[0] + count))
        assert stalled.wire.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    assert home.is_well()


# Vanished


@pytest.mark.parametrize(
    "data",
    [b"", HALF_A_FRAME, frame(b"{", first=TEXT), b"\x81"],
    ids=["idle", "in a frame", "between frames", "in a head"],
)
def test_browser_that_vanishes_is_noticed(home: House, data: bytes):
    with home.watching() as watcher:
        watcher.next("init")
        watcher.wire.send(data)
        watcher.wire.reset()
    assert comes_true(lambda: clients(home) == 0)
    assert home.is_well()


def clients(home: House) -> int:
    return int(home.get(STATUS).json["fanout"]["clients"])


def comes_true(condition: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        # The server needs this process too.
        time.sleep(0.005)
    return False


def test_clients_that_connect_and_vanish_cost_no_line_in_the_log(home: House):
    with structlog.testing.capture_logs() as lines:
        for data in (b"", home.request(STATUS), home.request(STATUS)[:40], home.handshake()) * 25:
            with home.wire() as wire:
                wire.send(data)
                wire.reset()
        assert home.is_well()
    assert not [line for line in lines if line["log_level"] != "debug"]


# Floods


@pytest.mark.parametrize(
    "data",
    [
        frame(b'{"type":"ping"}') * 500,
        frame(b"", first=FINAL | PONG) * 20_000,
        frame(b"x" * 125, first=FINAL | PONG) * 999,
    ],
    ids=["messages", "empty pongs", "long pongs"],
)
def test_browser_that_talks_without_end_is_told_and_cut_off(home: House, data: bytes):
    with home.watching() as watcher:
        watcher.next("init")
        watcher.wire.send(data)
        assert watcher.closing_code() == 1008
    assert home.is_well()


@contextmanager
def pouring(wire: Wire, data: bytes) -> Iterator[None]:
    """Send it again and again, and read what comes, for the length of the block."""

    def pour() -> None:
        with suppress(OSError):
            while True:
                wire.sock.sendall(data)

    def drain() -> None:
        with suppress(OSError):
            while wire.sock.recv(1 << 16):
                pass

    threads = [threading.Thread(target=pour), threading.Thread(target=drain)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            wire.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    "data",
    [
        frame(b"", first=FINAL | PING),
        frame(b"", first=FINAL | PONG),
        frame(b"", first=CONTINUED),
        frame(b"x" * 125, first=FINAL | PING),
    ],
    ids=["pings", "pongs", "empty pieces", "long pings"],
)
def test_flood_of_frames_keeps_nobody_waiting(home: House, data: bytes):
    with ExitStack() as floods:
        for _ in range(4):
            watcher = floods.enter_context(home.watching())
            watcher.next("init")
            watcher.wire.send(frame(b"", first=TEXT) if data[0] == CONTINUED else b"")
            floods.enter_context(pouring(watcher.wire, data * (TALK_BYTES // len(data))))
        assert home.is_well(0.2)
    assert home.is_well()


def test_pipelined_requests_are_answered_in_their_order(home: House):
    with home.wire() as wire:
        wire.send(home.request(STATUS) + home.request("/healthz") + home.request("/nothing") * 50)
        assert [wire.reply().status for _ in range(52)] == [200, 200] + [404] * 50


def test_pipelined_requests_that_nobody_reads_wait(home: House):
    """The next is begun when the answer before it is written: no client makes the server hold many answers."""
    with home.wire(window=4096) as wire:
        wire.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            wire.sock.sendall(home.request("/api/openapi.json") * 100_000)
        assert home.is_well()


# Many


def test_nine_hundred_connections_at_once(home: House):
    with ExitStack() as stack:
        socks = [stack.enter_context(closing(home.connect())) for _ in range(900)]
        assert home.is_well()
        for sock in socks[:450]:
            with suppress(OSError):
                sock.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert home.is_well()
        assert comes_true(lambda: sum(is_open(sock) for sock in socks) <= MOST_IDLE)
    assert home.is_well()


def is_open(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    return not poll.poll(0)


def test_connections_that_are_kept_after_an_answer_are_few_too(home: House):
    with ExitStack() as stack:
        wires = [stack.enter_context(home.wire()) for _ in range(MOST_IDLE + 50)]
        for wire in wires:
            wire.send(home.request("/healthz"))
            wire.reply()
        assert comes_true(lambda: sum(is_open(wire.sock) for wire in wires) <= MOST_IDLE)
        assert is_open(wires[-1].sock)


@pytest.fixture
def cramped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house with little room, as where few files may be open."""
    monkeypatch.setattr("web.transport.most_connections", lambda: 20)
    with house(tmp_path) as here:
        yield here


def test_silent_connections_make_room(cramped: House):
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(closing(cramped.connect()))
        assert cramped.is_well()


def test_connections_leave_the_runner_its_files(cramped: House):
    with ExitStack() as stack:
        wires = [stack.enter_context(cramped.wire()) for _ in range(50)]
        for wire in wires:
            wire.send(slow_body(cramped))
        assert comes_true(lambda: sum(is_open(wire.sock) for wire in wires) <= 20)
    assert comes_true(lambda: cramped.get(STATUS).status == 200)
    assert cramped.is_well()


def test_room_is_left_whatever_the_limit(monkeypatch: pytest.MonkeyPatch):
    for files, most in ((1024, 768), (64, 32), (1_000_000, 999_744), (resource.RLIM_INFINITY, sys.maxsize)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert most_connections() == most


@pytest.mark.slow
def test_connection_that_is_kept_after_an_answer_is_closed_when_it_stays_silent(home: House):
    with home.wire() as wire:
        for _ in range(2):
            wire.send(home.request(STATUS))
            assert wire.reply().status == 200
        began = time.monotonic()
        assert wire.is_over()
        assert IDLE_SECONDS - 0.5 < time.monotonic() - began < IDLE_SECONDS + LATENESS


# Slow


@dataclass(frozen=True, kw_only=True)
class Trickle:
    """What comes at once, and what comes at a byte a second behind it."""

    name: str
    first: Callable[[House], bytes]
    rest: bytes
    seconds: float
    """After which the connection is over."""

    def __str__(self) -> str:
        return self.name


def slow_body(home: House) -> bytes:
    return home.request(START, {"Content-Length": "1000", "Content-Type": "application/json"}, method="POST")


def slow_chunks(home: House) -> bytes:
    return slow_body(home).replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")


TRICKLES = [
    Trickle(name="head", first=lambda home: b"", rest=b"GET / HTTP/1.1\r\nHost: x", seconds=IDLE_SECONDS),
    Trickle(name="headers", first=lambda home: home.request(STATUS)[:-2], rest=b"A: b\r\n" * 9, seconds=IDLE_SECONDS),
    Trickle(name="nothing", first=lambda home: b"", rest=b"", seconds=IDLE_SECONDS),
    Trickle(name="empty lines", first=lambda home: b"", rest=b"\r\n" * 20, seconds=IDLE_SECONDS),
    Trickle(
        name="second head",
        first=lambda home: home.request("/healthz") + b"GET",
        rest=b" / HTTP/1.1",
        seconds=IDLE_SECONDS,
    ),
    Trickle(name="body", first=slow_body, rest=b"{" * 30, seconds=BODY_SECONDS + LINGER_SECONDS),
    Trickle(name="chunks", first=slow_chunks, rest=b"1\r\n[\r\n" * 5, seconds=BODY_SECONDS + LINGER_SECONDS),
    Trickle(
        name="refused body",
        first=lambda home: slow_body(home).replace(b"1000", b"99999"),
        rest=b"{" * 30,
        seconds=LINGER_SECONDS,
    ),
]


@pytest.mark.slow
def test_slow_clients_are_cut_off_within_ten_seconds_and_nobody_waits_for_them(home: House):
    ends = dict[str, float]()

    def drip(trickle: Trickle) -> None:
        with home.wire() as wire:
            wire.send(trickle.first(home))
            began, poll = time.monotonic(), select.poll()
            poll.register(wire.sock, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
            for byte in (trickle.rest or b"\0" * 30).ljust(30, b"x"):
                if poll.poll(1000):
                    break
                if trickle.rest:
                    wire.send(bytes([byte]))
            ends[trickle.name] = time.monotonic() - began

    threads = [threading.Thread(target=drip, args=[trickle]) for trickle in TRICKLES]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert home.is_well()
    for trickle in TRICKLES:
        assert ends[trickle.name] < min(10.0, trickle.seconds + LATENESS + 0.5), ends


@pytest.mark.slow
def test_client_that_does_not_read_its_answer_is_reset(home: House):
    with home.wire(window=4096) as wire:
        wire.sock.settimeout(0.2)
        with suppress(TimeoutError):
            wire.sock.sendall(home.request("/api/openapi.json") * 100_000)
        began = time.monotonic()
        await_end(wire.sock)
        assert time.monotonic() - began < ANSWER_SECONDS + LATENESS
    assert home.is_well()


# The end


@pytest.mark.slow
def test_nothing_is_left_of_clients_that_have_gone(home: House):
    home.get(STATUS)
    assert comes_true(lambda: clients(home) == 0)
    before = left(home)
    for _ in range(3):
        with ExitStack() as stack:
            everybody(home, stack)
            assert home.is_well()
    assert comes_true(lambda: left(home) <= before), (before, left(home))


def left(home: House) -> tuple[int, int]:
    """Tasks of the runner, and descriptors of this process."""
    tasks = home.inside(task_names)
    return len(tasks), len(os.listdir("/proc/self/fd"))


def everybody(here: House, stack: ExitStack) -> None:
    """Clients of every kind, none of which does what it should."""

    def wire(data: bytes, *, window: int = 0) -> Wire:
        opened = stack.enter_context(here.wire(window=window))
        opened.sock.settimeout(0.2)
        with suppress(TimeoutError):
            opened.send(data)
        return opened

    for data in (b"", b"GET /", here.request(STATUS), slow_body(here), here.handshake() + HALF_A_FRAME):
        for _ in range(5):
            wire(data)
    wire(here.request("/api/openapi.json") * 20_000, window=4096)
    wire(here.request(STATUS)).sock.shutdown(socket.SHUT_WR)
    wire(here.request(START, {"Host": "evil.example"}, method="POST"))
    for _ in range(5):
        watcher = stack.enter_context(here.watching(window=4096))
        watcher.next("init")
        watcher.wire.send(HALF_A_FRAME)
    stack.enter_context(here.watching()).send('{"action":"pause"}')


def test_server_ends_within_a_second_whoever_is_connected(tmp_path: Path):
    with ExitStack() as stack:
        with house(tmp_path) as here:
            everybody(here, stack)
            # More than their windows hold, so that some of it waits.
            here.tell(*noise(75, size=4000))
            leaving = time.monotonic()
        assert time.monotonic() - leaving < 1.0


def test_browser_hears_that_the_server_goes_away(tmp_path: Path):
    with ExitStack() as stack:
        with house(tmp_path) as here:
            watcher = stack.enter_context(here.watching())
            watcher.next("init")
            assert comes_true(lambda: clients(here) == 1)
        assert watcher.closing_code() == 1001
