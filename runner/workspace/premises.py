"""What a run stands on, and an agent might clear away under it: the state folder and the database.

The lifeline notes what they are when the database has been opened; after each command they are looked at again.
A file of the same name is not the same file: SQLite would go on writing to one that nobody can read any more. All
functions block for the time of a `stat`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from runner.domain.errors import RecordsLost

_Identity = tuple[int, int]


class Premises:
    """What was there when the run began; to be noted once."""

    def __init__(self) -> None:
        self._noted: tuple[tuple[Path, _Identity | None], ...] = ()

    def note(self, paths: Sequence[Path]) -> None:
        """Remember what these are now; when that was done before, see that they still are. Raises RecordsLost."""
        if self._noted:
            self.check()
        else:
            self._noted = tuple((path, _identity(path)) for path in paths)

    def check(self) -> None:
        """Raise RecordsLost when one of them is gone or has been replaced."""
        for path, before in self._noted:
            if (now := _identity(path)) == before:
                continue
            what = "removed" if now is None else "replaced"
            raise RecordsLost(
                f"{path} was {what} while the batch ran, and what was recorded since is lost",
                hint="find out what did it (git clean -x, a command of the agent), put the last copy back or start"
                " anew with --cycles: story statuses are in sprint-status.yaml",
            )


def _identity(path: Path) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
