"""The lines a scripted agent prints: the same stream of JSON objects that the Claude CLI writes.

`scripted_child` opens one `Stream` per run and the actions speak through it. It knows the shape of every line and
nothing about scenarios. Lines go out whole, in one piece, so that an interrupt never cuts one in the middle.

Everything here starts once per command of a sprint, so modules that take long to import (dataclasses, uuid,
pathlib) are left alone.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

Json = Mapping[str, object]
VERSION = "scripted"
NO_TOKENS: Json = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}


class Usage(NamedTuple):
    """Tokens and price of a run, as its `result` line tells them."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class Ending(NamedTuple):
    """What a `result` line says."""

    usage: Usage
    text: str = ""
    subtype: str = "success"
    is_error: bool = False
    api_error_status: int | None = None
    num_turns: int | None = None
    """None: as many as there were messages."""
    denied_tools: tuple[str, ...] = ()
    terminal_reason: str = "completed"


def new_uuid() -> str:
    """A random (version 4) UUID; the module of that name takes as long to import as this program to run."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Stream:
    """Writes one run's lines to a file descriptor, and counts what the `result` line has to tell."""

    def __init__(self, *, session: str, model: str, descriptor: int = 1) -> None:
        self.session = session
        self.model = model
        self.turns = 0
        self.results = 0
        self.last_text = ""
        self.open_tool: str | None = None
        """Id of the tool call that has begun and not ended; an interrupt has to answer it."""
        self._descriptor = descriptor
        self._began = time.monotonic()
        self._busy = False
        self._deferred: Callable[[], None] | None = None

    def interrupt(self, act: Callable[[], None]) -> None:
        """Call `act` now, or after the line that is being written (for signal handlers)."""
        if self._busy:
            self._deferred = act
        else:
            act()

    def write(self, data: bytes, *, is_result: bool = False) -> None:
        """Print bytes as they are. A reader that went away is no reason to stop working, as with the real CLI."""
        self._busy = True
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            pass
        finally:
            # Counted before an interrupt can come, or that would print another one.
            self.results += is_result
            self._busy = False
        if self._deferred is not None:
            act, self._deferred = self._deferred, None
            act()

    def line(self, fields: Json) -> bytes:
        """One line with the two fields that every line has."""
        whole = {**fields, "session_id": self.session, "uuid": new_uuid()}
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + b"\n"

    def emit(self, fields: Json) -> None:
        self.write(self.line(fields))

    def init(self, *, project: str, permission_mode: str) -> None:
        self.emit(
            {
                "type": "system",
                "subtype": "init",
                "cwd": project,
                "tools": ["Bash", "Edit", "Read", "Write"],
                "mcp_servers": [],
                "model": self.model,
                "permissionMode": permission_mode,
                "slash_commands": [],
                "apiKeySource": "none",
                "claude_code_version": VERSION,
                "output_style": "default",
                "agents": [],
                "skills": [],
                "plugins": [],
            }
        )

    def thinking(self, tokens: int) -> None:
        self.emit(
            {
                "type": "system",
                "subtype": "thinking_tokens",
                "estimated_tokens": tokens,
                "estimated_tokens_delta": tokens,
            }
        )

    def message(self, block: Json) -> Json:
        """An assistant line with its one block of content."""
        return {
            "type": "assistant",
            "message": {
                "id": f"msg_{new_uuid()[:8]}",
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [block],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {**NO_TOKENS, "output_tokens": 1},
            },
            "parent_tool_use_id": None,
            "request_id": f"req_{new_uuid()[:8]}",
        }

    def text(self, text: str) -> None:
        self.turns += 1
        self.last_text = text
        self.emit(self.message({"type": "text", "text": text}))

    def tool_use(self, name: str, tool_input: Json) -> str:
        """Announce a tool call; gives the id that `tool_result` wants back."""
        self.turns += 1
        tool_id = f"toolu_{new_uuid()[:8]}"
        self.open_tool = tool_id
        self.emit(self.message({"type": "tool_use", "name": name, "input": tool_input, "id": tool_id}))
        return tool_id

    def tool_result(self, tool_id: str, content: str, *, failed: bool = False, detail: Json | None = None) -> None:
        """The answer to a tool call; `detail` is the structured form of a success."""
        block = {"type": "tool_result", "tool_use_id": tool_id, "content": content, "is_error": failed}
        self.open_tool = None
        self._user(block, {"tool_use_result": f"Error: {content}" if failed else detail or {}})

    def note_interrupt(self) -> None:
        """What the CLI prints between SIGINT and its result."""
        where = ""
        if self.open_tool is not None:
            rejected = "The tool use was rejected. STOP what you are doing and wait for the user."
            self.tool_result(self.open_tool, rejected, failed=True)
            where = " for tool use"
        self._user({"type": "text", "text": f"[Request interrupted by user{where}]"}, {})

    def _user(self, block: Json, extra: Json) -> None:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        message = {"role": "user", "content": [block]}
        self.emit({"type": "user", "message": message, "parent_tool_use_id": None, "timestamp": stamp, **extra})

    def api_retry(self, *, attempt: int, most: int, delay: float, status: int | None, error: str) -> None:
        self.emit(
            {
                "type": "system",
                "subtype": "api_retry",
                "attempt": attempt,
                "max_retries": most,
                "retry_delay_ms": delay * 1000,
                "error_status": status,
                "error": error,
            }
        )

    def rate_limit(self, *, resets_at: int | None, kind: str) -> None:
        """The event of a used-up limit; `resets_at` in epoch seconds."""
        info: dict[str, object] = {"status": "rejected", "rateLimitType": kind, "utilization": 1}
        if resets_at is not None:
            info["resetsAt"] = resets_at
        self.emit({"type": "rate_limit_event", "rate_limit_info": info})

    def api_error(self, text: str, error: str) -> None:
        """The synthetic message that stands before a failing result; `error` is its class, `rate_limit` say."""
        message = {
            "id": new_uuid(),
            "type": "message",
            "role": "assistant",
            "model": "<synthetic>",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "stop_sequence",
            "usage": NO_TOKENS,
        }
        self.emit({"type": "assistant", "message": message, "parent_tool_use_id": None, "error": error})

    def result(self, ending: Ending) -> None:
        took = int((time.monotonic() - self._began) * 1000)
        turns = max(self.turns, 1) if ending.num_turns is None else ending.num_turns
        fields: dict[str, object] = {
            "type": "result",
            "subtype": ending.subtype,
            "is_error": ending.is_error,
            "api_error_status": ending.api_error_status,
            "duration_ms": took,
            "duration_api_ms": took,
            "num_turns": turns,
            "stop_reason": "end_turn",
            "total_cost_usd": ending.usage.cost_usd,
            "usage": _usage(ending.usage),
            "modelUsage": {self.model: _model_usage(ending.usage)} if turns else {},
            "permission_denials": [_denial(tool) for tool in ending.denied_tools],
            "terminal_reason": ending.terminal_reason,
        }
        # The real CLI has `result` only where a run came to its end; the other kinds list `errors` instead.
        if ending.subtype == "success":
            fields["result"] = ending.text
        else:
            fields["errors"] = [ending.text or ending.subtype]
        self.write(self.line(fields), is_result=True)


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }


def _model_usage(usage: Usage) -> Json:
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheCreationInputTokens": usage.cache_write_tokens,
        "webSearchRequests": 0,
        "costUSD": usage.cost_usd,
    }


def _denial(tool: str) -> Json:
    return {"tool_name": tool, "tool_use_id": f"toolu_{new_uuid()[:8]}", "tool_input": {}}
