"""The checker: what must be true of a project after any number of runs, however they ended.

`violations` looks at the database, at git, at the sprint file and at the processes of this machine, and knows
nothing of how the runs went.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any

from runner.agents.lines import MAX_LINE
from runner.guard import tags
from tests.support.project import git
from tests.support.runs import database

EARLIEST_MS = 1_600_000_000_000
LATEST_MS = 4_000_000_000_000
TIMES = {
    "batches": ("started_at", "ended_at", "resets_at"),
    "cycles": ("started_at", "ended_at"),
    "stories": ("started_at", "ended_at"),
    "commands": ("started_at", "ended_at", "resets_at"),
    "events": ("timestamp",),
    "background_tasks": ("spawned_at", "completed_at"),
    "steps": ("recorded_at",),
}


def violations(project: Path, *, ended: bool = True) -> list[str]:
    """Everything that is wrong; `ended`: no runner works on the project any more."""
    with closing(sqlite3.connect(database(project))) as connection:
        found = [
            *_successes(connection),
            *_events(connection),
            *_times(connection),
            *_results(connection, project),
            *_commits(connection, project),
            *_integrity(connection),
        ]
        if ended:
            found += [*_processes(connection), *_ends(connection)]
    return found


def _successes(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT batch_id, step_key FROM commands WHERE status = 'success'").fetchall()
    for (batch, key), count in Counter(rows).items():
        if count > 1:
            yield f"{count} successes of {key} in batch {batch}"
    ends = connection.execute("SELECT payload_json FROM events WHERE event_type = 'command:end'").fetchall()
    for command_id, count in Counter(json.loads(text)["command_id"] for (text,) in ends).items():
        if count > 1:
            yield f"{count} ends of command {command_id}"


def _results(connection: sqlite3.Connection, project: Path) -> Iterator[str]:
    """A good result that reached the disk is a success on record, whoever was killed when."""
    rows = connection.execute("SELECT step_key, attempt, run_id, status FROM commands WHERE status <> 'success'")
    for key, attempt, run_id, status in rows:
        folder = project / ".sprint-runner" / "runs" / run_id
        if run_id and status != "running" and _has_good_result(folder):
            yield f"attempt {attempt} of {key} is {status}, but its result is in {folder}"


def _has_good_result(folder: Path) -> bool:
    output, receipt = folder / "stdout.ndjson", folder / "exit.json"
    if not output.is_file() or (receipt.is_file() and _failed_by_itself(json.loads(receipt.read_bytes()))):
        return False
    with output.open("rb") as lines:
        # A line over the limit is a failure, whatever is said after it.
        read = takewhile(lambda line: len(line) <= MAX_LINE, lines)
        results = [told for line in read if b'"result"' in line and (told := _result(line))]
    # The first that tells of any work is the one that counts.
    return bool(results) and results[0].get("is_error") is False and not results[0].get("permission_denials")


def _failed_by_itself(receipt: dict[str, Any]) -> bool:
    return receipt["why"] == "exit" and receipt["exit_code"] != 0


def _result(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("type") != "result" or not told.get("num_turns"):
        return None
    return told


def _events(connection: sqlite3.Connection) -> Iterator[str]:
    seqs = [seq for (seq,) in connection.execute("SELECT id FROM events ORDER BY id")]
    if seqs != list(range(1, len(seqs) + 1)):
        yield f"events have gaps: {len(seqs)} events up to {seqs[-1]}"


def _times(connection: sqlite3.Connection) -> Iterator[str]:
    for table, columns in TIMES.items():
        for column in columns:
            bad = connection.execute(
                f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT BETWEEN ? AND ?",
                (EARLIEST_MS, LATEST_MS),
            ).fetchone()[0]
            if bad:
                yield f"{bad} values of {table}.{column} are no milliseconds"


def _commits(connection: sqlite3.Connection, project: Path) -> Iterator[str]:
    subjects = Counter(line for line in git(project, "log", "--format=%s").splitlines() if line.startswith("feat("))
    for subject, count in subjects.items():
        if count > 1:
            yield f"{count} commits {subject!r}"
    done = connection.execute(
        "SELECT count(*) FROM commands WHERE command = 'batch-commit' AND status = 'success'"
    ).fetchone()[0]
    if sum(subjects.values()) != done:
        yield f"{sum(subjects.values())} commits for {done} successful batch-commits"


def _integrity(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"integrity: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign key: {row}"


def _processes(connection: sqlite3.Connection) -> Iterator[str]:
    for key, tag in connection.execute("SELECT step_key, tag FROM commands WHERE tag <> 0"):
        if alive := tags.tagged(tag):
            yield f"processes {alive} of {key} are alive"


def _ends(connection: sqlite3.Connection) -> Iterator[str]:
    for batch, runs, ends in connection.execute(
        "SELECT batches.id, runs, count(events.id) FROM batches LEFT JOIN events"
        " ON events.batch_id = batches.id AND event_type = 'batch:end' GROUP BY batches.id"
    ):
        if runs != ends:
            yield f"{ends} batch:end for {runs} runs of batch {batch}"
    for key, status in connection.execute("SELECT step_key, status FROM commands WHERE status = 'running'"):
        yield f"{key} is {status} though nothing runs"
