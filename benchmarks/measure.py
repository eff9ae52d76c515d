"""What the benchmarks share: interleaved repeats, medians, and a row of a table.

Machines are shared and noisy: what is compared is measured in turns within one run, and medians and ratios count.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

REPEATS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured promise."""

    what: str
    figure: str
    bound: str
    kept: bool


def interleaved(*works: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Median CPU seconds of each piece of pure work; they take turns, so that noise hits all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for index, work in enumerate(works):
            began = time.thread_time()
            work()
            times[index].append(time.thread_time() - began)
    return [statistics.median(series) for series in times]


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | bound | kept |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.figure} | {row.bound} | {'yes' if row.kept else '**no**'} |" for row in rows]
    return "\n".join(lines)
