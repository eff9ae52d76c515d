"""Faults of the machine, made for real: full disks, locks of other programs, what cannot be written or opened.

What needs rights that the tests do not have skips the test and says why.
"""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runner.guard import tags
from tests.support.runs import database, query


@contextmanager
def small_disk(folder: Path, megabytes: int = 8) -> Iterator[Path]:
    """A file system of its own on a folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = f"size={megabytes}m,mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left; removing the file gives it back."""
    path = folder / "everything-else"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database's write lock."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def unwritable(folder: Path) -> Iterator[Path]:
    """Nothing can be made or replaced in a folder, not even by root."""
    if os.geteuid():
        folder.chmod(0o500)
    elif subprocess.run(["chattr", "+i", folder], capture_output=True, check=False).returncode:
        pytest.skip("the file system cannot make a folder immutable for root")
    try:
        yield folder
    finally:
        if os.geteuid():
            folder.chmod(0o700)
        else:
            subprocess.run(["chattr", "-i", folder], check=True)


def leave_no_files(pid: int, spare: int) -> None:
    """Let a process open so many files more, and no others."""
    limit = len(os.listdir(f"/proc/{pid}/fd")) + spare
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))


def agents_alive(project: Path) -> list[int]:
    """Processes of any attempt on record."""
    return [pid for (tag,) in query(project, "SELECT tag FROM commands") for pid in tags.tagged(int(str(tag)))]


def undecided(project: Path) -> list[tuple[object, ...]]:
    """Attempts that a fault has charged to the agent, and stories that were blocked over it."""
    return query(
        project,
        "SELECT step_key, reason FROM commands WHERE charged = 1"
        " UNION ALL SELECT story_key, blocked_reason FROM stories WHERE blocked_reason <> ''",
    )


def write_ahead_log(project: Path) -> Path:
    path = database(project)
    return path.with_name(f"{path.name}-wal")
