"""Real runners as child processes, and what their database says afterwards."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


def command(project: Path, scenario: Path | None, *arguments: str) -> list[str]:
    """Without a dashboard, unless the arguments say on which port: many tests run at the same time."""
    agent = ["--agent", "scripted", "--scenario", str(scenario)] if scenario else []
    serving = [] if "--port" in arguments else ["--no-server"]
    return [sys.executable, "-m", "runner", "--project", str(project), *agent, *serving, *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "SPRINT_RUNNER_RETRY_BACKOFF_SECONDS": "0", **more}


def run(project: Path, scenario: Path | None, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run to the end."""
    return subprocess.run(
        command(project, scenario, *arguments),
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def started(
    project: Path, scenario: Path, *arguments: str, hang_up: signal.Handlers = signal.SIG_DFL, **more: str
) -> Iterator["subprocess.Popen[str]"]:
    """A runner that runs; killed at the end of the block if it still does."""
    with subprocess.Popen(
        command(project, scenario, *arguments),
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests may have it ignored, which a child inherits: a runner under nohup is another case.
        preexec_fn=partial(signal.signal, signal.SIGHUP, hang_up),
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for something a real process does; fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def database(project: Path) -> Path:
    return project / ".sprint-runner" / "sprint-runner.db"


def query(project: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the project's database; none while it does not exist or is being made."""
    try:
        with closing(sqlite3.connect(f"file:{database(project)}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError:
        return []


def successes(project: Path) -> list[str]:
    """The steps that succeeded, in the order in which they ended."""
    rows = query(project, "SELECT step_key FROM commands WHERE status = 'success' ORDER BY ended_at, id")
    return [str(key) for (key,) in rows]


def running(project: Path, step: str) -> bool:
    """Whether an agent works on the step: its session has begun."""
    rows = query(project, "SELECT run_id FROM commands WHERE step_key = ? AND status = 'running'", step)
    if not rows:
        return False
    output = project / ".sprint-runner" / "runs" / str(rows[0][0]) / "stdout.ndjson"
    return output.exists() and output.stat().st_size > 0
