"""The bundled sample project: what a copy of it is like, and that its scenario is sound."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from runner import demo
from runner.agents.scripted_scenario import load_scenario
from runner.domain.errors import UsageError
from runner.domain.model import Status, parse_key, read_status

FIRST, SECOND = "2-1-log-pages-read", "2-2-reading-streak"
BACKGROUND = ("story-discovery", "story-review-2", "story-review-3")
EXPORT, SEARCH = "3-1-export-as-markdown", "3-2-search-the-shelf"


def git(project, *arguments):
    done = subprocess.run(("git", *arguments), cwd=project, capture_output=True, check=True)
    return done.stdout.decode()


def statuses(project):
    path = project / "_bmad-output/implementation-artifacts/sprint-status.yaml"
    return yaml.safe_load(path.read_text())["development_status"]


# ---- the copy


@pytest.fixture
def copy(tmp_path, monkeypatch):
    # A machine on which git knows nobody and everything is hostile.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    scenario = demo.copy_demo(tmp_path / "new" / "folder")
    monkeypatch.delenv("GIT_DIR")
    assert scenario == demo.SCENARIO
    return tmp_path / "new" / "folder"


def test_the_copy_is_a_repository_with_one_commit_and_a_clean_tree(copy):
    assert git(copy, "status", "--porcelain", "--ignored") == ""
    assert git(copy, "log", "--format=%an <%ae>") == "Demo <demo@example.invalid>\n"
    assert ".gitignore" in git(copy, "ls-files").splitlines()
    assert not (copy / "gitignore").exists()


def test_the_copy_has_all_of_the_sample(copy):
    bundled = {
        path.relative_to(demo.FOLDER / "project")
        for path in (demo.FOLDER / "project").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    copied = {Path(name) for name in git(copy, "ls-files").splitlines()}
    assert copied == bundled - {Path("gitignore")} | {Path(".gitignore")}


def test_the_sample_passes_its_own_tests(copy):
    done = subprocess.run([sys.executable, "-m", "unittest"], cwd=copy, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert git(copy, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "occupy", [lambda path: path.write_text("x"), lambda path: (path / "sub").mkdir(parents=True)]
)
def test_a_target_that_is_not_empty_is_refused_untouched(tmp_path, occupy):
    target = tmp_path / "target"
    occupy(target)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="is not an empty folder"):
        demo.copy_demo(target)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_machine_without_git_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git cannot be started"):
        demo.copy_demo(tmp_path / "target")


# ---- the sprint


def test_the_sprint_offers_a_backlog_pair_then_a_mixed_one_and_more(copy):
    found = statuses(copy)
    stories = {key: read_status(word) for key, word in found.items() if parse_key(key).patterned}
    assert None not in stories.values()
    assert {stories[key] for key in stories if key.startswith("1-")} == {Status.DONE}
    assert stories[FIRST] is stories[SECOND] is Status.BACKLOG
    assert (stories[EXPORT], stories[SEARCH]) == (Status.REVIEW, Status.READY_FOR_DEV)
    assert list(stories.values()).count(Status.BACKLOG) == 4
    assert "[TECH-SPEC-DECISION: SKIP]" in next(copy.rglob(f"{SEARCH}.md")).read_text()


def test_the_scenario_is_sound_and_its_sources_exist():
    scenario = load_scenario(str(demo.SCENARIO))
    fields = [action.fields for rule in scenario.rules for action in rule.actions]
    sources = {each["source"] for each in fields if "source" in each}
    bundled = {str(path.relative_to(demo.FOLDER)) for path in (demo.FOLDER / "sources").rglob("*.*")}
    assert sources == {name for name in bundled if not name.endswith(".pyc")}


def test_two_cycles_take_a_believable_while():
    """Seconds that the foreground of two cycles sleeps; processes and the sample's tests come on top of it."""
    scenario = load_scenario(str(demo.SCENARIO))
    foreground = [rule for rule in scenario.rules if rule.patterns["command"][0] not in BACKGROUND]
    pauses = sum(
        action.fields.get("seconds", scenario.defaults.pause) for rule in foreground for action in rule.actions
    )
    assert 6 < pauses * scenario.speed < 12
