"""`doctor`: every check for itself, the table, and the exit code."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from runner.commands import doctor_machine, doctor_project
from runner.commands.case import Case, Check, Finding, State
from runner.guard import tags
from runner.outfit import Options
from runner.workspace.lock import ProjectLock
from runner.workspace.place import Where, find_paths
from tests.commands.conftest import Call, Clerk
from tests.support.project import SIX_STORIES, git, make_project, write_scenario
from tests.support.runs import CHECKOUT

SANDBOX = {**os.environ, "IS_SANDBOX": "1"}


def case(project: Path | None = None, environment: Mapping[str, str] = SANDBOX, **options: object) -> Case:
    where = Where(project=project)
    paths = find_paths(where) if project else None
    given = replace(Options(project=project), **options)  # type: ignore[arg-type]
    return Case(where=where, options=given, environment=environment, paths=paths)


def fake_claude(folder: Path, script: str) -> str:
    """An executable that answers `--version` as this script does."""
    path = folder / "claude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# --- the machine --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check", [doctor_machine.check_python, doctor_machine.check_sqlite, doctor_machine.check_disk]
)
def test_this_machine_will_do(check: Check):
    assert check(case()).state is not State.FAIL


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        ("echo '2.1.197 (Claude Code)'", State.OK, "version 2.1.197"),
        ("echo '2.2.0 (Claude Code)'", State.WARN, "2.2.0"),
        ("echo '1.9.0'", State.WARN, "1.9.0"),
        ("echo 'hello\x1b[2J'", State.WARN, "hello"),
        ("true", State.WARN, "nothing"),
        ("exit 3", State.FAIL, "fails"),
    ],
)
def test_version_of_the_agent(tmp_path: Path, script: str, state: State, words: str):
    found = doctor_machine.check_agent(case(agent_command=fake_claude(tmp_path, script)))
    assert (found.state, words in found.detail) == (state, True)
    assert (found.remedy == "") is (state is State.OK)


def test_agent_that_is_a_broken_script(tmp_path: Path):
    path = tmp_path / "claude"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert doctor_machine.check_agent(case(agent_command=str(path))).state is State.FAIL


def test_scripted_agent_is_not_run(tmp_path: Path):
    found = doctor_machine.check_agent(case(agent="scripted", scenario=write_scenario(tmp_path)))
    assert (found.state, sys.executable in found.detail) == (State.OK, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
@pytest.mark.parametrize(
    ("options", "environment", "state"),
    [
        ({}, {}, State.FAIL),
        ({}, {"IS_SANDBOX": "1"}, State.OK),
        ({"permission_mode": "acceptEdits"}, {}, State.OK),
        ({"agent": "scripted"}, {}, State.OK),
    ],
)
def test_root_refusal(options: dict[str, object], environment: dict[str, str], state: State):
    assert doctor_machine.check_root(case(environment=environment, **options)).state is state


def test_limits_of_the_shell_are_told_in_the_words_of_a_start(project: Path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))"
    program = f"{limit}\nfrom runner.__main__ import main; main()"
    order = [sys.executable, "-c", program, "doctor", "--project", project]
    done = subprocess.run(order, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "only 24 files may be open at the same time (ulimit -n)" in done.stdout


def test_guard_really_runs_a_command():
    found = doctor_machine.check_guard(case())
    assert (found.state, "works" in found.detail) == (State.OK, True)


@pytest.mark.parametrize(
    ("isolation", "reason", "state", "words"),
    [
        ("auto", "", State.OK, "auto is set; available: guard, pidns, cgroup"),
        ("auto", "no room", State.OK, "auto is set; available: guard, cgroup; not pidns: no room"),
        ("cgroup", "no room", State.OK, "cgroup is set; available: guard, cgroup; not pidns: no room"),
        ("pidns", "no room", State.FAIL, "pidns is set; available: guard, cgroup; not pidns: no room"),
    ],
)
def test_isolations_that_are_to_be_had(
    monkeypatch: pytest.MonkeyPatch, isolation: str, reason: str, state: State, words: str
):
    monkeypatch.setattr(doctor_machine, "obstacle", lambda mode: reason if mode == "pidns" else "")
    found = doctor_machine.check_isolation(case(environment={"SPRINT_RUNNER_ISOLATION": isolation}))
    assert (found.state, found.detail) == (state, words)


# --- the project --------------------------------------------------------------------------------------------------


def test_folder_that_is_no_project(tmp_path: Path):
    found, paths = doctor_project.find_project_paths(Where(project=tmp_path))
    assert (found.state, paths, "BMAD" in found.remedy) == (State.FAIL, None, True)


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("development_status:\n  1-1-a: backlog\n  1-2-b: done\n", State.OK, "2 stories: 1 backlog, 1 done"),
        ("development_status:\n  1-1-a: done\n", State.WARN, "1 story: 1 done"),
        ("development_status:\n  1-1-a: stuck\n", State.WARN, "unexpected 'stuck'"),
        ("development_status:\n  oddity: backlog\n", State.WARN, "1 backlog"),
        ("development_status: {}\n", State.WARN, "no stories"),
    ],
)
def test_sprint_file(project: Path, text: str, state: State, words: str):
    sprint_file = project / "_bmad-output/implementation-artifacts/sprint-status.yaml"
    sprint_file.write_text(text)
    found = doctor_project.check_sprint_file(case(project))
    assert (found.state, words in found.detail) == (state, True)


def test_prompts_of_the_project_are_counted(project: Path):
    prompts = case(project).project.prompts
    prompts.mkdir(parents=True)
    (prompts / "dev-story.md").write_text("Develop {{story_key}}.")
    assert doctor_project.check_prompts(case(project)).detail == "1 of the project, 9 of the runner"


def test_workflows_are_found_where_bmad_installs_them(project: Path):
    assert doctor_project.check_workflows(case(project)).state is State.WARN
    commands = project / ".claude" / "commands"
    commands.mkdir(parents=True)
    (commands / "bmad-dev-story.md").write_text("x")
    found = doctor_project.check_workflows(case(project))
    assert (found.state, "BMAD has 1 of 10" in found.detail) == (State.OK, True)


def test_changed_settings_are_named(project: Path):
    assert doctor_project.check_settings(case(project)).detail == "all at their defaults"
    changed = case(project, {"SPRINT_RUNNER_STOP_GRACE_SECONDS": "9"})
    assert doctor_project.check_settings(changed).detail == "stop_grace_seconds = 9"


def test_folder_without_git(project: Path):
    found = doctor_project.check_git(case(project))
    assert (found.state, found.detail) == (State.WARN, "not a git repository")


def test_repository_with_and_without_identity(project: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    git(project, "init", "--quiet")
    git(project, "config", "user.useConfigOnly", "true")
    assert "who commits" in doctor_project.check_git(case(project)).detail
    git(project, "config", "user.name", "Test")
    git(project, "config", "user.email", "test@example.invalid")
    assert doctor_project.check_git(case(project)) == Finding(detail="at no commit yet")


def test_state_folder_that_does_not_exist_is_left_alone(project: Path):
    assert doctor_project.check_state_folder(case(project)).state is State.OK
    assert not (project / ".sprint-runner").exists()


def test_state_folder_that_is_a_link_is_refused(project: Path, tmp_path_factory: pytest.TempPathFactory):
    (project / ".sprint-runner").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert doctor_project.check_state_folder(case(project)).state is State.FAIL


def test_other_runner_is_named(project: Path, database: Path):
    with ProjectLock(database.parent):
        found = doctor_project.check_state_folder(case(project))
    assert (found.state, f"pid {os.getpid()}" in found.detail) == (State.WARN, True)


def test_unfinished_batch_is_mentioned(project: Path, clerk: Clerk):
    clerk.batch()
    found = doctor_project.check_database(case(project))
    assert (found.state, "batch 1 is unfinished" in found.detail, "--resume" in found.remedy) == (
        State.OK,
        True,
        True,
    )


def test_database_that_will_be_migrated_is_no_obstacle(project: Path, clerk: Clerk, database: Path):
    clerk.batch()
    clerk.journal._db.execute("PRAGMA user_version = 0")
    assert "older version" in doctor_project.check_database(case(project)).detail


def test_processes_of_a_dead_runner_are_found(project: Path, clerk: Clerk):
    assert doctor_project.check_leftovers(case(project)).detail == "none"
    batch, tag = clerk.batch(), tags.new_tag()
    clerk.cycle(batch, 1, "1-1-one")
    clerk.begin(batch, "dev-story", "1-1-one", tag=tag)
    child = os.fork()
    if child == 0:
        tags.set_tag(tag)
        os.execvp("sleep", ["sleep", "30"])
    try:
        while os.readlink(f"/proc/{child}/exe") == os.readlink("/proc/self/exe"):
            os.sched_yield()
        found = doctor_project.check_leftovers(case(project))
        assert (found.state, str(child) in found.detail) == (State.WARN, True)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


# --- the command --------------------------------------------------------------------------------------------------


def test_sound_project_exits_with_0(call: Call, tmp_path: Path):
    project = make_project(tmp_path / "project", SIX_STORIES)
    scenario = write_scenario(tmp_path)
    called = call("doctor", "--project", project, "--agent", "scripted", "--scenario", scenario)
    assert (called.code, called.err) == (0, "")
    assert "a batch can start" in called.out
    assert not (project / ".sprint-runner").exists()


def test_obstacle_exits_with_1_and_says_what_to_do(call: Call, project: Path):
    called = call("doctor", "--project", project, "--agent-command", "/no/such/claude")
    assert called.code == 1
    assert "fail  agent" in called.out
    assert "-> install it" in called.out
    assert "would stop a batch" in called.out


def test_without_a_project_the_machine_is_examined(call: Call, tmp_path: Path):
    called = call("doctor", "--json", "--project", tmp_path)
    told = json.loads(called.out)
    states = {check["name"]: check["state"] for check in told["checks"]}
    assert (called.code, told["ok"], states["project"], states["guard"]) == (1, False, "fail", "ok")
    assert "sprint file" not in states


def test_spoilt_project_file_fails_its_own_check_only(call: Call, project: Path):
    (project / "_bmad-output/implementation-artifacts/sprint-status.yaml").write_text("a: [")
    told = json.loads(call("doctor", "--json", "--project", project).out)
    checks = {check["name"]: check for check in told["checks"]}
    assert (checks["sprint file"]["state"], checks["prompts"]["state"]) == ("fail", "ok")
    assert "sprint-status.yaml:" in checks["sprint file"]["detail"]
