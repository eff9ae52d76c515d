"""The gate every command passes before it starts: it holds while the batch pauses, and turns back when it stops.

The batch actor owns it and sets it; story, command and review actors wait at it. It knows how many commands are
inside, so "pausing" becomes "paused" at the instant the last one has come out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import trio


class Stop(IntEnum):
    """How soon a stop takes effect; later values wait for more."""

    NOW = 0
    COMMAND = 1
    STORY = 2
    CYCLE = 3


class Gate:
    """Open, held or closing; see the module's text."""

    def __init__(self) -> None:
        self._changed = trio.Event()
        self._stop: Stop | None = None
        self._held = False
        self._inside = 0

    @property
    def stopping(self) -> Stop | None:
        return self._stop

    @property
    def held(self) -> bool:
        return self._held

    @property
    def inside(self) -> int:
        """Commands that run."""
        return self._inside

    def stop(self, when: Stop) -> None:
        """Close; a second stop may only be sooner than the first."""
        self._stop = when if self._stop is None else min(self._stop, when)
        self._announce()

    def hold(self) -> None:
        self._held = True
        self._announce()

    def release(self) -> None:
        self._held = False
        self._announce()

    def closed(self, boundary: Stop = Stop.COMMAND) -> bool:
        """Whether a stop takes effect at this boundary: between commands, stories or cycles."""
        return self._stop is not None and self._stop <= boundary

    async def admit(self, boundary: Stop = Stop.COMMAND) -> bool:
        """Wait while held; False when the batch stops at this boundary, or stops at all while it is held.

        What waits at a held gate is let through by nobody: a stop must not send it on to reach a later boundary.
        """
        await trio.lowlevel.checkpoint()
        while self._held and self._stop is None:
            await self._changed.wait()
        return not self._held and not self.closed(boundary)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until a stop is asked for."""
        with trio.move_on_after(seconds):
            while not self.closed():
                await self._changed.wait()

    async def change(self) -> None:
        """Wait for any change: of the order to stop or hold, or of the number inside."""
        await self._changed.wait()

    @contextmanager
    def running(self) -> Iterator[None]:
        """A command is inside for the length of the block."""
        self._inside += 1
        self._announce()
        try:
            yield
        finally:
            self._inside -= 1
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
