"""The ceiling: no library and no event loop, a frame encoded once and one non-blocking write per event and client.

It keeps nothing for anybody: who does not take a whole frame at once is reset and counted. At saturation it waits for
that client instead. `Flood` packs many frames into each write; it shows that the clients can read more than is sent.
"""

import base64
import hashlib
import json
import os
import re
import select
import socket
import struct
import sys
import time
from contextlib import suppress
from typing import Any

from benchmarks.fan.asyncio_side import BACKLOG, HOST
from benchmarks.fan.desk import Drive

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = re.compile(rb"^Sec-WebSocket-Key: *(\S+)\r$", re.MULTILINE | re.IGNORECASE)
READ_BYTES = 65536
CLOSE = 8
CLOSE_FRAME = b"\x88\x00"
FLOOD = 64


class Raw:
    """Its coroutines never wait for anybody else, so plain calls can run them."""

    path = "/ws"

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)
        self._guests: dict[int, socket.socket] = {}
        self._clients: dict[int, socket.socket] = {}
        self._evicted_ms: list[float] = []

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        self._write(_frame(event), event["payload"]["t"], patient=patient)

    def evicted_ms(self) -> list[float]:
        return self._evicted_ms

    async def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._turn(seconds)
        while (rest := until - time.monotonic()) > 0:
            self._turn(rest)

    async def read_order(self) -> str:
        while not self._turn(-1):
            pass
        return sys.stdin.readline()

    def _write(self, frame: bytes, intended_ns: int, *, patient: bool) -> None:
        slow = []
        for number in self._clients:
            try:
                written = os.write(number, frame)
            except BlockingIOError:
                written = 0
            except OSError:
                written = -1
            if written != len(frame) and not (patient and written >= 0 and _write_rest(number, frame[written:])):
                slow.append(number)
        for number in slow:
            self._evicted_ms.append((time.monotonic_ns() - intended_ns) / 1e6)
            self._reset(number)

    def _turn(self, seconds: float) -> bool:
        """Wait for whatever comes; whether an order has come."""
        ordered = False
        for number, _ in self._poll.poll(seconds):
            if number == sys.stdin.fileno():
                ordered = True
            elif number == self._listener.fileno():
                guest, _ = self._listener.accept()
                guest.setblocking(False)
                guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._guests[guest.fileno()] = guest
                self._poll.register(guest, select.EPOLLIN)
            elif number in self._guests:
                self._shake_hands(number)
            elif number in self._clients:
                self._read(number)
        return ordered

    def _shake_hands(self, number: int) -> None:
        """The clients send their few hundred bytes at once."""
        guest = self._guests.pop(number)
        key = KEY.search(guest.recv(READ_BYTES))
        if key is None:
            guest.close()
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + MAGIC).digest())
        guest.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._clients[number] = guest

    def _read(self, number: int) -> None:
        """Only a close frame counts: the clients' frames are small, and what they say is of no interest."""
        try:
            data = os.read(number, READ_BYTES)
        except OSError:
            data = b""
        ended = not data
        while len(data) > 1 and not ended:
            ended = data[0] & 15 == CLOSE
            data = data[6 + (data[1] & 127) :]
        if ended:
            client = self._clients.pop(number)
            with suppress(OSError):
                client.send(CLOSE_FRAME)
            client.close()

    def _reset(self, number: int) -> None:
        """An ordinary end would wait behind the unsent bytes."""
        client = self._clients.pop(number)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


class Flood(Raw):
    """The same with many frames in a write, for saturation only."""

    def __init__(self) -> None:
        super().__init__()
        self._frames: list[bytes] = []

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        self._frames.append(_frame(event))
        if len(self._frames) == FLOOD:
            self._write(b"".join(self._frames), event["payload"]["t"], patient=patient)
            self._frames.clear()


def _frame(event: dict[str, Any]) -> bytes:
    """An unmasked text frame, the same bytes for every client."""
    text = json.dumps(event).encode()
    return struct.pack("!BBH", 0x81, 126, len(text)) + text


def _write_rest(number: int, rest: bytes) -> bool:
    """Wait until a client has taken the rest; false when it is gone."""
    room = select.poll()
    room.register(number, select.POLLOUT)
    while rest:
        room.poll()
        try:
            rest = rest[os.write(number, rest) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return True


def _run(server: Raw, drive: Drive) -> None:
    try:
        drive(server).__await__().__next__()
    except StopIteration:
        return
    raise AssertionError("a coroutine without an event loop has nothing to wait for")


def run(drive: Drive) -> None:
    _run(Raw(), drive)


def run_flood(drive: Drive) -> None:
    _run(Flood(), drive)
