"""Who holds a project: what the kernel knows of its lock, and what the holder has written about itself.

The lock asks before it refuses, `status` and `doctor` ask for people. The kernel's own list of locks is the truth
and is there from the first instant; the description beside it adds the address, once the holder has written it.
Standard library only, and it only looks.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DESCRIPTION = "lock"
"""The file in the state folder that says who holds the project. What it says is for people."""
_CONTENT_LIMIT = 4096
_LISTED_FIELDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The runner that holds a project, as far as it is known."""

    pid: int | None = None
    since: int | None = None
    """Epoch milliseconds."""
    url: str = ""

    def __str__(self) -> str:
        """`pid 7, since 12:31, http://…`; empty when nothing is known."""
        facts = [f"pid {self.pid}"] if self.pid is not None else []
        if self.since is not None and (clock := _clock(self.since)):
            facts.append(f"since {clock}")
        return ", ".join([*facts, self.url] if self.url else facts)


def find_holder(state: Path) -> Holder | None:
    """The runner that works on a project, by its state folder; None when none does. Raises OSError."""
    root = os.open(state.parent, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        # A shared lock, given back at once: it only finds out, and lookers do not hinder one another.
        fcntl.flock(root, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return known_holder(root, state) or described(state)
    finally:
        os.close(root)
    return None


def known_holder(root: int, state: Path) -> Holder | None:
    """The holder that the kernel names for the folder open as `root`; None where it names none."""
    folder = os.fstat(root)
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            pid = writer(locks, folder.st_dev, folder.st_ino)
    except (OSError, ValueError):
        return None
    if pid is None:
        return None
    told = described(state)
    # What a dead runner has left in the file must not be said of this one.
    return told if told.pid == pid else Holder(pid=pid, since=_started(pid))


def writer(locks: Iterable[str], device: int, inode: int) -> int | None:
    """The process that has the exclusive flock on a file, out of lines like those of /proc/locks."""
    place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    for line in locks:
        fields = line.split()
        # "5: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF"; one who waits has an arrow before its kind.
        if len(fields) >= _LISTED_FIELDS and fields[1] == "FLOCK" and (fields[3], fields[5]) == ("WRITE", place):
            return int(fields[4])
    return None


def described(state: Path) -> Holder:
    """What the description says. An unreadable one says nothing, and somebody may hold the project all the same."""
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(state / DESCRIPTION, flags)
        try:
            told = json.loads(os.pread(descriptor, _CONTENT_LIMIT, 0))
        finally:
            os.close(descriptor)
    except (OSError, ValueError, RecursionError):
        return Holder()
    if not isinstance(told, dict):
        return Holder()
    pid, since, url = told.get("pid"), told.get("since"), told.get("url")
    return Holder(
        pid=pid if isinstance(pid, int) else None,
        since=since if isinstance(since, int) else None,
        url=url[:200] if isinstance(url, str) and url.isprintable() else "",
    )


def _started(pid: int) -> int | None:
    """When a process began, in epoch milliseconds; None when that cannot be found out."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        ticks = int(stat[stat.rindex(b")") :].split()[20])
        age = uptime - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return int((time.time() - age) * 1000)


def _clock(since_ms: int) -> str:
    """Local time of day, with the date when that is not today; empty for a time nobody can mean."""
    try:
        then, now = time.localtime(since_ms / 1000), time.localtime()
    except (OverflowError, OSError, ValueError):
        return ""
    today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)
