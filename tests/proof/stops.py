"""How long a stop takes, at every phase of the workflow, with agents that obey and agents that ignore every signal.

    python -m tests.proof.stops [--every N] [--workers N]

Each case is a sprint that is stopped while a certain command runs, measured from the signal to the end of the
runner, checked, and resumed to its end. Stopped gracefully it must start nothing more, and be gone one second after
the last command that ran.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.proof.lives import LIFE_SECONDS, Sprint, load_the_runner, wait
from tests.proof.options import positive
from tests.support.checker import violations
from tests.support.runs import query, wait_until

GRACE_SECONDS = 1
LIMITS: Mapping[str, float] = {"obedient": 1.0, "deaf": GRACE_SECONDS + 2, "graceful": 1.0}
"""Seconds from the signal to the end; for a graceful stop, from the end of the last command."""
ONE_CYCLE = ("--cycles", "1")
DEAF = "I hear nothing now."
CRITICAL = {"say": "CRITICAL ISSUES FOUND: 1"}
PHASES = (
    "generate-project-context",
    "create-story",
    "story-discovery",
    "story-review-1",
    "story-review-2",
    "create-tech-spec",
    "tech-spec-review-1",
    "tech-spec-review-2",
    "sprint-status",
    "dev-story",
    "code-review-1",
    "batch-commit",
)
WAYS: Mapping[str, Sequence[signal.Signals]] = {
    "SIGTERM": (signal.SIGTERM,),
    "SIGHUP": (signal.SIGHUP,),
    "second Ctrl-C": (signal.SIGINT, signal.SIGINT),
}
BEHAVIOUR: Mapping[str, Sequence[object]] = {
    "obedient": ("hang",),
    "deaf": ({"ignore_signals": ["INT", "TERM", "HUP"]}, {"say": DEAF}, "hang"),
    "graceful": ({"sleep": 0.7}, "builtin"),
    "limit": ({"limit": {"seconds": 3600}},),
    "back-off": ({"result": {"is_error": True}},),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A command, what its agent does, and how the runner is stopped meanwhile."""

    phase: str
    agent: str
    way: str

    @property
    def waits(self) -> bool:
        """Whether no agent runs when the stop comes."""
        return self.agent in ("limit", "back-off")

    @property
    def limit(self) -> float:
        return LIMITS.get(self.agent, LIMITS["obedient"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long it took, and what was wrong."""

    case: Case
    seconds: float
    wrong: tuple[str, ...]


def cases() -> Iterator[Case]:
    """Every phase with every agent and every way."""
    for phase in PHASES:
        yield Case(phase, "graceful", "Ctrl-C")
        for way in WAYS:
            for agent in ("obedient", "deaf"):
                yield Case(phase, agent, way)
    for way in WAYS:
        yield Case("dev-story", "limit", way)
        yield Case("dev-story", "back-off", way)


def prove(every: int, workers: int, say: Callable[[str], None]) -> tuple[Outcome, ...]:
    """Run the cases, each in a folder of its own that stays when something is wrong."""
    load_the_runner()
    folder = Path(tempfile.mkdtemp(prefix="sprint-runner-stops-"))
    chosen = list(cases())[::every]
    say(f"{len(chosen)} stops in {folder}")
    outcomes = []
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for outcome in pool.imap_unordered(partial(_run, folder), list(enumerate(chosen))):
            outcomes.append(outcome)
            for line in outcome.wrong:
                say(f"WRONG: {outcome.case}: {line}")
    if not any(outcome.wrong for outcome in outcomes):
        shutil.rmtree(folder)
    return tuple(outcomes)


def figures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines to print."""
    for agent in BEHAVIOUR:
        for way in ("Ctrl-C", *WAYS):
            chosen = [one for one in outcomes if (one.case.agent, one.case.way) == (agent, way)]
            if chosen:
                times = [one.seconds for one in chosen]
                wrong = sum(bool(one.wrong) for one in chosen)
                spread = f"median {median(times):.2f} s, longest {max(times):.2f} s of {chosen[0].case.limit:g} s"
                yield f"{agent:9} {way:14} {len(chosen):3} stops: {spread}, {wrong} wrong"


def _run(folder: Path, numbered: tuple[int, Case]) -> Outcome:
    number, case = numbered
    sprint = _sprint(folder / str(number), case)
    settings = {"retry_backoff_seconds": 3600 if case.agent == "back-off" else 0}
    runner = sprint.begin(ONE_CYCLE, stop_grace_seconds=GRACE_SECONDS, **settings)
    try:
        wait_until(partial(_is_there, sprint, case))
    except AssertionError:
        os.kill(runner, signal.SIGKILL)
        return Outcome(case, 0.0, ("it did not come so far", *(sprint.folder / "log").read_text().splitlines()[-1:]))
    began = time.time()
    for last in WAYS.get(case.way, (signal.SIGINT,)):
        os.kill(runner, last)
        time.sleep(0.05)  # two signals of a kind that come at once are one
    status = wait(runner, LIFE_SECONDS)
    ended = time.time()
    if status is None:
        os.kill(runner, signal.SIGKILL)
        return Outcome(case, ended - began, ("it did not end",))
    if case.agent == "graceful":
        began = max(began, _last_end(sprint))
        ended = max(ended, began)
    wrong = list(_judged(sprint, case, os.waitstatus_to_exitcode(status), ended - began, began))
    _let_go(sprint, case)
    wrong += sprint.end()
    if not wrong:
        shutil.rmtree(sprint.folder)
    return Outcome(case, ended - began, tuple(wrong))


def _sprint(folder: Path, case: Case) -> Sprint:
    """One story that goes through everything, its second try of each command undisturbed."""
    solved = {"status": "ready-for-dev"}
    unknown = {"command": "story-review-1", "actions": [{"status": "puzzling"}, CRITICAL]}
    diagnosed = {"command": "sprint-status", "actions": [solved]}
    actions = [solved if case.phase == "sprint-status" and one == "builtin" else one for one in BEHAVIOUR[case.agent]]
    rules = [
        {"command": case.phase, "attempt": "1", "actions": actions},
        *([unknown, diagnosed] if case.phase == "sprint-status" else []),
        {"command": ["story-review-1", "tech-spec-review-1"], "actions": [CRITICAL]},
    ]
    sprint = Sprint.make(folder, {"1-1-one": "backlog"}, rules, context=case.phase != PHASES[0])
    sprint.first = ONE_CYCLE
    return sprint


def _is_there(sprint: Sprint, case: Case) -> bool:
    """Whether the runner does what it is to be stopped at."""
    if case.agent == "limit":
        return bool(query(sprint.project, "SELECT id FROM batches WHERE status = 'waiting_limit'"))
    if case.agent == "back-off":
        return bool(query(sprint.project, "SELECT id FROM commands WHERE status = 'error'"))
    rows = query(sprint.project, "SELECT run_id FROM commands WHERE command = ? AND status = 'running'", case.phase)
    ready = DEAF.encode() if case.agent == "deaf" else b""
    for (run_id,) in rows:
        output = sprint.project / ".sprint-runner/runs" / str(run_id) / "stdout.ndjson"
        if output.exists() and (said := output.read_bytes()) and ready in said:
            return True
    return False


def _last_end(sprint: Sprint) -> float:
    rows = query(sprint.project, "SELECT max(ended_at) FROM commands")
    return int(str(rows[0][0])) / 1000


def _judged(sprint: Sprint, case: Case, code: int, seconds: float, began: float) -> Iterator[str]:
    # With its last command the batch is complete, stopped or not.
    if code != 4 and (code, case.agent, case.phase) != (0, "graceful", PHASES[-1]):
        yield f"exit code {code}"
    if seconds > case.limit:
        yield f"took {seconds:.2f} s of {case.limit:g} s"
    later = query(sprint.project, "SELECT step_key FROM commands WHERE started_at > ?", int(began * 1000) + 50)
    if later:
        yield f"began {later} after the stop"
    yield from violations(sprint.project)


def _let_go(sprint: Sprint, case: Case) -> None:
    """A limit that resets in an hour is over now."""
    if case.agent == "limit":
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(sprint.project / ".sprint-runner/sprint-runner.db")) as connection, connection:
            connection.execute("UPDATE batches SET resets_at = NULL")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/prove stops", description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=positive, default=1, metavar="N", help="only one case of N")
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="sprints at the same time")
    given = parser.parse_args()
    outcomes = prove(given.every, given.workers, partial(print, flush=True))
    print(*figures(outcomes), sep="\n")
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
