"""What each line of the CLI's output is turned into."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.agents.base import (
    Began,
    Finished,
    Noted,
    ProcessEnding,
    Said,
    Signal,
    ToolEnded,
    ToolStarted,
)
from runner.agents.claude_stream import ClaudeDecoder

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CLEAN = ProcessEnding(exit_code=0)


def line(type: str, **fields: Any) -> bytes:
    return json.dumps({"type": type, "session_id": "s", "uuid": "u", **fields}).encode()


def assistant(*blocks: dict[str, Any], parent: str | None = None, **fields: Any) -> bytes:
    return line("assistant", message={"content": list(blocks)}, parent_tool_use_id=parent, **fields)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def tool(name: str, id: str = "t1", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def tool_result(id: str = "t1", **fields: Any) -> bytes:
    return line("user", message={"content": [{"type": "tool_result", "tool_use_id": id, **fields}]})


GOOD = {"subtype": "success", "is_error": False, "num_turns": 1, "result": "done", "permission_denials": []}


def decode(*lines: bytes) -> list[Signal]:
    decoder = ClaudeDecoder()
    return [signal for each in lines for signal in decoder.feed(each)]


SIGNALS: list[tuple[bytes, list[Signal]]] = [
    (
        line("system", subtype="init", model="opus", claude_code_version="2.1.197", tools=["Bash"]),
        [Began(session_id="s", model="opus", version="2.1.197")],
    ),
    (assistant(text("one"), text("two")), [Said(text="one"), Said(text="two")]),
    (assistant(text("from below"), parent="t0"), []),
    (assistant(text("")), []),
    (assistant({"type": "thinking", "thinking": "hm", "signature": "x"}), []),
    (
        assistant(tool("Bash", command="make\n  test", description="run")),
        [ToolStarted(tool_id="t1", name="Bash", summary="make test", shell_command="make\n  test")],
    ),
    (
        assistant(tool("Edit", file_path="/p/a.py", old_string="x"), parent="t0"),
        [ToolStarted(tool_id="t1", name="Edit", summary="/p/a.py", shell_command=None)],
    ),
    (
        assistant(tool("Remote", command="ls", path=3)),
        [ToolStarted(tool_id="t1", name="Remote", summary="ls", shell_command=None)],
    ),
    (
        assistant({"type": "tool_use", "id": "t1", "name": "Odd", "input": "text"}),
        [ToolStarted(tool_id="t1", name="Odd", summary="", shell_command=None)],
    ),
    (tool_result(content="out"), [ToolEnded(tool_id="t1", is_error=False, text="out")]),
    (
        tool_result(content=[text("a"), {"type": "image"}, text("b")], is_error=True),
        [ToolEnded(tool_id="t1", is_error=True, text="a\nb")],
    ),
    (tool_result(is_error=None), [ToolEnded(tool_id="t1", is_error=False, text="")]),
    (line("user", message={"content": "a summary"}), []),
    (
        line(
            "system",
            subtype="api_retry",
            attempt=2,
            max_retries=10,
            retry_delay_ms=1102.9,
            error_status=529,
            error="overloaded",
        ),
        [Noted(kind="retry", text="retry 2 of 10 in 1.1 s: 529 overloaded")],
    ),
    (
        line("system", subtype="api_retry", attempt=1, max_retries=1, error_status=None, error="unknown"),
        [Noted(kind="retry", text="retry 1 of 1 in 0.0 s: unknown")],
    ),
    (
        line("system", subtype="model_fallback", original_model="opus", fallback_model="sonnet", content=""),
        [Noted(kind="fallback", text="opus -> sonnet")],
    ),
    (
        line("system", subtype="model_fallback", content="Switched\tto Sonnet\x1b[31m"),
        [Noted(kind="fallback", text="Switched to Sonnet [31m")],
    ),
    (
        line("system", subtype="compact_boundary", compact_metadata={"pre_tokens": 120, "post_tokens": 13}),
        [Noted(kind="compaction", text="conversation compacted: 120 -> 13 tokens")],
    ),
    (
        line("system", subtype="hook_response", hook_name="Stop", outcome="success"),
        [Noted(kind="hook", text="Stop: success")],
    ),
    (line("system", subtype="thinking_tokens", estimated_tokens=4), []),
    (line("system"), []),
    (line("stream_event", event={}), []),
    (line("rate_limit_event", rate_limit_info={"status": "allowed", "resetsAt": 1795230000}), []),
    (
        line(
            "rate_limit_event",
            rate_limit_info={
                "status": "allowed_warning",
                "resetsAt": 1795230000,
                "rateLimitType": "five_hour",
                "utilization": 0.91,
            },
        ),
        [Noted(kind="limit", text="five_hour allowed_warning at 91% resets 2026-11-21 03:00 UTC")],
    ),
    (line("rate_limit_event", rate_limit_info=None), []),
    (line("result", **GOOD), [Finished(is_error=False)]),
    (line("result", **GOOD | {"is_error": True}), [Finished(is_error=True)]),
    (line("result", **GOOD | {"num_turns": 0}), []),
]


@pytest.mark.parametrize(("given_line", "signals"), SIGNALS)
def test_signals(given_line: bytes, signals: list[Signal]):
    assert decode(given_line) == signals


@pytest.mark.parametrize(("given_line", "signals"), SIGNALS)
def test_the_order_of_keys_never_matters(given_line: bytes, signals: list[Signal]):
    backwards = json.dumps(dict(reversed(json.loads(given_line).items()))).encode()
    assert decode(backwards) == signals


def test_an_unknown_block_does_not_hide_its_neighbours():
    assert decode(assistant({"type": "hologram", "text": "?"}, text("seen"))) == [Said(text="seen")]


def test_texts_after_the_result_are_shown_but_not_reported():
    decoder = ClaudeDecoder()
    decoder.feed(assistant(text("before")))
    decoder.feed(line("result", **GOOD))
    assert decoder.feed(assistant(text("[MARKER]"))) == [Said(text="[MARKER]")]
    assert decoder.ending(CLEAN, now=NOW).text == "before"


def test_only_the_first_result_with_turns_finishes():
    assert decode(
        line("result", **GOOD | {"num_turns": 0}), line("result", **GOOD), line("result", **GOOD | {"is_error": True})
    ) == [Finished(is_error=False)]


def test_open_tools_are_counted_until_they_end():
    decoder = ClaudeDecoder()
    decoder.feed(assistant(tool("Bash", id="a"), tool("Bash", id="b")))
    assert decoder.open_tools == 2
    decoder.feed(tool_result("b"))
    decoder.feed(tool_result("never begun"))
    assert decoder.open_tools == 1
    decoder.feed(line("result", **GOOD))
    assert decoder.open_tools == 0


def test_a_subagents_tools_end_with_the_call_that_started_it():
    decoder = ClaudeDecoder()
    decoder.feed(assistant(tool("Agent", id="a"), tool("Bash", id="other")))
    decoder.feed(assistant(tool("Bash", id="child"), parent="a"))
    decoder.feed(tool_result("a"))
    assert decoder.open_tools == 1


def test_the_text_kept_is_the_last_4_mib():
    decoder = ClaudeDecoder()
    for number in range(12):
        decoder.feed(assistant(text(f"{number:x}" * (1 << 20))))
    kept = decoder.ending(CLEAN, now=NOW).text
    assert len(kept) == 4 << 20
    assert kept.endswith("a\n\n" + "b" * (1 << 20))
