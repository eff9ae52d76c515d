"""`python -m benchmarks.fanout`: one stream of events to many browsers, ours beside others, with the same clients.

Ours against the original's pattern (aiohttp, a gather per event), the `websockets` package's broadcast, and the
ceiling: plain writes to plain sockets. Every trial is a fresh server on one core and the compiled clients on another;
the servers take turns, and medians count. Takes about a quarter of an hour on a quiet machine, `--quick` one or two
minutes. Where others work too, `--undisturbed` takes a trial again that had to share its cores.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fan.cells import CELLS, QUICK, SATURATION, Cell
from benchmarks.fan.child import ChildFailed, compile_client
from benchmarks.fan.tables import MEASURED, RATIOS, measured, ratios, render
from benchmarks.fan.trial import ServerMissing, Summary, Trial, cores, try_out
from benchmarks.fan.verdicts import Results, verdicts
from benchmarks.measure import table

SERVERS = ("ours", "aiohttp", "websockets", "raw")
REPEATS = 5
DISTURBED = 0.1
"""Share of a trial's time in which a core was taken by others."""
TURNS = 3
"""For an undisturbed trial; the least disturbed one counts."""
BUSY = 0.9
"""Share of its core from which on the client program may be what is measured."""


class Run:
    """Takes the trials in turns and keeps what came of them."""

    def __init__(self, program: Path, *, turns: int) -> None:
        self._program = program
        self._turns = turns
        self.trials: dict[tuple[str, str], list[Trial]] = {}
        self.notes: list[str] = []
        self._missing: set[str] = set()

    def measure(self, servers: Sequence[str], cells: Sequence[Cell], repeats: int) -> Results:
        began = time.monotonic()
        for repeat in range(repeats):
            for cell in cells:
                for server in servers:
                    seconds = time.monotonic() - began
                    print(f"[{seconds:.0f} s] {repeat + 1}/{repeats} {cell.name} {server}", file=sys.stderr)
                    self._try(server, cell)
        return {
            (server, cell.name): Summary(cell=cell, trials=trials)
            for cell in cells
            for server in servers
            if (trials := self.trials.get((server, cell.name)))
        }

    def _try(self, server: str, cell: Cell) -> None:
        if server in self._missing:
            return
        try:
            self.trials.setdefault((server, cell.name), []).append(self._take(server, cell))
        except ServerMissing as missing:
            self._missing.add(server)
            self.notes.append(f"{server} is left out: {missing}")
        except ChildFailed as failure:
            self.notes.append(f"{server} failed in {cell.name}: {failure}")

    def _take(self, server: str, cell: Cell) -> Trial:
        trials: list[Trial] = []
        while len(trials) < self._turns and all(trial.waited > DISTURBED for trial in trials):
            trials.append(try_out(server, cell, self._program))
        return min(trials, key=lambda trial: trial.waited)

    def check_client(self) -> None:
        """How much the clients can read, from a server that packs many events into each write."""
        flood = try_out("flood", SATURATION, self._program)
        self.notes.append(f"the clients read {flood.per_second:,.0f} frames/s when they come 64 at a time")

    def note_conditions(self, results: Results) -> None:
        name, busiest = max(
            ((f"{server} in {cell}", summary.median("client_busy")) for (server, cell), summary in results.items()),
            key=lambda found: found[1],
        )
        doubt = ": they may be what is measured there" if busiest > BUSY else ""
        self.notes.append(f"the clients needed {busiest:.0%} of their core at most ({name}){doubt}")
        waits = sorted(trial.waited for trials in self.trials.values() for trial in trials)
        median, most = statistics.median(waits), waits[-1]
        self.notes.append(f"of a trial, {median:.0%} passed waiting for a core that others had (at most {most:.0%})")
        late = [
            f"{server} in {cell}"
            for (server, cell), summary in results.items()
            if not all(trial.answered for trial in summary.trials)
        ]
        if late:
            self.notes.append(f"too busy to answer at the end, measured from outside: {', '.join(late)}")


def main() -> int:
    arguments = _arguments()
    cells = [cell for cell in CELLS if not arguments.only or cell.name in arguments.only]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(compile_client(Path(folder)), turns=TURNS if arguments.undisturbed else 1)
        if cores() == (None, None):
            run.notes.append("there is one core only: the server and the clients share it")
        run.check_client()
        results = run.measure(arguments.servers, cells, arguments.repeats)
    if not results:
        sys.exit("\n".join(run.notes))
    run.note_conditions(results)
    if arguments.json:
        _write(arguments.json, run)
    kept = _print(results, run.notes, markdown=arguments.markdown)
    whole = "ours" not in arguments.servers or all(("ours", cell.name) in results for cell in cells)
    return 0 if kept and whole else 1


def _print(results: Results, notes: Sequence[str], *, markdown: bool) -> bool:
    """Whether all claims hold."""
    print(render(MEASURED, measured(results), markdown=markdown))
    for other in ("aiohttp", "raw"):
        if rows := ratios(results, other):
            print(f"\nOurs, as multiples of {other}:\n")
            print(render(RATIOS, rows, markdown=markdown))
    rows = verdicts(results)
    if rows:
        print(f"\n{table(rows)}")
    for note in notes:
        print(f"\nNote: {note}.")
    return all(row.kept for row in rows)


def _write(path: Path, run: Run) -> None:
    """Every trial, for a closer look."""
    found = {f"{cell} {server}": [asdict(trial) for trial in trials] for (server, cell), trials in run.trials.items()}
    path.write_text(json.dumps({"notes": run.notes, "trials": found}, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--quick", action="store_true", help="one repeat of a few cells")
    parser.add_argument("--only", metavar="CELL,...", help=f"of {', '.join(cell.name for cell in CELLS)}")
    parser.add_argument("--servers", metavar="NAME,...", default=",".join(SERVERS), help="default: %(default)s")
    parser.add_argument("--repeats", type=int, help=f"default: {REPEATS}, or 1 with --quick")
    parser.add_argument("--undisturbed", action="store_true", help=f"up to {TURNS} turns for a trial on busy cores")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial to a file")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",") if arguments.only else list(QUICK) if arguments.quick else []
    arguments.servers = arguments.servers.split(",")
    arguments.repeats = arguments.repeats or (1 if arguments.quick else REPEATS)
    for name in arguments.only:
        if name not in {cell.name for cell in CELLS}:
            parser.error(f"there is no cell {name}")
    for name in arguments.servers:
        if name not in SERVERS:
            parser.error(f"there is no server {name}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
