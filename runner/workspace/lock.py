"""The lock that lets one runner only work on a project.

Taken by the command line before the database is opened or anything heavy is imported; so this module needs
the standard library alone. The kernel drops the lock with the process, however that dies: there is no stale
lock, and nothing is ever stolen. What the file says is for people; the lock itself is what counts.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from runner.domain.errors import ProjectError, ProjectHeld

_CONTENT_LIMIT = 4096


class ProjectLock:
    """The lock of one project, by its state folder. Not reentrant; one object per process."""

    def __init__(self, state: Path) -> None:
        self._path = state / "lock"
        self._descriptor: int | None = None
        self._since_ms = 0

    def __repr__(self) -> str:
        return f"<ProjectLock {self._path} {'free' if self._descriptor is None else 'held'}>"

    def acquire(self) -> None:
        """Take the lock for the life of the process. ProjectHeld when another runner has it."""
        # Close-on-exec: an agent that inherited the open file would keep the project locked after our death.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = _held(_read(descriptor))
            os.close(descriptor)
            raise held from None
        except OSError as error:
            os.close(descriptor)
            raise self._unusable(error) from None
        self._descriptor = descriptor
        self._since_ms = time.time_ns() // 1_000_000
        self.describe("")

    def describe(self, url: str) -> None:
        """Write who holds the project and where its dashboard is, for the next one who asks."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        content = {"pid": os.getpid(), "since": self._since_ms, "url": url}
        # Not atomic, and lost on a full disk: who then asks is told less, and the lock is held all the same.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(content).encode() + b"\n", 0)

    def release(self) -> None:
        """Give the project free; does nothing when it is not held."""
        if self._descriptor is not None:
            # The file stays: unlinking it would let two runners lock two files of one name.
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "ProjectLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _unusable(self, error: OSError) -> ProjectError:
        return ProjectError(
            f"cannot lock {self._path}: {error.strerror}",
            hint="the state folder has to be yours, writable and on a file system with locks",
        )


def _read(descriptor: int) -> dict[str, object]:
    try:
        content = json.loads(os.pread(descriptor, _CONTENT_LIMIT, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _held(content: dict[str, object]) -> ProjectHeld:
    facts = []
    pid, since, url = content.get("pid"), content.get("since"), content.get("url")
    if isinstance(pid, int):
        facts.append(f"pid {pid}")
    if isinstance(since, int) and (clock := _clock(since)):
        facts.append(f"since {clock}")
    if isinstance(url, str) and url and url.isprintable():
        facts.append(url[:200])
    known = f" ({', '.join(facts)})" if facts else ""
    return ProjectHeld(
        f"another runner holds this project{known}", hint="stop that one first; `status` shows what it does"
    )


def _clock(since_ms: int) -> str:
    """Local time of day, with the date when that is not today; empty for a time nobody can mean."""
    try:
        then, now = time.localtime(since_ms / 1000), time.localtime()
    except (OverflowError, OSError, ValueError):
        return ""
    today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)
