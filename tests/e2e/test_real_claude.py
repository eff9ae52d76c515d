"""The runner with the real Claude CLI, from the command line to the commit.

Only the model is played: a local stand-in for the Messages API answers each command's prompt as the tables below
say. The CLI, its tools, git, the processes and the signals are real. `pytest -m claude` runs these tests; how the
CLI is found stands in `real_claude.py`.
"""

import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from runner.guard import tags
from tests.e2e.real_claude import PATIENCE_SECONDS, Bench, fails, make_bench, says, shell, turn, wait_for, writes
from tests.e2e.real_claude_pair import PAIR, PAIR_DONE, play_commit, play_pair
from tests.support.checker import violations
from tests.support.project import git, sprint_file
from tests.support.runs import query, wait_until

pytestmark = pytest.mark.claude

GRACE_SECONDS = 5
"""The setting's default: what an interrupted agent gets."""


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with make_bench(tmp_path, request.config) as bench:
        yield bench


# --- a cycle of two stories ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The bench after a cycle of two new stories, from backlog to commit."""
    with make_bench(tmp_path_factory.mktemp("pair"), request.config) as bench:
        bench.begin(PAIR, context=False)
        play_pair(bench)
        done = bench.run("--cycles", "1")
        assert done.returncode == 0, done.stdout + done.stderr
        yield bench


def test_commands_run_in_the_order_of_the_workflow(pair: Bench):
    both, one, two = "2-1-greeting,2-2-farewell", "2-1-greeting", "2-2-farewell"
    steps = [key for (key,) in pair.attempts("step_key", where="background_task_id IS NULL")]
    assert steps[0] == "context/generate-project-context"
    assert set(steps[1:3]) == {f"c1/create-story/{both}", f"c1/story-discovery/{both}"}
    assert steps[3:] == [
        f"c1/story-review-1/{both}",
        f"c1/create-tech-spec/{both}",
        f"c1/tech-spec-review-1/{both}",
        f"c1/dev-story/{one}",
        *(f"c1/code-review-{number}/{one}" for number in (1, 2, 3)),
        f"c1/dev-story/{two}",
        f"c1/code-review-1/{two}",
        f"c1/batch-commit/{both}",
    ]


def test_critical_issues_start_a_background_chain(pair: Bench):
    chain = pair.attempts("command, model", where="background_task_id IS NOT NULL")
    assert chain == [("story-review-2", "haiku"), ("story-review-3", "haiku")]
    assert query(pair.project, "SELECT task_type, status FROM background_tasks") == [
        ("story-review-chain", "completed")
    ]
    prompts = [call.prompt for number in (2, 3) for call in pair.asked(f"story-review-{number}")]
    assert len(prompts) == 2
    assert all("leave sprint-status.yaml exactly as it is" in prompt for prompt in prompts)


def test_later_reviews_ask_the_cheap_model(pair: Bench):
    models = {number: {call.model for call in pair.asked(f"code-review-{number}")} for number in (1, 2, 3)}
    assert all("haiku" in model for number in (2, 3) for model in models[number])
    assert models[1]
    assert not any("haiku" in model for model in models[1])


def test_sprint_file_changes_in_two_words(pair: Bench):
    assert sprint_file(pair.project).read_text() == PAIR_DONE
    changes = query(pair.project, "SELECT payload_json FROM events WHERE event_type = 'story:status' ORDER BY id")
    trail = [json.loads(str(payload)) for (payload,) in changes]
    assert sorted((change["story_key"], change["new_status"]) for change in trail[:2]) == [
        ("2-1-greeting", "ready-for-dev"),
        ("2-2-farewell", "ready-for-dev"),
    ]
    assert [(change["story_key"], change["new_status"]) for change in trail[2:]] == [
        ("2-1-greeting", "in-progress"),
        ("2-1-greeting", "review"),
        ("2-1-greeting", "done"),
        ("2-2-farewell", "in-progress"),
        ("2-2-farewell", "done"),
    ]


def test_agents_write_and_commit(pair: Bench):
    assert git(pair.project, "log", "-2", "--format=%s").splitlines() == [
        "feat(2): implement stories 2-1, 2-2",
        "the sprint",
    ]
    assert git(pair.project, "status", "--porcelain") == ""
    committed = git(pair.project, "show", "--name-only", "--format=", "HEAD").splitlines()
    assert {"greeting.txt", "farewell.txt"} <= set(committed)
    assert not any(".sprint-runner" in name for name in committed)
    for story in ("2-1", "2-2"):
        discovery = (pair.artifacts / f"{story}-discovery-story.md").read_text()
        assert discovery.count("# Project Context Dump Below") == 1
        assert discovery.endswith("Short words.\n")


def test_every_attempt_is_accounted_for(pair: Bench):
    asked = Counter(call.session_id for call in pair.api.calls)
    figures = "session_id, input_tokens, output_tokens, cost_usd, num_turns"
    for session, taken, given, cost, turns in pair.attempts(figures):
        # The stand-in's answers take 100 tokens and give 20 each.
        assert (taken, given) == (100 * asked[session], 20 * asked[session])
        assert cost > 0
        assert turns > 0
    assert pair.attempts("DISTINCT status, attempt, exit_code, reason, continued") == [("success", 1, 0, "", 0)]
    assert {session for (session,) in pair.attempts("session_id")} == asked.keys()


@pytest.mark.parametrize(
    ("command", "task", "status", "message"),
    [
        pytest.param("create-story", "setup", "start", "reading the epics", id="called and printed"),
        pytest.param("dev-story", "implement", "start", "the words", id="printed twice"),
        pytest.param("dev-story", "implement", "end", "words (files:1, tests:1/1 passed)", id="said twice"),
    ],
)
def test_a_task_report_counts_once(pair: Bench, command: str, task: str, status: str, message: str):
    where = "event_type = 'command:progress' AND command = ? AND task_id = ? AND status = ? AND message = ?"
    assert query(pair.project, f"SELECT count(*) FROM events WHERE {where}", command, task, status, message) == [(1,)]


def test_nothing_is_left_behind(pair: Bench):
    assert all(tag > 0 for (tag,) in pair.attempts("tag"))
    assert not violations(pair.project)


# --- one story, and what comes between ----------------------------------------------------------------------------

ONE = "development_status:\n  2-1-greeting: in-progress\n"
UNDER_WAY = "under-way"
STUBBORN = f"trap '' INT TERM; test -e {UNDER_WAY} || (touch {UNDER_WAY}; sleep 300; true)"
"""A tool call whose processes end by SIGKILL alone; the second time it does nothing."""


def play_rest(bench: Bench) -> None:
    """What follows the development of the one story."""
    bench.plays("code-review-1", turn(says("ZERO ISSUES")))
    play_commit(bench)


def run_until_tool(bench: Bench, number: signal.Signals) -> tuple[int, float]:
    """Run until the agent is in a tool call, then signal the runner; its exit code, and how long all took to end."""
    with bench.started("--cycles", "1") as runner:
        wait_for(runner, (bench.project / UNDER_WAY).exists)
        ((tag,),) = bench.attempts("tag")
        assert len(tags.tagged(tag)) >= 2, "the CLI and the child of its tool are there"
        runner.send_signal(number)
        began = time.monotonic()
        code = runner.wait(PATIENCE_SECONDS)
        wait_until(lambda: not tags.tagged(tag))
        return code, time.monotonic() - began


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 4), (signal.SIGKILL, -signal.SIGKILL)], ids=["stop now", "kill -9"]
)
def test_session_is_continued_after(bench: Bench, number: signal.Signals, code: int):
    bench.begin(ONE)
    bench.plays("dev-story", turn(says("Done already.")), continued=True)
    bench.plays("dev-story", turn(shell(STUBBORN)))
    play_rest(bench)
    ended, seconds = run_until_tool(bench, number)
    assert ended == code
    assert seconds < GRACE_SECONDS + 2
    assert bench.attempts("status") == [("interrupted" if number is signal.SIGTERM else "running",)]

    resumed = bench.run("--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert not violations(bench.project)
    first, second = bench.attempts("session_id, status, continued", where="command = 'dev-story'")
    assert first[1:] == ("interrupted", 0)
    assert second == (first[0], "success", 1)
    last = bench.asked("dev-story")[-1]
    assert last.session_id == first[0]
    assert last.prompt.startswith("You were interrupted")
    said = json.dumps(last.body["messages"])
    assert said.count("# Command: dev-story") == 2, "the session holds the first prompt, too"


def test_unknown_session_is_begun_afresh(bench: Bench):
    stopped = threading.Event()
    bench.begin(ONE)
    bench.plays("dev-story", turn(says("Implemented.")), before=partial(stopped.wait, PATIENCE_SECONDS))
    play_rest(bench)
    with bench.started("--cycles", "1") as runner:
        wait_for(runner, lambda: bool(bench.asked("dev-story")))
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(PATIENCE_SECONDS) == 4
    stopped.set()
    bench.forget_sessions()

    resumed = bench.run("--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    first, second, third = bench.attempts("status, continued, session_id", where="command = 'dev-story'")
    assert first[:2] == ("interrupted", 0)
    assert second == ("interrupted", 1, "")
    assert third[:2] == ("success", 0)
    assert third[2] != first[2]
    assert bench.asked("dev-story")[-1].prompt.startswith("# Command: dev-story")


def test_usage_limit_waits_until_it_is_stopped(bench: Bench):
    bench.begin(ONE)
    bench.plays("dev-story", fails(429, "This would exceed your account's rate limit"))
    with bench.started("--cycles", "1") as runner:
        waiting = "SELECT reason FROM batches WHERE status = 'waiting_limit' AND resets_at > started_at + 240000"
        wait_for(runner, lambda: bool(query(bench.project, waiting)))
        assert "rate limit" in str(query(bench.project, waiting))
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(GRACE_SECONDS) == 4
    assert bench.attempts("status, charged") == [("limit", 0)]
    assert not violations(bench.project)


def test_session_is_continued_when_a_usage_limit_resets(bench: Bench):
    bench.begin(ONE)
    bench.plays("dev-story", turn(says("Implemented.")), continued=True)
    reset = int(time.time()) + 4
    bench.plays("dev-story", fails(429, f"usage limit reached|{reset}"))
    play_rest(bench)
    done = bench.run("--cycles", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    columns = "session_id, status, continued, resets_at, started_at"
    first, second = bench.attempts(columns, where="command = 'dev-story'")
    assert first[1:4] == ("limit", 0, reset * 1000)
    assert second[:3] == (first[0], "success", 1)
    assert second[4] >= reset * 1000


def test_refused_key_needs_the_operator(bench: Bench):
    bench.begin(ONE)
    bench.plays("dev-story", fails(401, "invalid x-api-key"))
    done = bench.run("--cycles", "1")
    assert done.returncode == 4
    assert bench.attempts("status, charged") == [("error", 0)]
    ((reason,),) = query(bench.project, "SELECT reason FROM batches WHERE status = 'stopped'")
    assert re.search(r"API key.*log in or set a valid key, then resume", str(reason))
    assert str(reason) in done.stdout
    assert not violations(bench.project)


def test_denied_permissions_fail_and_block(bench: Bench):
    bench.begin(ONE)
    bench.plays("dev-story", turn(writes("${cwd}/greeting.txt", "Hello!\n")), turn(says("Implemented.")))
    done = bench.run("--cycles", "1", "--permission-mode", "default")
    assert done.returncode == 0, done.stdout + done.stderr
    denied = "permissions denied: Write; try another --permission-mode"
    assert bench.attempts("status, charged, reason") == [("error", 1, denied)] * 3
    assert denied in done.stdout
    assert sprint_file(bench.project).read_text() == ONE.replace("in-progress", "blocked")
    assert not (bench.project / "greeting.txt").exists()
    assert not violations(bench.project)
