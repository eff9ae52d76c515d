"""The lock that lets one runner only work on a project.

Taken by the command line before anything else is looked at or heavy is imported; so this module needs the standard
library alone. It is a flock on the project's own folder: nothing has to be created for it, and no agent that clears
out the state folder can unlink it. The kernel drops it with the process, however that dies: there is no stale lock,
and nothing is ever stolen. Who holds it stands in a file of the state folder, for people.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from runner.domain.errors import ProjectError, ProjectHeld
from runner.workspace.holder import DESCRIPTION, described, known_holder

_PATIENCE_SECONDS = 1.0
"""For lookers, who have it for microseconds; and for a holder to say who it is, where the kernel does not."""
_PAUSE_SECONDS = 0.01


class ProjectLock:
    """The lock of one project, by its state folder, which need not exist. Not reentrant; one object per process."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._descriptor: int | None = None
        self._since_ms = 0

    def __repr__(self) -> str:
        return f"<ProjectLock {self._state.parent} {'free' if self._descriptor is None else 'held'}>"

    @property
    def state(self) -> Path:
        return self._state

    def acquire(self) -> None:
        """Take the lock for the life of the process. ProjectHeld when another runner has it."""
        root = self._state.parent
        try:
            # Close-on-exec: an agent that inherited the open folder would keep the project locked after our death.
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._wait_or_refuse(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise ProjectError(
                f"cannot lock {root}: {error.strerror}",
                hint="the project has to be readable, and on a file system where folders can be locked",
            ) from None
        self._descriptor = descriptor
        self._since_ms = time.time_ns() // 1_000_000

    def _wait_or_refuse(self, descriptor: int) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not _has_locked(descriptor):
            holder = known_holder(descriptor, self._state)
            if holder is None and time.monotonic() >= end:
                holder = described(self._state)
            if holder is not None:
                by = f" ({holder})" if str(holder) else ""
                raise ProjectHeld(
                    f"another runner holds this project{by}", hint="stop that one first; `status` shows what it does"
                )
            time.sleep(_PAUSE_SECONDS)

    def describe(self, url: str) -> None:
        """Write who holds the project and where its dashboard is, for the next one who asks."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        content = {"pid": os.getpid(), "since": self._since_ms, "url": url}
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        # Not atomic, and lost on a full disk: who then asks is told less, and the lock is held all the same.
        with suppress(OSError):
            file = os.open(self._state / DESCRIPTION, flags, 0o600)
            try:
                os.ftruncate(file, 0)
                os.pwrite(file, json.dumps(content).encode() + b"\n", 0)
            finally:
                os.close(file)

    def release(self) -> None:
        """Give the project free; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "ProjectLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
