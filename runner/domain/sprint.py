"""The sprint as read from its file, and the choice of the next cycle's stories.

`workspace.sprint_file` builds these from YAML; the batch actor asks `select` at the start of each cycle. Same
sprint, same choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from runner.domain.model import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Epic:
    """An epic's line of the sprint file; the runner reads it for display and never writes it."""

    id: str
    status: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """All stories of the sprint file, in file order."""

    stories: tuple[Story, ...]
    epics: tuple[Epic, ...] = ()

    @property
    def written(self) -> Mapping[str, str]:
        """Story key to the status as written, for every story."""
        return {story.key.text: story.written for story in self.stories}

    def story(self, key: str) -> Story | None:
        return next((story for story in self.stories if story.key.text == key), None)


def in_order(stories: tuple[Story, ...]) -> list[Story]:
    """Stories by epic, then number, numeric where they are digits; keys that fit no pattern last, in file order."""
    patterned = [story for story in stories if story.key.order is not None]
    others = [story for story in stories if story.key.order is None]
    return sorted(patterned, key=lambda story: story.key.order or ()) + others


def select(sprint: Sprint) -> tuple[Story, ...]:
    """The next cycle's stories: the first open one and the next open one of its epic; empty when none is left."""
    candidates = [story for story in in_order(sprint.stories) if story.open]
    if not candidates:
        return ()
    first, *rest = candidates
    if not first.key.patterned:
        return (first,)
    partner = next((story for story in rest if story.key.patterned and story.key.epic == first.key.epic), None)
    return (first,) if partner is None else (first, partner)
