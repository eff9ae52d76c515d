"""`kill -9` at every crash point of a short sprint, then at random moments; the resumed sprints are checked.

    python -m tests.proof.kills [--every N] [--random KILLS] [--workers N] [--short]

A point is one side of a commit, a rename or a spawn, in the runner or in one of its guards; an undisturbed run says
how many there are. Each is a case of its own: a fresh project, a run that is killed there, alone or together with
all its guards, and a resume that has to end as the undisturbed run did. One case in three is killed a second time,
at a point of the resume. Exit code 1 when anything at all is wrong.
"""

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.proof.lives import SHORT, WHOLE, Sprint, load_the_runner
from tests.proof.options import positive
from tests.support.trap import passed_points

VICTIMS = ("runner", "both")
KILLS_IN_A_SPRINT = 5
SOONEST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """Where a sprint is killed: by the number of the point in each life, or by moments drawn from a seed."""

    number: int
    victims: str
    points: tuple[int, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case."""

    case: Case
    kills: int
    lives: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a proof."""

    points: Counter[str]
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def violations(self) -> int:
        return sum(len(outcome.wrong) for outcome in self.outcomes)

    def figures(self) -> Iterator[str]:
        """Lines to print."""
        yield f"crash points of an undisturbed run: {sum(self.points.values())}"
        for kind in ("each point", "random moments"):
            for victims in VICTIMS:
                chosen = [
                    outcome
                    for outcome in self.outcomes
                    if outcome.case.victims == victims and (outcome.case.seed is None) == (kind == "each point")
                ]
                if chosen:
                    who = "the runner" if victims == "runner" else "runner and guards"
                    kills, lives = (sum(getattr(one, name) for one in chosen) for name in ("kills", "lives"))
                    wrong = sum(len(one.wrong) for one in chosen)
                    yield (
                        f"{kind}, kill -9 of {who}: {len(chosen)} sprints, {kills} kills, {lives} lives,"
                        f" {wrong} violations"
                    )
        yield f"took {self.seconds:.0f} s"


def prove(
    every: int, random_kills: int, workers: int, say: Callable[[str], None], stories: Mapping[str, str] = WHOLE
) -> Result:
    """Run the cases, several at once, each in a folder of its own that stays when something is wrong."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="sprint-runner-kills-"))
    load_the_runner()
    undisturbed = Sprint.make(folder / "undisturbed", stories)
    undisturbed.live()
    points = passed_points(undisturbed.trace)
    if wrong := undisturbed.end():
        raise SystemExit(f"the undisturbed run is wrong already: {wrong}")
    cases = [*_at_each_point(sum(points.values()), every), *_at_random(random_kills)]
    say(f"{sum(points.values())} points, {len(cases)} sprints in {folder}")
    outcomes = []
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        work = partial(_run, folder, stories, undisturbed.successes())
        for outcome in pool.imap_unordered(work, cases):
            outcomes.append(outcome)
            for line in outcome.wrong:
                say(f"VIOLATION in {_place(folder, outcome.case)} {outcome.case}: {line}")
            if len(outcomes) % 100 == 0:
                say(f"{len(outcomes)} of {len(cases)} sprints, {time.monotonic() - began:.0f} s")
    result = Result(points, tuple(outcomes), time.monotonic() - began)
    if not result.violations:
        shutil.rmtree(folder)
    return result


def _at_each_point(points: int, every: int) -> Iterator[Case]:
    """All of them with both victims; or one of `every`, with one or the other in turn."""
    for point in range(every, points + 1, every):
        turn = point // every
        again = (1 + point % 40,) if turn % 3 == 0 else ()
        for victims in VICTIMS if every == 1 else (VICTIMS[turn % 2],):
            yield Case(point, victims, (point, *again))


def _at_random(kills: int) -> Iterator[Case]:
    for seed in range(-(-kills // KILLS_IN_A_SPRINT)):
        yield Case(100_000 + seed, VICTIMS[seed % 2], seed=seed)


def _run(folder: Path, stories: Mapping[str, str], wanted: Sequence[str], case: Case) -> Outcome:
    sprint = Sprint.make(_place(folder, case), stories)
    kills = _kill_at_points(sprint, case) if case.seed is None else _kill_at_random(sprint, case, case.seed)
    wrong = sprint.end()
    if not wrong and sprint.successes() != sorted(wanted):
        wrong = [f"other steps than undisturbed: {sorted(set(wanted) ^ set(sprint.successes()))}"]
    if not wrong:
        shutil.rmtree(sprint.folder)
    return Outcome(case, kills, sprint.lives, tuple(wrong))


def _kill_at_points(sprint: Sprint, case: Case) -> int:
    return sum(sprint.live(at=point, victims=case.victims) for point in case.points)


def _kill_at_random(sprint: Sprint, case: Case, seed: int) -> int:
    """Kill after random times until there were enough kills, or the sprint has got to its end between them."""
    chance, kills = random.Random(seed), 0
    while kills < KILLS_IN_A_SPRINT and sprint.order() is not None:
        seconds = SOONEST_SECONDS + chance.expovariate(1 / 0.4)
        kills += sprint.live(seconds=seconds, victims=case.victims)
    return kills


def _place(folder: Path, case: Case) -> Path:
    return folder / f"{case.number}-{case.victims}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/prove kills", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--every", type=positive, default=1, metavar="N", help="only one point of N, with victims in turn"
    )
    parser.add_argument("--random", type=int, default=300, metavar="KILLS", help="so many more at random moments")
    parser.add_argument("--workers", type=positive, default=4, metavar="N", help="sprints at the same time")
    parser.add_argument("--short", action="store_true", help="a sprint of half the commands")
    given = parser.parse_args()
    say = partial(print, flush=True)
    result = prove(given.every, given.random, given.workers, say, SHORT if given.short else WHOLE)
    print(*result.figures(), sep="\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
