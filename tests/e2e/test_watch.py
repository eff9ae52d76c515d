"""`watch` beside runners that end, are stopped, are killed and come back: three processes, and what is on record."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import PATIENCE_SECONDS, environment, query, running, started, wait_until

IN_STORY = "c1/dev-story/2-1-three"
WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
GATE = {
    "command": "dev-story",
    "story": "2-1",
    "attempt": "1",
    "actions": [{"run": ["{python}", "-c", WAIT]}, "builtin"],
}
"""The first agent that develops the story waits until there is a file `go` in the project."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", {"2-1-three": "ready-for-dev"})


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_scenario(tmp_path, [GATE])


@contextmanager
def watching(project: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "watch", "--project", str(project), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # One that would wait for ever is a failure, not a test without an end.
        watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def seqs(out: str) -> list[int]:
    return [message["seq"] for message in map(json.loads, out.splitlines()) if "seq" in message]


def on_record(project: Path) -> list[int]:
    return [int(str(seq)) for (seq,) in query(project, "SELECT id FROM events ORDER BY id")]


def port_of(project: Path) -> str:
    address = json.loads((project / ".sprint-runner" / "lock").read_text())["url"]
    return str(address.rpartition(":")[2])


def first_line(process: "subprocess.Popen[str]") -> str:
    """Then it is connected."""
    assert process.stdout is not None
    return process.stdout.readline()


def rest(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it prints until its end; not `communicate`, which forgets what was read with a line."""
    assert process.stdout is not None
    assert process.stderr is not None
    told = process.stdout.read(), process.stderr.read()
    process.wait(15)
    return told


def test_batch_is_watched_from_its_first_event_to_its_end(project: Path, scenario: Path):
    with started(project, scenario, "--port", "0", "--cycles", "1") as runner:
        wait_until(lambda: running(project, IN_STORY))
        with watching(project, "--after", "0") as lines, watching(project, "--json", "--after", "0") as told:
            begun, first = first_line(lines), first_line(told)
            (project / "go").touch()
            assert runner.wait(30) == 0
            out, err = rest(told)
            shown, _ = rest(lines)
    assert (told.returncode, lines.returncode) == (0, 0)
    assert seqs(first + out) == on_record(project)
    assert json.loads(out.splitlines()[-1])["type"] == "batch:end"
    assert re.fullmatch(r"sprint-runner: \d+ events, lag \d+/\d+/\d+ ms \(p50/p99/max\)\n", err)
    assert begun[10:] == "batch 1 started, 1 cycle\n"
    assert shown.splitlines()[-1][10:] == "batch 1 completed: 1 cycle completed"


def test_batch_that_is_stopped_ends_the_watch_with_its_code(project: Path, scenario: Path):
    with started(project, scenario, "--port", "0", "--cycles", "1") as runner:
        wait_until(lambda: running(project, IN_STORY))
        with watching(project, "--json", "--after", "0") as told:
            first_line(told)
            runner.send_signal(signal.SIGTERM)
            assert runner.wait(30) == 4
            rest(told)
    assert told.returncode == 4


@pytest.mark.slow
def test_kill_and_resume_leave_no_gap_and_no_repetition(project: Path, scenario: Path):
    with started(project, scenario, "--port", "0", "--cycles", "1") as runner:
        wait_until(lambda: running(project, IN_STORY))
        port = port_of(project)
        with watching(project, "--json", "--after", "0") as told:
            first = first_line(told)
            runner.kill()
            runner.wait()
            with started(project, scenario, "--port", port, "--resume") as resumed:
                _, complaint = resumed.communicate(timeout=30)
                assert resumed.returncode == 0, complaint
            out, err = rest(told)
    assert told.returncode == 0
    assert seqs(first + out) == on_record(project)
    assert len(query(project, "SELECT 1 FROM events WHERE event_type = 'batch:start'")) == 2
    lost, back, total = err.splitlines()
    assert re.match(r"sprint-runner: connection lost at \d\d:\d\d:\d\d \(.+\); waiting for the runner", lost)
    assert re.match(r"sprint-runner: connected again after \d", back)
    assert " events, lag " in total


@pytest.mark.slow
def test_kills_and_other_ports_leave_no_gap_and_no_repetition(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", SIX_STORIES), write_scenario(tmp_path)
    with ExitStack() as runners:
        runner = runners.enter_context(started(project, scenario, "--port", "0", "--cycles", "all"))
        wait_until(lambda: done(project) > 0)
        port = port_of(project)
        with watching(project, "--json", "--after", "0") as one, watching(project, "--json", "--after", "3") as two:
            firsts = [first_line(one), first_line(two)]
            for number in range(4):
                before = done(project)
                wait_until(lambda before=before: done(project) > before + 1)
                runner.kill()
                runner.wait()
                # Whoever watches a project finds its runner wherever it is.
                where = port if number % 2 else "0"
                runner = runners.enter_context(started(project, scenario, "--port", where, "--resume"))
            assert runner.wait(60) == 0
            out, _ = rest(one)
            later, _ = rest(two)
    assert (one.returncode, two.returncode) == (0, 0)
    assert seqs(firsts[0] + out) == on_record(project)
    assert seqs(firsts[1] + later) == on_record(project)[3:]


def done(project: Path) -> int:
    return len(query(project, "SELECT 1 FROM commands WHERE status = 'success'"))
