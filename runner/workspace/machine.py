"""What the machine refuses, in the operator's words: errors of the system, and disks without room.

A batch asks why it crashed, an attempt asks before an agent is started and after one has failed: on a full disk an
agent fails whatever it does, and three such failures would block a story that nothing is wrong with. Looking for
room blocks; nothing here changes anything.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from runner.domain.errors import DatabaseError, RecordsLost, RunnerError

LEAST_BYTES = 1 << 20
"""With less room than this no agent can be expected to do its work."""
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or have the quota raised",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EROFS: "make it writable again",
    errno.EACCES: "give the user of the runner the right to it",
    errno.EPERM: "give the user of the runner the right to it",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "end other programs: the system has no file left to open",
    errno.EAGAIN: "end other programs, or raise the limit on processes (ulimit -u)",
    errno.ENOMEM: "end other programs: the system has no memory left",
    errno.EIO: "check the disk",
}
"""What the operator can do about an error of the system."""


class MachineFault(RunnerError):
    """The system refused something that no part of the runner can go on without."""

    exit_code = 4


def fault_of(crash: BaseException) -> RunnerError | None:
    """The fault of the machine that a crash comes from; None when any part of it is something else."""
    faults = [_fault(error) for error in _errors(crash)]
    return None if None in faults else faults[0]


def refusal(error: OSError) -> str:
    """What the system refused, and the remedy where one is known."""
    what = error.strerror or str(error)
    remedy = REMEDIES.get(error.errno or 0)
    return f"{what}; {remedy}, then resume" if remedy else what


def shortage(*folders: Path) -> str:
    """What is lacking on the disks of these folders, in one line with the remedy; empty when there is room."""
    for folder in folders:
        try:
            disk = os.statvfs(folder)
        except OSError:
            continue  # whoever writes there next says what is wrong with it
        free = disk.f_bavail * disk.f_frsize
        if free < LEAST_BYTES:
            return f"the disk of {folder} is full ({free >> 10} KiB free); free some space, then resume"
        if disk.f_files and not disk.f_favail:
            return f"the disk of {folder} takes no more files; remove some, then resume"
    return ""


def _errors(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _errors(part)
    elif _fault(error) is None and error.__cause__ is not None:
        # A supervisor that gave up: what counts is what it gave up over.
        yield from _errors(error.__cause__)
    else:
        yield error


def _fault(error: BaseException) -> RunnerError | None:
    if isinstance(error, (DatabaseError, MachineFault, RecordsLost)):
        return error
    if isinstance(error, OSError) and error.errno in REMEDIES:
        where = f"{error.filename}: " if error.filename else ""
        return MachineFault(f"{where}{error.strerror}", hint=f"{REMEDIES[error.errno]}, then resume")
    return None
