"""A past that a test could not wait for: batches that took long, and many of them.

Their rows are set in the database, while no runner has the project.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.project import write_scenario
from tests.support.runs import database, run

TIMES = {
    "batches": ("started_at", "ended_at"),
    "cycles": ("started_at", "ended_at"),
    "stories": ("started_at", "ended_at"),
    "commands": ("started_at", "ended_at"),
    "background_tasks": ("spawned_at", "completed_at"),
    "events": ("timestamp",),
}
EMPTY_BATCH = """
    INSERT INTO batches (started_at, ended_at, max_cycles, cycles_completed, status, resumable)
    SELECT max(ended_at) + 1, max(ended_at) + 1, 3, 1, 'stopped', 0 FROM batches
"""


def run_slowly(project: Path, folder: Path, *, minutes: int, cycles: str = "all") -> None:
    """A batch that is over, and took so long."""
    done = run(project, write_scenario(folder), "--cycles", cycles)
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(database(project))) as connection, connection:
        ((begin, end),) = connection.execute("SELECT min(timestamp), max(timestamp) FROM events")
        slower = minutes * 60_000 / (end - begin)
        for table, columns in TIMES.items():
            for column in columns:
                moved = f"{column} = ?1 - CAST((?1 - {column}) * ?2 AS INTEGER)"
                connection.execute(f"UPDATE {table} SET {moved}", (end, slower))


def add_batches(project: Path, count: int) -> None:
    """So many more batches, in which nothing was done."""
    with closing(sqlite3.connect(database(project))) as connection, connection:
        for _ in range(count):
            connection.execute(EMPTY_BATCH)
