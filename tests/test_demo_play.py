"""The demo's two cycles, played step by step by the real scripted agent: the sample project comes out well."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid

import pytest
import yaml

from runner import demo
from runner.agents import scripted_child

pytestmark = pytest.mark.slow

PAIR = "2-1-log-pages-read,2-2-reading-streak"
MIXED = "3-1-export-as-markdown,3-2-search-the-shelf"
FIRST, SECOND = PAIR.split(",")
EXPORT, SEARCH = MIXED.split(",")

PLAY = [
    (1, "generate-project-context", ""),
    (1, "create-story", PAIR),
    (1, "story-discovery", PAIR),
    (1, "story-review-1", PAIR),
    (1, "story-review-2", PAIR),
    (1, "story-review-3", PAIR),
    (1, "create-tech-spec", PAIR),
    (1, "tech-spec-review-1", PAIR),
    (1, "dev-story", FIRST),
    (1, "code-review-1", FIRST),
    (1, "code-review-2", FIRST),
    (1, "code-review-3", FIRST),
    (1, "dev-story", SECOND),
    (1, "code-review-1", SECOND),
    (1, "batch-commit", PAIR),
    (2, "code-review-1", EXPORT),
    (2, "code-review-2", EXPORT),
    (2, "dev-story", SEARCH),
    (2, "code-review-1", SEARCH),
    (2, "code-review-2", SEARCH),
    (2, "batch-commit", MIXED),
]
"""Cycle, command and stories, as the runner asks for them."""


def git(project, *arguments):
    done = subprocess.run(("git", *arguments), cwd=project, capture_output=True, check=True)
    return done.stdout.decode()


def statuses(project):
    path = project / "_bmad-output/implementation-artifacts/sprint-status.yaml"
    return yaml.safe_load(path.read_text())["development_status"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The project after both cycles, and what each command printed."""
    root = tmp_path_factory.mktemp("demo")
    project = root / "project"
    scenario = demo.copy_demo(project)
    unhurried = re.sub(r"(?m)^speed: .*$", "speed: 0", scenario.read_text())
    shutil.copytree(demo.FOLDER / "sources", root / "sources")
    (root / "scenario.yaml").write_text(unhurried)
    return project, [run_agent(project, root, *step) for step in PLAY]


def run_agent(project, root, cycle, command, stories):
    told = {"COMMAND": command, "STORIES": stories, "EPIC": stories[:1], "CYCLE": str(cycle), "ATTEMPT": "1"}
    environment = os.environ | {f"SPRINT_RUNNER_{name}": value for name, value in told.items()}
    environment["SPRINT_RUNNER_STATE_DIR"] = str(root / "state")
    argv = [sys.executable, "-I", scripted_child.__file__, "-p", "--output-format", "stream-json", "--verbose"]
    argv += ["--session-id", str(uuid.uuid4()), "--permission-mode", "bypassPermissions"]
    argv += ["--scenario", str(root / "scenario.yaml")]
    done = subprocess.run(argv, cwd=project, env=environment, input=b"Go.", capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), (command, stories)
    return [json.loads(line) for line in done.stdout.splitlines()]


def blocks(lines, kind):
    return [
        block
        for line in lines
        if line["type"] in ("assistant", "user")
        for block in line["message"]["content"]
        if block["type"] == kind
    ]


def texts(lines):
    return [block["text"] for block in blocks(lines, "text")]


def test_no_step_of_the_demo_fails(played):
    for step, lines in zip(PLAY, played[1], strict=True):
        failed = [block["content"] for block in blocks(lines, "tool_result") if block["is_error"]]
        assert failed == [], step


def test_each_development_and_review_ends_with_passing_tests(played):
    for (_, command, story), lines in zip(PLAY, played[1], strict=True):
        if command.startswith(("dev-story", "code-review")):
            runs = [block["content"] for block in blocks(lines, "tool_result") if "Ran " in block["content"]]
            assert runs, (command, story)
            passed = re.search(r"Ran (\d+) tests", runs[-1])[1]
            assert runs[-1].endswith("OK")
            claims = re.findall(r"tests:(\d+)/(\d+) passed", "\n".join(texts(lines)))
            assert all(claim == (passed, passed) for claim in claims), (command, story, passed)


def test_every_development_and_review_changes_the_code(played):
    """One sign for each edit that a step makes in a file that was there before."""
    project, _ = played
    code = "\n".join(path.read_text() for path in sorted((project / "paperback").glob("*.py")))
    for sign in (
        '"progress",',
        '"streak",',
        '"search",',
        "pages left",
        "100 * pages //",
        "def _pages",
        "casefold",
        "_cell(",
    ):
        assert sign in code


@pytest.mark.parametrize(
    ("command", "stories", "marker"),
    [
        ("story-review-1", PAIR, "CRITICAL ISSUES FOUND: 1"),
        ("story-review-2", PAIR, "CRITICAL ISSUES FOUND: 1"),
        ("story-review-3", PAIR, "NO CRITICAL ISSUES FOUND"),
        ("tech-spec-review-1", PAIR, "NO CRITICAL ISSUES FOUND"),
        ("code-review-1", FIRST, "HIGHEST SEVERITY: HIGH"),
        ("code-review-2", FIRST, "HIGHEST SEVERITY: MEDIUM"),
        ("code-review-3", FIRST, "HIGHEST SEVERITY: LOW"),
        ("code-review-1", SECOND, "ZERO ISSUES"),
        ("code-review-1", EXPORT, "HIGHEST SEVERITY: MEDIUM"),
        ("code-review-2", EXPORT, "ZERO ISSUES"),
        ("code-review-1", SEARCH, "HIGHEST SEVERITY: LOW"),
        ("code-review-2", SEARCH, "ZERO ISSUES"),
    ],
)
def test_reviews_end_with_their_marker(played, command, stories, marker):
    (lines,) = (lines for step, lines in zip(PLAY, played[1], strict=True) if step[1:] == (command, stories))
    assert marker in texts(lines)[-1].splitlines()


def test_every_task_of_a_command_is_reported_from_start_to_end(played):
    tasks = {
        "create-story": ["setup", "analyze", "generate", "write", "validate"],
        "story-discovery": ["setup", "explore", "write"],
        "story-review": ["setup", "analyze", "fix", "validate"],
        "create-tech-spec": ["setup", "discover", "generate", "write", "validate"],
        "tech-spec-review": ["setup", "analyze", "fix", "validate"],
        "dev-story": ["setup", "implement", "tests", "lint", "validate"],
        "code-review": ["setup", "analyze", "fix", "test", "validate"],
    }
    for (_, command, stories), lines in zip(PLAY, played[1], strict=True):
        pattern = rf"^\d+,[23],([\w-]+),{command},(\w+),(start|end),\"[^\"]+\"$"
        reports = [match.groups() for text in texts(lines) if (match := re.match(pattern, text))]
        expected = tasks.get(re.sub(r"-\d$", "", command), [])
        assert list(dict.fromkeys(task for _, task, _ in reports)) == expected, (command, stories)
        starts = [(story, task) for story, task, edge in reports if edge == "start"]
        ends = [(story, task) for story, task, edge in reports if edge == "end"]
        assert set(starts) - set(ends) == set()


def test_both_cycles_are_committed_and_their_files_archived(played):
    project, _ = played
    subjects = git(project, "log", "--format=%s").splitlines()
    assert subjects[:2] == ["feat(3): implement stories 3-1, 3-2", "feat(2): implement stories 2-1, 2-2"]
    assert git(project, "status", "--porcelain") == ""
    output = project / "_bmad-output"
    assert [path.name for path in (output / "implementation-artifacts").iterdir()] == ["sprint-status.yaml"]
    archived = {path.name for path in (output / "archived-artifacts").iterdir()}
    assert archived >= {f"{key}.md" for key in (FIRST, SECOND, EXPORT, SEARCH)}
    assert {statuses(project)[key] for key in (FIRST, SECOND, EXPORT, SEARCH)} == {"review"}
