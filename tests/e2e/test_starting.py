"""How a real runner starts and what it stands on: its lock, the limits of its shell, its state folder."""

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.guard import tags
from runner.guard.strays import kill_guard
from tests.support.project import make_project, statuses, write_scenario
from tests.support.refusals import Answer, refusal, snapshot, untouched
from tests.support.runs import PATIENCE_SECONDS, command, environment, query, run, running, started, wait_until

STORY = "1-1-one"
STATE = ".sprint-runner"
MAIN = "from runner.__main__ import main; main()"
WATCH_THE_LOCK = """
import sys
def look(event, arguments):
    if event == "fcntl.flock":
        print("locked", *sorted({"trio", "msgspec", "yaml", "sqlite3", "structlog", "rich"} & set(sys.modules)))
sys.addaudithook(look)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", {STORY: "review"})


def run_after(code: str, project: Path, scenario: Path, *arguments: str) -> Answer:
    """Run in a process that has run some code before."""
    _, _, _, *rest = command(project, scenario, "--cycles", "1", *arguments)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{MAIN}", *rest],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_the_lock_is_taken_before_anything_heavy_is_imported(tmp_path: Path, project: Path):
    missing = ("--status-file", str(tmp_path / "missing"))
    answer = run_after(WATCH_THE_LOCK, project, write_scenario(tmp_path), *missing)
    assert (answer.code, answer.out) == (2, "locked\n")


LIMITS = {
    "files": (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))",
        "only 24 files may be open at the same time (ulimit -n); raise it in the shell that starts …",
    ),
    "locks": (
        "import resource; resource.setrlimit(10, (1000, 1000))",
        "agents cannot be guarded: the limit on file locks (ulimit -x) is too low …; raise it in the shell",
    ),
}


@pytest.mark.parametrize(("limit", "says"), LIMITS.values(), ids=LIMITS.keys())
def test_a_shell_with_too_small_limits_is_refused(tmp_path: Path, project: Path, limit: str, says: str):
    before = snapshot(project)
    assert not refusal(run_after(limit, project, write_scenario(tmp_path)), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


def test_what_the_runner_keeps_is_private_whatever_the_umask(tmp_path: Path, project: Path):
    answer = run_after("import os; os.umask(0)", project, write_scenario(tmp_path))
    assert answer.code == 0, answer.err
    kept = [project / STATE, *(project / STATE).rglob("*")]
    assert {path.name for path in kept} >= {"sprint-runner.db", "scripted-sessions", "prompt.txt", "exit.json"}
    assert [path for path in kept if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


def test_a_folder_named_to_steer_the_terminal_is_shown_without_that(tmp_path: Path, project: Path):
    odd = project.rename(tmp_path / "a\n\u202eb\x1b[2Jc")
    done = run(odd, write_scenario(tmp_path), "--cycles", "1")
    assert done.returncode == 0
    assert not re.search("[\u202e\x1b]", done.stdout + done.stderr)
    assert "/a b c" in done.stdout


def _remove_state(project: Path) -> list[str]:
    return ["rm", "-rf", str(project / STATE)]


def _remove_database(project: Path) -> list[str]:
    return ["rm", str(project / STATE / "sprint-runner.db")]


def _replace_database(project: Path) -> list[str]:
    file = str(project / STATE / "sprint-runner.db")
    return [sys.executable, "-c", f"import os, shutil; shutil.copy({file!r}, 'x'); os.replace('x', {file!r})"]


@pytest.mark.parametrize(
    ("clears", "says"),
    [
        (_remove_state, f"/{STATE} was removed while the batch ran"),
        pytest.param(_remove_database, "sprint-runner.db was removed while the batch ran", marks=pytest.mark.slow),
        pytest.param(_replace_database, "sprint-runner.db was replaced while the batch ran", marks=pytest.mark.slow),
    ],
)
def test_a_batch_whose_records_are_cleared_away_ends_in_plain_words(
    tmp_path: Path, project: Path, clears: Callable[[Path], list[str]], says: str
):
    rules = [{"command": "code-review-1", "actions": [{"run": clears(project)}, "builtin"]}]
    done = run(project, write_scenario(tmp_path, rules), "--cycles", "1")
    assert done.returncode == 1
    assert "times in" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert says in last
    assert "story statuses are in sprint-status.yaml" in last
    assert "Traceback" not in done.stderr
    assert query(project, "SELECT step_key FROM commands WHERE status = 'success'") == []


@pytest.mark.slow
def test_records_that_are_cleared_away_can_be_begun_anew(tmp_path: Path, project: Path):
    rules = [{"command": "code-review-1", "actions": [{"run": _remove_state(project)}]}]
    assert run(project, write_scenario(tmp_path, rules), "--cycles", "1").returncode == 1
    shutil.rmtree(project / STATE, ignore_errors=True)
    assert run(project, write_scenario(tmp_path), "--cycles", "1").returncode == 0
    assert statuses(project)[STORY] == "done"


def test_the_tag_stands_in_the_run_folder_for_as_long_as_the_agent_lives(tmp_path: Path, project: Path):
    copy = f"import glob, shutil; [shutil.copy(path, {str(tmp_path)!r}) for path in glob.glob('{STATE}/runs/*/tag')]"
    rules = [{"command": "code-review-1", "actions": [{"run": [sys.executable, "-c", copy]}, "builtin"]}]
    assert run(project, write_scenario(tmp_path, rules), "--cycles", "1").returncode == 0
    ((tag,),) = query(project, "SELECT tag FROM commands WHERE command = 'code-review-1'")
    assert (tmp_path / "tag").read_text().split()[0] == str(tag)
    assert list((project / STATE / "runs").glob("*/tag")) == []


@pytest.mark.slow
def test_leftovers_are_ended_by_a_start_that_has_never_heard_of_them(tmp_path: Path, project: Path):
    rules = [{"actions": [{"spawn": {"kind": "deaf", "seconds": 300}}, "hang"]}]
    with started(project, write_scenario(tmp_path / "hangs", rules), "--cycles", "1") as first:
        wait_until(lambda: running(project, f"c1/code-review-1/{STORY}"))
        ((tag, run_id),) = query(project, "SELECT tag, run_id FROM commands")
        assert isinstance(tag, int)
        wait_until(lambda: len(tags.tagged(tag)) == 2)
        first.kill()
        assert kill_guard(project / STATE / "runs" / str(run_id))
    assert tags.tagged(tag)
    done = run(project, write_scenario(tmp_path), "--cycles", "1", "--database", str(tmp_path / "other.db"))
    assert done.returncode == 0
    assert tags.tagged(tag) == []
