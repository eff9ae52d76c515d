"""Lines of the CLI as entries of a transcript: what each kind becomes, and that nothing is too odd to be shown."""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.agents.claude_transcript import TEXT_LIMIT, Entry, EntryKind, Figures, entries_of, too_long

CAPTURES = Path(__file__).parents[3] / "shared" / "claude-cli" / "fixtures"
SECRET = 'canary "one"\nand é'
MARK = "[redacted]"


def redact(text: str) -> str:
    return text.replace(SECRET, MARK)


def entries(value: object, offset: int = 0) -> tuple[Entry, ...]:
    line = value if isinstance(value, bytes) else json.dumps(value).encode()
    return entries_of(line, offset, redact=redact)


def message(role: str, *blocks: object, **more: object) -> dict[str, object]:
    return {"type": role, "message": {"role": role, "content": list(blocks)}, **more}


TEXT = {"type": "text", "text": "Hello"}
CALL = {"type": "tool_use", "name": "Bash", "id": "t1", "input": {"command": "ls", "n": [1, None, 2.5]}}
ANSWER = {"type": "tool_result", "tool_use_id": "t1", "content": "a.txt"}

LINES: dict[str, tuple[object, list[Entry]]] = {
    "text": (message("assistant", TEXT), [Entry(id="7:0", kind=EntryKind.TEXT, text="Hello")]),
    "thinking": (
        message("assistant", {"type": "thinking", "thinking": "Hm.", "signature": "x"}),
        [Entry(id="7:0", kind=EntryKind.THINKING, text="Hm.")],
    ),
    "a call": (
        message("assistant", CALL),
        [
            Entry(
                id="7:0",
                kind=EntryKind.TOOL_USE,
                tool="Bash",
                tool_use_id="t1",
                input='{"command":"ls","n":[1,null,2.5]}',
            )
        ],
    ),
    "a call of an MCP server": (
        message("assistant", {**CALL, "type": "mcp_tool_use", "input": None}),
        [Entry(id="7:0", kind=EntryKind.TOOL_USE, tool="Bash", tool_use_id="t1")],
    ),
    "several blocks": (
        message("assistant", TEXT, {"type": "text", "text": ""}, CALL, parent_tool_use_id="t0"),
        [
            Entry(id="7:0", kind=EntryKind.TEXT, text="Hello", parent_tool_use_id="t0"),
            Entry(
                id="7:1",
                kind=EntryKind.TOOL_USE,
                tool="Bash",
                tool_use_id="t1",
                input='{"command":"ls","n":[1,null,2.5]}',
                parent_tool_use_id="t0",
            ),
        ],
    ),
    "an answer": (
        message("user", ANSWER),
        [Entry(id="7:0", kind=EntryKind.TOOL_RESULT, text="a.txt", tool_use_id="t1")],
    ),
    "an answer that failed": (
        message("user", {**ANSWER, "is_error": True}),
        [Entry(id="7:0", kind=EntryKind.TOOL_RESULT, text="a.txt", tool_use_id="t1", is_error=True)],
    ),
    "an answer in blocks": (
        message("user", {**ANSWER, "content": [{"type": "text", "text": "one"}, {"type": "image"}, TEXT, 7]}),
        [Entry(id="7:0", kind=EntryKind.TOOL_RESULT, text="one\n[image]\nHello\n[]", tool_use_id="t1")],
    ),
    "an answer of nothing": (
        message("user", {**ANSWER, "content": None}),
        [Entry(id="7:0", kind=EntryKind.TOOL_RESULT, tool_use_id="t1")],
    ),
    "an answer of another shape": (
        message("user", {**ANSWER, "content": {"a": 1}}),
        [Entry(id="7:0", kind=EntryKind.TOOL_RESULT, text='{"a":1}', tool_use_id="t1")],
    ),
    "in the user's name": (
        {"type": "user", "message": {"content": "compacted"}},
        [Entry(id="7:0", kind=EntryKind.SYSTEM, text="compacted")],
    ),
    "an error in the agent's name": (
        message("assistant", TEXT, error="authentication_failed"),
        [Entry(id="7:0", kind=EntryKind.ERROR, text="Hello", is_error=True)],
    ),
    "of the system": (
        {"type": "system", "subtype": "api_retry", "attempt": 2, "uuid": "u", "x": None, "table": {"error": "529"}},
        [Entry(id="7:0", kind=EntryKind.SYSTEM, text="api_retry: attempt 2, error 529")],
    ),
    "of the system, about a call": (
        {"type": "system", "subtype": "task_started", "tool_use_id": "t1"},
        [Entry(id="7:0", kind=EntryKind.SYSTEM, text="task_started", tool_use_id="t1")],
    ),
    "a count": ({"type": "system", "subtype": "thinking_tokens", "estimated_tokens": 4}, []),
    "a limit": (
        {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "resetsAt": 5}},
        [Entry(id="7:0", kind=EntryKind.SYSTEM, text="rate_limit: status allowed, resetsAt 5")],
    ),
    "a part of a message": ({"type": "stream_event", "event": {"type": "message_stop"}}, []),
    "a result": (
        {
            "type": "result",
            "subtype": "success",
            "is_error": False,
            "result": "Done.",
            "duration_ms": 1000,
            "num_turns": 3,
            "total_cost_usd": 0.5,
            "modelUsage": {
                "big": {"inputTokens": 1, "outputTokens": 20, "cacheReadInputTokens": 300},
                "small": {"cacheCreationInputTokens": 4000, "costUSD": 7},
                "odd": None,
            },
        },
        [
            Entry(
                id="7:0",
                kind=EntryKind.RESULT,
                text="Done.",
                figures=Figures(duration_ms=1000, num_turns=3, cost_usd=0.5, tokens=4321),
            )
        ],
    ),
    "a result that tells errors": (
        {"type": "result", "subtype": "error_max_turns", "errors": ["one", 2, "two"]},
        [
            Entry(
                id="7:0",
                kind=EntryKind.RESULT,
                text="one\ntwo",
                is_error=True,
                figures=Figures(duration_ms=0, num_turns=0, cost_usd=0, tokens=0),
            )
        ],
    ),
    "a type nobody knows": (
        {"type": "novelty", "a": [1]},
        [Entry(id="7:0", kind=EntryKind.RAW, text='{"type":"novelty","a":[1]}')],
    ),
    "no type": ({"a": 1}, [Entry(id="7:0", kind=EntryKind.RAW, text='{"a":1}')]),
    "a message without content": (
        {"type": "assistant", "message": 3},
        [Entry(id="7:0", kind=EntryKind.RAW, text='{"type":"assistant","message":3}')],
    ),
    "blocks nobody knows": (
        message("assistant", {"type": "song", "a": 1}, 5),
        [
            Entry(id="7:0", kind=EntryKind.RAW, text='{"type":"song","a":1}'),
            Entry(id="7:1", kind=EntryKind.RAW, text='{"type":5}'),
        ],
    ),
    "no line": (b" \t\r", []),
}


@pytest.mark.parametrize(("value", "expected"), LINES.values(), ids=LINES)
def test_a_line_becomes_entries(value: object, expected: list[Entry]):
    assert list(entries(value, offset=7)) == expected


ODD = {
    "no JSON": b"warning: something",
    "no object": b"[1,2]",
    "cut off": b'{"type":"assistant","message":{"con',
    "invalid UTF-8": b'{"type":"assistant","message":{"content":[{"type":"text","text":"\xff"}]}}',
    "a lone surrogate": b'{"type":"assistant","message":{"content":[{"type":"text","text":"\\ud800"}]}}',
    "no number": b'{"type":"system","x":NaN}',
    "nested without end": b'{"type":"novelty","x":' + b"[" * 100_000,
    "nested deeply": b'{"type":"novelty","x":' + b"[" * 900 + b"]" * 900 + b"}",
    "nested deeply in an input": b'{"type":"assistant","message":{"content":[{"type":"tool_use","input":'
    + b'{"a":' * 900
    + b"1"
    + b"}" * 900
    + b"}]}}",
    "a number of 5,000 digits": b'{"type":"system","x":' + b"9" * 5_000 + b"}",
    "control characters": b"\x1b[31m\x00\x07",
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_what_cannot_be_understood_is_shown(line: bytes):
    found = entries(line)
    assert found
    assert msgspec.json.encode(found)
    assert {entry.kind for entry in found} <= {EntryKind.RAW, EntryKind.SYSTEM, EntryKind.TOOL_USE}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "thinking", "tool_use", "tool_result", "x"])},
        optional=dict.fromkeys(("text", "thinking", "name", "id", "input", "content", "is_error"), JSON),
    )
    | JSON,
    max_size=3,
)


@given(
    kind=st.sampled_from(["assistant", "user", "system", "result", "rate_limit_event", "x"]) | JSON,
    content=BLOCKS | JSON,
    more=st.dictionaries(st.sampled_from(["subtype", "error", "parent_tool_use_id", "modelUsage", "errors"]), JSON),
)
def test_no_shape_is_too_odd(kind: object, content: object, more: dict[str, object]):
    assert msgspec.json.encode(entries({"type": kind, "message": {"content": content}, **more})) is not None


@given(line=st.binary())
def test_no_bytes_are_too_odd(line: bytes):
    assert msgspec.json.encode(entries(line))


# Secrets and sizes


@pytest.mark.parametrize(
    "value",
    [
        message("assistant", {"type": "text", "text": f"say {SECRET}"}),
        message("assistant", {"type": "thinking", "thinking": SECRET}),
        message("assistant", {**CALL, "name": SECRET, "input": {"deep": [{SECRET: f"x{SECRET}"}]}}),
        message("user", {**ANSWER, "content": [{"type": "text", "text": SECRET}]}),
        message("user", {**ANSWER, "tool_use_id": SECRET}),
        message("user", {"type": SECRET, "x": SECRET}, parent_tool_use_id=SECRET),
        {"type": "system", "subtype": SECRET, "cwd": SECRET},
        {"type": "result", "result": SECRET, "errors": [SECRET]},
        {"type": SECRET, SECRET: [SECRET]},
        f"no JSON: {SECRET}".encode(),
    ],
    ids=range(10),
)
def test_secrets_are_taken_out_of_every_text(value: object):
    shown = json.dumps(msgspec.to_builtins(entries(value)), ensure_ascii=False)
    assert MARK in shown
    assert "canary" not in shown


def test_a_secret_is_taken_out_before_a_text_is_cut():
    text = "x" * (TEXT_LIMIT - 3) + SECRET
    (entry,) = entries(message("assistant", {"type": "text", "text": text}))
    assert entry.text.endswith(MARK[:3])


def test_long_texts_and_inputs_are_cut():
    long = "y" * (TEXT_LIMIT + 1)
    (said,) = entries(message("assistant", {"type": "text", "text": long}))
    assert (said.text, said.truncated) == ("y" * TEXT_LIMIT, True)
    (called,) = entries(message("assistant", {**CALL, "input": {"content": long}}))
    assert (len(called.input), called.truncated) == (TEXT_LIMIT, True)
    (whole,) = entries(message("assistant", {"type": "text", "text": long[1:]}))
    assert (whole.text, whole.truncated) == (long[1:], False)


def test_a_line_that_is_too_long_shows_its_size_and_beginning():
    entry = too_long(b'{"type":"user","x":"' + b"z" * 60_000, 31_457_280, 42, redact=redact)
    assert (entry.id, entry.kind, entry.truncated) == ("42:0", EntryKind.RAW, True)
    assert entry.text.startswith('[a line of 31,457,280 bytes] {"type":"user","x":"zzz')
    assert len(entry.text) < 2_100


# The real CLI

KINDS = {
    "tools_full": {"system": 1, "thinking": 1, "text": 2, "tool_use": 6, "tool_result": 6, "result": 1},
    "subagent": {"system": 6, "tool_use": 2, "tool_result": 2, "text": 1, "result": 1},
    "partial_messages": {"system": 3, "text": 2, "tool_use": 1, "tool_result": 1, "result": 1},
    "err_401": {"system": 11, "error": 1, "result": 1},
    "truncated_tail": {"system": 1, "raw": 1},
}


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captured CLI output beside the checkout")
@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.ndjson")), ids=lambda path: path.stem)
def test_captured_runs_are_readable(capture: Path):
    found = [entry for line in capture.read_bytes().split(b"\n") for entry in entries(line)]
    counts = Counter(entry.kind.value for entry in found)
    if capture.stem in KINDS:
        assert counts == KINDS[capture.stem]
    assert counts["raw"] == (capture.stem == "truncated_tail")
    calls = {entry.tool_use_id for entry in found if entry.kind is EntryKind.TOOL_USE}
    assert {entry.tool_use_id for entry in found if entry.kind is EntryKind.TOOL_RESULT} <= calls
    for entry in found:
        assert entry.text or entry.kind is EntryKind.TOOL_USE or capture.stem == "empty_text"
        assert (entry.figures is not None) == (entry.kind is EntryKind.RESULT)
