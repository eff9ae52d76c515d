"""The words of the workflow as values: stories, their keys and statuses.

Everything in `runner.domain` speaks in these; readers and writers of files translate into them at the edge.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")
_PATTERN = re.compile(
    r"(?P<number>\d+)(?P<letter>[A-Za-z]?)(?:-(?P<letters>[A-Za-z]+))?-(?P<story>\d+)(?P<split>[A-Za-z]?)(?:-.+)?\Z"
)
_NUMBER_DIGITS = 9
"""Longer digit runs are not numbers anybody counts with, and int() refuses very long ones."""


class Status(StrEnum):
    """Status of a story in the sprint file."""

    BACKLOG = "backlog"
    READY_FOR_DEV = "ready-for-dev"
    IN_PROGRESS = "in-progress"
    REVIEW = "review"
    DONE = "done"
    BLOCKED = "blocked"


_BY_WORD = {status.value: status for status in Status}
OLDER_SPELLINGS = {
    "drafted": Status.READY_FOR_DEV,
    "contexted": Status.READY_FOR_DEV,
    "completed": Status.DONE,
}


def read_status(text: str) -> Status | None:
    """The status a spelling of the sprint file stands for; None for one that nobody expects."""
    word = text.strip().lower()
    if word in OLDER_SPELLINGS:
        return OLDER_SPELLINGS[word]
    return _BY_WORD.get(word)


@dataclass(frozen=True, slots=True)
class StoryKey:
    """A story's identity: the key of the sprint file, with what its grammar tells."""

    text: str
    epic: str
    """`2a`, `5-sr`; the whole key when it fits no pattern (it then belongs to no epic but its own)."""
    short: str
    """`2a-1`; the whole key when it fits no pattern."""
    order: tuple[int, str, str, int, str] | None
    """Sort key, numeric where the key has digits; None for a key that fits no pattern."""

    @property
    def patterned(self) -> bool:
        return self.order is not None

    def __str__(self) -> str:
        return self.text


def is_story_name(text: str) -> bool:
    """Whether a key of the sprint file names a story (and not an epic or a retrospective)."""
    return not text.startswith("epic-") and not text.endswith("-retrospective")


def parse_key(text: str) -> StoryKey | None:
    """Read a story key; None when it is not even a safe name (path parts, options, control characters)."""
    if not _KEY.match(text):
        return None
    match = _PATTERN.match(text)
    if match is None or max(len(match["number"]), len(match["story"])) > _NUMBER_DIGITS:
        return StoryKey(text, epic=text, short=text, order=None)
    letters = match["letters"] or ""
    epic = match["number"] + match["letter"] + (f"-{letters}" if letters else "")
    return StoryKey(
        text,
        epic=epic,
        short=f"{epic}-{match['story']}{match['split']}",
        order=(int(match["number"]), match["letter"], letters, int(match["story"]), match["split"]),
    )


@dataclass(frozen=True, slots=True)
class Story:
    """One line of the sprint: a key and the status somebody wrote beside it."""

    key: StoryKey
    written: str
    """The status as it stands in the file, stripped of spaces."""

    @property
    def status(self) -> Status | None:
        return read_status(self.written)

    @property
    def open(self) -> bool:
        """Whether there is anything left to do for it; an unexpected status counts as open."""
        return self.status not in (Status.DONE, Status.BLOCKED)
