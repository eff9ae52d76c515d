"""The age of the project context: missing, expired, fresh."""

import pytest

from runner.domain.freshness import Freshness, freshness

HOUR = 3_600_000

CASES = {
    "no file": (None, 24, Freshness.MISSING),
    "no file, whatever the limit": (None, 0, Freshness.MISSING),
    "just written": (0, 24, Freshness.FRESH),
    "a millisecond short of the limit": (24 * HOUR - 1, 24, Freshness.FRESH),
    "exactly the limit": (24 * HOUR, 24, Freshness.FRESH),
    "a millisecond over": (24 * HOUR + 1, 24, Freshness.EXPIRED),
    "another limit": (2 * HOUR, 1, Freshness.EXPIRED),
    "modified in the future": (-5 * HOUR, 24, Freshness.FRESH),
    "no age allowed": (1, 0, Freshness.EXPIRED),
    "no age allowed, none reached": (0, 0, Freshness.FRESH),
    "no age allowed, modified in the future": (-1, 0, Freshness.FRESH),
}


@pytest.mark.parametrize(("age_ms", "max_age_hours", "expected"), CASES.values(), ids=CASES)
def test_context_expires_after_its_limit(age_ms, max_age_hours, expected):
    assert freshness(age_ms, max_age_hours) is expected
