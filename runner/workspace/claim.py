"""The claim of one project on a database that lies outside of it.

A database holds the batches of one project. A second one would take the first one's agents for leftovers, and resume
its batches on stories of its own. What lies in a state folder is covered by that project's lock; a file that
`--database` puts elsewhere gets one beside it that says whose it is, locked while a runner works with it. The
lifeline makes the claim before it looks at what is on record. Blocks for moments.
"""

import fcntl
import os
from pathlib import Path

from runner.domain.errors import DatabaseError, ProjectHeld
from runner.workspace.root import STATE_FOLDER

_HINT = "name another file with --database: each project has its own"
_LONGEST_PATH = 4096


class Claim:
    """Made once, and kept for the life of the process: the kernel drops the lock with it."""

    def __init__(self, database: Path, root: Path) -> None:
        self._database = Path(os.path.realpath(database))
        self._root = root
        self._descriptor: int | None = None

    def make(self) -> None:
        """Claim the database; does nothing when that is done. Raises ProjectHeld, DatabaseError, OSError."""
        folder = self._database.parent
        if self._descriptor is not None or folder == self._root / STATE_FOLDER:
            return
        if folder.name == STATE_FOLDER:
            raise DatabaseError(f"{self._database} is the database of {folder.parent}", hint=_HINT)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(f"{self._database}.project", flags, 0o600)
        try:
            self._lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another runner works with database {self._database}"
            raise ProjectHeld(message, hint=_HINT) from None
        owner = os.fsdecode(os.pread(descriptor, _LONGEST_PATH, 0))
        if _is_another_project(owner, self._root):
            raise DatabaseError(f"{self._database} is the database of {owner}", hint=_HINT)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, os.fsencode(self._root), 0)
        os.fsync(descriptor)


def _is_another_project(owner: str, root: Path) -> bool:
    """Whether a folder is a project, and not this one; one that was moved away is none."""
    try:
        return os.path.isdir(os.path.join(owner, STATE_FOLDER)) and not os.path.samefile(owner, root)
    except (OSError, ValueError):
        return False
