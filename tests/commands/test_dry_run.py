"""`--dry-run`: what is told, and that nothing is touched."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Call, Clerk


def everything(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def test_plan_is_told_and_nothing_is_touched(call: Call, project: Path):
    before = everything(project)
    called = call("--dry-run", "--cycles", "1", "--project", project)
    assert (called.code, called.err) == (0, "")
    for words in (
        "1 cycle, 11 commands; nothing was started",
        "before the first cycle: generate-project-context",
        "cycle 1: 1-1 one (in-progress), 1-2 two (backlog)",
        "create-story + story-discovery",
        "only if create-story says REQUIRED",
    ):
        assert words in called.out
    assert everything(project) == before


def test_plan_as_json(call: Call, project: Path):
    told = json.loads(call("--dry-run", "--cycles", "all", "--json", "--project", project).out)
    assert (told["context"], told["left"], told["commands"]) == ("missing", [], 11)
    (cycle,) = told["cycles"]
    assert (cycle["number"], cycle["story_keys"]) == (1, ["1-1-one", "1-2-two"])
    assert cycle["steps"][0] == {
        "phase": "create-story",
        "commands": [{"command": "create-story", "model": ""}, {"command": "story-discovery", "model": ""}],
        "story_keys": ["1-2-two"],
        "assumed": "",
    }


def test_files_of_a_story_decide(call: Call, project: Path):
    artifacts = project / "_bmad-output/implementation-artifacts"
    (artifacts / "sprint-status.yaml").write_text("development_status:\n  1-1-one: ready-for-dev\n")
    planned = ("--dry-run", "--project", project)
    assert "create-tech-spec" in call(*planned).out
    (artifacts / "1-1-one.md").write_text("# One\n\n[TECH-SPEC-DECISION: SKIP]\n")
    assert "create-tech-spec" not in call(*planned).out
    (artifacts / "1-1-one.md").write_text("# One\n\n[TECH-SPEC-DECISION: REQUIRED]\n")
    assert "only if" not in call(*planned).out
    (artifacts / "tech-spec-1-1-one.md").write_text("# Spec\n")
    assert "create-tech-spec" not in call(*planned).out


def test_models_follow_the_settings(call: Call, project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPRINT_RUNNER_DEFAULT_MODEL", "opus")
    monkeypatch.setenv("SPRINT_RUNNER_HAIKU_AFTER_REVIEW", "1")
    lines = call("--dry-run", "--project", project).out.splitlines()
    assert any("dev-story" in line and "opus" in line for line in lines)
    assert any("code-review-1" in line and "haiku" in line for line in lines)


def test_finished_sprint_has_no_plan(call: Call, project: Path):
    sprint_file = project / "_bmad-output/implementation-artifacts/sprint-status.yaml"
    sprint_file.write_text("development_status:\n  1-1-one: done\n")
    assert "nothing to do" in call("--dry-run", "--project", project).out


def test_resume_plans_what_is_left_of_the_batch(call: Call, project: Path, clerk: Clerk):
    batch = clerk.batch(3)
    clerk.cycle(batch, 1, "1-3-three")
    clerk.journal.end_cycle(batch, 1, ("1-3-three",), {})
    clerk.cycle(batch, 2, "1-2-two")
    clerk.journal.end_batch(batch, "stopped", "stopped by SIGINT")
    told = json.loads(call("--dry-run", "--resume", "--json", "--project", project).out)
    assert [(cycle["number"], cycle["story_keys"]) for cycle in told["cycles"]] == [
        (2, ["1-2-two"]),
        (3, ["1-1-one"]),
    ]
    assert "batch 1 goes on in cycle 2" in told["remark"]


def test_start_beside_an_unfinished_batch_is_remarked(call: Call, project: Path, clerk: Clerk):
    clerk.batch()
    assert "--resume goes on with it" in call("--dry-run", "--cycles", "1", "--project", project).out
    assert "--resume" not in call("--dry-run", "--cycles", "1", "--new", "--project", project).out


def test_resume_of_nothing_is_refused(call: Call, project: Path):
    called = call("--dry-run", "--resume", "--project", project)
    assert (called.code, "no unfinished batch" in called.err) == (2, True)


def test_demo_is_planned_without_being_copied(call: Call, tmp_path: Path):
    called = call("--dry-run", "--demo", "--project", tmp_path / "demo")
    assert (called.code, "log-pages-read" in called.out) == (0, True)
    assert not (tmp_path / "demo").exists()


def test_missing_sprint_file_is_refused_in_one_line(call: Call, project: Path):
    (project / "_bmad-output/implementation-artifacts/sprint-status.yaml").unlink()
    called = call("--dry-run", "--project", project)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
