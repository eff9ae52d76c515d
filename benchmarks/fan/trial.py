"""One trial: one server in one cell, from its start to its end."""

import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.fan.cells import SECOND_NS, Cell
from benchmarks.fan.child import Child, ChildFailed

LEAD_SECONDS = 0.05
"""From the order to the first event."""
GRACE_SECONDS = 0.4
"""After the last event was due; what comes later is not counted."""
START_SECONDS = 10
PROMPT_SECONDS = 0.5
"""A server that takes longer to answer after the end is busy; its CPU and memory are then read from outside."""


class ServerMissing(Exception):
    """A server that cannot run here at all: a package is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it."""

    delivered: int
    """Events that healthy clients read."""
    fraction: float
    """Of those that they should have read; 1 at saturation."""
    faults: int
    """Gaps, repeats and closed connections of healthy clients."""
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    """The server's, for each delivery."""
    resets: int
    """Stalled clients that saw their connection end under the load."""
    evicted_ms: Sequence[float]
    """As the server tells."""
    noticed_ms: Sequence[float]
    """As the clients saw: from when the first event was due that did not fit their own buffer."""
    connected_kb: float
    """Memory of one connected client before the load, and at its peak."""
    loaded_kb: float
    client_busy: float
    """The share of its core that the client program needed."""
    waited: float
    """The share of the time that the server or the clients were ready and their core was taken by others."""
    compressed: bool
    answered: bool
    """Else the server was too busy to answer, and its CPU and memory were read from outside."""


def cores() -> tuple[int | None, int | None]:
    """One for the server and one for the clients, when there are two."""
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else (None, None)


def try_out(server: str, cell: Cell, program: Path) -> Trial:
    """Raises ServerMissing or ChildFailed."""
    server_core, client_core = cores()
    argv = [sys.executable, "-m", "benchmarks.fan.serve", server]
    with Child(argv, core=server_core) as serving:
        serving.name = server
        started = serving.hear(START_SECONDS)
        if "missing" in started:
            raise ServerMissing(started["missing"])
        dial = [str(program), "127.0.0.1", str(started["port"]), started["path"]]
        empty = _weigh_empty(serving, [*dial, "1", "0", str(int(cell.offer))])
        with Child([*dial, *map(str, (cell.clients, cell.stalled, int(cell.offer)))], core=client_core) as clients:
            ready = clients.hear(START_SECONDS)
            serving.order("settle")
            settled = serving.hear(START_SECONDS)
            load = _Load.begin(serving, clients, cell)
            load.send(serving, clients)
            seen = clients.hear(cell.seconds + GRACE_SECONDS + START_SECONDS)
            waited = load.waited(serving, clients)
            told = load.ask(serving)
            clients.wait(PROMPT_SECONDS)
        if told["answered"]:
            serving.order("stop")
            serving.wait(PROMPT_SECONDS)
    sizes = {"before_kb": empty, "settled_kb": settled["rss_kb"]}
    return _trial(cell, {**seen, **told, **ready, **sizes, "waited_s": waited})


def _weigh_empty(serving: Child, one_client: list[str]) -> int:
    """The server's memory without clients; the first one, which pays for what all share, has come and gone."""
    with Child(one_client, core=None) as first:
        first.hear(START_SECONDS)
        first.say("0 1 0 0")
        first.hear(START_SECONDS)
        first.wait(PROMPT_SECONDS)
    serving.order("weigh")
    return serving.hear(START_SECONDS)["rss_kb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """The order to emit, and what it cost."""

    cell: Cell
    t0: int
    cpu_before: float
    waited_before: tuple[float, float]

    @classmethod
    def begin(cls, serving: Child, clients: Child, cell: Cell) -> Self:
        t0 = time.monotonic_ns() + round(LEAD_SECONDS * SECOND_NS)
        waited = serving.waited_seconds(), clients.waited_seconds()
        return cls(cell=cell, t0=t0, cpu_before=serving.cpu_seconds(), waited_before=waited)

    def send(self, serving: Child, clients: Child) -> None:
        cell = self.cell
        until = self.t0 + round(cell.seconds * SECOND_NS)
        end = until + round(GRACE_SECONDS * SECOND_NS)
        serving.order("emit", t0=self.t0, gap=cell.gap_ns, due=cell.due, until=until, end=end)
        clients.say(f"{self.t0} {end} {cell.gap_ns} {cell.due}")

    def waited(self, serving: Child, clients: Child) -> float:
        """For their cores, whichever of them waited longer."""
        before = self.waited_before
        return max(serving.waited_seconds() - before[0], clients.waited_seconds() - before[1])

    def ask(self, serving: Child) -> dict[str, Any]:
        outside = {"cpu_s": serving.cpu_seconds() - self.cpu_before, "peak_kb": serving.peak_kb(), "evicted_ms": []}
        try:
            serving.order("report")
            serving.hear(PROMPT_SECONDS)  # the number of events emitted
            return {**serving.hear(PROMPT_SECONDS), "answered": True}
        except ChildFailed as failure:
            if "ended" in str(failure):
                raise
            return {**outside, "answered": False}


def _trial(cell: Cell, found: dict[str, Any]) -> Trial:
    delivered = found["delivered"]
    seconds = max(cell.seconds, (found["last_ns"] - found["first_ns"]) / SECOND_NS)
    return Trial(
        delivered=delivered,
        fraction=delivered / (cell.due * cell.healthy) if cell.due else 1.0,
        faults=found["gaps"] + found["duplicates"] + len(found["closed_ms"]),
        per_second=delivered / seconds,
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        max_ms=found["max_ms"],
        cpu_us=found["cpu_s"] * 1e6 / max(1, delivered),
        resets=sum(age > 0 for age in found["stalled_closed_ms"]),
        evicted_ms=found["evicted_ms"],
        noticed_ms=found["stalled_closed_ms"],
        connected_kb=(found["settled_kb"] - found["before_kb"]) / cell.clients,
        loaded_kb=(found["peak_kb"] - found["before_kb"]) / cell.clients,
        client_busy=found["client_cpu_s"] / seconds,
        waited=found["waited_s"] / seconds,
        compressed=bool(found["compressed"]),
        answered=found["answered"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The repeats of one server in one cell: medians, and for what must never happen all of them."""

    cell: Cell
    trials: Sequence[Trial]

    def median(self, field: str) -> float:
        return statistics.median(getattr(trial, field) for trial in self.trials)

    def against(self, other: "Summary", field: str) -> float:
        """As a multiple of another server's: of what ran in the same turn, when every turn has both."""
        ours, theirs = ([getattr(trial, field) for trial in summary.trials] for summary in (self, other))
        if len(ours) != len(theirs):
            ours, theirs = [statistics.median(ours)], [statistics.median(theirs)]
        return statistics.median(
            mine / yours if yours > 0 else math.inf for mine, yours in zip(ours, theirs, strict=True)
        )

    @property
    def worst_fraction(self) -> float:
        return min(trial.fraction for trial in self.trials)

    @property
    def faults(self) -> int:
        return sum(trial.faults for trial in self.trials)

    @property
    def stalled(self) -> int:
        return self.cell.stalled * len(self.trials)

    @property
    def resets(self) -> int:
        return sum(trial.resets for trial in self.trials)

    @property
    def evicted_ms(self) -> list[float]:
        """Of all repeats, sorted."""
        return sorted(age for trial in self.trials for age in trial.evicted_ms)

    @property
    def noticed_ms(self) -> list[float]:
        return sorted(age for trial in self.trials for age in trial.noticed_ms)


def share(ages: Sequence[float], part: float) -> float:
    """The age that a part of the sorted ages does not exceed."""
    return ages[max(0, math.ceil(part * len(ages)) - 1)]
