"""A call that cannot be carried out: bad options, no agent, a database that is none, a project that is held."""

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner import outfit
from runner.store.migrations import APPLICATION_ID, VERSION
from runner.workspace.lock import ProjectLock
from runner.workspace.project import make_state_folder
from tests.support.project import make_project, write_scenario
from tests.support.refusals import Answer, call, refusal, snapshot, untouched
from tests.support.runs import database, query, run, running, started, wait_until

STORY = "1-1-one"
CYCLES = "--cycles takes a number from 1 to 999 or `all`, not "
MODES = ("--cycles", "1", "--agent", "claude", "--agent-command")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that nothing is wrong with; to be copied."""
    return make_project(tmp_path_factory.mktemp("good") / "project", {STORY: "review"})


@pytest.fixture
def project(tmp_path: Path, good: Path) -> Path:
    return shutil.copytree(good, tmp_path / "project")


@pytest.fixture
def answered(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Call the command line about the project; what is in braces is filled in."""

    def answer(*arguments: str) -> Answer:
        scenario = str(write_scenario(tmp_path))
        filled = [word.replace("{project}", str(project)) for word in arguments]
        agent = (
            [] if "--agent" in filled or "--scenario" in filled else ["--agent", "scripted", "--scenario", scenario]
        )
        place = [] if "--project" in filled else ["--project", str(project)]
        return call([*place, *agent, *filled], monkeypatch, capsys)

    return answer


OPTIONS = {
    "nothing to do": ((), "nothing to do; give --cycles N, --cycles all or --resume"),
    "open to the world": (
        ("--host", "0.0.0.0"),
        "--host 0.0.0.0 can be reached from other machines, …; add --unsafe-bind if that is meant; ",
    ),
    "no such port": (("--port", "65536"), "--port…65536"),
    "start and resume": (("--cycles", "1", "--resume"), "--cycles and --resume exclude each other; "),
    "new without cycles": (("--resume", "--new"), "--new"),
    "no cycles": (("--cycles", "0"), CYCLES + "'0'"),
    "negative cycles": (("--cycles", "-1"), CYCLES + "'-1'"),
    "too many cycles": (("--cycles", "1000"), CYCLES + "'1000'"),
    "endless cycles": (("--cycles", "9" * 5000), CYCLES + "'999"),
    "half a cycle": (("--cycles", "1.5"), CYCLES + "'1.5'"),
    "empty cycles": (("--cycles", ""), CYCLES + "''"),
    "cycles in other digits": (("--cycles", "١"), CYCLES + "'١'"),
    "cycles and a line break": (("--cycles", "1\n"), CYCLES + r"'1\n'"),
    "missing value": (("--cycles",), "--cycles"),
    "unknown option": (("--nonsense",), "No such option…--nonsense"),
    "unknown option and control characters": (("--non\x1b[2Jsense",), "No such option…--non"),
    "unknown command": (("nonsense",), "No such command 'nonsense'"),
    "unknown agent": (("--cycles", "1", "--agent", "me"), "--agent…'me' is not one of 'claude', 'scripted'"),
    "missing project": (
        ("--cycles", "1", "--project", "{project}/nowhere"),
        "{project}/nowhere is not a folder; give the project's folder with --project",
    ),
    "file for a project": (
        ("--cycles", "1", "--project", "{project}/.git/HEAD"),
        "{project}/.git/HEAD is not a folder; ",
    ),
    "missing status file": (
        ("--cycles", "1", "--status-file", "{project}/x.yaml"),
        "sprint-status.yaml not found at {project}/x.yaml; run sprint planning first",
    ),
    "no scenario": (("--cycles", "1", "--agent", "scripted"), "the scripted agent needs a scenario; give one with"),
    "missing scenario": (
        ("--cycles", "1", "--agent", "scripted", "--scenario", "{project}/x.json"),
        "scenario {project}/x.json is not a file; see docs/scripted-agent.md",
    ),
    "agent not installed": (
        (*MODES, "no-such-claude"),
        "the agent CLI 'no-such-claude' was not found; install it …, or name it with --agent-command PATH",
    ),
    "agent's path is wrong": (
        (*MODES, "{project}/claude"),
        "the agent CLI '{project}/claude' was not found; install it",
    ),
    "agent not executable": ((*MODES, "{project}/.git/HEAD"), "{project}/.git/HEAD is not executable; chmod +x it"),
    "agent is a folder": ((*MODES, "{project}/.git"), "{project}/.git is not executable; …name another"),
}


@pytest.mark.parametrize(("arguments", "says"), OPTIONS.values(), ids=OPTIONS.keys())
def test_a_call_with_a_fault(
    project: Path,
    answered: Callable[..., Answer],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
):
    monkeypatch.setenv("IS_SANDBOX", "1")
    before = snapshot(project)
    assert not refusal(answered(*arguments), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


def test_a_port_that_is_taken(project: Path, answered: Callable[..., Answer]):
    before = snapshot(project)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        says = f"port {port} of 127.0.0.1 is taken by another program; give another with --port"
        assert not refusal(answered("--port", str(port)), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


def test_a_setting_in_the_environment_with_a_fault(
    project: Path, answered: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SPRINT_RUNNER_STOP_GRACE_SECONDS", "5s")
    says = "SPRINT_RUNNER_STOP_GRACE_SECONDS: stop_grace_seconds must be a whole number from 0 to 120, not '5s'; "
    before = snapshot(project)
    assert not refusal(answered("--cycles", "1"), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


def test_an_isolation_that_is_not_to_be_had(
    project: Path, answered: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("IS_SANDBOX", "1")
    monkeypatch.setenv("SPRINT_RUNNER_ISOLATION", "pidns")
    monkeypatch.setattr(outfit, "obstacle", lambda mode: f"no room for {mode}")
    says = "isolation by pidns is not to be had here: no room for pidns; set `isolation` to auto; …doctor"
    before = snapshot(project)
    assert not refusal(answered(*MODES, "/bin/true"), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_outside_a_sandbox(project: Path, answered: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("IS_SANDBOX", raising=False)
    says = "the Claude CLI refuses --permission-mode bypassPermissions as root; set IS_SANDBOX=1"
    before = snapshot(project)
    assert not refusal(answered(*MODES, "/bin/true"), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


# --- the database -------------------------------------------------------------------------------------------------


def _holds(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _database_of(application: int, version: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE anything (id)")
            connection.execute(f"PRAGMA application_id = {application}")
            connection.execute(f"PRAGMA user_version = {version}")

    return make


DATABASES = {
    "text": (
        _holds(b"just some text\n" * 99),
        "{project}/.sprint-runner/sprint-runner.db is not a database …; move it",
    ),
    "stump": (_holds(b"SQLite"), "sprint-runner.db is not a database (only 6 bytes); move it"),
    "folder": (Path.mkdir, "sprint-runner.db is not a regular file; name another file with --database"),
    "pipe": (os.mkfifo, "sprint-runner.db is not a regular file; name another file with --database"),
    "another program's": (
        _database_of(7, 1),
        "is the database of another program; name another file with --database",
    ),
    "newer": (
        _database_of(APPLICATION_ID, VERSION + 1),
        f"has version {VERSION + 1}, this runner knows versions up to {VERSION}; use the newer runner",
    ),
}


@pytest.mark.parametrize("arguments", [("--cycles", "1"), ("--resume",)], ids=["start", "resume"])
@pytest.mark.parametrize(("make", "says"), DATABASES.values(), ids=DATABASES.keys())
def test_a_database_that_cannot_be_used(
    project: Path,
    answered: Callable[..., Answer],
    make: Callable[[Path], object],
    says: str,
    arguments: tuple[str, ...],
):
    make_state_folder(project)
    make(database(project))
    before = snapshot(project)
    assert not refusal(answered(*arguments), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=True)


def test_a_database_in_a_folder_that_is_missing(project: Path, answered: Callable[..., Answer]):
    before = snapshot(project)
    answer = answered("--cycles", "1", "--database", "{project}/nowhere/x.db")
    says = "database {project}/nowhere/x.db cannot be opened …; check that the file and its folder exist"
    assert not refusal(answer, code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=True)


# --- other runs of the project ------------------------------------------------------------------------------------


def test_nothing_to_resume(project: Path, answered: Callable[..., Answer]):
    before = snapshot(project)
    says = "there is no unfinished batch to resume; start one with --cycles"
    assert not refusal(answered("--resume"), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)


def test_nothing_left_to_resume(project: Path, answered: Callable[..., Answer]):
    assert answered("--cycles", "1").code == 0
    batches = query(project, "SELECT * FROM batches")
    says = "there is no unfinished batch to resume; start one with --cycles"
    assert not refusal(answered("--resume"), code=2, says=says, project=project)
    assert query(project, "SELECT * FROM batches") == batches


def test_a_project_that_another_runner_holds(project: Path, answered: Callable[..., Answer]):
    with ProjectLock(make_state_folder(project)):
        before = snapshot(project)
        answer = answered("--cycles", "1")
        after = snapshot(project)
    says = f"another runner holds this project (pid {os.getpid()}, since …); stop that one first"
    assert not refusal(answer, code=3, says=says, project=project)
    assert untouched(before, after, locked=False)


def test_a_second_process(tmp_path: Path, project: Path):
    scenario = write_scenario(tmp_path, [{"command": "code-review-1", "actions": [{"sleep": 2.0}, "builtin"]}])
    with started(project, scenario, "--cycles", "1") as first:
        wait_until(lambda: running(project, f"c1/code-review-1/{STORY}"))
        second = run(project, scenario, "--cycles", "1", "--new")
        says = f"another runner holds this project (pid {first.pid}, since …); stop that one first"
        assert not refusal(
            Answer(second.returncode, second.stdout, second.stderr), code=3, says=says, project=project
        )
        first.communicate(timeout=30)
    assert first.returncode == 0
    assert query(project, "SELECT status FROM batches") == [("completed",)]
