"""Ours: the dashboard's server on Quart-Trio and Hypercorn, with its bounded outboxes.

TO BE FILLED IN: `run` starts the server on a free port of 127.0.0.1, with no limit on WebSockets below 1,000, calls
`await drive(server)` when it listens, and ends the server when that returns.
"""

import sys
from typing import Any

import trio

from benchmarks.fan.desk import Drive


class Ours:
    """Publishes through the fan-out; see `desk.Server`."""

    path = "/ws"

    def __init__(self, port: int) -> None:
        self.port = port

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        """Publish one event; wait for no more than the fan-out's own bound, patient or not."""
        raise NotImplementedError

    def evicted_ms(self) -> list[float]:
        """The age at which each slow client was reset, of the oldest event its kernel had not taken."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def read_order(self) -> str:
        return await trio.to_thread.run_sync(sys.stdin.readline)


def run(drive: Drive) -> None:
    raise NotImplementedError("the server is not there yet")
