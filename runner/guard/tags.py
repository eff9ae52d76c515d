"""An indelible number on every process of a command, and the sweep that kills by it.

The number is the hard limit RLIMIT_LOCKS. Linux has ignored that limit since 2.4.25, yet it is inherited through
fork and exec, survives setsid, double forks, `env -i` and closed descriptors, cannot be raised again without
privileges, and stands in /proc/PID/limits. So it finds what process groups and environment scans lose.

Used by the guard at the end of a command and by the runner, in a thread, when it recovers one. Standard library
only. It never acts on a remembered pid: `signal_process` alone sends signals, and it looks again first.
On systems other than Linux nothing is tagged and nothing is found.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Callable

_RLIMIT_LOCKS = 10  # the number is the same on every Linux architecture; Python has no name for it
_FIRST_CEILING = 1 << 56
_LEAST_CEILING = 1 << 32
LEAST_TAG = _LEAST_CEILING // 2
"""A smaller number is nobody's tag."""
_EMPTY_PASSES = 3  # a process may be born behind the back of one listing, hardly of three
_NEWEST_LOOKS = 200
_NEWEST_FEW = 6
_NEWEST_MOST = 200
_DYING_PAUSE_SECONDS = 0.002

# Missing outside Linux, and in builds of Python against old headers.
_pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
_pidfd_send: Callable[[int, int], None] | None = getattr(signal, "pidfd_send_signal", None)


def new_tag() -> int:
    """A random tag that this process may set on its children.

    Below another guard the hard limit is that guard's tag already and can only be lowered: the new tag comes from
    the upper half of what is left, and never equals it. Raises OSError where the limit leaves too little room.
    """
    ceiling = _FIRST_CEILING
    if sys.platform == "linux":
        hard = resource.getrlimit(_RLIMIT_LOCKS)[1]
        if hard != resource.RLIM_INFINITY:
            ceiling = min(ceiling, hard)
    if ceiling < _LEAST_CEILING:
        # A small number could be another program's real limit, and the sweep would kill that program.
        raise OSError(errno.EPERM, "the limit on file locks (ulimit -x) is too low to tag processes with it")
    half = ceiling // 2
    return half + int.from_bytes(os.urandom(8), "big") % half


def set_tag(tag: int) -> None:
    """Put the tag on the calling process and all that will descend from it. Raises OSError or ValueError."""
    if sys.platform == "linux":
        resource.setrlimit(_RLIMIT_LOCKS, (tag, tag))


def tag_of(pid: int) -> int | None:
    """The hard limit on file locks of a process; None when it has none or is gone."""
    try:
        with open(f"/proc/{pid}/limits", "rb", buffering=0) as limits:
            text = limits.read()
        at = text.index(b"Max file locks")
        return int(text[at : text.index(b"\n", at)].split()[4])
    except (OSError, ValueError) as problem:
        _refuse_blindness(problem)
        return None


def tagged(tag: int) -> list[int]:
    """The living processes with this tag, newest number first; zombies do not count, they only wait for a parent."""
    return [pid for pid in _pids() if tag_of(pid) == tag and not _is_zombie(pid)]


def sweep(tag: int, limit_seconds: float) -> tuple[int, bool]:
    """SIGKILL every process with the tag until none is left; blocks.

    Returns how many were killed and whether the tag is now gone for certain; False means that the limit passed
    while something was still there, or that too little could be looked at in time. Raises OSError when no file can
    be opened any more: then nothing was looked at.
    """
    deadline = time.monotonic() + limit_seconds
    killed: set[int] = set()
    empty = 0
    while empty < _EMPTY_PASSES:
        if time.monotonic() > deadline:
            return len(killed), False
        hits = _kill_listed(tag) | strike(tag)
        empty = 0 if hits else empty + 1
        if hits and hits <= killed:
            time.sleep(_DYING_PAUSE_SECONDS)  # killed before and still dying: give the kernel the processor
        killed |= hits
    return len(killed), True


def strike(tag: int) -> set[int]:
    """SIGKILL what carries the tag among the processes born in these 20 ms or so; returns the pids that were hit.

    One that re-forks every millisecond is gone from a listing before its turn comes. But numbers are handed out in
    order and the kernel tells the last one, so look, over and over, at the newest few and at whatever was born since
    the look before: on a busy machine others fork too.
    """
    killed: set[int] = set()
    seen = _last_pid()
    for _ in range(_NEWEST_LOOKS):
        last = _last_pid()
        oldest = max(1, min(seen, last - _NEWEST_FEW), last - _NEWEST_MOST)
        killed.update(pid for pid in range(last, oldest, -1) if _kill(pid, tag))
        seen = last
    return killed


def signal_process(pid: int, number: int, *, is_target: Callable[[], bool]) -> bool:
    """Send a signal to `pid` if it is still the process that is meant; True when it was sent.

    A pid may be reused between finding and signalling it. The descriptor pins whoever has the number now, then
    `is_target` looks again: what it approves is what the descriptor holds.
    """
    if _pidfd_open is None or _pidfd_send is None:
        return _signal_by_number(pid, number, is_target)
    try:
        process = _pidfd_open(pid)
    except OSError as problem:
        # ENOSYS: kernel before 5.3. EPERM: a container that filters the call.
        return problem.errno in (errno.ENOSYS, errno.EPERM) and _signal_by_number(pid, number, is_target)
    try:
        if is_target():
            _pidfd_send(process, number)
            return True
    except OSError:
        pass  # gone meanwhile, or not ours to signal: the next pass will tell
    finally:
        os.close(process)
    return False


def _signal_by_number(pid: int, number: int, is_target: Callable[[], bool]) -> bool:
    # Without pidfd a window of microseconds stays between look and signal.
    try:
        if is_target():
            os.kill(pid, number)
            return True
    except OSError:
        pass
    return False


def _kill(pid: int, tag: int) -> bool:
    if pid == os.getpid() or tag_of(pid) != tag:
        return False
    return signal_process(pid, signal.SIGKILL, is_target=lambda: tag_of(pid) == tag and not _is_zombie(pid))


def _kill_listed(tag: int) -> set[int]:
    return {pid for pid in _pids() if _kill(pid, tag)}


def _last_pid() -> int:
    try:
        with open("/proc/loadavg", "rb", buffering=0) as loadavg:
            return int(loadavg.read().split()[4])
    except (OSError, ValueError, IndexError):
        return 0


def _pids() -> list[int]:
    # Newest first: the younger a process, the sooner it may be gone again.
    try:
        return sorted((int(name) for name in os.listdir("/proc") if name.isdecimal()), reverse=True)
    except OSError as problem:
        _refuse_blindness(problem)
        return []


def _refuse_blindness(problem: Exception) -> None:
    """Where no file can be opened any more nothing is seen, and that must not pass for nothing being there."""
    if isinstance(problem, OSError) and problem.errno in (errno.EMFILE, errno.ENFILE):
        raise problem


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            text = stat.read()
    except OSError:
        return True
    return text[text.rindex(b")") + 2 :][:1] in b"ZX"
