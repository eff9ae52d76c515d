"""Reads one run of the Claude CLI: lines in, signals out, and at the end the verdict's evidence.

`actors.command` feeds it every line of the agent's output file; `claude` and `scripted` create it, since the scripted
agent speaks the same language. It keeps what the verdict needs and forgets the rest; it decides nothing itself
(`claude_verdict` does), reads no clock and never raises, whatever the bytes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from runner.agents import claude_verdict
from runner.agents.base import (
    Began,
    Ending,
    Finished,
    Noted,
    ProcessEnding,
    Said,
    Signal,
    ToolEnded,
    ToolStarted,
)
from runner.agents.claude_verdict import Heard
from runner.agents.claude_wire import (
    UNREADABLE,
    Assistant,
    Block,
    Garbled,
    Line,
    RateLimit,
    Result,
    System,
    User,
    decode_line,
    decode_odd_line,
    figure,
)
from runner.agents.limits import epoch_seconds
from runner.agents.wording import one_line

_SHELL = "Bash"
_SUMMARY_KEYS = (
    "file_path",
    "notebook_path",
    "command",
    "pattern",
    "path",
    "url",
    "query",
    "skill",
    "description",
    "prompt",
)
"""Tool arguments that say best what a call acts on, best first."""
_SUMMARY = 200
_NAME = 100
_GARBLED_NOTED = 10
"""Unreadable lines that get a line in the log; a flood of them is only counted."""


class ClaudeDecoder:
    """Fulfils `base.Decoder`; one object for each run."""

    def __init__(self) -> None:
        self._heard = Heard()
        self._open: dict[str, str | None] = {}
        """Tool calls under way, with the call of the subagent they belong to."""

    @property
    def open_tools(self) -> int:
        return len(self._open)

    @property
    def garbled(self) -> int:
        """Lines that could not be read."""
        return self._heard.garbled

    def feed(self, line: bytes) -> Sequence[Signal]:
        try:
            read: Line | None = decode_line(line)
        except UNREADABLE:
            try:
                read = decode_odd_line(line)
            except Garbled as odd:
                return self._garbled(line, odd)
        if isinstance(read, Assistant):  # nearly every line: asked first, and cheaper than a match
            return self._assistant(read)
        match read:
            case User():
                return self._user(read)
            case System():
                return self._system(read)
            case Result():
                return self._result(read)
            case RateLimit():
                return self._rate_limit(read)
            case None:
                return ()

    def ending(self, process: ProcessEnding, *, now: datetime) -> Ending:
        return claude_verdict.weigh(self._heard, process, now=now)

    def _garbled(self, line: bytes, odd: Garbled) -> Sequence[Signal]:
        if not line.strip():
            return ()
        self._heard.garbled += 1
        if self._heard.garbled > _GARBLED_NOTED:
            return ()
        start = one_line(line[: 4 * _SUMMARY].decode("utf-8", "replace"), _SUMMARY)
        return (Noted(kind="garbled", text=f"unreadable line of {len(line):,} bytes ({odd}): {start}"),)

    def _assistant(self, read: Assistant) -> Sequence[Signal]:
        parent, heard = read.parent_tool_use_id, self._heard
        if parent is None:
            heard.complaint = read if read.error is not None else None
        signals: list[Signal] = []
        for block in read.message.content:
            if block.type == "text":
                if parent is None and block.text:
                    # Nothing after the result that counts changes what was reported.
                    if heard.result is None:
                        heard.texts.add(block.text)
                    signals.append(Said(text=block.text))
            elif block.type == "tool_use":
                self._open[block.id] = parent
                signals.append(_tool_started(block))
        return signals

    def _user(self, read: User) -> Sequence[Signal]:
        content = read.message.content
        signals: list[Signal] = []
        for block in content if isinstance(content, list) else ():
            if block.type == "tool_result":
                self._close(block.tool_use_id)
                signals.append(
                    ToolEnded(
                        tool_id=block.tool_use_id, is_error=block.is_error is True, text=_flat_text(block.content)
                    )
                )
        return signals

    def _close(self, tool_id: str) -> None:
        self._open.pop(tool_id, None)
        # A subagent that was cut off never reports its own calls: they end with the call that started it.
        for orphan in [call for call, parent in self._open.items() if parent == tool_id]:
            del self._open[orphan]

    def _system(self, read: System) -> Sequence[Signal]:
        match read.subtype:
            case "init":
                return (
                    Began(
                        session_id=_text(read.session_id),
                        model=_text(read.model),
                        version=_text(read.claude_code_version),
                    ),
                )
            case "api_retry":
                self._heard.last_retry = _retry_cause(read)
                return (Noted(kind="retry", text=_retry_words(read)),)
            case "model_fallback":
                change = f"{_text(read.original_model)} -> {_text(read.fallback_model)}"
                return (Noted(kind="fallback", text=_text(read.content) or change),)
            case "model_refusal_no_fallback":
                return (Noted(kind="refusal", text=f"{_text(read.original_model)} refused to answer"),)
            case "compact_boundary":
                return (Noted(kind="compaction", text=_compaction_words(read.compact_metadata)),)
            case "hook_response":
                return (Noted(kind="hook", text=f"{_text(read.hook_name)}: {_text(read.outcome)}"),)
        return ()

    def _result(self, read: Result) -> Sequence[Signal]:
        self._open.clear()
        first = self._heard.hear_result(read)
        return (Finished(is_error=read.is_error is not False),) if first else ()

    def _rate_limit(self, read: RateLimit) -> Sequence[Signal]:
        info = read.rate_limit_info
        if not isinstance(info, dict):
            return ()
        status = info.get("status")
        # While paid extra usage carries the run on, the plan's own rejection stops nothing.
        rejected = status == "rejected" and info.get("isUsingOverage") is not True
        self._heard.rejected = rejected
        self._heard.resets_at = info.get("resetsAt") if rejected else None
        if status == "allowed":
            return ()
        return (Noted(kind="limit", text=_limit_words(info)),)


def _tool_started(block: Block) -> ToolStarted:
    arguments = block.input if isinstance(block.input, dict) else {}
    command = arguments.get("command")
    return ToolStarted(
        tool_id=block.id,
        name=one_line(block.name, _NAME),
        summary=_summary(arguments),
        shell_command=command if block.name == _SHELL and isinstance(command, str) else None,
    )


def _summary(arguments: dict[str, Any]) -> str:
    for key in _SUMMARY_KEYS:
        value = arguments.get(key)
        if isinstance(value, str) and value:
            return one_line(value, _SUMMARY)
    return ""


def _flat_text(content: Any) -> str:
    """The text of a tool result: a string, or a list of blocks of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (block.get("text") for block in content if isinstance(block, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _retry_cause(read: System) -> str:
    status = int(figure(read.error_status))
    return " ".join(filter(None, (str(status) if status else "", _text(read.error)))) or "unknown"


def _retry_words(read: System) -> str:
    wait = f"{figure(read.retry_delay_ms) / 1000:.1f} s"
    return f"retry {figure(read.attempt):.0f} of {figure(read.max_retries):.0f} in {wait}: {_retry_cause(read)}"


def _compaction_words(metadata: Any) -> str:
    if not isinstance(metadata, dict):
        return "conversation compacted"
    before, after = figure(metadata.get("pre_tokens")), figure(metadata.get("post_tokens"))
    return f"conversation compacted: {before:.0f} -> {after:.0f} tokens"


def _limit_words(info: dict[str, Any]) -> str:
    words = [_text(info.get("rateLimitType")) or "usage", _text(info.get("status")) or "unknown"]
    used = figure(info.get("utilization"))
    if 0 < used <= 1:
        words.append(f"at {used:.0%}")
    seconds = epoch_seconds(info.get("resetsAt"))
    if seconds is not None:
        words.append(f"resets {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC")
    return " ".join(words)


def _text(value: Any) -> str:
    return one_line(value, _SUMMARY) if isinstance(value, str) else ""
