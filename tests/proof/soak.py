"""Two endless sprints side by side, with kills in both, while memory and open files of the runners are measured.

    scripts/soak [--minutes N] [--seconds-between-kills N]

The *steady* runner is never killed, only its guards and agents are: what it keeps in memory, and every file it
forgets to close, adds up. The *killed* runner gets a `kill -9` instead, alone or with all its guards, and is resumed
at once. In the end both are stopped and checked. Exit code 1 when anything is wrong with what they leave, when the
memory has grown by a tenth after the first two minutes, or when the open files have.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import command, environment, query

STORIES = 3000
WARM_UP_SECONDS = 120.0
WINDOW_SECONDS = 30.0
"""The figures at both ends are medians over so long."""
MOST_GROWTH = 0.10
FILES_IN_USE = 4
"""How much the number of open files moves with the commands that run just then."""
STOP_SECONDS = 30.0
RULES = [
    {"command": "story-review-[12]", "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}]},
    {
        "command": "dev-story",
        "actions": [{"spawn": {"kind": "daemon", "seconds": 600}}, "builtin"],
    },
]


@dataclass(frozen=True, slots=True)
class Sample:
    """A runner at one moment."""

    at: float
    memory: int
    """Bytes that are resident."""
    files: int


@dataclass
class Sprint:
    """A project with a runner that runs until it is stopped."""

    folder: Path
    name: str
    runner: "subprocess.Popen[bytes]"
    samples: list[Sample] = field(default_factory=list)
    kills: int = 0
    done_before: int = 0
    """Commands that had succeeded when the present runner was started."""

    @classmethod
    def begin(cls, folder: Path, name: str) -> "Sprint":
        place = folder / name
        place.mkdir()
        keys = (f"{epic}-{number}-story" for epic in range(1, STORIES // 2 + 1) for number in (1, 2))
        make_project(place / "project", dict.fromkeys(keys, "backlog"))
        write_scenario(place, RULES)
        sprint = cls(place, name, _start(place, "--cycles", "all"))
        return sprint

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def look(self, at: float) -> None:
        """Measure the runner, if it is there."""
        try:
            with open(f"/proc/{self.runner.pid}/statm") as file:
                memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            files = len(os.listdir(f"/proc/{self.runner.pid}/fd"))
        except (OSError, IndexError):
            return
        self.samples.append(Sample(at, memory, files))

    def kill_below(self, chance: random.Random) -> None:
        """`kill -9` of a guard, or of its agent."""
        below = [pid for guard in children(self.runner.pid) for pid in (guard, *children(guard))]
        if below:
            self.kills += 1
            _kill(chance.choice(below))

    def kill_runner(self, chance: random.Random) -> None:
        """`kill -9` of the runner, perhaps with its guards; then resume.

        Not before it has done something: a slow machine would only ever see a runner that starts.
        """
        if not self.moves():
            return
        victims = [*children(self.runner.pid), self.runner.pid] if chance.random() < 0.5 else [self.runner.pid]
        for pid in victims:
            _kill(pid)
        self.kills += 1
        self.runner.wait()
        self.done_before = self.commands()
        self.runner = _start(self.folder, "--resume")

    def end(self) -> list[str]:
        """Stop, and say what is wrong with what is left."""
        self.runner.send_signal(signal.SIGTERM)
        try:
            code = self.runner.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.runner.kill()
            return [f"{self.name}: still there {STOP_SECONDS:g} s after SIGTERM"]
        wrong = violations(self.project)
        if code != 4:
            last = (self.folder / "log").read_text().splitlines()[-1:]
            wrong.append(f"ended with exit code {code}: {last}")
        return [f"{self.name}: {line}" for line in wrong]

    def moves(self) -> bool:
        """Whether the present runner has done something."""
        return self.commands() > self.done_before

    def commands(self) -> int:
        rows = query(self.project, "SELECT count(*) FROM commands WHERE status = 'success'")
        return int(str(rows[0][0])) if rows else 0


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a soak."""

    minutes: float
    commands: int
    kills: int
    memory: tuple[float, float]
    """Bytes of the steady runner after the warm-up, and at the end."""
    files: tuple[float, float]
    wrong: tuple[str, ...]

    @property
    def growth(self) -> float:
        return self.memory[1] / self.memory[0] - 1

    @property
    def holds(self) -> bool:
        return not self.wrong and self.growth < MOST_GROWTH and self.files[1] <= self.files[0] + FILES_IN_USE

    def figures(self) -> Iterator[str]:
        """Lines to print."""
        yield f"{self.minutes:g} minutes, {self.commands} commands, {self.kills} kills, {len(self.wrong)} violations"
        first, last = (memory / 2**20 for memory in self.memory)
        yield f"memory of the steady runner: {first:.1f} MB, then {last:.1f} MB ({self.growth:+.1%})"
        yield f"its open files: {self.files[0]:g}, then {self.files[1]:g}"
        yield from self.wrong


def prove(minutes: float, between_kills: float, say: Callable[[str], None]) -> Result:
    """Run both sprints for so long; their folder stays when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="sprint-runner-soak-"))
    say(f"two sprints in {folder}")
    with ExitStack() as stack:
        steady, killed = (stack.enter_context(_running(folder, name)) for name in ("steady", "killed"))
        _run(steady, killed, minutes * 60, between_kills, say)
        wrong = (*steady.end(), *killed.end())
    first, last = _windows(steady.samples, minutes * 60)
    result = Result(
        minutes=minutes,
        commands=steady.commands() + killed.commands(),
        kills=steady.kills + killed.kills,
        memory=(median(one.memory for one in first), median(one.memory for one in last)),
        files=(median(one.files for one in first), median(one.files for one in last)),
        wrong=wrong,
    )
    if result.holds:
        shutil.rmtree(folder)
    return result


def _run(steady: Sprint, killed: Sprint, seconds: float, between_kills: float, say: Callable[[str], None]) -> None:
    began, chance = time.monotonic(), random.Random(0)
    next_kill, next_word = between_kills, 60.0
    # A runner that has just been started is neither killed nor measured nor stopped: it has nothing to lose yet.
    while (at := time.monotonic() - began) < seconds or not (steady.moves() and killed.moves()):
        for sprint in (steady, killed):
            sprint.look(at)
            if sprint.runner.poll() is not None:
                raise SystemExit(f"the {sprint.name} runner has ended by itself, see {sprint.folder / 'log'}")
        if at > next_kill:
            next_kill += between_kills
            steady.kill_below(chance)
            killed.kill_runner(chance)
        if at > next_word:
            next_word += 60.0
            now = steady.samples[-1]
            say(f"{at / 60:.0f} min: {now.memory / 2**20:.1f} MB, {now.files} files, {steady.commands()} commands")
        time.sleep(1.0)


def _windows(samples: list[Sample], seconds: float) -> tuple[list[Sample], list[Sample]]:
    """The samples after the warm-up (a fifth of a short soak), and those at the end."""
    warm = min(WARM_UP_SECONDS, seconds / 5)
    window = min(WINDOW_SECONDS, seconds / 5)
    first = [one for one in samples if warm <= one.at < warm + window]
    return first, [one for one in samples if one.at >= seconds - window]


def children(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(name))
    return found


def _kill(pid: int) -> None:
    # A guard or an agent may have ended by itself since it was listed.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def _running(folder: Path, name: str) -> Iterator[Sprint]:
    sprint = Sprint.begin(folder, name)
    try:
        yield sprint
    finally:
        if sprint.runner.poll() is None:
            sprint.runner.kill()
            sprint.runner.wait()


def _start(place: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    with (place / "log").open("ab") as log:
        return subprocess.Popen(
            command(place / "project", place / "scenario.json", *arguments),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0, metavar="N", help="how long")
    parser.add_argument("--seconds-between-kills", type=float, default=30.0, metavar="N", help="from one to the next")
    given = parser.parse_args()
    result = prove(given.minutes, given.seconds_between_kills, partial(print, flush=True))
    print(*result.figures(), sep="\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main())
