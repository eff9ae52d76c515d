"""What to do with a step whose attempts so far are known: run it (again), continue its session, or give it up.

Pure policy over the attempt rows of one step; the command actor asks before every start, so a restarted runner
decides from the same rows as one that never died.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

ALLOWED_FAILURES = 3


class AttemptStatus(StrEnum):
    """How an attempt stands in the database."""

    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a step."""

    number: int
    status: AttemptStatus
    charged: bool = False
    """Whether it counts as a failure of the step."""
    session_id: str = ""
    """The agent's session to continue; empty when that is not possible."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """Start the next attempt."""

    attempt: int
    session_id: str = ""
    """Continue this session; empty: begin a new one with the original prompt."""
    failures: int = 0
    """Failures so far: the back-off before this attempt grows with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """No further attempt: the last failure's reason stands."""

    reason: str


def next_move(attempts: Sequence[Attempt], *, allowed: int = ALLOWED_FAILURES) -> RunAgain | GiveUp:
    """Decide on a step that has no success yet.

    Limits and interruptions are not charged. They are continued in their own session; after a failure the next
    attempt is a new session.
    """
    failures = sum(attempt.charged for attempt in attempts)
    if not attempts:
        return RunAgain(attempt=1)
    last = attempts[-1]
    if failures >= allowed:
        return GiveUp(reason=next(attempt.reason for attempt in reversed(attempts) if attempt.charged))
    cut_off = last.status in (AttemptStatus.INTERRUPTED, AttemptStatus.LIMIT, AttemptStatus.RUNNING)
    return RunAgain(
        attempt=last.number + 1,
        session_id=last.session_id if cut_off else "",
        failures=failures if last.charged else 0,
    )


def backoff_seconds(failures: int, first: float, jitter: float) -> float:
    """Wait before the next attempt: `first` doubled with each failure, plus up to a quarter of it (jitter 0..1)."""
    if failures <= 0:
        return 0.0
    wait: float = first * 2 ** (failures - 1)
    return wait * (1 + jitter / 4)


LIMIT_WAIT_MINUTES = (5, 10, 20, 40, 60)


def limit_wait_ms(consecutive: int) -> int:
    """How long to wait for a usage limit that named no reset time, after so many consecutive waits (0, 1, …)."""
    return LIMIT_WAIT_MINUTES[min(consecutive, len(LIMIT_WAIT_MINUTES) - 1)] * 60_000
