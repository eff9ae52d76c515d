"""An agent that ends badly, in every way that is known: what is recorded, what it costs, and that the batch goes on.

Each row is a program in the CLI's place that does one thing badly in the first review of the only story, and then
works. Whatever it does, the run ends, no step is lost, and nothing of the agent is left.
"""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from actors.control import ResumeBatch
from tests.support.checker import violations
from tests.support.inside import Interruption, Run, claude, run_inside
from tests.support.project import make_project, statuses
from tests.support.runs import CHECKOUT, query, running, successes
from tests.support.stub import write_stub

CAPTURES = CHECKOUT.parent / "shared" / "claude-cli" / "fixtures"
STORY = "1-1-one"
REVIEW = f"c1/code-review-1/{STORY}"
COMMIT = f"c1/batch-commit/{STORY}"


class End(NamedTuple):
    """What becomes of the first review, its story and the batch."""

    statuses: tuple[str, ...]
    charged: int
    """How many of the attempts count as failures."""
    story: str
    code: int


SUCCEEDS = End(("success",), 0, "done", 0)
IS_RETRIED = End(("error", "success"), 1, "done", 0)
NEEDS_OPERATOR = End(("error",), 0, "review", 4)
WAITS = End(("limit",), 0, "review", 4)
"""It waits for minutes, so the test ends it with Ctrl-C."""
IS_INTERRUPTED = End(("interrupted",), 0, "review", 4)


class Row(NamedTuple):
    does: str
    says: str = ""
    """Part of the reason that is recorded with the first attempt."""
    end: End = IS_RETRIED
    settings: dict[str, float] | None = None


def _replayed(name: str, exit: int, says: str, end: End = IS_RETRIED) -> Row:
    """What the real CLI printed; the marker before it is what a review has to say."""
    errors = CAPTURES / f"{name}.stderr.txt"
    does = f"text('ZERO ISSUES')\nreplay({str(CAPTURES / name) + '.ndjson'!r})\n"
    does += f"replay({str(errors)!r}, to=2)\n" if errors.exists() else ""
    return Row(f"{does}sys.exit({exit})", says, end)


# What the CLI prints when the API, the account or the call is at fault.
CAPTURED = {
    "400": _replayed("err_400", 1, "API Error: 400 prompt is bad"),
    "401": _replayed("err_401", 1, "Invalid API key", NEEDS_OPERATOR),
    "credit": _replayed("err_402_credit", 1, "Credit balance is too low; add credit", NEEDS_OPERATOR),
    "403": _replayed("err_403", 1, "403 forbidden", NEEDS_OPERATOR),
    "404": _replayed("err_404_model", 1, "issue with the selected model"),
    "429": _replayed("err_429_forever", 1, "(429)", WAITS),
    "429 that ends": _replayed("err_429_retry_after_then_ok", 0, "", SUCCEEDS),
    "429 for long": _replayed("err_429_retry_after_long", 1, "slow down", WAITS),
    "500": _replayed("err_500_forever", 1, "500 Internal server error"),
    "529": _replayed("err_529_forever", 1, "529 Overloaded"),
    "reset": _replayed("err_reset_forever", 1, "Unable to connect to API (ECONNRESET)"),
    "HTML": _replayed("err_malformed_body_200", 1, "Failed to parse JSON"),
    "cut stream": _replayed("err_cut_mid_stream", 0, "", SUCCEEDS),
    "garbled stream": _replayed("err_garbled_sse", 0, "", SUCCEEDS),
    "error in stream": _replayed("err_sse_overloaded_mid_stream", 0, "", SUCCEEDS),
    "prompt too long": _replayed("err_prompt_too_long", 1, "Prompt is too long"),
    "refusal": _replayed("refusal", 1, "the model refused"),
    "no key": _replayed("no_key", 1, "Not logged in", NEEDS_OPERATOR),
    "turns": _replayed("max_turns", 1, "error_max_turns: Reached maximum number of turns (2)"),
    "budget": _replayed("max_budget", 1, "error_max_budget_usd: Reached maximum budget ($0.01)"),
    "permissions": _replayed("default_perm_denied", 0, "permissions denied: Write;"),
    "unknown slash command": _replayed("slash_unknown", 0, "took no turn (num_turns 0): Unknown command"),
    "cut tail": _replayed("truncated_tail", 0, "without a result (exit 0); 1 line was not JSON"),
    "SIGINT": _replayed("sig_int_during_stream", 0, "interrupted (aborted_streaming)"),
    "SIGTERM": _replayed("sig_term_during_bash", 143, "without a result (exit 143)"),
}

FINDS_NOTHING = "text('ZERO ISSUES')\n"
WELL = f"{FINDS_NOTHING}result()\n"
REFUSES_ROOT = "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons"
IDLE = {"command_idle_timeout_minutes": 0.03}
TOTAL = {"command_timeout_minutes": 0.03}
"""Short, yet long enough for a busy machine to start an agent that does well."""

MADE_UP = {
    # The call, and exit codes
    "usage error": Row("put(b\"error: unknown option '--flag'\\n\", to=2)\nsys.exit(1)", "unknown option '--flag'"),
    "root": Row(f"put({REFUSES_ROOT.encode()!r}, to=2)\nsys.exit(1)", "IS_SANDBOX=1", NEEDS_OPERATOR),
    "session in use": Row("put(b'Error: Session ID x is already in use.\\n', to=2)\nsys.exit(1)", "already in use"),
    "silent failure": Row("sys.exit(3)", "ended without a result (exit 3)"),
    "nothing at all": Row("sys.exit(0)", "ended without a result (exit 0)"),
    "no result": Row("begin()\ntext('ZERO ISSUES')", "ended without a result (exit 0)"),
    "failure after result": Row(f"{WELL}sys.exit(7)", "exit 7 in spite of a good result"),
    # Results
    "error result": Row("result(is_error=True, result='it broke')", "it broke"),
    "no turns": Row("result(num_turns=0)", "took no turn (num_turns 0)"),
    "denials": Row("result(permission_denials=[dict(tool_name='Bash')])", "permissions denied: Bash"),
    "good then bad result": Row(f"{WELL}result(is_error=True)", "", SUCCEEDS),
    "bad then good result": Row(f"result(is_error=True, result='it broke')\n{WELL}", "it broke"),
    "turnless then good result": Row(f"result(num_turns=0, is_error=True)\n{WELL}", "", SUCCEEDS),
    # Output
    "garbage": Row("put(b'<html>\\n{\"type\":\\n' + bytes(range(256)) + b'\\n' * 3)", "lines were not JSON"),
    "garbage before a result": Row(f"put(b'}}{{\\n[1,2]\\nnull\\n' * 999)\n{WELL}", "", SUCCEEDS),
    "invalid UTF-8": Row(
        'put(b\'{"type":"assistant","message":{"content":[{"type":"text","text":"ZERO ISSUES \\xff\\xc3"}]}}\\n\')\n'
        'put(b\'{"type":"result","num_turns":1,"is_error":false,"result":"\\xfe"}\\n\')',
        "",
        SUCCEEDS,
    ),
    "lone surrogates": Row("text('ZERO ISSUES \\ud800 \\udfff')\nresult(result='\\udc00')", "", SUCCEEDS),
    "null characters": Row("text('ZERO ISSUES \\0')\nresult(is_error=True, result='a\\0b')", "a b"),
    "40 MB line": Row(f"text('x' * 40_000_000)\n{WELL}", "a line is longer than 33,554,432 bytes"),
    "endless line": Row("while True: put(b'x' * 1_000_000)", "a line is longer than 33,554,432 bytes"),
    "no newline at the end": Row(
        f'{FINDS_NOTHING}put(b\'{{"type":"result","num_turns":1,"is_error":false}}\')', "", SUCCEEDS
    ),
    "1 MB of standard error": Row(f"put(b'a warning\\n' * 100_000, to=2)\n{WELL}", "", SUCCEEDS),
    "standard error without newlines": Row("put(b'x' * 200_000, to=2)\nsys.exit(1)", "(exit 1): xxxxxx"),
    "closed output": Row(f"{WELL}os.close(1)\ntime.sleep(0.3)", "", SUCCEEDS),
    "failure after closed output": Row(f"{WELL}os.close(1)\ntime.sleep(0.3)\nsys.exit(7)", "exit 7 in spite of"),
    "output closed too soon": Row("begin()\nos.close(1)\ntime.sleep(0.3)", "ended without a result (exit 0)"),
    # Signals and processes
    "SIGKILL": Row("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9"),
    "SIGKILL after result": Row(f"{WELL}os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 in spite of"),
    "SIGSEGV": Row("begin()\nos.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
    "kills its group": Row("os.killpg(0, signal.SIGKILL)", "killed by signal 9"),
    "terminates its guard": Row(f"os.kill(os.getppid(), signal.SIGTERM)\n{WELL}", "", SUCCEEDS),
    "kills its guard": Row("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", "without a result (end unknown)"),
    "kills its guard after its result": Row(
        f"{WELL}os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", "", SUCCEEDS
    ),
    "stops its guard": Row("os.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(60)", "without output", settings=IDLE),
    "stops itself": Row("os.kill(os.getpid(), signal.SIGSTOP)", "without output", settings=IDLE),
    # Time limits
    "silence": Row("begin()\ntime.sleep(60)", "stopped by the runner: 0.03 min without output", settings=IDLE),
    "silence after a bad result": Row("result(is_error=True)\ntime.sleep(60)", "without output: done", settings=IDLE),
    "silence in a tool": Row(
        "say(type='assistant', message=dict(content=[dict(type='tool_use', id='t', name='Bash')]))\n"
        f"time.sleep(2.5)\n{WELL}",
        "",
        SUCCEEDS,
        IDLE,
    ),
    "work on standard error": Row(
        f"for _ in range(14):\n    put(b'.', to=2)\n    time.sleep(0.2)\n{WELL}", "", SUCCEEDS, IDLE
    ),
    "endless work": Row("while True:\n    text('on')\n    time.sleep(0.1)", "0.03 min in total", settings=TOTAL),
    "endless after result": Row(f"{WELL}while True:\n    text('on')\n    time.sleep(0.1)", "", SUCCEEDS, TOTAL),
}
# They take seconds, or differ from another row in nothing that the runner looks at.
SLOW = {
    *("403", "404", "429 for long", "500", "529", "HTML", "garbled stream", "error in stream", "prompt too long"),
    *("turns", "budget", "permissions", "SIGTERM", "40 MB line"),
    *("silence after a bad result", "silence in a tool", "work on standard error", "endless work"),
    *("stops its guard", "stops itself"),
}


def _params() -> Iterator[object]:
    missing = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captured CLI output beside the checkout")
    for name, row in {**CAPTURED, **MADE_UP}.items():
        marks = [missing] if name in CAPTURED else []
        yield pytest.param(row, id=name, marks=[*marks, pytest.mark.slow] if name in SLOW else marks)


def attempts(project: Path) -> list[tuple[str, int, str]]:
    """Status, charged and reason of each attempt of the first review."""
    return query(project, "SELECT status, charged, reason FROM commands WHERE step_key = ? ORDER BY attempt", REVIEW)


@pytest.mark.parametrize("row", tuple(_params()))
async def test_an_agent_that_ends_badly(tmp_path: Path, row: Row):
    project = make_project(tmp_path / "project", {STORY: "review"})
    waiting = Interruption(when=lambda: bool(query(project, "SELECT 1 FROM batches WHERE status = 'waiting_limit'")))
    run = await run_inside(
        claude(project, write_stub(tmp_path, row.does)),
        settings={"stop_grace_seconds": 0.5, **(row.settings or {})},
        interruption=waiting if row.end is WAITS else None,
    )
    made = attempts(project)
    assert tuple(status for status, _, _ in made) == row.end.statuses
    assert sum(charged for _, charged, _ in made) == row.end.charged
    assert row.says in made[0][2]
    assert len(made[0][2]) < 500
    assert statuses(project)[STORY] == row.end.story
    assert run.code == row.end.code
    assert not violations(project)
    if row.end is NEEDS_OPERATOR:
        assert row.says in run.reason
        assert (await run_inside(claude(project, tmp_path / "claude"), ResumeBatch())).code == 0
    if row.end is not WAITS:
        assert successes(project) == [REVIEW, COMMIT]


async def test_what_an_agent_leaves_behind_is_killed_and_counted(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    spawns = """
sleep = dict(args=["sleep", "60"], stdout=2)
subprocess.Popen(**sleep)
subprocess.Popen(**sleep, start_new_session=True, env={})
subprocess.run(["sh", "-c", "sleep 60 & exec true"], stdout=2)
"""
    assert (await run_inside(claude(project, write_stub(tmp_path, spawns + WELL)))).code == 0
    ends = query(project, "SELECT payload_json FROM events WHERE event_type = 'command:end' ORDER BY id")
    assert [json.loads(payload)["metrics"]["leftovers"] for (payload,) in ends] == [3, 0]
    warnings = query(project, "SELECT payload_json FROM events WHERE event_type = 'batch:warning'")
    told = [json.loads(payload) for (payload,) in warnings]
    assert [(warning["warning_type"], warning["message"]) for warning in told] == [
        ("leftovers", f"{REVIEW} left 3 processes behind, ended by the guard")
    ]
    assert not violations(project)


async def test_an_agent_that_ignores_the_interrupt_is_killed_at_a_stop(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    stub = write_stub(tmp_path, "signal.signal(signal.SIGINT, signal.SIG_IGN)\nbegin()\ntime.sleep(60)")
    stop = Interruption(when=lambda: running(project, REVIEW), number=signal.SIGTERM)
    began = time.monotonic()
    run = await run_inside(claude(project, stub), settings={"stop_grace_seconds": 1}, interruption=stop)
    assert time.monotonic() - began < 10
    assert run == Run(
        code=4, reason="stopped by SIGTERM", said=("SIGTERM: stopping now, the agents are interrupted",)
    )
    assert attempts(project) == [("interrupted", 0, "stopped before it had a result")]
    assert not violations(project)
    assert (await run_inside(claude(project, stub), ResumeBatch())).code == 0
    assert successes(project) == [REVIEW, COMMIT]


@pytest.mark.slow
async def test_an_agent_that_stays_after_its_result_is_ended_and_counts_as_finished(tmp_path: Path):
    project = make_project(tmp_path / "project", {STORY: "review"})
    assert (await run_inside(claude(project, write_stub(tmp_path, f"{WELL}time.sleep(60)")))).code == 0
    assert successes(project) == [REVIEW, COMMIT]
    assert not violations(project)
