"""Where a command looks: the project and its database, found without loading what runs batches."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.domain.errors import ProjectError
from runner.workspace.lock import ProjectLock
from runner.workspace.root import STATE_FOLDER, find_project

if TYPE_CHECKING:
    from runner.workspace.project import Paths

DATABASE = "sprint-runner.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the command line was told."""

    project: Path | None = None
    status_file: Path | None = None
    database: Path | None = None


def find_root(where: Where) -> Path:
    """The project's folder. Raises ProjectError when there is none."""
    return find_project(where.project or Path.cwd(), explicit=where.project is not None)


def project_lock(where: Where) -> ProjectLock:
    """The project's lock, not taken yet. Raises ProjectError when there is no project."""
    return ProjectLock(find_root(where) / STATE_FOLDER)


def find_paths(where: Where) -> "Paths":
    """The project's paths. Raises ProjectError."""
    # It loads YAML, which nothing needs that only takes the lock.
    from runner.workspace.project import read_paths

    return read_paths(find_root(where), where.status_file)


def database_file(where: Where, paths: "Paths") -> Path:
    """The database, which need not exist. Raises ProjectError where nobody may even see whether it does."""
    file = where.database.absolute() if where.database else paths.state / DATABASE
    try:
        os.stat(file)
    except PermissionError:
        raise ProjectError(
            f"cannot look into {file.parent}: Permission denied",
            hint="it is the folder's owner who may, or whoever is given the right to it",
        ) from None
    except OSError:
        pass
    return file
