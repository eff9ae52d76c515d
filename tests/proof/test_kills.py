"""The proof of exact resume, at one crash point in eight; `scripts/prove kills` takes them all."""

import subprocess
import sys

import pytest

from tests.support.runs import CHECKOUT

WORKERS = "4"


def prove(*arguments: str) -> str:
    """What the proof prints; a process of its own, since it forks."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof", "kills", "--workers", WORKERS, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_runner_killed_at_its_crash_points_is_resumed_exactly():
    told = prove("--every", "8", "--random", "0")
    assert "each point, kill -9 of the runner" in told
    assert "each point, kill -9 of runner and guards" in told


@pytest.mark.slow
def test_a_runner_killed_three_hundred_times_is_resumed_exactly():
    assert "random moments, kill -9 of runner and guards" in prove("--every", "1000", "--random", "300")
