"""The few files of the project that anybody may read as they are: the sprint file and the original tool's logs.

The web serves them under these names and no others. Agents write into the same folders, so nothing but a regular
file of a sensible size is given out, and never what a link points to. Blocks on the disk.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.workspace.project import Paths
from runner.workspace.reading import open_regular, opened_folder

SIZE_LIMIT: Final = 2 * 1024 * 1024
SPRINT_FILE: Final = "sprint-status.yaml"
CONTENT_TYPES: Final[Mapping[str, str]] = {
    SPRINT_FILE: "application/x-yaml; charset=utf-8",
    "orchestrator.md": "text/plain; charset=utf-8",
    "orchestrator.csv": "text/csv; charset=utf-8",
    "sprint-runner.csv": "text/csv; charset=utf-8",
}
"""Every name there is, and what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A data file as it was at one instant."""

    content_type: str
    data: bytes


def open_data_file(paths: Paths, name: str) -> DataFile | None:
    """A data file by its name; None when there is no such file, and for every other name."""
    if name not in CONTENT_TYPES:
        return None
    for place in _places(paths, name):
        with suppress(OSError):
            if (data := _read(place)) is not None:
                return DataFile(content_type=CONTENT_TYPES[name], data=data)
    return None


def _places(paths: Paths, name: str) -> Iterator[Path]:
    if name == SPRINT_FILE:
        yield paths.status_file
    else:
        yield from (folder / name for folder in (paths.implementation, paths.planning, paths.root / "docs"))


def _read(path: Path) -> bytes | None:
    """The whole file; None when it is too large. Raises OSError."""
    with opened_folder(path.parent) as folder, open_regular(path.name, folder=folder) as file:
        data = file.read(SIZE_LIMIT + 1)
    return data if len(data) <= SIZE_LIMIT else None
