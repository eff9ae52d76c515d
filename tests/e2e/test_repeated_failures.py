"""Steps that fail again and again: how often they are tried, what giving up costs, and that all else goes on."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.checker import violations
from tests.support.inside import claude, run_inside, scripted
from tests.support.project import make_project, statuses, write_scenario
from tests.support.runs import query, successes
from tests.support.stub import write_stub

FAIL = [{"result": {"is_error": True, "text": "no way"}}]
ONE, TWO = "1-1-one", "1-2-two"


def attempts(project: Path, step: str) -> list[tuple[str, int]]:
    return query(project, "SELECT status, charged FROM commands WHERE step_key = ? ORDER BY attempt", step)


def payloads(project: Path, kind: str) -> list[dict[str, object]]:
    rows = query(project, "SELECT payload_json FROM events WHERE event_type = ? ORDER BY id", kind)
    return [json.loads(payload) for (payload,) in rows]


async def test_three_failures_block_the_story_and_the_cycle_goes_on_with_the_other(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "review", TWO: "review"})
    scenario = write_scenario(tmp_path, [{"command": "code-review-1", "story": ONE, "actions": FAIL}])
    assert (await run_inside(scripted(project, scenario))).code == 0
    assert attempts(project, f"c1/code-review-1/{ONE}") == [("error", 1)] * 3
    assert successes(project) == [f"c1/code-review-1/{TWO}", f"c1/batch-commit/{TWO}"]
    assert statuses(project) == {ONE: "blocked", TWO: "done"}
    reasons = query(project, "SELECT story_key, blocked_reason FROM stories ORDER BY id")
    assert reasons == [(ONE, "3 consecutive errors"), (TWO, "")]
    assert [error["message"] for error in payloads(project, "error")] == ["code-review-1 failed: no way"] * 3
    assert not violations(project)


async def test_a_failure_of_a_shared_step_blocks_both_stories(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "backlog", TWO: "backlog"})
    scenario = write_scenario(tmp_path, [{"command": "story-discovery", "actions": FAIL}])
    assert (await run_inside(scripted(project, scenario))).code == 0
    assert statuses(project) == {ONE: "blocked", TWO: "blocked"}
    assert not violations(project)


async def test_a_retry_is_a_new_session_with_the_original_prompt(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "review"})
    does_well_if_new = [
        {"command": "code-review-1", "attempt": ["1", "2"], "actions": FAIL},
        {"command": "code-review-1", "resumed": True, "actions": FAIL},
    ]
    assert (await run_inside(scripted(project, write_scenario(tmp_path, does_well_if_new)))).code == 0
    runs = query(project, "SELECT run_id, continued FROM commands WHERE command = 'code-review-1' ORDER BY attempt")
    prompts = {(project / ".sprint-runner" / "runs" / run / "prompt.txt").read_text() for run, _ in runs}
    assert [continued for _, continued in runs] == [0, 0, 0]
    assert len(prompts) == 1
    assert not violations(project)


async def test_of_two_parallel_commands_the_failed_one_is_retried_alone(tmp_path: Path):
    project = make_project(tmp_path / "project", {ONE: "backlog"})
    fails_once = {"command": "create-story", "attempt": "1", "actions": FAIL}
    assert (await run_inside(scripted(project, write_scenario(tmp_path, [fails_once])))).code == 0
    assert attempts(project, f"c1/create-story/{ONE}") == [("error", 1), ("success", 0)]
    assert attempts(project, f"c1/story-discovery/{ONE}") == [("success", 0)]
    ((both_done, next_began),) = query(
        project,
        "SELECT (SELECT max(ended_at) FROM commands WHERE command IN ('create-story', 'story-discovery')),"
        " started_at FROM commands WHERE command = 'story-review-1'",
    )
    assert both_done <= next_began
    assert not violations(project)


class Minor(NamedTuple):
    """A step whose failure never fails a story: what is told instead."""

    command: str
    step: str
    tried: int
    event: str
    tells: dict[str, str]
    context: bool = True


MINOR = [
    Minor("batch-commit", f"c1/batch-commit/{ONE}", 3, "batch:warning", {"warning_type": "commit_failed"}),
    Minor(
        "generate-project-context",
        "context/generate-project-context",
        3,
        "batch:warning",
        {"warning_type": "context_unavailable"},
        context=False,
    ),
    Minor("story-review-2", f"c1/story-review-2/{ONE}", 1, "background:end", {"status": "failed"}),
]


@pytest.mark.parametrize("minor", MINOR, ids=lambda minor: minor.command)
async def test_a_step_that_never_blocks_a_story(tmp_path: Path, minor: Minor):
    project = make_project(tmp_path / "project", {ONE: "backlog"}, context=minor.context)
    rules = [
        {"command": minor.command, "actions": FAIL},
        {"command": "story-review-1", "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}]},
    ]
    run = await run_inside(scripted(project, write_scenario(tmp_path, rules)))
    assert (run.code, run.reason) == (0, "1 cycle completed")
    assert attempts(project, minor.step) == [("error", 1)] * minor.tried
    told = payloads(project, minor.event)
    assert [event for event in told if minor.tells.items() <= event.items()], told
    assert statuses(project)[ONE] == "done"
    assert not violations(project)


# Executables that were there when the batch started, and cannot be started now.
CANNOT_START = {
    "vanished": ("os.unlink(sys.argv[0])\nsys.exit(1)", "No such file or directory"),
    "not executable": ("os.chmod(sys.argv[0], 0o600)\nsys.exit(1)", "Permission denied"),
    "no program": ("open(sys.argv[0], 'w').write('echo')\nsys.exit(1)", "Exec format error"),
    "interpreter vanished": ("open(sys.argv[0], 'w').write('#!/nowhere/python')\nsys.exit(1)", "No such file"),
}


@pytest.mark.parametrize(("does", "says"), CANNOT_START.values(), ids=CANNOT_START.keys())
async def test_an_agent_that_cannot_be_started_any_more(tmp_path: Path, does: str, says: str):
    project = make_project(tmp_path / "project", {ONE: "review"})
    stub = write_stub(tmp_path, does)
    assert (await run_inside(claude(project, stub))).code == 0
    rows = query(project, "SELECT status, charged, reason FROM commands ORDER BY id")
    assert [row[:2] for row in rows] == [("error", 1)] * 3
    assert says in rows[1][2]
    assert str(stub) in rows[1][2]
    assert statuses(project) == {ONE: "blocked"}
    assert not violations(project)
