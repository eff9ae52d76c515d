"""Many runners started at the same moment on one project: exactly one runs, all others exit 3 and name it.

    python -m tests.proof.starts [--runs N] [--runners N]

Every round has a fresh project without a state folder. The interpreters are up and wait at one pipe; its end lets
all of them go at once. The agent of the winner waits at a named pipe until the losers are gone: a loser that came
late would otherwise find the project free, and rightly run. Exit code 1 when a single process does anything else.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.proof.options import positive
from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import environment, query

HELD = 3
STORY = "1-1-one"
ROUND_SECONDS = 60.0
START = "import sys; sys.stdin.buffer.raw.read(1); from runner.__main__ import main; main()"
REFUSAL = re.compile(
    r"sprint-runner: another runner holds this project \(pid (\d+), since \d\d:\d\d\); stop that one first; .*\n"
)


@dataclass(frozen=True, slots=True)
class Round:
    """What the runners of one round did."""

    codes: Counter[int]
    seconds_to_refuse: float
    """From the start of all to the exit of the last loser."""
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a proof."""

    rounds: tuple[Round, ...]
    runners: int
    seconds: float

    @property
    def violations(self) -> int:
        return sum(len(played.wrong) for played in self.rounds)

    def figures(self) -> Iterator[str]:
        """Lines to print."""
        codes = sum((played.codes for played in self.rounds), Counter[int]())
        slowest = max(played.seconds_to_refuse for played in self.rounds)
        yield (
            f"{self.runners} runners at once, {len(self.rounds)} times: {codes[0]} ran to the end,"
            f" {codes[HELD]} were refused and named the one, {self.violations} violations"
        )
        yield f"the last of a round was refused after {slowest:.1f} s at most"
        yield f"took {self.seconds:.0f} s"


def prove(runs: int, runners: int, say: Callable[[str], None]) -> Result:
    """Play the rounds one after the other; the folder of one that went wrong stays."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="sprint-runner-starts-"))
    rounds = []
    for number in range(runs):
        place = folder / str(number)
        played = _play(place, runners)
        rounds.append(played)
        for line in played.wrong:
            say(f"VIOLATION in {place}: {line}")
        if not played.wrong:
            shutil.rmtree(place)
    result = Result(tuple(rounds), runners, time.monotonic() - began)
    if not result.violations:
        shutil.rmtree(folder)
    return result


def _play(place: Path, runners: int) -> Round:
    project = make_project(place / "project", {STORY: "review"})
    gate = place / "gate"
    os.mkfifo(gate)
    rules = [{"command": "code-review-1", "actions": [{"run": ["cat", str(gate)]}, "builtin"]}]
    scenario = write_scenario(place, rules)
    order = ("--no-server", "--project", project, "--agent", "scripted", "--scenario", scenario, "--cycles", "1")
    with _waiting(place, runners, list(map(str, order))) as (processes, let_go):
        began = time.monotonic()
        let_go()
        end = began + ROUND_SECONDS
        while sum(process.poll() is None for process in processes) > 1 and time.monotonic() < end:
            time.sleep(0.005)
        seconds = time.monotonic() - began
        _open(gate, end)
        codes = [_code(process, end) for process in processes]
    return Round(Counter(codes), seconds, tuple(_wrong(place, project, [*zip(_pids(processes), codes, strict=True)])))


@contextmanager
def _waiting(
    place: Path, runners: int, order: list[str]
) -> "Iterator[tuple[list[subprocess.Popen[bytes]], Callable[[], None]]]":
    """Interpreters that become runners when the function is called; killed at the end if they still live."""
    reader, writer = os.pipe()
    processes = []
    for number in range(runners):
        with (place / f"log-{number}").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", START, *order],
                    env=environment(),
                    stdin=reader,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                )
            )
    os.close(reader)
    try:
        yield processes, partial(os.close, writer)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _open(gate: Path, end: float) -> None:
    """Let the agent go on, as soon as it waits there."""
    while time.monotonic() < end:
        try:
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads there yet
            time.sleep(0.01)
        else:
            return


def _code(process: "subprocess.Popen[bytes]", end: float) -> int:
    try:
        return process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return -1


def _pids(processes: "list[subprocess.Popen[bytes]]") -> list[int]:
    return [process.pid for process in processes]


def _wrong(place: Path, project: Path, ends: list[tuple[int, int]]) -> Iterator[str]:
    winners = [pid for pid, code in ends if code == 0]
    if len(winners) != 1:
        yield f"{len(winners)} runners ran to the end"
    for number, (pid, code) in enumerate(ends):
        said = (place / f"log-{number}").read_text()
        if code == HELD:
            told = REFUSAL.fullmatch(said)
            if told is None or int(told[1]) not in winners:
                yield f"runner {pid} said {said!r}, the one is {winners}"
        elif code != 0:
            yield f"runner {pid} exited {code}: {said!r}"
    batches = query(project, "SELECT status FROM batches")
    if batches != [("completed",)]:
        yield f"the batches are {batches}"
    yield from violations(project)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/prove starts", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=positive, default=50, metavar="N", help="rounds")
    parser.add_argument("--runners", type=positive, default=20, metavar="N", help="runners in a round")
    given = parser.parse_args()
    result = prove(given.runs, given.runners, partial(print, flush=True))
    print(*result.figures(), sep="\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
