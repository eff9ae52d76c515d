"""The tables of the fan-out benchmark, in columns or as Markdown."""

from collections.abc import Sequence

from benchmarks.fan.trial import Summary, share
from benchmarks.fan.verdicts import MANY, Results

MEASURED = (
    "cell", "server", "delivered", "p50 ms", "p99 ms", "max ms", "deliveries/s", "CPU µs/delivery", "stalled reset",
    "their age, ms: min/median/p95/max", "KB/client",
)  # fmt: skip
RATIOS = ("cell", "p50", "p99", "deliveries/s", "CPU/delivery", "KB/client")
COMPARED = ("p50_ms", "p99_ms", "per_second", "cpu_us", "loaded_kb")
NOTHING = "–"


def measured(results: Results) -> list[Sequence[str]]:
    """A row for every server in every cell."""
    return [(cell, server, *_figures(summary)) for (server, cell), summary in results.items()]


def _figures(summary: Summary) -> Sequence[str]:
    cell = summary.cell
    ages = summary.evicted_ms
    return (
        f"{summary.median('fraction'):.1%}" if cell.due else NOTHING,
        *(f"{summary.median(field):.1f}" for field in ("p50_ms", "p99_ms", "max_ms")),
        f"{summary.median('per_second'):,.0f}",
        f"{summary.median('cpu_us'):.1f}",
        f"{summary.resets}/{summary.stalled}" if cell.stalled else NOTHING,
        "/".join(f"{age:.0f}" for age in (ages[0], share(ages, 0.5), share(ages, 0.95), ages[-1]))
        if ages
        else NOTHING,
        f"{summary.median('loaded_kb'):.0f}" if cell.clients >= MANY else NOTHING,
    )


def ratios(results: Results, other: str) -> list[Sequence[str]]:
    """Ours as multiples of another server's, in the cells that both have."""
    rows: list[Sequence[str]] = []
    for (server, cell), theirs in results.items():
        ours = results.get(("ours", cell))
        if server != other or ours is None:
            continue
        figures = [f"{ours.against(theirs, field):.2f} ×" if _means_something(field, ours) else NOTHING
                   for field in COMPARED]  # fmt: skip
        rows.append((cell, *figures))
    return rows


def _means_something(field: str, ours: Summary) -> bool:
    """At saturation latency tells how far a server runs ahead, and with one client memory is mostly chance."""
    if field.endswith("_ms"):
        return ours.cell.per_second > 0
    return field != "loaded_kb" or ours.cell.clients >= MANY


def render(heads: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    if markdown:
        lines = [heads, ["---"] * len(heads), *rows]
        return (
            "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")
        )
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in (heads, *rows))
