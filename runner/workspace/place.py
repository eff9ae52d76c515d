"""Where a command looks: the project and its database, found without loading what runs batches."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from runner.workspace.project import Paths, find_project, read_paths

DATABASE = "sprint-runner.db"
_LOCK_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the command line was told."""

    project: Path | None = None
    status_file: Path | None = None
    database: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The runner that holds a project, as its lock file describes it."""

    pid: int | None = None
    since: int | None = None
    """Epoch milliseconds."""
    url: str = ""


def find_root(where: Where) -> Path:
    """The project's folder. Raises ProjectError when there is none."""
    return find_project(where.project or Path.cwd(), explicit=where.project is not None)


def find_paths(where: Where) -> Paths:
    """The project's paths. Raises ProjectError."""
    return read_paths(find_root(where), where.status_file)


def database_file(where: Where, paths: Paths) -> Path:
    return where.database.absolute() if where.database else paths.state / DATABASE


def holder(state: Path) -> Holder | None:
    """The runner that works on a project, by its state folder; None when none does. Raises OSError."""
    try:
        descriptor = os.open(state / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        # A shared lock, given back at once: it only finds out, and lookers do not hinder one another.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _described(os.pread(descriptor, _LOCK_LIMIT, 0))
    finally:
        os.close(descriptor)
    return None


def _described(content: bytes) -> Holder:
    """What the file says is for people; an unreadable one still means that somebody holds the project."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return Holder()
    if not isinstance(told, dict):
        return Holder()
    pid, since, url = told.get("pid"), told.get("since"), told.get("url")
    return Holder(
        pid=pid if isinstance(pid, int) else None,
        since=since if isinstance(since, int) else None,
        url=url if isinstance(url, str) and url.isprintable() else "",
    )
