"""Finishing the work of a guard that could not: it was killed, or it was stopped and holds its lock for ever.

The process actor and the lifeline ask for it. The command's processes are found by their tag, and all at once where
they have a cgroup. A guard carries no tag itself; it is known by its command line, which names the script and the run
folder.
"""

import os
import signal
from functools import partial
from pathlib import Path

from runner.guard import cgroups, tags
from runner.guard.receipt import GUARD_SCRIPT
from runner.guard.tags import signal_process


def end_strays(tag: int, limit_seconds: float) -> bool:
    """Kill whatever is left of a command; blocks. Whether nothing is left for certain.

    The tag alone is enough. The runner is no subreaper for this: to reap what it would inherit from a killed guard,
    it would have to wait for children that are Trio's.
    """
    cgroups.end_leaf(tag)
    _, is_clean = tags.sweep(tag, limit_seconds)
    cgroups.remove_leaf(tag)
    return is_clean


def kill_guard(run_dir: Path) -> bool:
    """Kill the guard of a run folder; whether there was one."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc/self") else []
    killed = [
        signal_process(pid, signal.SIGKILL, is_target=partial(_is_guard, pid, run_dir))
        for pid in pids
        if _is_guard(pid, run_dir)
    ]
    return any(killed)


def _is_guard(pid: int, run_dir: Path) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(65536).split(b"\0")
    except OSError:
        return False
    return os.fsencode(GUARD_SCRIPT) in words and os.fsencode(run_dir) in words
