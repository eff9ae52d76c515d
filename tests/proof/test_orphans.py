"""The orphan matrix in small, and that it would notice a survivor."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.guard.probe import obstacle
from tests.proof import census
from tests.proof.orphans import KINDS, Outcome, Result, Scripted, Way, make_marks, run
from tests.proof.terminal import hang_up, on_a_terminal
from tests.support.runs import CHECKOUT, wait_until

BECOME = """
import os, sys
from runner.agents.scripted_strays import become
become(sys.argv[1], os.environ["MARK"], os.open(os.devnull, os.O_WRONLY))
"""


@pytest.fixture
def marks():
    """A mark for each kind; what carries one is ended after the test."""
    marks = make_marks(KINDS)
    yield marks
    census.end(marks)
    assert census.alive(marks) == {}


def test_the_census_sees_every_kind_and_ends_it(marks):
    children = [
        subprocess.Popen([sys.executable, "-c", BECOME, kind], cwd=CHECKOUT, env={**os.environ, "MARK": mark})
        for kind, mark in marks.items()
    ]
    seen: set[str] = set()

    def is_complete():
        seen.update(census.alive(marks))
        return seen == set(KINDS)

    wait_until(is_complete)
    census.end(marks)
    assert census.alive(marks) == {}
    for child in children:
        child.wait()


def test_one_survivor_in_one_run_breaks_the_proof():
    rows = ("child", "daemon")
    clean = Outcome(Way.SIGTERM, rows, frozenset(), 0.25, ())
    spoilt = Outcome(Way.SIGTERM, rows, frozenset({"daemon"}), None, ())
    assert Result([clean]).holds
    assert not Result([clean, spoilt]).holds
    assert not Result([Outcome(Way.SIGTERM, rows, frozenset(), 0.25, ("exit code 1",))]).holds
    table = [line.split() for line in Result([clean, spoilt]).figures()]
    assert ["child", "0/2"] in table
    assert ["daemon", "1/2"] in table
    assert table[-1] == ["1", "survivors", "in", "2", "runs"]


def test_a_closed_terminal_hangs_up():
    with on_a_terminal(["sh", "-c", "echo up; exec sleep 60"], os.environ) as process:
        assert process.poll() is None
        hang_up(process)
        assert process.wait(10) == -signal.SIGHUP


MATRIX = [
    *(("auto", way) for way in Way),
    *(("pidns", way) for way in (Way.GRACEFUL, Way.SIGTERM, Way.GUARD, Way.BOTH)),
    *(("cgroup", way) for way in (Way.GRACEFUL, Way.GUARD, Way.BOTH)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("isolation", "way"), MATRIX, ids=lambda part: str(part).replace(" ", "-"))
def test_nothing_survives(tmp_path: Path, isolation: str, way: Way):
    if reason := obstacle(isolation):
        pytest.skip(f"no isolation by {isolation} here: {reason}")
    outcome = run(Scripted(tmp_path, isolation), way)
    assert (outcome.survivors, outcome.wrong) == (frozenset(), ())
