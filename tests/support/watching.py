"""Clients that watch a runner as a browser does, over trio-websocket, and keep what they were told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, wrap_client_stream

RETRY_SECONDS = 0.02
HANDSHAKE_SECONDS = 2.0


class Browser:
    """Comes back with the last `seq` it has, whatever cuts it off."""

    def __init__(self, port: int, *, after: int = 0) -> None:
        self.port = port
        self.after = after
        self.first = after + 1
        self.seqs: list[int] = []
        self.types: list[str] = []
        self.inits = 0
        self.connections = 0
        self.payloads: dict[int, object] = {}

    @property
    def last(self) -> int:
        return self.seqs[-1] if self.seqs else self.after

    def complete(self) -> bool:
        """Whether every event came once, and in order."""
        return self.seqs == list(range(self.first, self.last + 1)) and not self.inits

    async def watch(self) -> None:
        """Watch for ever."""
        while True:
            await self.watch_once()
            await trio.sleep(RETRY_SECONDS)

    async def watch_once(self) -> None:
        """One connection, to its end."""
        with _ended():
            # Opened here, and not by the library: cut off amid the handshake, it would leave the stream open.
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream, trio.open_nursery() as nursery:
                path = f"/ws?after={self.last}"
                # The library waits for ever for the answer of a server that has died.
                with trio.fail_after(HANDSHAKE_SECONDS):
                    socket = await wrap_client_stream(nursery, stream, f"127.0.0.1:{self.port}", path)
                self.connections += 1
                while True:
                    self._take(json.loads(await socket.get_message()))

    def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "init":
            self.inits += 1
        elif "seq" in message:
            self.seqs.append(int(str(message["seq"])))
            self.types.append(str(message["type"]))

    async def until(self, seq: int) -> None:
        """Return when it has come so far."""
        while self.last < seq:  # noqa: ASYNC110 - nothing announces what another task has read
            await trio.sleep(0.01)


@contextmanager
def _ended() -> Iterator[None]:
    """A connection that ends, or is not to be had, is what is tested."""
    try:
        yield
    except* (
        ConnectionClosed,
        ConnectionRejected,
        HandshakeError,
        OSError,
        trio.BrokenResourceError,
        trio.TooSlowError,
    ):
        pass
