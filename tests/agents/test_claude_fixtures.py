"""Every captured run of the real CLI gets the verdict and the figures that reading it by eye gives."""

from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from runner.agents.base import Cut, Ending, EndingKind, Finished, Noted, ProcessEnding, Said, Signal
from runner.agents.claude_stream import ClaudeDecoder
from runner.agents.lines import LineSplitter

CAPTURES = Path(__file__).parents[3] / "shared" / "claude-cli" / "fixtures"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captured CLI output beside the checkout")

SUCCESS, FAILURE, LIMIT, OPERATOR = EndingKind.SUCCESS, EndingKind.FAILURE, EndingKind.LIMIT, EndingKind.OPERATOR
UNKNOWN = EndingKind.SESSION_UNKNOWN


class Row(NamedTuple):
    name: str
    exit: int
    """As Python reports it: negative for a signal."""
    kind: EndingKind
    reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    num_turns: int = 0


ROWS = [
    Row("accept_edits_bash_denied", 0, FAILURE, "permissions denied: Bash;", 300, 60, 0.003, 3),
    Row("allowed_tools", 0, FAILURE, "permissions denied: Bash;", 400, 80, 0.004, 4),
    Row("api_timeout_hang", 1, FAILURE, "Request timed out", num_turns=1),
    Row("bare", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("bash_long_progress", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("bash_timeout", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("bg_bash_then_end", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("big_tool_result", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("bypass_mode_flag", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("connection_refused", 1, FAILURE, "Unable to connect to API (ConnectionRefused)", num_turns=1),
    Row("default_perm_denied", 0, FAILURE, "permissions denied: Write;", 200, 40, 0.002, 2),
    Row("dont_ask", 0, FAILURE, "permissions denied: Write;", 200, 40, 0.002, 2),
    Row("empty_text", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("err_400", 1, FAILURE, "API Error: 400 prompt is bad", num_turns=1),
    Row("err_401", 1, OPERATOR, "Invalid API key", num_turns=1),
    Row("err_402_credit", 1, OPERATOR, "Credit balance is too low; add credit", num_turns=1),
    Row("err_403", 1, OPERATOR, "403 forbidden", num_turns=1),
    Row("err_404_model", 1, FAILURE, "issue with the selected model", num_turns=1),
    Row("err_429_forever", 1, LIMIT, "(429)", num_turns=1),
    Row("err_429_retry_after_long", 1, LIMIT, "(429) · slow down", num_turns=1),
    Row("err_429_retry_after_then_ok", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_429_unified_rejected", -9, FAILURE, "killed by signal 9): it was retrying after 429 rate_limit"),
    Row("err_500_forever", 1, FAILURE, "500 Internal server error", num_turns=1),
    Row("err_529_forever", 1, FAILURE, "529 Overloaded", num_turns=1),
    Row("err_529_then_ok", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_cut_mid_stream", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_cut_mid_stream_then_ok", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_garbled_sse", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_malformed_body_200", 1, FAILURE, "Failed to parse JSON", num_turns=1),
    Row("err_prompt_too_long", 1, FAILURE, "Prompt is too long", num_turns=1),
    Row("err_reset_forever", 1, FAILURE, "Unable to connect to API (ECONNRESET)", num_turns=1),
    Row("err_reset_then_ok", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("err_sse_overloaded_mid_stream", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("fallback_model", 0, SUCCESS, "", 100, 20, 0.0006, 1),
    Row("flag_json_output", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("flag_resume_unknown", 1, UNKNOWN, "No conversation found with session ID: 11111111"),
    Row("hooks", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("json_schema", 0, SUCCESS, "", 100, 20, 0.001, 2),
    Row("json_schema_ignored_by_model", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("json_schema_invalid", 1, FAILURE, "valid structured output after 5 attempts", 400, 80, 0.004, 6),
    Row("max_budget", 1, FAILURE, "error_max_budget_usd: Reached maximum budget ($0.01)", 5000, 500, 0.0375, 1),
    Row("max_tokens_stop", 0, SUCCESS, "", 200, 40, 0.002, 1),
    Row("max_turns", 1, FAILURE, "error_max_turns: Reached maximum number of turns (2)", 200, 40, 0.002, 3),
    Row("mcp_dead_server", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("no_key", 1, OPERATOR, "Not logged in", num_turns=1),
    Row("no_persist", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("partial_messages", 0, SUCCESS, "", 200, 40, 0.002, 2),
    Row("refusal", 1, FAILURE, "the model refused", 100, 20, 0.001, 1),
    Row("resume_basic", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("resume_other_cwd", 1, UNKNOWN, "No conversation found with session ID: 22222222"),
    Row("retry_max_0_401", 1, OPERATOR, "Invalid API key", num_turns=1),
    Row("retry_max_1", 1, FAILURE, "API Error: 529", num_turns=1),
    Row("session_id_reuse", 1, UNKNOWN, "is already in use"),
    Row("sig_hup_during_bash", 129, FAILURE, "without a result (exit 129)"),
    Row("sig_int_bash_ignores_term", 0, FAILURE, "interrupted (aborted_tools)", 100, 20, 0.001, 3),
    Row("sig_int_during_bash", 1, FAILURE, "interrupted (aborted_tools)", 100, 20, 0.001, 3),
    Row("sig_int_during_bash_resume", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("sig_int_during_retry", 0, FAILURE, "interrupted (aborted_streaming)", num_turns=2),
    Row("sig_int_during_stream", 0, FAILURE, "interrupted (aborted_streaming)", num_turns=2),
    Row("sig_int_with_background_bash", 1, FAILURE, "interrupted (aborted_tools)", 200, 40, 0.002, 4),
    Row("sig_kill_during_bash", -9, FAILURE, "without a result (killed by signal 9)"),
    Row("sig_kill_during_bash_resume", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("sig_kill_with_background_bash", -9, FAILURE, "without a result (killed by signal 9)"),
    Row("sig_kill_with_background_bash_resume", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("sig_term_during_bash", 143, FAILURE, "without a result (exit 143)"),
    Row("sig_term_during_bash_resume", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("sig_term_during_retry", 143, FAILURE, "exit 143): it was retrying after 529 overloaded"),
    Row("sig_term_during_stream", 143, FAILURE, "without a result (exit 143)"),
    Row("sig_term_with_background_bash", 143, FAILURE, "without a result (exit 143)"),
    Row("sig_termpg_during_bash", 143, FAILURE, "without a result (exit 143)"),
    Row("slash_compact", 0, FAILURE, "no turn (num_turns 0): Not enough messages to compact."),
    Row("slash_compact_ok", 0, FAILURE, "no turn (num_turns 0)", 100, 20, 0.001, 0),
    Row("slash_unknown", 0, FAILURE, "no turn (num_turns 0): Unknown command: /no-such-command"),
    Row("slow_stream", 0, SUCCESS, "", 100, 20, 0.001, 1),
    Row("subagent", 0, SUCCESS, "", 400, 80, 0.004, 2),
    Row("tools_full", 0, SUCCESS, "", 1710 + 6000 + 5000, 210, 0.04805, 7),
    Row("tools_parallel", 0, SUCCESS, "", 200, 40, 0.002, 3),
    Row("truncated_tail", 0, FAILURE, "without a result (exit 0); 1 line was not JSON"),
    Row("unknown_tool", 0, SUCCESS, "", 200, 40, 0.002, 2),
]

GARBAGE = [
    b"",
    b"npm warn deprecated",
    b"\xff\xfe\x00",
    b"[" * 15_000,
    b'{"type":"assistant","message":{"content":[{"type":"text","text":"cut of',
    b'{"type":"never_heard_of","num_turns":9,"is_error":true}',
    b'{"type":"result","num_turns":}',
    b"null",
    b'"result"',
    b'{"type":["result"]}',
]


def lines_of(name: str) -> list[bytes]:
    path = CAPTURES / f"{name}.ndjson"
    splitter = LineSplitter()
    lines = splitter.feed(path.read_bytes() if path.exists() else b"")
    return [*lines, splitter.rest] if splitter.rest else lines


def stderr_of(name: str) -> str:
    path = CAPTURES / f"{name}.stderr.txt"
    return path.read_text() if path.exists() else ""


def process_of(row: Row, cut: Cut = Cut.NONE) -> ProcessEnding:
    return ProcessEnding(
        exit_code=row.exit if row.exit >= 0 else None,
        signal=-row.exit if row.exit < 0 else None,
        stderr_tail=stderr_of(row.name),
        cut=cut,
    )


def replay(row: Row, lines: list[bytes], cut: Cut = Cut.NONE) -> tuple[list[Signal], Ending]:
    decoder = ClaudeDecoder()
    signals = [signal for line in lines for signal in decoder.feed(line)]
    return signals, decoder.ending(process_of(row, cut), now=NOW)


by_name = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def test_no_capture_is_left_out():
    captured = {path.name.split(".")[0] for path in CAPTURES.iterdir()} - {"README"}
    assert captured == {row.name for row in ROWS}


@by_name
def test_verdict_and_figures(row: Row):
    _, ending = replay(row, lines_of(row.name))
    usage = ending.usage
    assert ending.kind is row.kind, ending.reason
    assert row.reason in ending.reason
    assert (ending.reason == "") == (row.kind is SUCCESS)
    assert (usage.input_tokens, usage.output_tokens, usage.num_turns) == (*row[4:6], row.num_turns)
    assert usage.cost_usd == pytest.approx(row.cost_usd)


@by_name
def test_garbage_between_the_lines_changes_nothing(row: Row):
    clean_signals, clean = replay(row, lines_of(row.name))
    rubbish = cycle(GARBAGE)
    signals, ending = replay(
        row, [next(rubbish), *(part for line in lines_of(row.name) for part in (line, next(rubbish)))]
    )
    assert (ending.kind, ending.resets_at, ending.usage, ending.text) == (
        clean.kind,
        clean.resets_at,
        clean.usage,
        clean.text,
    )
    assert [signal for signal in signals if not is_garbled(signal)] == [
        signal for signal in clean_signals if not is_garbled(signal)
    ]


@by_name
def test_a_stop_by_the_operator_keeps_a_good_result_and_excuses_the_rest(row: Row):
    _, ending = replay(row, lines_of(row.name), Cut.STOPPED)
    assert ending.kind is (SUCCESS if row.kind is SUCCESS else EndingKind.INTERRUPTED)


@by_name
def test_finished_is_signalled_once_for_the_result_that_counts(row: Row):
    signals, _ = replay(row, lines_of(row.name))
    assert sum(isinstance(signal, Finished) for signal in signals) == (1 if row.num_turns else 0)


def test_two_results_of_a_resumed_session_count_as_the_one_with_turns():
    row = next(row for row in ROWS if row.name == "sig_kill_with_background_bash_resume")
    lines = lines_of(row.name)
    assert sum(b'"type":"result"' in line for line in lines) == 2
    _, ending = replay(row, lines)
    assert (ending.text, ending.usage.duration_ms) == ("resumed fine", 629)


def test_subagents_are_not_heard():
    row = next(row for row in ROWS if row.name == "subagent")
    signals, ending = replay(row, lines_of(row.name))
    assert [signal.text for signal in signals if isinstance(signal, Said)] == ["parent end"]
    assert ending.text == "parent end"


def is_garbled(signal: Signal) -> bool:
    return isinstance(signal, Noted) and signal.kind == "garbled"
