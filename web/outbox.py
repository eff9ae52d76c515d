"""The outbox: the one way of all bytes of a connection to its client, in order and within a time.

`push` writes at once and never waits. What the kernel does not take is kept in a queue, and a task in the
connection's nursery empties it; there is none while nothing waits. A connection that takes too long is reset: it
keeps nothing of ours and delays nobody. There are two measures of "too long":

- *paced*, for answers and replays: the writer waits for the reader, who has to take something every so often;
- *live*, for events: each has to be with the kernel within `LIVE_SECONDS` from when it happened.

A push is whole frames, so whatever is cut off is cut off with its connection.
"""

import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice

import trio

LIVE_SECONDS = 0.5
"""From when an event happened until the kernel has it; the promise of the product."""
LIVE_BYTES = 512 * 1024
"""Waiting for one live client: a reader that lags so far behind comes back with `?after`."""
REPLAY_SECONDS = 0.5
"""A replay without progress."""
ANSWER_SECONDS = 10.0
"""An answer over HTTP without progress."""
FINISHED = "finished"
"""It ended because all was said: the client is to have what was written last."""
_VECTOR = 64
"""Chunks in one write; the kernel takes up to 1024."""
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: the client sees a reset, and the kernel drops what it still holds."""

Note = Callable[[float, int], None]
"""Told that the kernel has taken so many events, and the age in seconds of the oldest."""

_Chunk = tuple[float, int, bytes | memoryview]
"""Since when, of how many events, and the bytes."""


class Outbox:
    """What waits for one client. When it ends, so does the nursery that it was given: the connection's."""

    def __init__(
        self, sock: trio.socket.SocketType, nursery: trio.Nursery, exits: trio.Semaphore | None = None
    ) -> None:
        """`exits`: how many of those who share it are dropped at a time."""
        self._sock = sock
        self._nursery = nursery
        self._exits = exits or trio.Semaphore(1)
        self._queue: deque[_Chunk] = deque()
        self._size = 0
        self._patience: float | None = ANSWER_SECONDS
        self._moved = 0.0
        self._note: Note | None = None
        self._idle: trio.Event | None = None
        """Set when nothing waits any more; None while nothing does."""
        self._waiting = trio.CancelScope()
        """Of the wait until the kernel takes more."""
        self._is_finishing = False
        self._has_said_goodbye = False
        self.heard = trio.current_time()
        """When the client said anything last."""
        self.ended = ""
        """Why nothing more is written; empty while it is."""
        self.is_stranger: bool | None = None
        """Whether another user of this machine is at the other end; None while nobody has looked."""
        self.age = 0.0
        """Seconds since the oldest undelivered event happened, when the client was dropped over it."""

    def __repr__(self) -> str:
        return f"<Outbox {self._size} B{f', {self.ended}' if self.ended else ''}>"

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._size

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._is_finishing or bool(self.ended)

    @property
    def is_live(self) -> bool:
        return self._patience is None

    def pace(self, patience: float) -> None:
        """From now on the reader sets the pace, but has to take something every `patience` seconds."""
        self._patience = patience

    def go_live(self, note: Note) -> None:
        """From now on what is pushed has to be taken within `LIVE_SECONDS`; `note` hears how long it took."""
        self._patience, self._note = None, note

    def push(self, data: bytes, born: float, events: int = 0) -> bool:
        """Write or queue; whether the kernel has all of it.

        `born` is the Trio time from which its age counts, `events` how many it tells of.
        """
        if self.ended or self._has_said_goodbye:
            return False
        taken = 0 if self._queue else self._write(data)
        if taken == len(data):
            return True
        if not self.ended:
            # Whole as it is: many clients share it, and what lags behind costs next to nothing.
            self._keep((born, events, memoryview(data)[taken:] if taken else data))
        return False

    def say_goodbye(self, close: bytes) -> None:
        """A Close frame as the last one: not even the answer to the client's own Close may follow it."""
        self.push(close, trio.current_time())
        self._has_said_goodbye = True

    def _keep(self, chunk: "_Chunk") -> None:
        if self.is_live:
            self._hurry(chunk[0])
        self._queue.append(chunk)
        self._size += len(chunk[2])
        if self._idle is None:
            self._moved, self._idle = trio.current_time(), trio.Event()
            self._nursery.start_soon(self._flush, name="outbox")
        if self.is_live and self._size > LIVE_BYTES:
            self._evict("overflow")

    def _hurry(self, born: float) -> None:
        """What waits in front of something older has to be gone as soon as that."""
        for place in range(len(self._queue) - 1, -1, -1):
            if self._queue[place][0] <= born:
                return
            self._queue[place] = (born, *self._queue[place][1:])
        if self._queue:
            self._waiting.deadline = self._deadline()

    def alongside(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Have something done for the client beside what the connection does, and no longer than that lasts."""
        self._nursery.start_soon(work, *arguments)

    async def drained(self) -> None:
        """Wait until nothing waits any more, or the connection has ended."""
        if self._idle is None:
            await trio.lowlevel.checkpoint()
        else:
            await self._idle.wait()

    async def _flush(self) -> None:
        """Hand over what waits, until nothing does or the connection has ended."""
        while self._queue:
            with trio.CancelScope(deadline=self._deadline()) as self._waiting:
                try:
                    await trio.lowlevel.wait_writable(self._sock)
                except (trio.ClosedResourceError, OSError):
                    self.end("closed")
            if self._waiting.cancelled_caught:
                # While it waited it may have become live, or have been given more time.
                if trio.current_time() >= self._deadline():
                    await self._leave()
            elif not self.ended:
                self._empty()
        self._rest()
        if self._is_finishing:
            self.end(FINISHED)

    async def _leave(self) -> None:
        """Go, when it is our turn: the ends of fifty that stalled together would hold up all others at once."""
        async with self._exits:
            if not self.ended:
                self._evict("deadline")

    def _rest(self) -> None:
        """Nothing waits: let go whoever waited for that."""
        if self._idle is not None:
            self._idle.set()
            self._idle = None

    def finish(self) -> None:
        """End it as soon as nothing waits. Does not wait itself: whoever calls may be about to be cancelled."""
        self._is_finishing = True
        if self._idle is None:
            self.end(FINISHED)

    def end(self, reason: str) -> None:
        """Write nothing more, and end the connection; the socket stays as it is."""
        if not self.ended:
            self.ended = reason
            self._queue.clear()
            self._size = 0
            self._rest()
            self._nursery.cancel_scope.cancel()

    def reset(self, reason: str) -> None:
        """End it, and the connection with it, so that the client knows at once."""
        if not self.ended:
            with suppress(OSError):  # it has closed already
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._sock.close()
            self.end(reason)

    def _deadline(self) -> float:
        """When the oldest byte has to be gone."""
        if self._patience is not None:
            return self._moved + self._patience
        return self._queue[0][0] + LIVE_SECONDS

    def _evict(self, reason: str) -> None:
        self.age = trio.current_time() - self._queue[0][0]
        self.reset(reason)

    def _write(self, data: bytes) -> int:
        """Bytes the kernel took; an error of the connection ends it."""
        try:
            return os.write(self._sock.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.end(f"write: {error.strerror}")
            return 0

    def _empty(self) -> None:
        """Write as much of the queue as the kernel takes."""
        try:
            taken = os.writev(self._sock.fileno(), [data for _, _, data in islice(self._queue, _VECTOR)])
        except BlockingIOError:
            return
        except OSError as error:
            self.end(f"write: {error.strerror}")
            return
        self._moved = trio.current_time()
        self._size -= taken
        while taken:
            born, events, data = self._queue.popleft()
            if taken < len(data):
                self._queue.appendleft((born, events, memoryview(data)[taken:]))
                return
            taken -= len(data)
            if events and self._note is not None:
                self._note(self._moved - born, events)
