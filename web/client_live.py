"""The other end of the WebSocket: one connection to a running runner, for `watch`.

`connected` is a connection for the length of a block; what goes wrong with it, whatever the server does, ends the
block with a RunnerError. Nothing is kept of what is not taken: the library holds one message, and the kernel the
rest. Our own signs of life go out beside, also while nobody takes anything.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import h11
import msgspec
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)
from wsproto.utilities import ProtocolError

from runner.domain.events import Envelope
from runner.domain.overview import Time
from web.client import Address, Unanswered, absent, refusal, silent, strange

OPENING_SECONDS = 10.0
CLOSING_SECONDS = 1.0
ACK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
"""A runner that does not even answer a ping for so long is not there any more, whatever the kernel says."""
MESSAGE_BYTES = 4 << 20
OPENING_BYTES = 1 << 20
_RECEIVE_BYTES = 1 << 16
_GOING_AWAY = 1001
_CUT_OFF = 1006
_CLOSINGS = {_CUT_OFF: "cut off", 1009: "it sends too much at once"}
_WORDS = 123

Seq = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Error = TypeVar("Error", bound=Exception)


class Goodbye(Unanswered):
    """The runner has said that it is ending."""


class Message(msgspec.Struct, frozen=True):
    """What comes over the WebSocket; an event has a `seq`, all else has none."""

    type: str
    seq: Seq | None = None
    timestamp: Time = 0
    payload: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def event(self) -> Envelope:
        """The event that it tells of."""
        assert self.seq is not None
        return Envelope(seq=self.seq, type=self.type, timestamp=self.timestamp, payload=bytes(self.payload))


class Line:
    """A connection that is open."""

    def __init__(self, socket: WebSocketConnection, address: Address) -> None:
        self._socket = socket
        self._address = address

    async def receive(self) -> str:
        """The next message. Raises Unanswered when there is none any more."""
        try:
            message = await self._socket.get_message()
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if isinstance(message, bytes):
            raise strange(self._address, "it sends what is no text")
        return message

    async def acknowledge(self, handled: Callable[[], int]) -> None:
        """Tell the runner how far we are, and find out when it has gone silent; until cancelled."""
        try:
            while True:
                with trio.fail_after(ALIVE_SECONDS):
                    await self._socket.send_message(f'{{"type":"ack","seq":{handled()}}}')
                    await self._socket.ping()
                await trio.sleep(ACK_SECONDS)
        except trio.TooSlowError:
            raise silent(self._address, ALIVE_SECONDS) from None
        except ConnectionClosed:
            return  # whoever receives is told


def _lost(closed: ConnectionClosed) -> Unanswered:
    code, words = (closed.reason.code, closed.reason.reason) if closed.reason else (_CUT_OFF, None)
    if code == _GOING_AWAY:
        return Goodbye("the runner is ending")
    return Unanswered(_CLOSINGS.get(code) or f"closed: {(words or str(code))[:_WORDS]}")


@asynccontextmanager
async def connected(address: Address, *, after: int | None, handled: Callable[[], int]) -> AsyncGenerator[Line, None]:
    """A connection that gets what came after the event `after`; with None the state, and what comes from now on.

    `handled` tells the last event that has been dealt with. Raises NoRunner, Unanswered and Refused, also out of the
    block.
    """
    failure: Exception | None = None
    try:
        async with trio.open_nursery() as nursery, await _dial(address) as wire:
            socket = await _shake_hands(nursery, wire, address, "/ws" if after is None else f"/ws?after={after}")
            line = Line(socket, address)
            nursery.start_soon(line.acknowledge, handled)
            yield line
            with trio.move_on_after(CLOSING_SECONDS):
                await socket.aclose()
            nursery.cancel_scope.cancel()
    except* ConnectionRejected as group:
        rejected = _first(group)
        failure = refusal(address, rejected.status_code, rejected.body or b"")
    except* (ProtocolError, h11.ProtocolError, UnicodeError) as group:
        # What the library stumbles over when the other end speaks something else.
        failure = strange(address, str(_first(group)))
    except* Exception as group:
        failure = _first(group)
    if failure is not None:
        raise failure


def _first(group: ExceptionGroup[Error]) -> Error:
    first: ExceptionGroup[Error] | Error = group
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first


async def _dial(address: Address) -> "_Wire":
    with trio.move_on_after(OPENING_SECONDS):
        try:
            return _Wire(await trio.open_tcp_stream(address.host, address.port))
        except OSError as error:
            # Trio's own says that all attempts failed, what it stems from says why.
            cause = error.__cause__
            first = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause
            raise absent(address, first if isinstance(first, OSError) else error) from None
    raise silent(address, OPENING_SECONDS)


async def _shake_hands(nursery: trio.Nursery, wire: "_Wire", address: Address, resource: str) -> WebSocketConnection:
    with trio.move_on_after(OPENING_SECONDS) as wire.opening:
        socket = await wrap_client_stream(
            nursery,
            wire,  # type: ignore[arg-type]  # it takes any stream
            address.authority,
            resource,
            extra_headers=address.headers,
            max_message_size=MESSAGE_BYTES,
            receive_buffer_size=_RECEIVE_BYTES,
        )
        wire.opening = None
        return socket
    if wire.complaint:
        raise Unanswered(f"{address} {wire.complaint}", hint="ask again")
    raise silent(address, OPENING_SECONDS)


class _Wire(trio.abc.Stream):
    """The connection below, which ends the opening when there is nothing to wait for: the library would wait on."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._received = 0
        self.opening: trio.CancelScope | None = None
        """While hands are shaken."""
        self.complaint = ""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # The library closes it over what it does not understand, and says nothing.
            self._complain("broke off, or speaks something else")
            raise
        if not data:
            self._complain("broke off without an answer")
        self._received += len(data)
        if self.opening is not None and self._received > OPENING_BYTES:
            self._complain("gives an answer without an end")
            return b""
        return data

    def _complain(self, words: str) -> None:
        if self.opening is not None:
            self.complaint = words
            self.opening.cancel()
