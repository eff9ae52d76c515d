"""What can be put around an agent beyond the guard itself: a PID namespace, or a cgroup of its own.

`guard.py` makes one of these for each command and calls it in this order: `prepare` before the fork, `enter` in the
child before the exec, `kill` whenever the tree is killed, `close` when it is gone. All raise OSError in words for the
operator where the system refuses; `close` never does. The guard's own duties stay the same in every mode: an
isolation adds a second proof and takes none away. Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal

from runner.crashpoint import crashpoints
from runner.guard import cgroups, tags
from runner.guard.tree_linux import follow
from runner.guard.watch import Isolation

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_REC_SLAVE = 0x4000 | 0x80000
_MS_NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8
_ALL_DESCRIPTORS = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


class PidNamespace(Isolation):
    """A PID namespace: when its first process dies, the kernel kills all others in it, whatever they are.

    That first process is the keeper, a fork of the guard that only reaps, dies with the guard, and is killed like all
    that are below it. The agent is the second one and the guard's own child: it is no PID 1, so signals mean what
    they mean elsewhere, and the guard sees how it ended.
    """

    def __init__(self, tag: int) -> None:
        self._tag = tag

    def prepare(self) -> None:
        # Without privileges only together with a user namespace; it hides other users' names, so not for nothing.
        if _libc.unshare(_CLONE_NEWPID) != 0:
            user, group = os.geteuid(), os.getegid()
            _check(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID), "make a namespace")
            _write("setgroups", "deny")
            _write("uid_map", f"{user} {user} 1")
            _write("gid_map", f"{group} {group} 1")
        guard = os.getpid()
        with crashpoints("fork of the keeper"):
            self.keeper = os.fork()
            if self.keeper == 0:
                _keep(guard, self._tag)

    def enter(self) -> None:
        _check(_libc.unshare(_CLONE_NEWNS), "make a mount namespace")
        # What is mounted outside later shall still appear, and nothing of this may appear outside.
        _check(_libc.mount(b"none", b"/", None, _MS_REC_SLAVE, None), "separate the mounts")
        _check(_libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID_NODEV_NOEXEC, None), "mount /proc")


class Cgroup(Isolation):
    """A cgroup (version 2) below that of the runner: one write kills all that is in it, racing forks included."""

    def __init__(self, tag: int) -> None:
        self._tag = tag
        self._leaf = ""

    def prepare(self) -> None:
        self._leaf = cgroups.make_leaf(self._tag)

    def enter(self) -> None:
        cgroups.move_into(self._leaf)

    def kill(self) -> None:
        cgroups.kill(self._leaf)

    def close(self) -> None:
        cgroups.remove(self._leaf)


MODES: dict[str, type[PidNamespace | Cgroup]] = {"pidns": PidNamespace, "cgroup": Cgroup}


def _keep(guard: int, tag: int) -> None:
    """Be the first process of the namespace until the guard kills it or dies. Never returns."""
    try:
        follow(guard)
        tags.set_tag(tag)
        # The lock and the pipes of the guard must not be held open here.
        os.closerange(0, _ALL_DESCRIPTORS)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans that end are reaped by the kernel
        while True:
            signal.pause()
    finally:
        os._exit(1)


def _write(name: str, text: str) -> None:
    try:
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    except OSError as problem:
        raise _refusal(problem.errno or errno.EIO, f"set {name}") from None


def _check(result: int, what: str) -> None:
    if result != 0:
        raise _refusal(ctypes.get_errno(), what)


def _refusal(number: int, what: str) -> OSError:
    return OSError(number, f"isolation by pidns: cannot {what}: {os.strerror(number)}")
