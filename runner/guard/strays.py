"""Ending a guard that does not answer: one that was stopped by somebody holds its lock for ever.

The lifeline asks for it, after the agents of that guard have been swept by their tag. A guard carries no tag itself;
it is known by its command line, which names the script and the run folder.
"""

import os
import signal
from functools import partial
from pathlib import Path

from runner.guard.receipt import GUARD_SCRIPT
from runner.guard.tags import signal_process


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
