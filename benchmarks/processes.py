"""Whole runners: how soon the first agent runs, and how much memory they take at their peak."""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.measure import REPEATS, Row
from tests.support.project import make_project, write_scenario
from tests.support.runs import command, environment

START_BOUND_SECONDS = 1.0
DEMO_BOUND_MB = 80
FLOOD_BOUND_MB = 150
GIGABYTE = 1 << 30


def _first_agent(folder: Path) -> float:
    """Seconds from starting the runner to the first agent's first sign of life."""
    project = make_project(folder / "project", {"1-1-one": "review"})
    scenario = write_scenario(folder, [{"actions": [{"say": "ZERO ISSUES"}]}])
    began = time.time()
    subprocess.run(
        command(project, scenario, "--cycles", "1"), env=environment(), stdout=subprocess.DEVNULL, check=True
    )
    sessions = (project / ".sprint-runner" / "scripted-sessions").iterdir()
    return min(session.stat().st_ctime for session in sessions) - began


def _peak_mb(argv: list[str]) -> float:
    """The largest resident size of a runner, or of any process it has waited for."""
    process = subprocess.Popen(argv, env=environment(), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"the runner ended with {process.returncode}"
    return usage.ru_maxrss / 1024


def _demo(folder: Path) -> float:
    return _peak_mb(command(folder / "demo", None, "--cycles", "2", "--demo"))


def _flood(folder: Path) -> float:
    project = make_project(folder / "project", {"1-1-one": "review"})
    actions = [{"flood": {"size": GIGABYTE}}, {"say": "ZERO ISSUES"}]
    return _peak_mb(command(project, write_scenario(folder, [{"command": "code-review-1", "actions": actions}]),
                            "--cycles", "1"))  # fmt: skip


def measure() -> list[Row]:
    starts: list[float] = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            starts.append(_first_agent(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        demo = _demo(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        flood = _flood(Path(folder))
    start = statistics.median(starts)
    return [
        Row(
            what="from starting the runner to the first agent",
            figure=f"{start:.2f} s",
            bound=f"≤ {START_BOUND_SECONDS:g} s",
            kept=start <= START_BOUND_SECONDS,
        ),
        Row(
            what="peak memory on the demo, two cycles, without the server",
            figure=f"{demo:.0f} MB",
            bound=f"≤ {DEMO_BOUND_MB} MB",
            kept=demo <= DEMO_BOUND_MB,
        ),
        Row(
            what="peak memory with an agent that prints 1 GB",
            figure=f"{flood:.0f} MB",
            bound=f"< {FLOOD_BOUND_MB} MB",
            kept=flood < FLOOD_BOUND_MB,
        ),
    ]
