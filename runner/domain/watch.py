"""What a look into the sprint file says about one story of the running cycle, and why a story leaves over it."""

from collections.abc import Mapping
from enum import Enum

from runner.domain.model import Status, read_status
from runner.domain.steps import OPEN_STATUSES

CHOSEN_IN_FILE = "blocked in the sprint file"
GONE = "no longer in the sprint file"
UNEXPECTED = "unexpected status"
MOST_DIAGNOSES = 3
"""Of one story by one machine: where somebody misspells a status again and again, no more agents are spent on it."""


class Sight(Enum):
    """A story as the machines see it after a command."""

    EXPECTED = "expected"
    BLOCKED = "blocked"
    GONE = "gone"
    UNEXPECTED = "unexpected"


def look(seen: Mapping[str, str], key: str) -> Sight:
    """Judge the status as written in `seen` (story key to text, every story of the cycle that the file has)."""
    if key not in seen:
        return Sight.GONE
    match read_status(seen[key]):
        case None:
            return Sight.UNEXPECTED
        case Status.BLOCKED:
            return Sight.BLOCKED
        case _:
            return Sight.EXPECTED


def noted(seen: Mapping[str, str], key: str, found: str) -> Mapping[str, str]:
    """`seen` with what was just found for one story; empty text: the file has it no more."""
    others = {name: text for name, text in seen.items() if name != key}
    return {**others, key: found} if found else others


def replaceable(seen: Mapping[str, str], key: str) -> tuple[str, ...]:
    """What the runner may overwrite for a story: any open status, and the odd word that was seen there."""
    if look(seen, key) is Sight.UNEXPECTED:
        return (*OPEN_STATUSES, seen[key])
    return OPEN_STATUSES
