"""The processes below the guard, on systems other than Linux: a weaker promise.

There is no subreaper, no parent-death signal and no tag. The guard finds the agent's process group and its own
descendants in the output of `ps`. A process that leaves the group (setsid) and whose parents have all ended is not
found and survives; and after a SIGKILL of the guard itself nothing ends the agent. Used by guard.py only, with the
same functions as `tree_linux.py`.
"""

from __future__ import annotations

import os
import subprocess

from runner.crashpoint import crashpoints


def adopt_orphans() -> bool:
    """Always False: orphans go to init here, so "no children left" proves nothing."""
    return False


def follow(parent: int) -> None:
    """Nothing to do here: no signal comes when the parent dies."""


def living(group: int) -> list[int]:
    """The processes of the agent's group and the descendants of the calling process, as far as `ps` shows them."""
    with crashpoints("spawn of ps"):
        listing = subprocess.Popen(["ps", "-axo", "pid=,ppid=,pgid=,stat="], stdout=subprocess.PIPE)
    text, _ = listing.communicate()
    members: list[int] = []
    below: dict[int, list[int]] = {}
    for line in text.splitlines():
        pid, parent, its_group, state = line.split(None, 3)
        if not state.startswith(b"Z") and int(pid) != listing.pid:
            below.setdefault(int(parent), []).append(int(pid))
            if int(its_group) == group:
                members.append(int(pid))
    parents = [os.getpid(), *members]
    while parents:
        new = [pid for pid in below.get(parents.pop(), []) if pid not in members]
        members += new
        parents += new
    return members


def signal_all(number: int, group: int) -> None:
    """Signal the agent's group and every process found; numbers are all there is, so a reused one could be hit."""
    for pid in living(group):
        try:
            os.kill(pid, number)
        except OSError:
            continue
