"""Which folder is the project: the first question of every command, answered with the standard library alone.

A start asks it before the project's lock is taken, and nothing heavy is to be loaded until then. Only looks.
"""

import os
from pathlib import Path
from typing import Final

from runner.domain.errors import ProjectError

STATE_FOLDER: Final = ".sprint-runner"
SIGNS: Final = ("_bmad", "_bmad-output", STATE_FOLDER)
"""A folder that holds one of these folders is a project."""


def find_project(start: Path, *, explicit: bool) -> Path:
    """The root of the project: `start` itself when it was given explicitly, else it or the nearest above it.

    Raises ProjectError when there is none.
    """
    start = Path(os.path.abspath(start))
    if not start.is_dir():
        raise ProjectError(f"{start} is not a folder", hint="give the project's folder with --project")
    for folder in (start,) if explicit else (start, *start.parents):
        if any((folder / sign).is_dir() for sign in SIGNS):
            return folder.resolve()
    where = f"{start} is not a BMAD project" if explicit else f"no BMAD project in {start} or above it"
    raise ProjectError(
        f"{where} (no _bmad or _bmad-output folder)",
        hint="install BMAD there, or give the project's folder with --project",
    )
