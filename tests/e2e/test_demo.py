"""The demo sprint from start to end: what is in git, in the sprint file and in the database afterwards."""

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checker import violations
from tests.support.project import git, sprint_file
from tests.support.runs import command, environment, query

CHANGED_STORIES = {"2-1-log-pages-read", "2-2-reading-streak", "3-1-export-as-markdown", "3-2-search-the-shelf"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo after two cycles, run with every warning an error."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    argv = [sys.executable, "-X", "dev", "-W", "error", *command(folder, None, "--cycles", "2", "--demo")[1:]]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.slow
def test_each_cycle_is_one_commit(project: Path):
    subjects = git(project, "log", "--format=%s", "--reverse").splitlines()
    assert subjects[1:] == ["feat(2): implement stories 2-1, 2-2", "feat(3): implement stories 3-1, 3-2"]
    assert git(project, "status", "--short") == ""
    tests = subprocess.run([sys.executable, "-m", "unittest", "-q"], cwd=project, capture_output=True, check=False)
    assert tests.returncode == 0


@pytest.mark.slow
def test_sprint_file_differs_in_scalars_only(project: Path):
    first = git(project, "rev-list", "--max-parents=0", "HEAD").strip()
    before = git(project, "show", f"{first}:{sprint_file(project).relative_to(project)}").splitlines()
    lines = [line for line in difflib.ndiff(before, sprint_file(project).read_text().splitlines()) if line[0] in "+-"]
    gone = {line[2:].split(":")[0].strip() for line in lines if line[0] == "-"}
    come = {line[2:].split(":")[0].strip() for line in lines if line[0] == "+"}
    assert gone == come == {"epic-2", *CHANGED_STORIES}
    assert all(
        line.split(":")[1].split("#")[0].strip() in ("done", "in-progress") for line in lines if line[0] == "+"
    )


@pytest.mark.slow
def test_database_has_everything(project: Path):
    assert not violations(project)
    assert query(project, "SELECT status, cycles_completed, max_cycles FROM batches") == [("completed", 2, 2)]
    assert query(project, "SELECT number, status FROM cycles") == [(1, "completed"), (2, "completed")]
    assert {
        key for (key,) in query(project, "SELECT story_key FROM stories WHERE status = 'done'")
    } == CHANGED_STORIES
    assert query(project, "SELECT count(*) FROM commands WHERE status <> 'success' OR cost_usd <= 0") == [(0,)]
    assert query(project, "SELECT count(*) FROM commands WHERE input_tokens = 0 OR output_tokens = 0") == [(0,)]
    assert query(project, "SELECT task_type, status FROM background_tasks") == [("story-review-chain", "completed")]
    reviews = "SELECT step_key FROM commands WHERE background_task_id IS NOT NULL ORDER BY id"
    assert [str(key).split("/")[1] for (key,) in query(project, reviews)] == ["story-review-2", "story-review-3"]
    progress = query(project, "SELECT payload_json FROM events WHERE event_type = 'command:progress'")
    assert {"kind", "task_id", "message", "command_id"} <= json.loads(str(progress[0][0])).keys()
