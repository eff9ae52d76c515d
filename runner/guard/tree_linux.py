"""The processes below the guard, on Linux: a strong promise, kept by the kernel.

The guard is a child subreaper. Whatever descends from it stays below it, however often it forks or changes its
session, so "no children left" (ECHILD) proves that the whole tree is gone. Used by guard.py only; `tree_posix.py`
has the same functions for other systems. Never decides when to signal, and never signals a pid it did not look at.
"""

from __future__ import annotations

import ctypes
import os
import signal
from functools import partial

from runner.guard import tags

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LESS_WORTHY_THAN_THE_GUARD = b"300"

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


def adopt_orphans() -> bool:
    """Make the calling process the parent of every orphan below it; False where the system refuses."""
    return bool(_prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def follow(parent: int) -> None:
    """In the agent, before exec: die with the guard, and let the out-of-memory killer take the agent first."""
    # Safe only because the guard has one thread: the signal comes at the death of the thread that forked.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Not getppid: from inside a PID namespace that cannot see the guard. This is the /proc of the guard still.
    if _stat("self")[1] != parent:  # the guard died before the line above took effect
        os._exit(125)
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as score:
            score.write(_LESS_WORTHY_THAN_THE_GUARD)
    except OSError:
        pass  # a comfort, not a promise


def living(group: int) -> list[int]:
    """The living descendants of the calling process. `group` is not needed here: no orphan escapes a subreaper."""
    return [pid for pid, _ in _descendants()]


def signal_all(number: int, group: int) -> None:
    """Signal every living descendant, each pinned and looked at again before."""
    for pid, born in _descendants():
        tags.signal_process(pid, number, is_target=partial(_is_still, pid, born))


def _descendants() -> list[tuple[int, int]]:
    # /proc/PID/children needs a kernel option that many kernels lack, so all of /proc is read.
    below: dict[int, list[tuple[int, int]]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            state, parent, born = _stat(int(name))
            if state not in b"ZX":
                below.setdefault(parent, []).append((int(name), born))
    found: list[tuple[int, int]] = []
    parents = [os.getpid()]
    while parents:
        children = below.get(parents.pop(), [])
        found += children
        parents += [pid for pid, _ in children]
    return found


def _is_still(pid: int, born: int) -> bool:
    return _stat(pid)[2] == born


def _stat(pid: int | str) -> tuple[bytes, int, int]:
    # State, parent, start in clock ticks since boot; pid and start together name one process for ever.
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            text = stat.read()
    except OSError:
        return b"X", 0, -1
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[0], int(fields[1]), int(fields[19])
