"""The panorama: what goes on and how the runner does, as one message for whoever watches.

It is made once for all watchers, at most once a second, and not at all while nobody watches.
"""

from collections.abc import Awaitable, Callable

import msgspec
import trio

from runner.domain.overview import Overview
from web.metrics import Sample

EVERY_SECONDS = 1.0
# A watcher that comes just before the next one is due need not wait for it.
_FRESH_SECONDS = EVERY_SECONDS * 0.8


class HealthFigures(msgspec.Struct, frozen=True):
    """How the runner itself does. Times in milliseconds, sizes in bytes."""

    loop_lag_ms: float
    commit_delay_ms: float
    client_lag: int
    queued_bytes: int
    longest_bytes: int
    worst_eviction_ms: float
    database_bytes: int
    memory_bytes: int


class Seen(msgspec.Struct, frozen=True):
    """The payload of a message of type `overview`."""

    overview: Overview
    health: HealthFigures


class Panorama:
    """Shared by the watchers."""

    def __init__(self, sample: Callable[[], Awaitable[Sample]]) -> None:
        self._sample = sample
        self._lock = trio.Lock()
        self._message = b""
        self._at = -EVERY_SECONDS

    async def message(self) -> bytes:
        """What can be seen now; the same object as before while nothing has changed. Raises DatabaseError."""
        async with self._lock:
            if trio.current_time() - self._at >= _FRESH_SECONDS:
                sample = await self._sample()
                payload = Seen(overview=sample.overview, health=_figures(sample))
                message = msgspec.json.encode({"type": "overview", "payload": payload})
                if message != self._message:
                    self._message = message
                self._at = trio.current_time()
            return self._message


def _figures(sample: Sample) -> HealthFigures:
    return HealthFigures(
        loop_lag_ms=round(sample.loop_lag * 1000, 1),
        commit_delay_ms=round(sample.commit_delay * 1000, 1),
        client_lag=sample.client_lag,
        queued_bytes=sample.queued_bytes,
        longest_bytes=sample.longest_bytes,
        worst_eviction_ms=round(sample.worst_eviction * 1000, 1),
        database_bytes=sample.database_bytes,
        memory_bytes=sample.memory_bytes,
    )
