"""Every kind of process that an agent can leave, against every way in which its command can end: nothing survives.

    python -m tests.proof.orphans [--runs N] [--isolation MODE]

In one run an agent has children of all ten kinds; then the runner is stopped, hung up on or killed, or its guard is,
or both. Two seconds after the runner has gone (after the start of the next one, where both were killed) nothing may
be alive: looked for by a mark in the command line, which owes nothing to the runner, and by the runner's own tag.
Where the real Claude CLI is at hand, the children of its Bash tool are rows of their own. Exit code 1 when anything
survives.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol, get_args

from runner.agents.scripted_strays import SpawnKind
from runner.guard import tags
from runner.guard.probe import ISOLATIONS
from runner.guard.receipt import GUARD_SCRIPT, await_guard
from tests.proof import census
from tests.proof.options import positive
from tests.proof.terminal import hang_up, on_a_terminal
from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import command, environment, query, started, wait_until

KINDS: tuple[str, ...] = get_args(SpawnKind)
RUNS = 20
AFTER_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
STORY = "1-1-one"
TAGGED, GUARD = "anything tagged", "the guard"


class Way(StrEnum):
    """How the command ends."""

    GRACEFUL = "graceful stop"
    SIGTERM = "SIGTERM"
    SIGHUP = "SIGHUP"
    TERMINAL = "terminal closed"
    RUNNER = "kill -9 runner"
    GUARD = "kill -9 guard"
    BOTH = "kill -9 both"


EXIT_CODES = {Way.RUNNER: -signal.SIGKILL, Way.BOTH: -signal.SIGKILL, Way.GUARD: 0}
STOPPED = 4


class Scene(Protocol):
    """A project in which an agent has children, and the means to run it."""

    project: Path
    marks: Mapping[str, str]
    """By row of the table: what stands in the command lines of these processes and nowhere else."""

    def started(self, *options: str, terminal: bool = False) -> AbstractContextManager["subprocess.Popen[str]"]:
        """A runner on the project."""

    def let_go(self) -> None:
        """Have the agent end by itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    way: Way
    rows: tuple[str, ...]
    survivors: frozenset[str]
    """The rows of which something was alive at the end of the two seconds."""
    seconds: float | None
    """Until nothing was alive; None: something was all the time."""
    wrong: tuple[str, ...]


@dataclass(slots=True)
class Result:
    """The figures of a proof."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not any(outcome.survivors or outcome.wrong for outcome in self.outcomes)

    def figures(self) -> Iterator[str]:
        """The table: survivors of each row in each way, and how long it took until nothing was there."""
        ways = [way for way in Way if any(outcome.way is way for outcome in self.outcomes)]
        yield " ".join((f"{'':20}", *(f"{way:>15}" for way in ways)))
        runs = Counter((row, outcome.way) for outcome in self.outcomes for row in outcome.rows)
        alive = Counter((row, outcome.way) for outcome in self.outcomes for row in outcome.survivors)
        for row in dict.fromkeys(row for outcome in self.outcomes for row in outcome.rows):
            cells = (f"{alive[row, way]}/{runs[row, way]}" if runs[row, way] else "" for way in ways)
            yield " ".join((f"{row:20}", *(f"{cell:>15}" for cell in cells)))
        for name, figure in (("seconds, median", statistics.median), ("seconds, longest", max)):
            yield " ".join((f"{name:20}", *(f"{self._figure(way, figure):>15}" for way in ways)))
        yield from dict.fromkeys(
            f"WRONG after {outcome.way}: {line}" for outcome in self.outcomes for line in outcome.wrong
        )
        yield f"{sum(alive.values())} survivors in {len(self.outcomes)} runs"

    def _figure(self, way: Way, figure: Callable[[Sequence[float]], float]) -> str:
        times = [one.seconds if one.seconds is not None else float("inf") for one in self.outcomes if one.way is way]
        return f"{figure(times):.2f}"


class Scripted:
    """A scripted agent that starts one process of each kind, then waits."""

    def __init__(self, folder: Path, isolation: str = "auto") -> None:
        self.project = make_project(folder / "project", {STORY: "in-progress"})
        self.marks = make_marks(KINDS)
        self._gate = folder / "gate"
        os.mkfifo(self._gate)
        self._isolation = {"SPRINT_RUNNER_ISOLATION": isolation}
        strays = [{"spawn": {"kind": kind, "seconds": float(mark)}} for kind, mark in self.marks.items()]
        actions = [*strays, {"run": ["cat", str(self._gate)]}, "builtin"]
        self._scenario = write_scenario(folder, [{"command": "dev-story", "attempt": "1", "actions": actions}])

    def started(self, *options: str, terminal: bool = False) -> AbstractContextManager["subprocess.Popen[str]"]:
        if terminal:
            return on_a_terminal(command(self.project, self._scenario, *options), environment(**self._isolation))
        return started(self.project, self._scenario, *options, **self._isolation)

    def let_go(self) -> None:
        self._gate.write_text("")


def make_marks(names: Sequence[str]) -> dict[str, str]:
    """A number for each name, in seconds, that no other process has in its command line."""
    stamp = random.SystemRandom().randrange(10**7, 10**8) * 10 + 7
    return {name: f"{600 + number}.{stamp}" for number, name in enumerate(names)}


def prove(
    runs: int, say: Callable[[str], None], *, isolation: str = "auto", ways: Sequence[Way] = tuple(Way)
) -> Result:
    """Run the matrix with the scripted agent so many times."""
    result = Result()
    for way in ways:
        for _ in range(runs):
            with tempfile.TemporaryDirectory(prefix="sprint-runner-orphans-") as folder:
                result.outcomes.append(run(Scripted(Path(folder), isolation), way))
        say(f"{way}: {runs} runs, {_survivors(result, way)} survivors")
    return result


def _survivors(result: Result, way: Way) -> int:
    return sum(len(outcome.survivors) for outcome in result.outcomes if outcome.way is way)


def run(scene: Scene, way: Way) -> Outcome:
    """One run, from its start to its end in this way; nothing is left when this comes back, whatever happened."""
    try:
        with scene.started("--cycles", "1", terminal=way is Way.TERMINAL) as runner:
            _grow(scene, runner)
            ((tag, run_id),) = query(scene.project, "SELECT tag, run_id FROM commands WHERE status = 'running'")
            watch = _Watch(scene.marks, int(str(tag)), scene.project / ".sprint-runner" / "runs" / str(run_id))
            began = _end(scene, way, runner)
            if way is not Way.BOTH:
                return watch.outcome(way, began, partial(_faults, scene, way, runner))
        with scene.started("--resume") as runner:
            return watch.outcome(way, time.monotonic(), partial(_faults, scene, way, runner))
    finally:
        census.end(scene.marks)


def _grow(scene: Scene, runner: "subprocess.Popen[str]") -> None:
    """Return when each process has been seen: the re-forker is there only now and then."""
    seen: set[str] = set()

    def is_complete() -> bool:
        seen.update(census.alive(scene.marks))
        return seen == set(scene.marks) or runner.poll() is not None

    wait_until(is_complete, seconds=PATIENCE_SECONDS)
    assert runner.poll() is None, f"the runner ended early: {runner.communicate()}"


def _end(scene: Scene, way: Way, runner: "subprocess.Popen[str]") -> float:
    """End the command in this way; the moment from which on none of its processes may be there for long."""
    match way:
        case Way.GRACEFUL:
            runner.send_signal(signal.SIGINT)
            stopping = "SELECT id FROM events WHERE event_type = 'batch:state' AND payload_json LIKE '%stopping%'"
            wait_until(lambda: bool(query(scene.project, stopping)))
            scene.let_go()
        case Way.SIGTERM | Way.SIGHUP:
            runner.send_signal(signal.Signals[way.name])
        case Way.TERMINAL:
            hang_up(runner)
        case Way.RUNNER:
            runner.kill()
        case Way.GUARD:
            _kill_guard(runner.pid)
            return time.monotonic()
        case Way.BOTH:
            runner.send_signal(signal.SIGSTOP)  # it would see to the rest in the instant between
            _kill_guard(runner.pid)
            runner.kill()
    runner.wait(PATIENCE_SECONDS)
    return time.monotonic()


def _kill_guard(runner: int) -> None:
    (guard,) = [pid for pid, words in census.children(runner) if os.fsencode(GUARD_SCRIPT) in words]
    os.kill(guard, signal.SIGKILL)


def _faults(scene: Scene, way: Way, runner: "subprocess.Popen[str]") -> Iterator[str]:
    """What else is wrong after the end."""
    wanted = 0 if way is Way.BOTH else EXIT_CODES.get(way, STOPPED)
    code = runner.wait(PATIENCE_SECONDS)
    if code != wanted:
        yield f"the runner's exit code is {code}, not {wanted}"
    if way is not Way.RUNNER:
        yield from violations(scene.project)
    if way is Way.GRACEFUL and isinstance(scene, Scripted):
        told = "SELECT payload_json FROM events WHERE event_type = 'batch:warning' AND payload_json LIKE ?"
        if len(query(scene.project, told, '%"leftovers"%')) != 1:
            yield "the operator was not told of the leftovers once"


@dataclass(frozen=True, slots=True)
class _Watch:
    """What is looked for after the end of a command."""

    marks: Mapping[str, str]
    tag: int
    folder: Path

    def outcome(self, way: Way, began: float, faults: Callable[[], Iterator[str]]) -> Outcome:
        """Look for two seconds, then once more for the verdict."""
        emptied: float | None = None
        while time.monotonic() < began + AFTER_SECONDS:
            looked = time.monotonic()
            if self._alive():
                emptied = None
            elif emptied is None:
                emptied = looked - began
            time.sleep(0.01)
        survivors = frozenset(row for _ in range(3) for row in self._alive())
        rows = (*self.marks, TAGGED, GUARD)
        return Outcome(way, rows, survivors, emptied, tuple(faults()))

    def _alive(self) -> set[str]:
        found = set(census.alive(self.marks))
        if tags.tagged(self.tag):
            found.add(TAGGED)
        if not await_guard(self.folder, 0):
            found.add(GUARD)
        return found


def main() -> int:
    """The command line."""
    from tests.proof.orphans_claude import prove_claude

    parser = argparse.ArgumentParser(prog="scripts/prove orphans", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=positive, default=RUNS, metavar="N", help="of each way")
    parser.add_argument(
        "--isolation",
        default="auto",
        choices=("auto", "guard", *ISOLATIONS),
        help="the setting that the runners have",
    )
    given = parser.parse_args()
    say = partial(print, flush=True)
    results = [prove(given.runs, say, isolation=given.isolation), prove_claude(given.runs, say)]
    for result in results:
        if result.outcomes:
            print(*result.figures(), sep="\n")
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
