"""The port every agent CLI is reached through: what a provider is asked and what it answers.

`actors.command` launches and reads agents through these values only; `claude` and `scripted` fulfil the
protocols. Nothing here touches a process: a provider builds a command line, a decoder turns output lines into
signals, and the decoder's `ending` weighs what was said against how the process ended. Signals are structs and not
dataclasses because millions of them are made: a flooding agent must not cost the event loop its time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """One run of an agent: a new session, or the continuation of an earlier one."""

    session_id: str
    """A UUID: the id for the new session, or of the one to continue."""
    resume: bool
    model: str
    """Model name for the CLI; empty means the CLI's own default."""
    permission_mode: str
    environment: Mapping[str, str]
    """The caller's environment, read to decide what the agent needs on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The command line and the variables to add to the environment; the prompt goes to standard input."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Began(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The agent's session is open."""

    session_id: str
    model: str
    version: str


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Text of the main agent (never of a subagent): this is where markers stand."""

    text: str


class ToolStarted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tool call of the main agent or a subagent began."""

    tool_id: str
    name: str
    summary: str
    """What it acts on, in a line: a path, a command, a pattern."""
    shell_command: str | None
    """The whole command text when the tool is a shell; task reports are found in it."""


class ToolEnded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result of a tool call came back; `text` is what it printed (task reports may be echoed there)."""

    tool_id: str
    is_error: bool
    text: str


class Noted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Anything else worth a line in the log: a retry, a fallback model, a rate-limit warning, an odd line."""

    kind: str
    """retry, fallback, limit, compaction, garbled, hook, ..."""
    text: str


class Finished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The first result with at least one turn was read: nothing after it changes what was reported."""

    is_error: bool


Signal = Began | Said | ToolStarted | ToolEnded | Noted | Finished


class Cut(StrEnum):
    """Why the runner, and not the agent, brought a process to its end."""

    NONE = "none"
    STOPPED = "stopped"
    """The operator stopped the batch, or the runner died."""
    LINGERED = "lingered"
    """It did not exit after its result."""
    IDLE = "idle"
    """No output for the idle limit."""
    OVERTIME = "overtime"
    """It ran into the total limit."""
    LINE_TOO_LONG = "line too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnding:
    """How the agent's process ended, as the guard's receipt and the runner's own limits tell it."""

    exit_code: int | None
    """None when it died of a signal or its end is unknown."""
    signal: int | None = None
    cut: Cut = Cut.NONE
    cannot_start: str = ""
    """The reason when the executable could not be started at all."""
    stderr_tail: str = ""
    """The last lines of standard error, at most 4 KiB."""
    limit: str = ""
    """The limit in words when `cut` is a time or size limit: "30 min without output"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a run cost, from the agent's own accounting; zero when it told nothing."""

    input_tokens: int = 0
    """Input including cache reads and cache creation."""
    output_tokens: int = 0
    cost_usd: float = 0.0
    num_turns: int = 0
    duration_ms: int = 0


class EndingKind(StrEnum):
    """The verdict over a run of an agent."""

    SUCCESS = "success"
    FAILURE = "failure"
    LIMIT = "limit"
    """A usage limit: wait and go on, nothing is charged."""
    OPERATOR = "operator"
    """No waiting cures it: credentials, credit, permissions of the account."""
    INTERRUPTED = "interrupted"
    """Cut off by us before it had a result."""
    SESSION_UNKNOWN = "session unknown"
    """The session to continue does not exist: begin afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of a run."""

    kind: EndingKind
    reason: str = ""
    """One line for the operator; empty on success."""
    resets_at: int | None = None
    """Epoch milliseconds at which a usage limit resets, when the agent named it."""
    usage: Usage = Usage()
    text: str = ""
    """The main agent's texts, joined by blank lines; the last 4 MiB of them."""


class Decoder(Protocol):
    """Reads one run's output, line by line; one object per run."""

    @property
    def open_tools(self) -> int:
        """Tool calls that have begun and not ended: silence meanwhile is not idleness."""
        ...

    def feed(self, line: bytes) -> Sequence[Signal]:
        """Take one line without its newline; never raises, whatever the bytes."""
        ...

    def ending(self, process: ProcessEnding, *, now: datetime) -> Ending:
        """Weigh what was read against how the process ended; `now` is timezone-aware."""
        ...


class Provider(Protocol):
    """Knows how to launch and read one kind of agent."""

    @property
    def name(self) -> str: ...

    def launch(self, request: LaunchRequest) -> Launch: ...

    def decoder(self) -> Decoder: ...
