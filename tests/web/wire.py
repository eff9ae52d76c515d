"""Clients that speak raw TCP: what a browser, a page of another site or an attacker sends, byte for byte.

They block, and nothing in them knows how HTTP or WebSocket should be spoken beyond what is needed to read answers.
"""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

PATIENCE_SECONDS = 20.0
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer over HTTP, as it came."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __getitem__(self, name: str) -> str:
        """A header; empty when it is not there."""
        return ", ".join(value for key, value in self.headers if key == name)


class Hung(AssertionError):
    """The server has not answered and not closed in time."""


class Wire:
    """One connection, as a client has it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE_SECONDS)
        self._held = b""

    def send(self, data: bytes) -> None:
        """Send all; a server that does not listen any more is none of the client's business."""
        with suppress(ConnectionError):
            self.sock.sendall(data)

    def more(self) -> bytes:
        """What comes next; nothing when the connection is over."""
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionError:
            return b""
        except TimeoutError:
            raise Hung(f"nothing came for {self.sock.gettimeout()} s") from None
        self._held += data
        return data

    def rest(self) -> bytes:
        """All that comes until the end."""
        while self.more():
            pass
        held, self._held = self._held, b""
        return held

    def exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            if not self.more():
                raise EOFError(f"the connection is over after {self._held[:200]!r}")
        data, self._held = self._held[:count], self._held[count:]
        return data

    def reply(self, *, bodiless: bool = False) -> Reply:
        """The next answer; status 0 when the connection is over without one."""
        while b"\r\n\r\n" not in self._held:
            if not self.more():
                return Reply(status=0, body=self._held)
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple((key.lower(), value.strip()) for key, _, value in (line.partition(":") for line in lines))
        reply = Reply(status=int(first.split()[1]), headers=headers)
        if bodiless or reply.status < 200 or reply.status in (204, 304):
            return reply
        return replace(reply, body=self._body(reply))

    def _body(self, reply: Reply) -> bytes:
        if reply["transfer-encoding"] == "chunked":
            body = b""
            while (size := int(self._line(), 16)) > 0:
                body += self.exactly(size + 2)[:-2]
            self._line()
            return body
        return self.exactly(int(reply["content-length"])) if reply["content-length"] else self.rest()

    def _line(self) -> bytes:
        while b"\r\n" not in self._held:
            if not self.more():
                raise EOFError("the connection is over in the middle of a body")
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    def is_over(self) -> bool:
        """Whether the server closes it, now or soon; what still comes is thrown away."""
        try:
            self.rest()
        except Hung:
            return False
        return True

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.sock.close()


class Watcher:
    """What comes over a WebSocket, message by message."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.code = 0
        """Why the server has closed it."""

    def send(self, text: str | bytes) -> None:
        self.wire.send(frame(text.encode() if isinstance(text, str) else text))

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Opcodes and payloads until the end."""
        while True:
            try:
                first, second = self.wire.exactly(2)
                length = second & 0x7F
                if length > 125:
                    length = int.from_bytes(self.wire.exactly(2 if length == 126 else 8), "big")
                yield first & 0x0F, self.wire.exactly(length)
            except EOFError:
                return

    def messages(self) -> Iterator[dict[str, Any]]:
        """Messages until the end."""
        for opcode, payload in self.frames():
            if opcode == CLOSE:
                self.code = self.code or int.from_bytes(payload[:2], "big")
            elif opcode == TEXT:
                yield json.loads(payload)

    def next(self, kind: str = "") -> dict[str, Any]:
        """The next message, or the next of a type."""
        return next(message for message in self.messages() if not kind or message["type"] == kind)

    def closing_code(self) -> int:
        """The code with which the server closes; 0 when it does not say."""
        for _ in self.messages():
            pass
        return self.code


def frame(payload: bytes, *, first: int = 0x80 | TEXT, masked: bool = True) -> bytes:
    """A frame as a client sends it; the mask is all zeros."""
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes((first, mask | len(payload)))
    elif len(payload) < 1 << 16:
        head = bytes((first, mask | 126)) + len(payload).to_bytes(2, "big")
    else:
        head = bytes((first, mask | 127)) + len(payload).to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + payload
