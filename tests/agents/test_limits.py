"""Usage limits in the CLI's own words, and when they end."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from runner.agents.limits import epoch_seconds, plausible_reset, reset_time, says_limit

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 10, 3, 11, 30, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    "text",
    [
        "You've hit your limit · resets 3pm (America/New_York)",
        "You’ve hit your session limit",
        "You have hit your Opus weekly limit · resets Oct 6, 1pm",
        "Claude AI usage limit reached|1760000000",
        "5-hour limit reached ∙ resets 3pm",
        "Weekly limit reached · resets 10am (Asia/Seoul)",
        "You're out of usage credits",
        "You're out of extra usage · resets 3pm",
        "API Error: USAGE LIMIT REACHED",
    ],
)
def test_notices_of_a_limit(text: str):
    assert says_limit(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Reached maximum number of turns (2)",
        "Credit balance is too low",
        "the time limit was hit by your test",
        "Prompt is too long (limit 200000)",
        "you may hit your head" + " and so on" * 9 + " without limit",
        "x" * 5000 + "usage limit reached",
    ],
)
def test_other_texts(text: str):
    assert not says_limit(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("resets 3pm", datetime(2026, 10, 3, 15, tzinfo=NEW_YORK)),
        ("resets at 15:00", datetime(2026, 10, 3, 15, tzinfo=NEW_YORK)),
        ("Resets at 3:20 PM", datetime(2026, 10, 3, 15, 20, tzinfo=NEW_YORK)),
        ("limit reached ∙ resets 9am", datetime(2026, 10, 4, 9, tzinfo=NEW_YORK)),
        ("resets 12am", datetime(2026, 10, 4, 0, tzinfo=NEW_YORK)),
        ("resets 12pm", datetime(2026, 10, 3, 12, tzinfo=NEW_YORK)),
        ("resets 3pm (America/Los_Angeles)", datetime(2026, 10, 3, 22, tzinfo=UTC)),
        ("resets 10am (Asia/Seoul)", datetime(2026, 10, 4, 1, tzinfo=UTC)),
        ("resets 3pm (UTC)", datetime(2026, 10, 4, 15, tzinfo=UTC)),
        ("resets Oct 6, 1pm", datetime(2026, 10, 6, 13, tzinfo=NEW_YORK)),
        ("resets October 6 at 1:30pm (Europe/Paris)", datetime(2026, 10, 6, 11, 30, tzinfo=UTC)),
        ("resets on Oct 6, 2026, 13:00", datetime(2026, 10, 6, 13, tzinfo=NEW_YORK)),
        ("resets soon; it resets 3pm", datetime(2026, 10, 3, 15, tzinfo=NEW_YORK)),
        # A moment ago: that is the reset that was meant, not tomorrow's.
        ("resets 11:25", datetime(2026, 10, 3, 11, 25, tzinfo=NEW_YORK)),
        ("resets Oct 3, 11:25am", datetime(2026, 10, 3, 11, 25, tzinfo=NEW_YORK)),
    ],
)
def test_reset_times(text: str, at: datetime):
    assert reset_time(f"You've hit your limit · {text}", now=NOW) == int(at.timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resets",
        "resets soon",
        "resets 3",
        "resets 13pm",
        "resets 0am",
        "resets 25:00",
        "resets 3:75pm",
        "resets Feb 30, 1pm",
        "resets Oct 6",
        "resets 3pm (Middle/Earth)",
        "resets 3pm (America)",
        "resets Oct 1, 1pm",  # next year: no limit is that long
        "resets Oct 6, 9999, 1pm",
        "usage limit reached|1760000000",  # a year ago
        "usage limit reached|9999999999999",
        "usage limit reached|17910000001791000000",
    ],
)
def test_what_makes_no_sense_is_no_reset_time(text: str):
    assert reset_time(text, now=NOW) is None


def test_a_reset_after_new_year_is_next_years():
    now = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
    expected = datetime(2027, 1, 2, 8, tzinfo=UTC)
    assert reset_time("resets Jan 2, 8am", now=now) == int(expected.timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "text", "at"),
    [
        (datetime(2026, 10, 31, 20, 0), "resets 7am", datetime(2026, 11, 1, 12, 0, tzinfo=UTC)),
        # The hour that is there twice: the second 1:30, and an 0:55 that is an hour and not five minutes ago.
        (datetime(2026, 11, 1, 1, 5, fold=1), "resets 1:30am", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        (datetime(2026, 11, 1, 1, 0, fold=1), "resets 12:55am", datetime(2026, 11, 2, 5, 55, tzinfo=UTC)),
    ],
)
def test_clock_changes(now: datetime, text: str, at: datetime):
    assert reset_time(text, now=now.replace(tzinfo=NEW_YORK)) == int(at.timestamp() * 1000)


def test_now_may_have_a_fixed_offset():
    now = datetime(2026, 10, 3, 11, 30, tzinfo=timezone(timedelta(hours=-4)))
    assert reset_time("resets 3pm", now=now) == int(datetime(2026, 10, 3, 19, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("number", [1_791_050_000, 1_791_050_000_000, 1_791_050_000.0])
def test_epochs_in_seconds_and_milliseconds(number: float):
    assert plausible_reset(number, now=NOW) == 1_791_050_000_000
    assert epoch_seconds(number) == 1_791_050_000


@pytest.mark.parametrize("value", [None, True, "1791050000", 0, -5, 10**400, float("nan"), float("inf"), [], 10**15])
def test_what_is_no_point_in_time(value: object):
    assert epoch_seconds(value) is None
    assert plausible_reset(value, now=NOW) is None


@pytest.mark.parametrize(
    ("wait", "believed"),
    [
        (timedelta(minutes=-9), True),
        (timedelta(minutes=-11), False),
        (timedelta(0), True),
        (timedelta(days=39), True),
        (timedelta(days=41), False),
    ],
)
def test_only_a_reset_worth_waiting_for_is_believed(wait: timedelta, believed: bool):
    at = (NOW + wait).timestamp()
    assert plausible_reset(at, now=NOW) == (int(at * 1000) if believed else None)
    assert reset_time(f"usage limit reached|{int(at)}", now=NOW) == (int(at) * 1000 if believed else None)
