"""Takes the harness's orders for a server and answers them, the same for every server whatever its event loop.

Orders and answers are JSON lines. `emit` is an open loop: event i is meant for t0 + i/M and is handed over as soon as
it is due, however late the server is; none is skipped. The server only has to have the methods of `Server`.
"""

import json
import resource
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TextIO

from benchmarks.fan.events import make_event

WARM_UP = 5
"""Events without a time, when all clients are there; they pay for what is cold, and the clients do not count them."""
WARM_UP_SECONDS = 0.02
SATURATION_TURN = 16
"""Events in a row before the server's event loop gets a turn."""
SECOND_NS = 1_000_000_000


class Server(Protocol):
    """What is compared."""

    port: int
    path: str

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        """Hand one event over for all clients.

        Patient is the saturation: come back when the server can take more, drop nobody who reads.
        """

    def evicted_ms(self) -> list[float]:
        """Age of the oldest undelivered event of every client that was thrown out."""

    async def sleep(self, seconds: float) -> None:
        """Let the event loop run, at least once."""

    async def read_order(self) -> str:
        """One line of standard input while the event loop runs; empty at its end."""


Drive = Callable[[Server], Awaitable[None]]
"""A server's `run` calls it once the server listens, and ends the server when it returns."""


class Desk:
    """One server's orders."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._seq = 0
        self._cpu_before = 0.0

    async def follow(self, server: Server) -> None:
        """The `Drive`: say where the server listens and do as told until `stop`."""
        self.answer(port=server.port, path=server.path)
        while line := await server.read_order():
            order = json.loads(line)
            match order["do"]:
                case "weigh":
                    self.answer(rss_kb=_memory_kb("VmRSS"))
                case "settle":
                    await self._warm_up(server)
                    _forget_peak()
                    self.answer(rss_kb=_memory_kb("VmRSS"))
                case "emit":
                    await self._emit(server, order)
                case "report":
                    self.answer(
                        cpu_s=_cpu_seconds() - self._cpu_before,
                        peak_kb=_memory_kb("VmHWM"),
                        evicted_ms=[round(age, 2) for age in server.evicted_ms()],
                    )
                case "stop":
                    return

    def answer(self, **fields: object) -> None:
        print(json.dumps(fields), file=self._answers, flush=True)

    async def _warm_up(self, server: Server) -> None:
        for _ in range(WARM_UP):
            await server.emit(self._event(0), patient=True)
            await server.sleep(WARM_UP_SECONDS)

    async def _emit(self, server: Server, order: Mapping[str, int]) -> None:
        self._cpu_before = _cpu_seconds()
        await server.sleep(_seconds_until(order["t0"]))
        emitted = await (self._on_time(server, order) if order["due"] else self._saturate(server, order))
        self.answer(emitted=emitted)

    async def _on_time(self, server: Server, order: Mapping[str, int]) -> int:
        """Gives the number of events emitted: all of them, unless `end` came first."""
        t0, gap, due, end = order["t0"], order["gap"], order["due"], order["end"]
        emitted = 0
        while emitted < due:
            now = time.monotonic_ns()
            while emitted < due and t0 + emitted * gap <= now:
                await server.emit(self._event(t0 + emitted * gap), patient=False)
                emitted += 1
                if time.monotonic_ns() > end:
                    return emitted
            await server.sleep(_seconds_until(t0 + emitted * gap))
        return emitted

    async def _saturate(self, server: Server, order: Mapping[str, int]) -> int:
        emitted = 0
        while (now := time.monotonic_ns()) < order["until"]:
            await server.emit(self._event(now), patient=True)
            emitted += 1
            if emitted % SATURATION_TURN == 0:
                await server.sleep(0)
        return emitted

    def _event(self, intended_ns: int) -> dict[str, Any]:
        self._seq += 1
        return make_event(self._seq, intended_ns)


def _seconds_until(monotonic_ns: int) -> float:
    return max(0, monotonic_ns - time.monotonic_ns()) / SECOND_NS


def _cpu_seconds() -> float:
    """Of all threads, in user space and in the kernel on their behalf."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory_kb(field: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))


def _forget_peak() -> None:
    """Let VmHWM begin anew, so that it tells the peak under load and not that of the start."""
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
