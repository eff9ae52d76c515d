"""One cgroup for one command, below the cgroup in which the runner itself sits.

The guard makes, fills and removes it; the runner looks for it by the command's tag when the guard could not finish.
Only version 2 of cgroups, and no controller is switched on: the leaf is there to be killed as a whole. Standard
library only. All but `remove` raise OSError.
"""

from __future__ import annotations

import contextlib
import errno
import os


def make_leaf(tag: int) -> str:
    """Make the cgroup of a command; gives its folder. What it takes later is tried here."""
    leaf = leaf_of(tag)
    try:
        os.mkdir(leaf)
    except OSError as problem:
        raise _refusal(problem, f"make a cgroup in {os.path.dirname(leaf)}") from None
    try:
        # Kernels before 5.14 have no such file; and moving needs the right to write where the runner sits.
        for name in (f"{leaf}/cgroup.kill", f"{os.path.dirname(leaf)}/cgroup.procs"):
            os.close(os.open(name, os.O_WRONLY | os.O_CLOEXEC))
    except OSError as problem:
        remove(leaf)
        raise _refusal(problem, f"write to {name}") from None
    return leaf


def move_into(leaf: str) -> None:
    """Move the calling process, and with it all that will descend from it."""
    try:
        _write(f"{leaf}/cgroup.procs", b"0")
    except OSError as problem:
        raise _refusal(problem, f"move into {leaf}") from None


def kill(leaf: str) -> None:
    """SIGKILL all in it at one instant."""
    _write(f"{leaf}/cgroup.kill", b"1")


def remove(leaf: str) -> None:
    """Remove it with whatever the agent may have made below it; one in which something lives stays."""
    for folder, _, _ in os.walk(leaf, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def end_leaf(tag: int) -> None:
    """Kill what is left in a command's cgroup; nothing to do where there is none."""
    with contextlib.suppress(OSError):
        kill(leaf_of(tag))


def remove_leaf(tag: int) -> None:
    """Remove a command's cgroup; nothing to do where there is none."""
    with contextlib.suppress(OSError):
        remove(leaf_of(tag))


def leaf_of(tag: int) -> str:
    return f"{_own_folder()}/sprint-runner-{tag}"


def _own_folder() -> str:
    """The folder of the calling process's cgroup."""
    mount = _mount_point()
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as groups:
        for line in groups:
            if line.startswith("0::/"):
                return (mount + line[3:].rstrip("\n")).rstrip("/")
    raise OSError(errno.ENOENT, "isolation by cgroup: this process is in no cgroup of version 2")


def _mount_point() -> str:
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            fields = line.split(" ")
            if fields[2] == "cgroup2":
                return fields[1]
    raise OSError(errno.ENOENT, "isolation by cgroup: cgroups of version 2 are not mounted")


def _refusal(problem: OSError, what: str) -> OSError:
    number = problem.errno or errno.EIO
    return OSError(number, f"isolation by cgroup: cannot {what}: {os.strerror(number)}")


def _write(path: str, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, data)
    finally:
        os.close(file)
