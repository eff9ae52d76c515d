"""The lines of the Claude CLI's `stream-json` output as values: what is read of them, and how leniently.

`claude_stream` calls `decode_line` for every line: one typed pass that skips what nobody reads. A line that does not
fit is for `decode_odd_line`: unknown types are ignored, invalid UTF-8, lone surrogates, NaN and endless numbers are
replaced, and only what is no JSON object even then is `Garbled`. Nothing here interprets.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec

# Fields that steer a verdict are `Any` on purpose: a number where text was, or the reverse, in a newer CLI must cost
# that field and not the whole line. No struct here is part of a cycle, so the garbage collector may skip them.


class Block(msgspec.Struct, gc=False):
    """One content block of a message; which fields are filled depends on `type`."""

    type: str = ""
    text: str = ""
    id: str = ""
    name: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: Any = None
    is_error: Any = None


class Speech(msgspec.Struct, frozen=True, gc=False):
    """The API message inside an assistant line."""

    content: list[Block] = []


class Assistant(msgspec.Struct, tag="assistant", tag_field="type", gc=False):
    """Text and tool calls; one line for each content block."""

    message: Speech = Speech()
    parent_tool_use_id: str | None = None
    """Set when a subagent speaks: the call that started it."""
    error: Any = None
    """Set on the synthetic message that the CLI prints before a failing result."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The API message inside a user line."""

    content: list[Block] | str | None = None


class User(msgspec.Struct, tag="user", tag_field="type", gc=False):
    """Tool results, and texts that the CLI puts in the user's mouth."""

    message: Reply = Reply()


class System(msgspec.Struct, tag="system", tag_field="type", gc=False):
    """Session start, retries, model changes, hooks, tasks; told apart by `subtype`."""

    subtype: Any = None
    session_id: Any = None
    model: Any = None
    claude_code_version: Any = None
    attempt: Any = None
    max_retries: Any = None
    retry_delay_ms: Any = None
    error_status: Any = None
    error: Any = None
    original_model: Any = None
    fallback_model: Any = None
    content: Any = None
    compact_metadata: Any = None
    hook_name: Any = None
    outcome: Any = None


class Result(msgspec.Struct, tag="result", tag_field="type", gc=False, rename={"model_usage": "modelUsage"}):
    """The end of a run, or of one of its halves: a resumed session may print two."""

    subtype: Any = None
    is_error: Any = None
    api_error_status: Any = None
    num_turns: Any = None
    duration_ms: Any = None
    result: Any = None
    errors: Any = None
    stop_reason: Any = None
    terminal_reason: Any = None
    total_cost_usd: Any = None
    model_usage: Any = None
    permission_denials: Any = None


class RateLimit(msgspec.Struct, tag="rate_limit_event", tag_field="type", gc=False):
    """What a subscription's limits look like now; printed whether or not they bind."""

    rate_limit_info: Any = None


Line = Assistant | User | System | Result | RateLimit

_KINDS = frozenset({"assistant", "user", "system", "result", "rate_limit_event"})


class _Envelope(msgspec.Struct, gc=False):
    type: Any = None


class Garbled(Exception):
    """The line is no JSON object, or not of the shape that its type has."""


_MOST_COUNTED = 2**53
"""No true figure is above it; one that is would break sums, formats and database columns."""

UNREADABLE = (ValueError, RecursionError)
"""What `decode_line` raises: its own errors and Unicode's are ValueErrors; nesting is limited by the stack."""

decode_line: Callable[[bytes], Line] = msgspec.json.Decoder(Line).decode
"""Decode a line that is as it should be: nearly all of them, and this is all the work they cost."""
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def decode_odd_line(line: bytes) -> Line | None:
    """Decode what `decode_line` would not; None for a type that nobody here reads. Raises `Garbled` alone."""
    try:
        if not _is_known(line):
            return None
    except UNREADABLE:
        pass  # no strict JSON; it may be after mending
    try:
        mended = _mended(line)
        return decode_line(mended) if _is_known(mended) else None
    except UNREADABLE as odd:
        raise Garbled(str(odd)) from odd


def _is_known(line: bytes) -> bool:
    kind = _decode_envelope(line).type
    return isinstance(kind, str) and kind in _KINDS


def _mended(line: bytes) -> bytes:
    """The same object as strict JSON: what strict JSON cannot say is replaced."""
    value = _decode_lenient(line.decode("utf-8", "replace"))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # The way over UTF-16 joins surrogates that belong together and replaces those that stand alone.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _finite_int(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None


def _finite_float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_decode_lenient = json.JSONDecoder(
    strict=False, parse_int=_finite_int, parse_float=_finite_float, parse_constant=lambda _: None
).decode
"""Made once: an agent that prints no JSON at all prints a lot of it."""


def figure(value: Any) -> float:
    """A number from a lenient field; 0 for what is no count, amount or duration."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 < value < _MOST_COUNTED else 0
