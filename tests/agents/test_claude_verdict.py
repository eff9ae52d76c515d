"""What was said, weighed against how the process ended."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.agents.base import Cut, Ending, EndingKind, ProcessEnding
from runner.agents.claude_stream import ClaudeDecoder

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SOON = int(NOW.timestamp()) + 3600
CLEAN = ProcessEnding(exit_code=0)
FAILED = ProcessEnding(exit_code=1)

SUCCESS, FAILURE, LIMIT, OPERATOR = EndingKind.SUCCESS, EndingKind.FAILURE, EndingKind.LIMIT, EndingKind.OPERATOR
INTERRUPTED, UNKNOWN = EndingKind.INTERRUPTED, EndingKind.SESSION_UNKNOWN


def line(type: str, **fields: Any) -> bytes:
    return json.dumps({"type": type, **fields}).encode()


def said(text: str, **fields: Any) -> bytes:
    return line("assistant", message={"content": [{"type": "text", "text": text}]}, **fields)


def result(**fields: Any) -> bytes:
    told = {"subtype": "success", "is_error": False, "num_turns": 2, "result": "done", "permission_denials": []}
    return line("result", **told | fields)


def limits(status: str, **fields: Any) -> bytes:
    return line("rate_limit_event", rate_limit_info={"status": status, "resetsAt": SOON, **fields})


def weigh(process: ProcessEnding, *lines: bytes) -> Ending:
    decoder = ClaudeDecoder()
    for each in lines:
        decoder.feed(each)
    return decoder.ending(process, now=NOW)


def cut(cut: Cut, limit: str = "", **how: Any) -> ProcessEnding:
    return ProcessEnding(exit_code=how.get("exit_code"), signal=how.get("signal"), cut=cut, limit=limit)


GOOD = result()
BAD = result(is_error=True, result="API Error: 500 broken", api_error_status=500)
IDLE = cut(Cut.IDLE, "30 min without output", signal=9)
OVERTIME = cut(Cut.OVERTIME, "180 min in all", exit_code=143)
TOO_LONG = cut(Cut.LINE_TOO_LONG, "a line is longer than 33,554,432 bytes", signal=9)


@pytest.mark.parametrize(
    ("process", "lines", "kind", "reason"),
    [
        (CLEAN, [GOOD], SUCCESS, ""),
        (ProcessEnding(exit_code=None), [GOOD], SUCCESS, ""),  # guard and runner died, the result is on disk
        (ProcessEnding(exit_code=None), [], FAILURE, "ended without a result (end unknown)"),
        (FAILED, [GOOD], FAILURE, "exit 1 in spite of a good result"),
        (ProcessEnding(exit_code=None, signal=9), [GOOD], FAILURE, "killed by signal 9 in spite of a good result"),
        (CLEAN, [], FAILURE, "ended without a result (exit 0)"),
        (CLEAN, [said("all done")], FAILURE, "ended without a result (exit 0)"),
        (CLEAN, [BAD], FAILURE, "API Error: 500 broken"),
        (CLEAN, [result(is_error=None)], FAILURE, "done"),
        (CLEAN, [result(is_error=True, result=None)], FAILURE, "error result without a text"),
        (CLEAN, [result(is_error=True, result="no", api_error_status=418)], FAILURE, "no (status 418)"),
        (cut(Cut.STOPPED, signal=9), [GOOD], SUCCESS, ""),
        (cut(Cut.STOPPED, exit_code=0), [BAD], INTERRUPTED, "stopped before it had a result"),
        (cut(Cut.STOPPED), [], INTERRUPTED, "stopped before it had a result"),
        (cut(Cut.LINGERED, signal=9), [GOOD], SUCCESS, ""),
        (cut(Cut.LINGERED, signal=9), [BAD], FAILURE, "API Error: 500 broken"),
        (IDLE, [GOOD], SUCCESS, ""),
        (IDLE, [said("hm")], FAILURE, "stopped by the runner: 30 min without output"),
        (IDLE, [BAD], FAILURE, "stopped by the runner: 30 min without output: API Error: 500 broken"),
        (OVERTIME, [GOOD], SUCCESS, ""),
        (OVERTIME, [], FAILURE, "stopped by the runner: 180 min in all"),
        (TOO_LONG, [GOOD], FAILURE, "stopped by the runner: a line is longer than 33,554,432 bytes"),
        (ProcessEnding(exit_code=None, cannot_start="claude: no such\nfile"), [], FAILURE, "claude: no such file"),
    ],
)
def test_process_and_result(process: ProcessEnding, lines: list[bytes], kind: EndingKind, reason: str):
    ending = weigh(process, *lines)
    assert (ending.kind, ending.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("denials", "tools"),
    [
        ([{"tool_name": "Write"}, {"tool_name": "Bash"}, {"tool_name": "Write"}], "Write, Bash"),
        ([{}], "unnamed tools"),
        ("Write", "unnamed tools"),
    ],
)
def test_denied_permissions_are_a_failure_with_a_hint(denials: Any, tools: str):
    ending = weigh(CLEAN, result(permission_denials=denials))
    assert ending.kind is FAILURE
    assert ending.reason == f"permissions denied: {tools}; try another --permission-mode"


@pytest.mark.parametrize(
    ("lines", "kind", "reason"),
    [
        ([result(num_turns=0), GOOD], SUCCESS, ""),
        ([result(num_turns=0, is_error=True), GOOD], SUCCESS, ""),
        ([GOOD, BAD], SUCCESS, ""),
        ([BAD, GOOD], FAILURE, "API Error: 500 broken"),
        ([result(num_turns=0, result="")], FAILURE, "the agent took no turn (num_turns 0)"),
        ([result(num_turns=None)], FAILURE, "the agent took no turn (num_turns 0): done"),
        ([result(num_turns=True)], FAILURE, "the agent took no turn (num_turns 0): done"),
        ([result(num_turns=0, is_error=True, result=None, errors=["no luck"])], FAILURE, "no luck"),
    ],
)
def test_the_first_result_with_turns_counts(lines: list[bytes], kind: EndingKind, reason: str):
    ending = weigh(CLEAN, *lines)
    assert (ending.kind, ending.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("stderr", "kind", "reason"),
    [
        ("error: unknown option '--x'\n", FAILURE, "ended without a result (exit 1): error: unknown option '--x'"),
        ("note\nError: no good\n\n", FAILURE, "ended without a result (exit 1): Error: no good"),
        ("Error: Session ID 2222-33 is already in use.", UNKNOWN, "Error: Session ID 2222-33 is already in use."),
        ("x\nNo conversation found with session ID: 1", UNKNOWN, "No conversation found with session ID: 1"),
        (
            "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons",
            OPERATOR,
            "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons; "
            "set IS_SANDBOX=1 inside a sandbox, or run as another user",
        ),
    ],
)
def test_standard_error_explains_a_run_without_a_result(stderr: str, kind: EndingKind, reason: str):
    ending = weigh(ProcessEnding(exit_code=1, stderr_tail=stderr))
    assert (ending.kind, ending.reason) == (kind, reason)


def test_standard_error_is_not_heeded_once_the_agent_has_worked():
    stderr = "No conversation found, cannot be used with root/sudo privileges"
    assert weigh(ProcessEnding(exit_code=1, stderr_tail=stderr), BAD).kind is FAILURE
    assert weigh(ProcessEnding(exit_code=0, stderr_tail=stderr), GOOD).kind is SUCCESS


NOTICE = "You've hit your session limit · resets 5am (UTC)"
AT_FIVE = int(datetime(2026, 11, 21, 5, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("process", "lines", "resets_at"),
    [
        (FAILED, [result(is_error=True, result=NOTICE)], AT_FIVE),
        (CLEAN, [result(is_error=True, result=NOTICE)], AT_FIVE),
        (FAILED, [result(is_error=True, result="slow down", api_error_status=429)], None),
        (FAILED, [said(NOTICE, error="rate_limit"), result(is_error=True, result=None)], AT_FIVE),
        (FAILED, [said(NOTICE, error="rate_limit")], AT_FIVE),
        (FAILED, [limits("rejected"), result(is_error=True, result=NOTICE)], SOON * 1000),
        (FAILED, [limits("rejected", resetsAt=SOON * 1000), result(is_error=True)], SOON * 1000),
        (FAILED, [limits("rejected", resetsAt=None), result(is_error=True, result=NOTICE)], AT_FIVE),
        (FAILED, [limits("rejected", resetsAt="soon"), result(is_error=True)], None),
        (FAILED, [limits("rejected", resetsAt=5), result(is_error=True)], None),
        (FAILED, [limits("rejected")], SOON * 1000),
        (FAILED, [result(num_turns=0, result="Claude AI usage limit reached|" + str(SOON))], SOON * 1000),
        (FAILED, [result(is_error=True, result=None, errors=["x", "You're out of usage credits"])], None),
        (IDLE, [limits("rejected")], SOON * 1000),
    ],
)
def test_usage_limits(process: ProcessEnding, lines: list[bytes], resets_at: int | None):
    ending = weigh(process, *lines)
    assert (ending.kind, ending.resets_at) == (LIMIT, resets_at)
    assert ending.reason


@pytest.mark.parametrize(
    ("process", "lines", "kind"),
    [
        (CLEAN, [said(NOTICE), result(result=NOTICE)], SUCCESS),
        (CLEAN, [limits("rejected"), GOOD], SUCCESS),
        (FAILED, [said(NOTICE), result(result=NOTICE)], FAILURE),
        (FAILED, [said(NOTICE)], FAILURE),
        (CLEAN, [result(result=NOTICE, permission_denials=[{"tool_name": "Bash"}])], FAILURE),
        (FAILED, [said(NOTICE, error="rate_limit"), said("on we go"), result(is_error=True, result="x")], FAILURE),
        (FAILED, [said(NOTICE, error="x", parent_tool_use_id="t"), result(is_error=True, result="x")], FAILURE),
        (FAILED, [limits("allowed_warning"), BAD], FAILURE),
        (FAILED, [limits("rejected"), limits("allowed"), result(is_error=True)], FAILURE),
        (FAILED, [limits("rejected", isUsingOverage=True), result(is_error=True)], FAILURE),
        (FAILED, [limits("rejected"), BAD], FAILURE),
        (FAILED, [limits("rejected"), result(is_error=True, subtype="error_max_turns", errors=["turns"])], FAILURE),
        (TOO_LONG, [limits("rejected")], FAILURE),
        (cut(Cut.STOPPED), [limits("rejected"), result(is_error=True, result=NOTICE)], INTERRUPTED),
    ],
)
def test_an_agents_prose_and_passing_warnings_are_no_limit(
    process: ProcessEnding, lines: list[bytes], kind: EndingKind
):
    ending = weigh(process, *lines)
    assert (ending.kind, ending.resets_at) == (kind, None)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([result(is_error=True, result="No", api_error_status=401)], "No; log in or set a valid key, then resume"),
        ([result(is_error=True, result="No", api_error_status=403)], "No; log in or set a valid key, then resume"),
        (
            [result(is_error=True, result="", api_error_status=403)],
            "status 403; log in or set a valid key, then resume",
        ),
        ([said("x", error="authentication_failed")], "x; log in or set a valid key, then resume"),
        (
            [said("Pay", error="billing_error"), result(is_error=True, result="Pay", api_error_status=400)],
            "Pay; add credit, then resume",
        ),
        (
            [result(is_error=True, result="Credit balance is too low")],
            "Credit balance is too low; add credit, then resume",
        ),
        (
            [result(is_error=True, result="Not logged in · Please run /login")],
            "Not logged in · Please run /login; log in or set a valid key, then resume",
        ),
        (
            [result(is_error=True, result="OAuth token has expired")],
            "OAuth token has expired; log in or set a valid key, then resume",
        ),
    ],
)
def test_what_only_the_operator_can_cure(lines: list[bytes], reason: str):
    ending = weigh(FAILED, *lines)
    assert (ending.kind, ending.reason) == (OPERATOR, reason)


def test_an_agent_that_speaks_of_credentials_is_no_operators_case():
    prose = "The API answers: Invalid API key. Not logged in."
    assert weigh(FAILED, said(prose), result(result=prose)).kind is FAILURE


MODEL = {"inputTokens": 10, "outputTokens": 3, "cacheReadInputTokens": 200, "cacheCreationInputTokens": 5000}


def test_figures_are_summed_over_models_and_taken_from_nowhere_else():
    usage = weigh(
        CLEAN,
        line("assistant", message={"content": [], "usage": {"input_tokens": 999, "output_tokens": 999}}),
        result(
            usage={"input_tokens": 777},
            modelUsage={"opus": MODEL | {"costUSD": 0.5}, "haiku": MODEL | {"costUSD": 0.25}, "odd": None},
            total_cost_usd=0.75,
            duration_ms=1234,
        ),
    ).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (10420, 6, 0.75)
    assert (usage.num_turns, usage.duration_ms) == (2, 1234)


def test_later_results_restate_the_running_total():
    first = result(modelUsage={"opus": MODEL}, total_cost_usd=0.5, duration_ms=100)
    later = result(modelUsage={"opus": MODEL | {"outputTokens": 9}}, total_cost_usd=0.75, duration_ms=7, num_turns=5)
    usage = weigh(CLEAN, first, later).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (5210, 9, 0.75)
    assert (usage.num_turns, usage.duration_ms) == (2, 100)


def test_a_later_result_without_figures_takes_nothing_back():
    usage = weigh(CLEAN, result(modelUsage={"opus": MODEL}, total_cost_usd=0.5), result()).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (5210, 3, 0.5)


def test_senseless_figures_are_not_believed():
    model = {"inputTokens": -5, "outputTokens": 10**18, "cacheReadInputTokens": 7, "costUSD": True}
    usage = weigh(CLEAN, result(modelUsage={"opus": model}, total_cost_usd=-1)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (7, 0, 0.0)


def test_the_cost_of_the_models_stands_in_for_a_missing_total():
    assert weigh(CLEAN, result(modelUsage={"opus": {"costUSD": 0.5}})).usage.cost_usd == 0.5


@pytest.mark.parametrize("lines", [[], [b"{}"], [result(modelUsage=[], total_cost_usd="much", num_turns=0)]])
def test_a_run_that_told_nothing_cost_nothing(lines: list[bytes]):
    usage = weigh(FAILED, *lines).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd, usage.num_turns) == (0, 0, 0.0, 0)


@pytest.mark.parametrize(("count", "words"), [(1, "1 line was not JSON"), (3, "3 lines were not JSON")])
def test_unreadable_lines_are_told_where_a_result_is_missing(count: int, words: str):
    assert weigh(CLEAN, *[b"garbage"] * count).reason == f"ended without a result (exit 0); {words}"
    assert weigh(CLEAN, *[b"garbage"] * count, BAD).reason == "API Error: 500 broken"


def test_reasons_are_one_short_line():
    ending = weigh(FAILED, result(is_error=True, result="\x1b[2J" + "very\n" * 10_000))
    assert ending.reason.isprintable()
    assert len(ending.reason) <= 300
