"""Usage limits and troubles that need the operator: what waits, for how long, at whose cost, and how it goes on."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from actors.control import ResumeBatch, StartBatch
from tests.support.checker import violations
from tests.support.inside import Interruption, inside, run_inside, scripted, until
from tests.support.project import make_project, statuses, write_scenario
from tests.support.runs import query, run, started, successes, wait_until

STORY = "1-1-one"
REVIEW = f"c1/code-review-1/{STORY}"
COMMIT = f"c1/batch-commit/{STORY}"
MINUTE = 60_000
BAD_KEY = {
    "is_error": True,
    "error": "authentication_failed",
    "api_error_status": 401,
    "text": "Invalid API key · Fix external API key",
}


def rule(attempt: str, *actions: Any, command: str = "code-review-1") -> dict[str, Any]:
    return {"command": command, "attempt": attempt, "actions": list(actions)}


def batch(project: Path) -> tuple[str, int, int | None]:
    """Status, whether it can be resumed, and when the limit resets."""
    rows = query(project, "SELECT status, resumable, resets_at FROM batches ORDER BY id DESC LIMIT 1")
    return rows[0] if rows else ("", 0, None)


def waits(project: Path) -> bool:
    return batch(project)[0] == "waiting_limit"


def attempts(project: Path, step: str = REVIEW) -> list[tuple[str, int, int]]:
    """Status, charged, continued."""
    sql = "SELECT status, charged, continued FROM commands WHERE step_key = ? ORDER BY attempt"
    return query(project, sql, step)


def states(project: Path) -> list[str]:
    rows = query(project, "SELECT payload_json FROM events WHERE event_type = 'batch:state' ORDER BY id")
    return [json.loads(payload)["state"] for (payload,) in rows]


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("told", ["event", "text"])
async def test_a_batch_goes_on_by_itself_when_the_limit_has_reset(tmp_path: Path, told: str):
    text = f"Claude AI usage limit reached|{int(time.time()) + 2}"
    limit = {"seconds": 2} if told == "event" else {"event": False, "text": text}
    project = make_project(tmp_path / "project", {STORY: "review"})
    run = await run_inside(scripted(project, write_scenario(tmp_path, [rule("1", {"limit": limit})])))
    assert (run.code, batch(project)) == (0, ("completed", 0, None))
    assert attempts(project) == [("limit", 0, 0), ("success", 0, 1)]
    assert states(project) == ["waiting_limit", "running"]
    (first, again) = query(
        project, "SELECT session_id, resets_at, started_at FROM commands WHERE step_key = ? ORDER BY attempt", REVIEW
    )
    assert first[0] == again[0]
    assert first[1] <= again[2] < first[1] + MINUTE / 6
    assert not violations(project)


async def test_a_limit_is_not_charged(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    failure = {"result": {"is_error": True}}
    rules = [rule("1", {"limit": 2}), rule("[23]", failure)]
    assert (await run_inside(scripted(project, write_scenario(tmp_path, rules)))).code == 0
    # One more failure would have blocked the story; a retry after a failure begins a new session.
    assert attempts(project) == [("limit", 0, 0), ("error", 1, 1), ("error", 1, 0), ("success", 0, 0)]
    assert statuses(project)[STORY] == "done"
    assert not violations(project)


async def test_a_reset_time_that_has_passed_is_believed_once(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    stop = Interruption(when=lambda: waits(project) and (batch(project)[2] or 0) > now() + MINUTE)
    scenario = write_scenario(tmp_path, [rule("*", {"limit": 0})])
    assert (await run_inside(scripted(project, scenario), interruption=stop)).code == 4
    assert attempts(project) == [("limit", 0, 0), ("limit", 0, 1)]
    assert not violations(project)


async def test_two_parallel_commands_wait_for_the_later_reset(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "backlog"})
    rules = [
        rule("1", {"limit": 2}, command="create-story"),
        rule("1", {"limit": 3}, command="story-discovery"),
    ]
    assert (await run_inside(scripted(project, write_scenario(tmp_path, rules)))).code == 0
    for command in ("create-story", "story-discovery"):
        assert attempts(project, f"c1/{command}/{STORY}") == [("limit", 0, 0), ("success", 0, 1)]
    ((resets_at, began_again),) = query(
        project,
        "SELECT max(resets_at), (SELECT min(started_at) FROM commands WHERE attempt = 2) FROM commands",
    )
    assert began_again >= resets_at
    assert not violations(project)


@pytest.mark.slow
async def test_a_limit_of_one_command_leaves_the_other_alone(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "backlog"})
    rules = [
        rule("1", {"limit": 2}, command="create-story"),
        rule("1", {"sleep": 0.5}, "builtin", command="story-discovery"),
    ]
    assert (await run_inside(scripted(project, write_scenario(tmp_path, rules)))).code == 0
    assert attempts(project, f"c1/create-story/{STORY}") == [("limit", 0, 0), ("success", 0, 1)]
    assert attempts(project, f"c1/story-discovery/{STORY}") == [("success", 0, 0)]
    assert not violations(project)


async def test_the_operator_can_resume_before_the_limit_resets(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    scenario = write_scenario(tmp_path, [rule("1", "limit")])
    async with inside(scripted(project, scenario)) as control:
        await control.ask(StartBatch(max_cycles=1, attended=True))
        await until(lambda: waits(project))
        await control.ask(ResumeBatch())
        ended = await control.ended()
    assert ended.status == "completed"
    assert attempts(project) == [("limit", 0, 0), ("success", 0, 1)]
    assert not violations(project)


def test_a_limit_without_a_reset_time_outlives_the_runner(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    scenario = write_scenario(tmp_path, [rule("1", "limit")])

    def wait_and_interrupt(*options: str) -> int:
        with started(project, scenario, *options) as runner:
            wait_until(lambda: waits(project) or runner.poll() is not None)
            assert waits(project)
            began = time.monotonic()
            runner.send_signal(signal.SIGINT)
            runner.communicate(timeout=20)
            assert time.monotonic() - began < 5
        return runner.returncode

    assert wait_and_interrupt("--cycles", "1") == 4
    status, resumable, resets_at = batch(project)
    assert (status, resumable) == ("stopped", 1)
    assert now() + 4 * MINUTE < resets_at <= now() + 5 * MINUTE
    assert not violations(project)

    refused = run(project, scenario, "--cycles", "1")
    assert (refused.returncode, batch(project)) == (2, ("stopped", 1, resets_at))
    assert "--resume" in refused.stderr

    assert wait_and_interrupt("--resume") == 4
    assert batch(project) == ("stopped", 1, resets_at)
    assert attempts(project) == [("limit", 0, 0)]
    assert not violations(project)


def test_a_bad_key_ends_a_headless_run_resumably(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    scenario = write_scenario(tmp_path, [rule("1", {"result": BAD_KEY})])
    stopped = run(project, scenario, "--cycles", "1")
    assert stopped.returncode == 4, stopped.stderr
    assert "Invalid API key · Fix external API key; log in or set a valid key, then resume" in stopped.stdout
    assert attempts(project) == [("error", 0, 0)]
    assert batch(project) == ("stopped", 1, None)
    assert statuses(project)[STORY] == "review"
    assert not violations(project)

    resumed = run(project, scenario, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert attempts(project) == [("error", 0, 0), ("success", 0, 0)]
    assert successes(project) == [REVIEW, COMMIT]
    assert not violations(project)


async def test_a_bad_key_pauses_a_batch_that_somebody_attends(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    scenario = write_scenario(tmp_path, [rule("1", {"result": BAD_KEY})])
    async with inside(scripted(project, scenario)) as control:
        await control.ask(StartBatch(max_cycles=1, attended=True))
        await until(lambda: batch(project)[0] == "paused" and control.state == "paused")
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(attempts(project)) == 1
        await control.ask(ResumeBatch())
        ended = await control.ended()
    assert ended.status == "completed"
    assert attempts(project) == [("error", 0, 0), ("success", 0, 0)]
    assert not violations(project)
