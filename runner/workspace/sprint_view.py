"""The sprint as the dashboard shows it, for `GET /api/sprint-status`.

The file is read in a thread; the view is then made of that, of the story files' titles and of the times that the
database tells. It is a value and nothing more: the file decides what there is, and nothing here writes to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.domain.model import Status, Story, parse_key
from runner.domain.sprint import Epic, Sprint, in_order
from runner.store.records import StoryTimes
from runner.workspace.sprint_file import read_sprint_and_top_level
from runner.workspace.story_files import StoryFiles, StoryText, title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintText:
    """What the project's files say, read at one time."""

    sprint: Sprint
    top_level: Mapping[str, object]
    """The sprint file's own keys, as texts, lists and dicts."""
    files: Mapping[str, StoryText]

    @property
    def keys(self) -> tuple[str, ...]:
        """All stories: whose times are wanted."""
        return tuple(self.sprint.written)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpicLine:
    """An epic, and how far it has come."""

    id: str
    title: str
    status: str
    """As written; of an epic without a line, what its stories say."""
    stories_done: int
    stories_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintStory:
    """A story of the sprint file."""

    key: str
    short_key: str
    epic_id: str
    name: str
    status: str
    """As the runner reads it; as written when it is none that it knows."""
    duration_ms: int | None
    """Of its ended rounds; None before the first batch that had it."""
    blocked_reason: str
    """Empty when it is not blocked."""


def read_sprint_text(path: Path, files: StoryFiles) -> SprintText:
    """Read it all; blocks. Raises SprintFileMissing, and SprintFileError when the file is not what it has to be."""
    sprint, top_level = read_sprint_and_top_level(path)
    return SprintText(sprint=sprint, top_level=top_level, files=files.read())


def sprint_view(text: SprintText, times: Mapping[str, StoryTimes]) -> dict[str, object]:
    """The file's own keys, and beside them `epics` (tuple of EpicLine) and `stories` (tuple of SprintStory).

    Both are in the order in which the runner goes through them; ours win over keys of the file by these names.
    """
    stories = in_order(text.sprint.stories)
    ids = {epic.id.lower(): epic.id for epic in text.sprint.epics}
    return {
        **text.top_level,
        "epics": tuple(_epics(text.sprint, stories)),
        "stories": tuple(
            _story(story, ids.get(story.key.epic.lower(), story.key.epic), text.files, times.get(story.key.text))
            for story in stories
        ),
    }


def _epics(sprint: Sprint, stories: list[Story]) -> list[EpicLine]:
    members: dict[str, list[Story]] = {epic.id.lower(): [] for epic in sprint.epics}
    for story in stories:
        members.setdefault(story.key.epic.lower(), []).append(story)
    named = {epic.id.lower(): epic for epic in sprint.epics}
    lines = [
        _epic(named.get(id) or Epic(id=own[0].key.epic, status=_told_by(own)), own) for id, own in members.items()
    ]
    return sorted(lines, key=lambda line: _place(line.id))


def _epic(epic: Epic, stories: list[Story]) -> EpicLine:
    return EpicLine(
        id=epic.id,
        title=epic.title,
        status=epic.status,
        stories_done=sum(story.status is Status.DONE for story in stories),
        stories_total=len(stories),
    )


def _told_by(stories: list[Story]) -> str:
    """The status of an epic that has no line of its own."""
    found = {story.status for story in stories}
    if found == {Status.DONE}:
        return Status.DONE.value
    return (Status.BACKLOG if found == {Status.BACKLOG} else Status.IN_PROGRESS).value


def _place(epic: str) -> tuple[int, tuple[int, str, str, int, str]]:
    """Where an epic stands: as its stories do, by number; those that have none come last, as they come."""
    key = parse_key(f"{epic}-0")
    return (1, (0, "", "", 0, "")) if key is None or key.order is None else (0, key.order)


def _story(story: Story, epic: str, files: Mapping[str, StoryText], times: StoryTimes | None) -> SprintStory:
    # What the database remembers of a story that somebody has unblocked since is out of date.
    reason = times.blocked_reason if times and story.status is Status.BLOCKED else ""
    return SprintStory(
        key=story.key.text,
        short_key=story.key.short,
        epic_id=epic,
        name=title_of(story.key, files),
        status=story.status.value if story.status else story.written,
        duration_ms=times.duration_ms if times else None,
        blocked_reason=reason,
    )
