"""What the original tool's activity log says, for `GET /api/orchestrator-status`. Blocks on the disk."""

from dataclasses import dataclass

from runner.workspace.data_files import open_data_file
from runner.workspace.project import Paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Activities:
    """The log as a whole, and its lines without headings and empty ones."""

    activities: tuple[str, ...] = ()
    raw: str = ""


def read_activities(paths: Paths) -> Activities:
    """`orchestrator.md`; empty when there is none. Bytes that are no UTF-8 are replaced."""
    file = open_data_file(paths, "orchestrator.md")
    if file is None:
        return Activities()
    raw = file.data.decode("utf-8", "replace")
    lines = (line.strip() for line in raw.split("\n"))
    return Activities(activities=tuple(line for line in lines if line and not line.startswith("#")), raw=raw)
