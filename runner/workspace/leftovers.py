"""Processes that a dead runner has left behind, found by the run folders alone.

A run folder holds the tag of its agent from before the spawn until the agent's processes are proven gone. Whatever
became of the database, a folder that still has its tag is looked into at the next start, before anything else. All
functions here block. Nothing is judged or recorded: that is the lifeline's.
"""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.domain.errors import ProjectError
from runner.guard import tags
from runner.guard.receipt import await_guard, read_receipt
from runner.guard.strays import end_strays, kill_guard
from runner.workspace.project import check_ours
from runner.workspace.reading import read_regular

TAG = "tag"
GUARD_SECONDS = 10.0
"""An orphaned guard gives its agent half a second; it is long gone when this has passed."""
SWEEP_SECONDS = 5.0
_TAG_FILE_LIMIT = 200
_NO_TAG_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.EFBIG)
"""It is gone, or something else was put in its place."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A run whose processes are not proven gone."""

    folder: Path
    tag: int


def mark(folder: Path, tag: int) -> None:
    """Note, before an agent is spawned, the tag that its processes will carry. Raises OSError."""
    descriptor = os.open(folder / TAG, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{tag} {_boot_id()}\n")


def unmark(folder: Path) -> None:
    """Note that the processes of a run are gone. What cannot be noted is found out again at the next start."""
    with suppress(OSError):
        os.unlink(folder / TAG)


def end_leftovers(state: Path) -> int:
    """End whatever a dead runner has left alive; gives the number of runs that were looked into.

    Only for who holds the project's lock. Raises ProjectError when something cannot be ended, and when the state
    folder is not ours.
    """
    if not os.path.lexists(state):
        return 0
    check_ours(state)
    found = _leftovers(state)
    for leftover in found:
        if not end_processes(leftover.folder, leftover.tag):
            raise ProjectError(
                f"processes of a dead runner's command are still there, see {leftover.folder}",
                hint="look for them with `python -m runner doctor`, end them, then start again",
            )
        unmark(leftover.folder)
    return len(found)


def end_processes(folder: Path, tag: int) -> bool:
    """See a run's guard and agents to their end; whether it is proven that they are gone."""
    answered = await_guard(folder, GUARD_SECONDS)
    clean = end_strays(tag, SWEEP_SECONDS)
    if not answered:
        kill_guard(folder)
        answered = await_guard(folder, GUARD_SECONDS)
    return answered and clean


def _leftovers(state: Path) -> list[Leftover]:
    boot, found = _boot_id(), []
    for folder in _run_folders(state):
        tag, booted = _read_tag(folder)
        receipt = read_receipt(folder)
        # No process outlives its machine, and another boot may have given its tag to somebody else.
        if tag is None or booted != boot or (receipt is not None and receipt.clean):
            unmark(folder)
        else:
            found.append(Leftover(folder=folder, tag=tag))
    return found


def _run_folders(state: Path) -> list[Path]:
    """The run folders that still have their tag."""
    try:
        with os.scandir(state / "runs") as runs:
            folders = [Path(run.path) for run in runs if run.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [folder for folder in folders if os.path.lexists(folder / TAG)]


def _read_tag(folder: Path) -> tuple[int | None, str]:
    """The tag and the boot it is of; no tag where the file tells none that could be ours. Raises ProjectError."""
    try:
        tag, _, boot = read_regular(folder / TAG, limit=_TAG_FILE_LIMIT).decode("ascii").strip().partition(" ")
        number = int(tag)
    except ValueError:
        return None, ""
    except OSError as error:
        if error.errno in _NO_TAG_FILE:
            return None, ""
        # To take it for none would lose the only trace of what may be alive.
        raise ProjectError(
            f"cannot read {folder / TAG}: {error.strerror}", hint="check its permissions and the limit on open files"
        ) from None
    return (number if number >= tags.LEAST_TAG else None), boot


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "-"
