"""Real guards around real processes; whatever a test does, nothing outlives it."""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.guard import tags
from runner.guard.receipt import guard_command, read_receipt

FOREST = Path(__file__).with_name("forest.py")
KINDS = ("sleep 301", "sleep 302", "sleep 303", "sleep 304", "sleep 305", "sleep 306", "sleep 307", "refork")


@pytest.fixture(scope="session")
def wait_for():
    """Poll until `condition()` is true; returns its value, fails at the deadline."""
    return _wait_for


def _wait_for(condition, *, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return value


class Guarded:
    """One guard started as the runner starts it."""

    def __init__(self, run_dir, command, *, grace=5.0, before_start=None, launcher=None, isolation="auto"):
        self.run_dir = run_dir
        self.tag = tags.new_tag()
        reading, self.control = os.pipe()
        lock = os.open(run_dir / "guard.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if before_start:
            before_start(self)
        arguments = guard_command(
            run_dir=run_dir,
            control_fd=reading,
            lock_fd=lock,
            tag=self.tag,
            grace=grace,
            command=command,
            isolation=isolation,
        )
        (run_dir / "prompt.txt").write_text("the prompt")
        with (
            open(run_dir / "prompt.txt") as prompt,
            open(run_dir / "stdout.ndjson", "ab") as output,
            open(run_dir / "stderr.log", "ab") as errors,
        ):
            self.process = subprocess.Popen(
                arguments if launcher is None else [*launcher, *arguments[3:]],
                stdin=prompt,
                stdout=output,
                stderr=errors,
                pass_fds=(reading, lock),
                start_new_session=True,
            )
        os.close(reading)
        os.close(lock)

    def order(self, letter):
        os.write(self.control, letter)

    def vanish(self):
        """What the guard sees when the runner is killed."""
        if self.control is not None:
            os.close(self.control)
            self.control = None

    def wait(self, *, seconds=10.0):
        return self.process.wait(seconds)

    @property
    def receipt(self):
        return read_receipt(self.run_dir)

    @property
    def errors(self):
        return (self.run_dir / "stderr.log").read_text()

    @property
    def output(self):
        return (self.run_dir / "stdout.ndjson").read_text()

    def alive(self):
        """The command lines of all living processes of this command, found by tag."""
        newest = int(Path("/proc/loadavg").read_text().split()[4])
        pids = range(newest, max(1, newest - 10), -1)
        lines = [_command_line(pid) for pid in pids if tags.tag_of(pid) == self.tag]
        just_born = [line for line in lines if line]  # a zombie has none
        return just_born + [_command_line(pid) for pid in tags.tagged(self.tag)]

    def bury(self):
        self.vanish()
        self.process.kill()
        self.process.wait()
        if not (self.receipt and self.receipt.clean) or tags.tagged(self.tag):
            tags.sweep(self.tag, 10)


def _command_line(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ").strip()
    return ""


class Forest(Guarded):
    """A guard around an agent with descendants of the hard kinds."""

    def __init__(self, run_dir, *, kinds=(), **options):
        self.fifo = run_dir / "orders"
        os.mkfifo(self.fifo)
        program = [sys.executable, "-I", "-S", str(FOREST), str(self.fifo), *kinds]
        super().__init__(run_dir, program, **options)

    def grow(self, expected=KINDS):
        """Return when every kind has been seen alive: the re-forker is there only now and then."""
        seen = set()

        def is_complete():
            seen.update(line.removeprefix(f"{sys.executable} -I -S {FOREST} ") for line in self.alive())
            return seen.issuperset(expected)

        _wait_for(is_complete)
        return self

    def end(self):
        """Let the agent end by itself."""
        self.fifo.write_text("end")


@pytest.fixture
def bury():
    """Register a guard here; its processes are killed after the test, whatever happened."""
    started = []
    yield started.append
    for guarded in started:
        guarded.bury()


@pytest.fixture
def guard(tmp_path, bury):
    """Start a guard around a command, as in `guard(["true"], grace=1)`."""

    def start(command, **options):
        guarded = Guarded(tmp_path, command, **options)
        bury(guarded)
        return guarded

    return start


@pytest.fixture
def forest(tmp_path, bury):
    """Start a guard around an agent with hard descendants, as in `forest(kinds=["daemon"], grace=1)`."""

    def start(name="command", **options):
        (tmp_path / name).mkdir()
        guarded = Forest(tmp_path / name, **options)
        bury(guarded)
        return guarded

    return start
