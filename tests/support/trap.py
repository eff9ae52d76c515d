"""A trap at the crash points of a run: counts them over the runner and its guards, and kills at one of them.

`set_by_environment` is called by the programs that stand in for the runner and the guard in proofs; the trap itself
is handed on through the environment, as guards are started by the runner. Standard library only: a guard runs
without anything else.
"""

import fcntl
import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from runner import crashpoint

RECORD_BYTES = 64
GUARD = Path(__file__).with_name("trapped_guard.py")
_TRACE, _AT, _VICTIMS, _RUNNER = "TRAP_TRACE", "TRAP_AT", "TRAP_VICTIMS", "TRAP_RUNNER"


@dataclass(frozen=True, slots=True)
class Trap:
    """Where points are counted, and at which one who is killed."""

    trace: Path
    """One record for each point that was passed, in order, whatever process passed it."""
    at: int = 0
    """The number of the point that springs the trap, from 1; 0: none does."""
    victims: str = "runner"
    """`runner`, or `both`: all guards that are there, and then the runner."""

    def environment(self) -> dict[str, str]:
        """For the process that becomes the runner."""
        return {
            _TRACE: str(self.trace),
            _AT: str(self.at),
            _VICTIMS: self.victims,
            _RUNNER: str(os.getpid()),
        }


def set_by_environment() -> None:
    """Set the trap that the environment tells of."""
    told = os.environ
    trap = Trap(Path(told[_TRACE]), int(told[_AT]), told[_VICTIMS])
    runner = int(told[_RUNNER])
    trace = os.open(trap.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def passed(name: str) -> None:
        fcntl.flock(trace, fcntl.LOCK_EX)
        os.write(trace, name.encode()[: RECORD_BYTES - 1].ljust(RECORD_BYTES - 1) + b"\n")
        number = os.fstat(trace).st_size // RECORD_BYTES
        fcntl.flock(trace, fcntl.LOCK_UN)
        if number == trap.at:
            spring(trap.victims, runner, trap.trace)

    crashpoint.set_trap(passed)


def spring(victims: str, runner: int, trace: Path) -> None:
    """`kill -9`; comes back only in a guard that is to live on."""
    own = os.getpid()
    if victims == "both":
        for guard in guards(trace):
            if guard != own:
                kill(guard)
    kill(runner)
    if victims == "both":
        kill(own)


def guards(trace: Path) -> list[int]:
    """The living guards of the run that is counted in this trace."""
    mark = os.fsencode(f"{_TRACE}={trace}")
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_guard(pid, mark)]


def kill(pid: int) -> None:
    """`kill -9`, unless it has gone before."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def passed_points(trace: Path) -> Counter[str]:
    """How often each point was passed."""
    return Counter(line.strip() for line in trace.read_text().splitlines()) if trace.exists() else Counter()


def _is_guard(pid: int, mark: bytes) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.fsencode(GUARD) in words and mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
