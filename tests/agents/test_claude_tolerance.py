"""No bytes upset the decoder: what is odd is mended, noted or ignored, and never costs its neighbours."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.agents.base import EndingKind, Finished, Noted, ProcessEnding, Said
from runner.agents.claude_stream import ClaudeDecoder

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CLEAN = ProcessEnding(exit_code=0)

GARBLED = [
    b"Warning: no stdin data received",
    b"null",
    b"3",
    b'["assistant"]',
    b"\xff\xfe",
    b"[" * 15_000,
    b'{"type":"assistant","x":' + b"[" * 15_000,
    b'{"type":"result","num_turns":1',
    b'{"type":"assistant","message":{"content":[{"type":"text","text":7}]}}',
    b'{"type":"assistant","message":"text"}',
]


@pytest.mark.parametrize("garbled", GARBLED, ids=lambda garbled: garbled[:24])
def test_what_cannot_be_read_is_noted_and_counted(garbled: bytes):
    decoder = ClaudeDecoder()
    signals = decoder.feed(garbled)
    assert [signal.kind for signal in signals if isinstance(signal, Noted)] == ["garbled"]
    assert decoder.garbled == 1


def test_a_flood_of_garbage_is_counted_but_soon_no_longer_noted():
    decoder = ClaudeDecoder()
    assert sum(len(decoder.feed(b"garbage")) for _ in range(1000)) == 10
    assert decoder.garbled == 1000


@pytest.mark.parametrize("blank", [b"", b"\r", b"  \t"])
def test_blank_lines_are_nothing(blank: bytes):
    decoder = ClaudeDecoder()
    assert (list(decoder.feed(blank)), decoder.garbled) == ([], 0)


@pytest.mark.parametrize(
    ("raw", "heard"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (rb"lone \ud800 high", "lone \ufffd high"),
        (rb"lone \udc00 low", "lone \ufffd low"),
        (rb"pair \ud83d\ude00", "pair \U0001f600"),
        (b"raw\x00control", "raw\x00control"),
        (rb"\ud800", "\ufffd"),
    ],
)
def test_text_is_made_storable(raw: bytes, heard: str):
    signals = list(
        ClaudeDecoder().feed(b'{"type":"assistant","message":{"content":[{"type":"text","text":"' + raw + b'"}]}}')
    )
    assert signals == [Said(text=heard)]
    assert heard.encode()


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"-" + b"9" * 400, b'"many"', b"[]"])
@pytest.mark.parametrize("field", [b"duration_ms", b"total_cost_usd", b"api_error_status", b"something_else"])
def test_a_senseless_number_costs_its_field_and_not_the_line(field: bytes, number: bytes):
    decoder = ClaudeDecoder()
    signals = decoder.feed(b'{"type":"result","is_error":false,"num_turns":2,"' + field + b'":' + number + b"}")
    assert list(signals) == [Finished(is_error=False)]
    ending = decoder.ending(CLEAN, now=NOW)
    assert (ending.kind, ending.usage.num_turns, ending.usage.cost_usd) == (EndingKind.SUCCESS, 2, 0.0)


ODD_VALUES = [
    *(None, True, False, 0, -1, 3, 0.5, 1e300, 10**18, 10**30, float("nan"), float("inf")),
    *("", "text", "\ud800", "\n", [], [None], ["text"], {}),
    {"content": "text"},
    {"content": [{"type": "text", "text": "said"}]},
    {"content": [{"type": "tool_use", "id": "t", "name": "\n", "input": {"command": "\x00", "path": 1}}]},
    {"content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"text": 1}, "x"]}]},
    {"status": "rejected", "resetsAt": 10**15},
    {"status": "allowed_warning", "resetsAt": 2.4e14, "utilization": "x"},
    {"pre_tokens": "many"},
    {"model": {"inputTokens": 10**30, "costUSD": []}},
    [{"tool_name": 1}, 2],
]
FIELDS = [
    "message",
    "subtype",
    "error",
    "parent_tool_use_id",
    "num_turns",
    "is_error",
    "result",
    "errors",
    "modelUsage",
    "permission_denials",
    "rate_limit_info",
    "retry_delay_ms",
    "compact_metadata",
]
KINDS = st.sampled_from(["assistant", "user", "system", "result", "rate_limit_event"])
SUBTYPES = st.sampled_from(["init", "api_retry", "compact_boundary", "model_fallback", "success"])
LINES = st.builds(
    lambda kind, subtype, fields: json.dumps({"type": kind, "subtype": subtype, **fields}).encode(),
    KINDS,
    SUBTYPES,
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD_VALUES), max_size=6),
)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60) | LINES, max_size=6))
def test_nothing_that_is_printed_raises(lines: list[bytes]):
    decoder = ClaudeDecoder()
    for each in lines:
        for signal in decoder.feed(each):
            repr(signal).encode()
    ending = decoder.ending(ProcessEnding(exit_code=1), now=NOW)
    assert "\n" not in ending.reason
    assert (ending.reason + ending.text).encode("utf-8") is not None
