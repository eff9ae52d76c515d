"""A batch that another version of the program began, and one whose settings have changed meanwhile.

Another version is played by editing the record: what it calls otherwise is on record under another name.
"""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from actors.control import ResumeBatch
from tests.golden.takes import TITLES, review
from tests.support.checker import violations
from tests.support.inside import Interruption, run_inside, scripted
from tests.support.project import make_project, sprint_file, statuses, write_scenario
from tests.support.runs import database, query, run, running, successes

ONE = "1-1-one"
NOW = signal.SIGTERM
OURS, THEIRS = f"c1/story-review-1/{ONE}", f"c1/story-audit-1/{ONE}"


def rename(project: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database(project))) as connection, connection:
        for table in ("steps", "commands"):
            done = connection.execute(f"UPDATE {table} SET step_key = ? WHERE step_key = ?", (new, old))
            assert done.rowcount == 1


def on_record(project: Path) -> list[list[tuple[object, ...]]]:
    """All that a batch goes on from, but not the batch itself."""
    tables = ("steps", "commands", "cycles", "background_tasks", "stories", "sprint_seen")
    return [query(project, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


async def test_a_batch_of_another_version_is_refused_and_can_be_resumed_by_that_version(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "backlog"})
    slow = {"command": "dev-story", "attempt": "1", "actions": [{"sleep": 60.0}]}
    scenario = write_scenario(tmp_path, [slow])
    in_development = Interruption(when=lambda: running(project, f"c1/dev-story/{ONE}"), number=NOW)
    assert (await run_inside(scripted(project, scenario), interruption=in_development)).code == 4

    rename(project, OURS, THEIRS)
    before, ((last,),) = on_record(project), query(project, "SELECT max(id) FROM events")
    sprint = sprint_file(project).read_text()
    refused = run(project, scenario, "--resume")
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert f"on record is {THEIRS}, asked for is {OURS}" in line
    assert "resume it with the version that began it, or close it with --new" in line
    assert on_record(project) == before
    assert sprint_file(project).read_text() == sprint
    told = query(project, "SELECT event_type FROM events WHERE id > ? ORDER BY id", last)
    assert told == [("batch:start",), ("batch:end",)]
    assert query(project, "SELECT status, resumable FROM batches") == [("error", 1)]
    assert not violations(project)

    rename(project, THEIRS, OURS)
    resumed = await run_inside(scripted(project, scenario), ResumeBatch())
    assert (resumed.code, resumed.reason) == (0, "1 cycle completed")
    assert statuses(project) == {ONE: "done"}
    assert len(successes(project)) == len(set(successes(project)))
    assert not violations(project)


async def test_a_batch_of_another_version_can_be_closed_by_a_new_one(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "review"})
    scenario = write_scenario(
        tmp_path, [{"command": "batch-commit", "cycle": "1", "attempt": "1", "actions": ["hang"]}]
    )
    in_commit = Interruption(when=lambda: running(project, f"c1/batch-commit/{ONE}"), number=NOW)
    assert (await run_inside(scripted(project, scenario), interruption=in_commit)).code == 4
    rename(project, f"c1/code-review-1/{ONE}", f"c1/audit-1/{ONE}")
    assert (await run_inside(scripted(project, scenario), ResumeBatch())).code == 1
    assert run(project, scenario, "--cycles", "1", "--new").returncode == 0
    assert query(project, "SELECT status, resumable FROM batches") == [("error", 0), ("completed", 0)]


async def test_a_resumed_batch_keeps_the_review_limit_that_its_cycle_began_with(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "review"})
    slow = {"command": "code-review-2", "attempt": "1", "actions": [{"sleep": 60.0}]}
    reviews = [review(str(number), title) for number, title in enumerate(TITLES, start=1)]
    options = scripted(project, write_scenario(tmp_path, [slow, *reviews]))
    in_review = Interruption(when=lambda: running(project, f"c1/code-review-2/{ONE}"), number=NOW)
    begun = await run_inside(options, settings={"max_code_review_attempts": 3}, interruption=in_review)
    assert begun.code == 4
    assert (await run_inside(options, ResumeBatch(), settings={"max_code_review_attempts": 6})).code == 0
    assert successes(project) == [f"c1/code-review-{number}/{ONE}" for number in (1, 2, 3)]
    assert query(project, "SELECT story_key, blocked_reason FROM stories") == [(ONE, "review limit")]
