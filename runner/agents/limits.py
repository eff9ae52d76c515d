"""Usage limits in an agent's own words: whether a text reports one, and when it says the limit ends.

The verdict over a failed run asks here. Only error texts are ever handed in, never an agent's prose; nothing here
decides whether to wait.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_SCANNED = 4096
"""Characters of a text that are looked at: a notice is a line or two."""

_NOTICE = re.compile(
    r"\bhit\s+your\b[^\n]{0,60}?\blimit\b"
    r"|\b(?:usage|session|hourly|hour|daily|weekly|monthly|opus|sonnet)\s+limit\s+(?:has\s+been\s+)?reached\b"
    r"|\bout\s+of\s+(?:extra\s+)?usage\b",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\|\s*(\d{10,13})\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(
    r"\bresets?\s+(?:at\s+|on\s+)?"
    rf"(?:(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:,?\s+(?P<year>\d{{4}}))?,?\s+(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>[ap]m\b)?"
    r"(?:\s*\((?P<zone>[A-Za-z][A-Za-z0-9_+/-]{0,60})\))?",
    re.IGNORECASE,
)

_JUST_PASSED = timedelta(minutes=10)
"""A reset this little ago is the one that was meant: the run took a moment to end. Not tomorrow's."""
_FARTHEST = timedelta(days=40)
"""No plan resets later than this. A date beyond it is a misreading, and waiting for it would be for ever."""
_SECONDS_BELOW = 100_000_000_000
"""Numbers below it are epoch seconds (till the year 5138), others milliseconds."""
_NO_TIME_ABOVE = 250_000_000_000_000
"""Milliseconds of the year 9892, the last that dates can show."""


def says_limit(text: str) -> bool:
    """Whether an error text reports that a usage limit is reached."""
    return _NOTICE.search(text[:_SCANNED]) is not None


def reset_time(text: str, *, now: datetime) -> int | None:
    """Epoch milliseconds at which the limit resets, where the text names a time that makes sense at `now`.

    Known forms: `usage limit reached|1760000000`, `resets 3pm`, `resets at 15:00`, `resets 3pm (Europe/Paris)`,
    `resets Oct 6, 1pm`. A time without a zone is in that of `now`, and the next such time is meant.
    """
    scanned = text[:_SCANNED]
    if (epoch := _EPOCH.search(scanned)) is not None:
        return plausible_reset(int(epoch[1]), now=now)
    for match in _CLOCK.finditer(scanned):
        moment = _moment(match, now)
        if moment is not None:
            return plausible_reset(moment.timestamp(), now=now)
    return None


def plausible_reset(value: object, *, now: datetime) -> int | None:
    """Epoch milliseconds from a number of seconds or milliseconds; None when nobody should wait for it."""
    seconds = epoch_seconds(value)
    if seconds is None:
        return None
    wait = seconds - now.timestamp()
    in_reach = -_JUST_PASSED.total_seconds() <= wait <= _FARTHEST.total_seconds()
    return int(seconds * 1000) if in_reach else None


def epoch_seconds(value: object) -> float | None:
    """A point in time given as a number of seconds or milliseconds; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _NO_TIME_ABOVE:
        return None
    return value if value < _SECONDS_BELOW else value / 1000


def _moment(match: re.Match[str], now: datetime) -> datetime | None:
    zone = _zone(match["zone"]) if match["zone"] else now.tzinfo
    hour = _hour(match)
    if zone is None or hour is None:
        return None
    local = now.astimezone(zone)
    try:
        if match["month"] is None:
            return _next_daily(local, hour, int(match["minute"] or 0))
        return _next_yearly(local, match, hour)
    except (ValueError, OverflowError):  # 25:00, Feb 30
        return None


def _next_daily(local: datetime, hour: int, minute: int) -> datetime:
    today = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + timedelta(days=1) if _long_past(today, local) else today


def _next_yearly(local: datetime, match: re.Match[str], hour: int) -> datetime:
    moment = local.replace(
        year=int(match["year"] or local.year),
        month=_MONTHS.index(match["month"].lower()) + 1,
        day=int(match["day"]),
        hour=hour,
        minute=int(match["minute"] or 0),
        second=0,
        microsecond=0,
    )
    return moment.replace(year=moment.year + 1) if match["year"] is None and _long_past(moment, local) else moment


def _long_past(moment: datetime, local: datetime) -> bool:
    # Through UTC: two times of the same zone would be compared by their clock faces, wrong around a clock change.
    return moment.astimezone(UTC) < local.astimezone(UTC) - _JUST_PASSED


def _hour(match: re.Match[str]) -> int | None:
    hour = int(match["hour"])
    if match["half"] is None:
        # A bare "resets 3" could be anything.
        return hour if match["minute"] is not None else None
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if match["half"].lower() == "pm" else 0)


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, a folder of the zone database
        return None
