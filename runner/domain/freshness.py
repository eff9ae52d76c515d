"""How old the project context may be before it is built again.

The batch actor asks once at the start of a batch, with the age that the workspace measured, and records the
answer. This module never looks at a file or a clock.
"""

from enum import StrEnum

_HOUR_MS = 3_600_000


class Freshness(StrEnum):
    """What the project context is good for."""

    MISSING = "missing"
    """There is none: build it and wait."""
    EXPIRED = "expired"
    """It is too old: rebuild it in the background and use it meanwhile."""
    FRESH = "fresh"


def freshness(age_ms: int | None, max_age_hours: int) -> Freshness:
    """Judge a file by its age in milliseconds; None: no such file, negative: it was modified in the future.

    A file exactly `max_age_hours` old is still fresh.
    """
    if age_ms is None:
        return Freshness.MISSING
    return Freshness.EXPIRED if age_ms > max_age_hours * _HOUR_MS else Freshness.FRESH
