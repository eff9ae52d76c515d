"""A scenario of one cycle, and the steps of its usual stretches."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.domain.play import Does, Play, scripted

A, B = "1-1", "1-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One cycle, from the sprint file to the sprint file."""

    sprint: Mapping[str, str]
    script: Mapping[str, Does] = field(default_factory=dict)
    specs: frozenset[str] = frozenset()
    limit: int = 10
    steps: list[str]
    ends: Mapping[str, str]
    """What the sprint file says at the end."""
    blocked: Mapping[str, str] = field(default_factory=dict)
    """Each story that left, with the reason."""

    @property
    def expected(self) -> tuple[list[str], Mapping[str, str], Mapping[str, str]]:
        return self.steps, self.ends, self.blocked


def play(scene: Scene) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Play a scene: its steps, the sprint file at the end, and the stories that left with their reasons."""
    played = Play(sprint=dict(scene.sprint), does=scripted(scene.script), specs=scene.specs, limit=scene.limit)
    (ended,) = played.batch(1)
    state, _ = played.cycle_states[-1]
    return played.steps, played.sprint, {key: state.left[key] for key in ended.blocked}


def created(*stories: str) -> list[str]:
    both = ",".join(stories)
    return [f"create-story/{both} + story-discovery/{both}", f"inject-context/{both}", f"story-review-1/{both}"]


def specified(*stories: str) -> list[str]:
    both = ",".join(stories)
    return [f"create-tech-spec/{both}", f"tech-spec-review-1/{both}"]


def developed(story: str, *, reviews: int = 1) -> list[str]:
    return [f"mark-in-progress/{story}", f"dev-story/{story}", *reviewed(story, reviews=reviews)]


def reviewed(story: str, *, reviews: int = 1) -> list[str]:
    return [*(f"code-review-{number + 1}/{story}" for number in range(reviews)), f"mark-done/{story}"]


def committed(*stories: str) -> list[str]:
    return [f"batch-commit/{','.join(stories)}"]
