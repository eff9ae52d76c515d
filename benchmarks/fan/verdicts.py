"""What is claimed of our server, beside the original's pattern and the ceiling: each claim with the figure."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.fan.trial import Summary, share
from benchmarks.measure import Row

Results = Mapping[tuple[str, str], Summary]
"""By server and cell."""

THROUGHPUT = 4.0
CEILING = 0.8
KEEPS_UP = 0.999
"""Share of the events that a server delivers in time when it keeps up."""
COMFORTABLE = 0.6
"""Share of the ceiling up to which latencies are compared: beyond, a queue is what is measured."""
LATENCY, LATENCY_MS = 1.2, 1.0
CROWD, CROWD_MS = "100x1000", 50.0
EVICTED_MS, MOST_EVICTED_MS, MOST = 500.0, 550.0, 0.95
STALLED, STALLED_MS = 1.5, 5.0
CLIENT_KB = 50.0
MANY = 100
"""Clients from which on memory is told for each of them."""


def verdicts(results: Results) -> list[Row]:
    """Of the claims for which there are figures."""
    claims: tuple[Callable[[Results], Iterator[Row]], ...] = (
        _throughput, _near_the_ceiling, _latency, _crowd, _nothing_lost, _evicted, _undisturbed, _memory,
    )  # fmt: skip
    return [row for claim in claims for row in claim(results)]


def kept_up(results: Results, cell: str) -> bool:
    """Whether the ceiling itself delivered everything in this cell."""
    raw = results.get(("raw", cell))
    return raw is not None and raw.median("fraction") >= KEEPS_UP


def _ours(results: Results) -> Iterator[tuple[str, Summary]]:
    for (server, cell), summary in results.items():
        if server == "ours":
            yield cell, summary


def _throughput(results: Results) -> Iterator[Row]:
    ours, theirs = (results.get((server, "saturation")) for server in ("ours", "aiohttp"))
    if ours and theirs:
        ratio = ours.against(theirs, "per_second")
        yield _row(
            "deliveries at saturation, of aiohttp's", f"{ratio:.1f} ×", f"≥ {THROUGHPUT:g} ×", ratio >= THROUGHPUT
        )


def _near_the_ceiling(results: Results) -> Iterator[Row]:
    ratios = {
        cell: ours.against(results["raw", cell], "per_second")
        for cell, ours in _ours(results)
        if kept_up(results, cell)
    }
    if ratios:
        worst = min(ratios, key=lambda cell: ratios[cell])
        what = f"deliveries, of the ceiling's, where that keeps up ({len(ratios)} cells; least: {worst})"
        yield _row(what, f"{ratios[worst]:.2f} ×", f"≥ {CEILING:g} ×", ratios[worst] >= CEILING)


def _latency(results: Results) -> Iterator[Row]:
    ceiling = results.get(("raw", "saturation"))
    if ceiling is None:
        return
    limit = COMFORTABLE * ceiling.median("per_second")
    pairs = {
        cell: (ours.median("p99_ms"), LATENCY * results["aiohttp", cell].median("p99_ms") + LATENCY_MS)
        for cell, ours in _ours(results)
        if 0 < ours.cell.offered < limit and ("aiohttp", cell) in results
    }
    if pairs:
        worst = max(pairs, key=lambda cell: pairs[cell][0] / pairs[cell][1])
        found, bound = pairs[worst]
        what = f"p99 under {limit:,.0f} deliveries/s ({len(pairs)} cells; nearest to its bound: {worst})"
        words = f"≤ {LATENCY:g} × aiohttp's + {LATENCY_MS:g} ms = {bound:.1f} ms"
        yield _row(what, f"{found:.1f} ms", words, found <= bound)


def _crowd(results: Results) -> Iterator[Row]:
    crowd = results.get(("ours", CROWD))
    if crowd:
        share_of_all, p99 = crowd.worst_fraction, crowd.median("p99_ms")
        yield _row(f"delivered in {CROWD}, worst repeat", f"{share_of_all:.2%}", "all", share_of_all >= 1)
        yield _row(f"p99 in {CROWD}", f"{p99:.1f} ms", f"≤ {CROWD_MS:g} ms", p99 <= CROWD_MS)


def _nothing_lost(results: Results) -> Iterator[Row]:
    faults = {cell: ours.faults for cell, ours in _ours(results) if kept_up(results, cell)}
    if faults:
        what = f"gaps, repeats and closed connections of healthy clients ({len(faults)} cells)"
        yield _row(what, str(sum(faults.values())), "none", not any(faults.values()))


def _evicted(results: Results) -> Iterator[Row]:
    stalled = {cell: ours for cell, ours in _ours(results) if ours.cell.stalled}
    if not stalled:
        return
    resets, all_of_them = (sum(getattr(ours, name) for ours in stalled.values()) for name in ("resets", "stalled"))
    yield _row("stalled clients that were reset", f"{resets} of {all_of_them}", "all", resets == all_of_them)
    ages = sorted(age for ours in stalled.values() for age in ours.evicted_ms)
    if ages:
        most = share(ages, MOST)
        yield _row("the earliest reset", f"{ages[0]:.1f} ms", f"≥ {EVICTED_MS:g} ms", ages[0] >= EVICTED_MS)
        yield _row(f"{MOST:.0%} of the resets before", f"{most:.1f} ms", f"≤ {MOST_EVICTED_MS:g} ms",
                   most <= MOST_EVICTED_MS)  # fmt: skip


def _undisturbed(results: Results) -> Iterator[Row]:
    pairs = {
        cell: (ours.median("p99_ms"), STALLED * results["ours", without].median("p99_ms") + STALLED_MS)
        for cell, ours in _ours(results)
        if ours.cell.stalled
        and kept_up(results, cell)
        and ("ours", without := cell.removesuffix("-stalled")) in results
    }
    if pairs:
        worst = max(pairs, key=lambda cell: pairs[cell][0] / pairs[cell][1])
        found, bound = pairs[worst]
        what = f"p99 of healthy clients beside stalled ones ({len(pairs)} cells; nearest to its bound: {worst})"
        words = f"≤ {STALLED:g} × without + {STALLED_MS:g} ms = {bound:.1f} ms"
        yield _row(what, f"{found:.1f} ms", words, found <= bound)


def _memory(results: Results) -> Iterator[Row]:
    sizes = {cell: ours.median("loaded_kb") for cell, ours in _ours(results) if ours.cell.clients >= MANY}
    for kind, of_that in (("", False), (" that offers compression", True)):
        these = {cell: size for cell, size in sizes.items() if results["ours", cell].cell.offer is of_that}
        if these:
            most = max(these, key=lambda cell: these[cell])
            what = f"memory for each client{kind}, at the peak of the load (most: {most})"
            yield _row(what, f"{these[most]:.0f} KB", f"≤ {CLIENT_KB:g} KB", these[most] <= CLIENT_KB)


def _row(what: str, figure: str, bound: str, kept: bool) -> Row:
    return Row(what=what, figure=figure, bound=bound, kept=kept)
