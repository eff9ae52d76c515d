"""What a batch is told: orders from control, troubles from its own commands."""

from dataclasses import dataclass

from actors.gate import Stop
from actors.mailbox import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """Stop at the next boundary of this kind, or now."""

    when: Stop
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOrder:
    """Let nothing start until resumed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOrder:
    """Go on, whatever is being waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached:
    """A usage limit: wait until it resets."""

    resets_at: int
    """Epoch milliseconds."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsOperator:
    """Something no waiting cures: hold everything and say why."""

    reason: str


Trouble = LimitReached | NeedsOperator


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A command's trouble; the reply comes when the gate is held."""

    trouble: Trouble
    reply: Reply[None]


Order = StopOrder | PauseOrder | ResumeOrder | Report
