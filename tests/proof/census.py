"""Who is alive of the processes with a mark in their command line, which owes nothing to the runner."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

LOOKS = 150
NEWEST = 8
"""A process that forks every millisecond is gone before a listing comes to it: so look at the newest numbers."""
END_SECONDS = 10.0


def alive(marks: Mapping[str, str]) -> dict[str, set[int]]:
    """By name of the mark, the processes whose command line holds it; only names that have any."""
    found: dict[str, set[int]] = {}
    for pid in _pids():
        for name in _marked(pid, marks):
            found.setdefault(name, set()).add(pid)
    missing = {name: mark for name, mark in marks.items() if name not in found}
    for _ in range(LOOKS if missing else 0):
        for pid in range(last := _last_pid(), max(1, last - NEWEST), -1):
            for name in _marked(pid, missing):
                found.setdefault(name, set()).add(pid)
    return found


def end(marks: Mapping[str, str]) -> None:
    """Kill them all; for what a failed proof has left."""
    deadline = time.monotonic() + END_SECONDS
    while (found := alive(marks)) and time.monotonic() < deadline:
        for name, pids in found.items():
            for pid in pids:
                if name in _marked(pid, marks):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def children(parent: int) -> Iterator[tuple[int, list[bytes]]]:
    """The living children of a process, with the words of their command lines."""
    for pid in _pids():
        with suppress(OSError):
            state, its_parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state not in "ZX":
                yield pid, Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _marked(pid: int, marks: Mapping[str, str]) -> list[str]:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()  # a zombie has none
    except OSError:
        return []
    return [name for name, mark in marks.items() if mark.encode() in line]


def _pids() -> list[int]:
    return sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)


def _last_pid() -> int:
    return int(Path("/proc/loadavg").read_text().split()[4])
