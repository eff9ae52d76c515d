"""The command `streak`: on how many days in a row something was read."""

from collections.abc import Iterable
from datetime import date, timedelta

from paperback import progress

DAY = timedelta(days=1)


def runs(days: Iterable[date]) -> list[tuple[date, int]]:
    """Last day and length of each run of consecutive days, oldest first."""
    found: list[tuple[date, int]] = []
    for day in sorted(set(days)):
        if found and day - found[-1][0] == DAY:
            found[-1] = (day, found[-1][1] + 1)
        else:
            found.append((day, 1))
    return found


def longest(days: Iterable[date]) -> int:
    return max((length for _, length in runs(days)), default=0)


def current(days: Iterable[date], today: date) -> int:
    """The run that ends today or yesterday: a day that is not over yet breaks nothing."""
    return next((length for last, length in runs(days) if today - DAY <= last <= today), 0)


def register(commands) -> None:
    commands.add_parser("streak", help="show on how many days in a row you read").set_defaults(run=run)


def run(options) -> None:
    days = [sitting.day for sitting in progress.sittings(progress.journal_of(options.shelf))]
    print(f"Current streak: {_days(current(days, date.today()))}, longest: {_days(longest(days))}")


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
