"""One line of the Claude CLI's output as entries of a transcript: what a person wants to read of it.

`workspace.transcripts` reads the lines and hands them in; the decoder that steers a run is another
(`claude_stream`). Nothing is left out but what comes twice or says nothing: partial messages, empty texts, counts of
tokens. What cannot be understood is shown as it is. All texts pass `redact` before they are cut, so no half of a
secret is left. Pure, and never raises, whatever the bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from runner.agents.claude_wire import UNREADABLE, figure
from runner.domain.redaction import Redact, redact_all

TEXT_LIMIT = 64 * 1024
"""Characters of one text; a whole file in a tool result is often longer, and nobody reads on."""
NAME_LIMIT = 200
_HEAD_LIMIT = 2048
"""Characters that are shown of a line that is too long."""

Values = dict[str, object]


class EntryKind(StrEnum):
    """What an entry is."""

    TEXT = "text"
    """The agent, or a subagent, says something."""
    THINKING = "thinking"
    TOOL_USE = "tool_use"
    TOOL_RESULT = "tool_result"
    RESULT = "result"
    """The end of a run."""
    SYSTEM = "system"
    """The CLI says something, in its own name or in the user's."""
    ERROR = "error"
    """The CLI says, in the agent's name, that it cannot go on."""
    RAW = "raw"
    """A line, or a part of one, that is nothing we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run took, as its result tells."""

    duration_ms: int
    num_turns: int
    cost_usd: float
    tokens: int
    """Input and output of all models, reads from the cache included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A part of a transcript."""

    id: str
    """Where it stands: the byte at which its line begins, and its place in the line."""
    kind: EntryKind
    text: str = ""
    truncated: bool = False
    """Whether there was more of the text or of the input."""
    tool: str = ""
    """The name of the tool that is called."""
    tool_use_id: str = ""
    """Of a call and of its result: what connects them."""
    input: str = ""
    """What a tool is called with, as JSON; no JSON any more when it was cut."""
    is_error: bool = False
    parent_tool_use_id: str = ""
    """The call that started the subagent which this belongs to; empty for the agent itself."""
    figures: Figures | None = None
    """Of a result."""


def entries_of(line: bytes, offset: int, *, redact: Redact) -> tuple[Entry, ...]:
    """The entries of a line without its newline; `offset` is where it begins in the file."""
    if not line.strip():
        return ()
    reader = _Reader(offset, redact)
    try:
        reader.read(_decode(line))
    except UNREADABLE:
        reader.entries.clear()
        reader.add(EntryKind.RAW, line.decode("utf-8", "replace"))
    return tuple(reader.entries)


def too_long(head: bytes, size: int, offset: int, *, redact: Redact) -> Entry:
    """The entry for a line that is not decoded: `head` is its beginning, well over 2 kB, `size` all its bytes."""
    text = redact(head.decode("utf-8", "replace"))[:_HEAD_LIMIT]
    return Entry(id=f"{offset}:0", kind=EntryKind.RAW, text=f"[a line of {size:,} bytes] {text}…", truncated=True)


def weight(entry: Entry) -> int:
    """Characters of an entry, about."""
    return len(entry.text) + len(entry.input)


_decode = msgspec.json.Decoder(Values).decode
_NO_WORDS = frozenset({"type", "subtype", "uuid", "session_id", "tool_use_id"})
"""Fields of a system line that are told otherwise, or say nothing to a reader."""
_SILENT = frozenset({"thinking_tokens"})
"""System lines that only count."""


class _Reader:
    """Collects the entries of one line."""

    def __init__(self, offset: int, redact: Redact) -> None:
        self._offset = offset
        self._redact = redact
        self._parent = ""
        self.entries: list[Entry] = []

    def add(
        self,
        kind: EntryKind,
        text: str,
        *,
        input: str = "",
        is_error: bool = False,
        tool: str = "",
        tool_use_id: str = "",
    ) -> None:
        text = self._redact(text)
        entry = Entry(
            id=f"{self._offset}:{len(self.entries)}",
            kind=kind,
            text=text[:TEXT_LIMIT],
            truncated=max(len(text), len(input)) > TEXT_LIMIT,
            input=input[:TEXT_LIMIT],
            is_error=is_error,
            parent_tool_use_id=self._parent,
            tool=self._redact(tool)[:NAME_LIMIT],
            tool_use_id=self._redact(tool_use_id)[:NAME_LIMIT],
        )
        self.entries.append(entry)

    def read(self, line: Values) -> None:
        """Raises what is UNREADABLE: nesting, numbers and texts that JSON can hold and Python cannot."""
        self._parent = self._redact(_text(line.get("parent_tool_use_id")))[:NAME_LIMIT]
        match line.get("type"):
            case "assistant":
                error = line.get("error") is not None
                self._message(line, EntryKind.ERROR if error else EntryKind.TEXT)
            case "user":
                self._message(line, EntryKind.SYSTEM)
            case "system":
                self._system(_text(line.get("subtype")), line)
            case "rate_limit_event":
                self._system("rate_limit", line)
            case "result":
                self._result(line)
            case "stream_event":
                pass  # part of a message that comes as a whole
            case _:
                self._raw(line)

    def _message(self, line: Values, speech: EntryKind) -> None:
        message = line.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(blocks, list):
            self._raw(line)
            return
        for block in blocks:
            self._block(block if isinstance(block, dict) else {"type": block}, speech)

    def _block(self, block: Values, speech: EntryKind) -> None:
        kind = _text(block.get("type"))
        # Tools that run on the server, or come from an MCP server, have prefixes: `server_tool_use`.
        if kind == "text":
            if text := _text(block.get("text")):
                self.add(speech, text, is_error=speech is EntryKind.ERROR)
        elif kind == "thinking":
            self.add(EntryKind.THINKING, _text(block.get("thinking")))
        elif kind.endswith("tool_use"):
            name, id = _text(block.get("name")), _text(block.get("id"))
            self.add(EntryKind.TOOL_USE, "", input=self._json(block.get("input")), tool=name, tool_use_id=id)
        elif kind.endswith("tool_result"):
            text, id = self._content(block.get("content")), _text(block.get("tool_use_id"))
            self.add(EntryKind.TOOL_RESULT, text, is_error=block.get("is_error") is True, tool_use_id=id)
        else:
            self._raw(block)

    def _content(self, content: object) -> str:
        """What a tool gave back: a text, or a list of blocks of which some are text."""
        if not isinstance(content, list):
            return content if isinstance(content, str) else self._json(content)
        blocks = [block if isinstance(block, dict) else {} for block in content]
        return "\n".join(_text(block.get("text")) or f"[{_text(block.get('type'))}]" for block in blocks)

    def _system(self, subject: str, line: Values) -> None:
        if subject not in _SILENT:
            words = ", ".join(f"{name} {value}" for name, value in _words(line))
            text = f"{subject}: {words}" if words else subject
            self.add(EntryKind.SYSTEM, text, tool_use_id=_text(line.get("tool_use_id")))

    def _result(self, line: Values) -> None:
        errors = line.get("errors")
        told = [_text(line.get("result")), *map(_text, errors if isinstance(errors, list) else ())]
        text = "\n".join(text for text in told if text) or _text(line.get("subtype"))
        self.add(EntryKind.RESULT, text, is_error=line.get("is_error") is not False)
        self.entries[-1] = replace(self.entries[-1], figures=_figures(line))

    def _raw(self, value: Values) -> None:
        self.add(EntryKind.RAW, self._json(value))

    def _json(self, value: object) -> str:
        """A value as JSON again, without secrets: in JSON itself, one with a quote in it would not be seen."""
        return "" if value is None else msgspec.json.encode(redact_all(value, self._redact)).decode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(values: Values) -> Iterator[tuple[str, object]]:
    """The names and values that a system line holds, those of tables within it among them; lists are left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _words(value)
        elif name not in _NO_WORDS and isinstance(value, str | int | float) and value != "":
            yield name, value


def _figures(line: Values) -> Figures:
    per_model = line.get("modelUsage")
    models = per_model.values() if isinstance(per_model, dict) else ()
    counted = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
    return Figures(
        duration_ms=int(figure(line.get("duration_ms"))),
        num_turns=int(figure(line.get("num_turns"))),
        cost_usd=figure(line.get("total_cost_usd")),
        tokens=int(sum(figure(model.get(name)) for model in models if isinstance(model, dict) for name in counted)),
    )
