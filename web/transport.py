"""Hypercorn's Trio server with every byte of a connection in one outbox, so that no client can delay anybody.

Stock Hypercorn shields each send without a deadline: a browser that stops reading holds up whoever writes to it, and
the shutdown too. Here writing never waits, and nothing is shielded. What else is different: one bad connection ends
alone, HTTP/2 and compression are not offered, and the connections that have asked for nothing are few.

`serve` is for the server actor. The subclasses are held to the installed Hypercorn by `tests/web/test_hypercorn.py`.
"""

import logging
import resource
import socket
import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import h11
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Data, EndBody
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ASGIFramework, ConnectionState
from hypercorn.utils import parse_socket_addr, wrap_app

from web import frames
from web.outbox import FINISHED, Outbox

IDLE_SECONDS = 5.0
"""For a whole request head to come, also between two requests."""
MOST_IDLE = 128
"""Connections without a request; of more, the ones that have been silent longest are dropped."""
SPARE_FILES = 256
"""Descriptors that connections leave to the rest of the runner, or half of them where there are few."""
HEAD_BYTES = 64 * 1024
"""Read at most of a request's head; what is larger than it may be is refused with its own status."""
MESSAGE_BYTES = 64 * 1024
"""Longest message of a WebSocket client; a longer one is answered with 1009."""
EXITS = 20
"""Slow clients dropped at a time: the end of one takes most of a millisecond, of which events wait for a few."""
LINGER_SECONDS = 1.0
SIP_BYTES = 1024
"""Read at once of what a WebSocket client says: more than so many frames would keep everybody else waiting."""
TALK_BYTES = MESSAGE_BYTES + 16 * 1024
"""It may say so much at once..."""
TALK_RATE = 4 * 1024
"""...and so many bytes a second from there on; who says more, in messages or pings or whatever, is cut off."""
_RECEIVE_BYTES = 1 << 16
_OUR_STATE = "outbox"
_CLOSE_FRAME = b"\x88"

log = structlog.get_logger("web")


def outbox_of(state: dict[str, object]) -> Outbox:
    """The outbox of the connection, out of an ASGI scope's `state`."""
    outbox = state[_OUR_STATE]
    assert isinstance(outbox, Outbox)  # put there by Connection
    return outbox


def configuration() -> Config:
    """How Hypercorn is set up; its logs stay quiet, since the runner has its own."""
    config = Config()
    config.accesslog = config.errorlog = None
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_SECONDS
    config.h11_max_incomplete_size = HEAD_BYTES
    config.websocket_max_message_size = MESSAGE_BYTES
    return config


class PlainProtocol(H11Protocol):
    """HTTP/1.1 and WebSocket, without HTTP/2 and without compression."""

    is_closing = False
    """Whether the WebSocket has been told goodbye."""

    @property
    def is_websocket(self) -> bool:
        return isinstance(self.connection, H11WSConnection)

    @property
    def is_answering(self) -> bool:
        """Whether an answer has been begun that its application has not ended."""
        return self.stream is not None and self.connection.our_state is h11.SEND_BODY

    async def _check_protocol(self, event: h11.Request) -> None:
        """An offer to speak HTTP/2 is passed over; the request is answered as it is."""

    async def _create_stream(self, request: h11.Request) -> None:
        headers = [(name, value) for name, value in request.headers if name != b"sec-websocket-extensions"]
        plain = h11.Request(
            method=request.method, target=request.target, headers=headers, http_version=request.http_version
        )
        await super()._create_stream(plain)

    async def stream_send(self, event: StreamEvent) -> None:
        await super().stream_send(event)
        # Hypercorn says goodbye and then waits for as long as the client likes.
        if isinstance(event, Data) and event.data[:1] == _CLOSE_FRAME:
            self.is_closing = True
            self.task_group.spawn(self._end_soon)
        elif isinstance(event, EndBody) and self.is_websocket:
            # It has refused the handshake, and would keep the connection for a client that says nothing more.
            await self.send(Closed())

    async def _end_soon(self) -> None:
        await trio.sleep(LINGER_SECONDS)
        await self.send(Closed())


class Waiting:
    """Connections that have no request at the moment, the one that has been so longest first."""

    def __init__(self) -> None:
        self._order: OrderedDict[Connection, None] = OrderedDict()
        self.exits = trio.Semaphore(EXITS)
        """Shared by all connections, see Outbox."""

    def add(self, connection: "Connection") -> None:
        self._order[connection] = None
        self._order.move_to_end(connection)
        if len(self._order) > MOST_IDLE:
            self.drop()

    def drop(self) -> bool:
        """Drop the one that has been so longest; False when there is none."""
        if not self._order:
            return False
        oldest, _ = self._order.popitem(last=False)
        oldest.outbox.reset("too many wait")
        return True

    def remove(self, connection: "Connection") -> None:
        self._order.pop(connection, None)


class Connection(TCPServer):
    """One client, from its first byte to its last."""

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        waiting: Waiting,
        stream: trio.SocketStream,
    ) -> None:
        self.outbox: Outbox
        self._waiting = waiting
        self._resting = trio.CancelScope()
        self._credit: float = TALK_BYTES
        super().__init__(app, config, context, {}, stream)  # type: ignore[arg-type]  # TLS is not offered

    async def run(self) -> None:
        """Serve the client; whatever goes wrong with it concerns nobody else."""
        try:
            await self._converse()
            if self.outbox.ended == FINISHED:
                await self._linger()
        except* (OSError, h11.LocalProtocolError):
            pass  # it has gone, maybe in the middle of an answer
        except* Exception as group:
            log.warning("a connection was dropped", reason=repr(group.exceptions)[:500])
        finally:
            self._waiting.remove(self)
            self.outbox.end("left")
            self.stream.socket.close()

    async def _linger(self) -> None:
        """Hear a client out that still sends: closing over unread bytes would take our last answer from it."""
        self.stream.socket.shutdown(socket.SHUT_WR)
        with trio.move_on_after(LINGER_SECONDS):
            while await self.stream.socket.recv(_RECEIVE_BYTES):
                pass

    async def _converse(self) -> None:
        sock = self.stream.socket
        async with trio.open_nursery() as nursery:
            # Stock Hypercorn opens the nursery in its group, and passes on the Cancelled that was the nursery's own.
            group = self._task_group = TaskGroup()
            group._nursery = nursery
            # It cancels the nursery when it ends: whoever is dropped may have a reader that waits for its app.
            self.outbox = Outbox(sock, nursery, self._waiting.exits)
            client = parse_socket_addr(sock.family, sock.getpeername())
            server = parse_socket_addr(sock.family, sock.getsockname())
            self.protocol = PlainProtocol(  # type: ignore[assignment]  # what stock Hypercorn wraps for HTTP/2
                *(self.app, self.config, self.context, group, ConnectionState({_OUR_STATE: self.outbox})),
                *(False, client, server, self.protocol_send),
            )
            self._rest()
            await self._read_data()

    async def protocol_send(self, event: Event) -> None:
        """What Hypercorn has for the client, or notes of it."""
        match event:
            case RawData(data=data):
                self.outbox.push(data, trio.current_time())
                if not self.outbox.is_live:
                    await self.outbox.drained()
            case Closed():
                # Of a request that nonsense follows; its answer is being written, and ends the connection then.
                if not (isinstance(self.protocol, PlainProtocol) and self.protocol.is_answering):
                    self.outbox.finish()
            case Updated(idle=True):
                self._rest()
            case Updated():
                self._resting.cancel()
                self._waiting.remove(self)

    def _rest(self) -> None:
        """No request is under way. Waits for nothing: whoever tells of it may be about to be cancelled."""
        self._waiting.add(self)
        self._resting = trio.CancelScope()
        self._task_group.spawn(self._end_when_idle, self._resting)

    async def _read_data(self) -> None:
        while True:
            talks = isinstance(self.protocol, PlainProtocol) and self.protocol.is_websocket
            try:
                data = await self.stream.receive_some(SIP_BYTES if talks else _RECEIVE_BYTES)
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                break
            silence, self.outbox.heard = trio.current_time() - self.outbox.heard, trio.current_time()
            await self.protocol.handle(RawData(bytes(data)))
            if not data:
                break
            if talks:
                self._credit = min(TALK_BYTES, self._credit + silence * TALK_RATE) - len(data)
                if self._credit < 0:
                    self._cut_off()
                    break
        await self.protocol.handle(Closed())

    def _cut_off(self) -> None:
        if isinstance(self.protocol, PlainProtocol) and not self.protocol.is_closing:
            self.outbox.say_goodbye(frames.close(frames.POLICY, "too much was said"))
        self.outbox.finish()

    async def _end_when_idle(self, resting: trio.CancelScope) -> None:
        with resting:
            await trio.sleep(self.config.keep_alive_timeout)
            self.outbox.end("idle")


def most_connections() -> int:
    """How many there may be at the same time, by how many files this process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files - min(SPARE_FILES, files // 2)


async def serve(
    app: ASGIFramework,
    sockets: Sequence[socket.socket],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on sockets that listen until cancelled; whatever the clients do, it is over at once then."""
    # Trio tells of every connection that it has no descriptor for, with a traceback and through any display.
    logging.getLogger("trio.serve_listeners").setLevel(logging.CRITICAL)
    config = configuration()
    wrapped = wrap_app(app, config.wsgi_max_body_size, "asgi")
    context, waiting = WorkerContext(None), Waiting()
    lifespan = Lifespan(wrapped, config, {})
    async with trio.open_nursery() as whole:
        await whole.start(lifespan.handle_lifespan)
        await lifespan.wait_for_startup()
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(sock.dup())) for sock in sockets]

        most, here = most_connections(), set[trio.SocketStream]()

        async def converse(stream: trio.SocketStream) -> None:
            if len(here) >= most and not waiting.drop():
                # Agents and the database need descriptors too: no client may take the last ones.
                stream.socket.close()
                return
            here.add(stream)
            try:
                await Connection(wrapped, config, context, waiting, stream).run()
            finally:
                here.remove(stream)

        await whole.start(partial(trio.serve_listeners, converse, listeners, handler_nursery=whole))
        task_status.started()
