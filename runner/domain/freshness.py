"""How old the project context may be before it is built again.

The batch actor asks once at the start of a batch, with the age that the workspace measured, and records the
answer. This module never looks at a file or a clock.
"""

from dataclasses import dataclass
from enum import StrEnum

FOUND_KEY = "context/freshness"
"""The step that looks at the project context."""
RUN_KEY = "context/generate-project-context"
"""The step that builds it, or builds it again."""
_HOUR_MS = 3_600_000


class Freshness(StrEnum):
    """What the project context is good for."""

    MISSING = "missing"
    """There is none: build it and wait."""
    EXPIRED = "expired"
    """It is too old: rebuild it in the background and use it meanwhile."""
    FRESH = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the batch found when it started; its outcome of `FOUND_KEY`."""

    freshness: Freshness


def freshness(age_ms: int | None, max_age_hours: int) -> Freshness:
    """Judge a file by its age in milliseconds; None: no such file, negative: it was modified in the future.

    A file exactly `max_age_hours` old is still fresh.
    """
    if age_ms is None:
        return Freshness.MISSING
    return Freshness.EXPIRED if age_ms > max_age_hours * _HOUR_MS else Freshness.FRESH
