"""What people and agents do to the sprint file while a cycle runs, and what the cycle makes of it."""

from dataclasses import dataclass

import pytest

from tests.domain.play import Does
from tests.domain.scenes import A, B, Scene, committed, created, developed, play, reviewed, specified

PAIR = {A: "backlog", B: "backlog"}
REST = [*developed(B), *committed(B)]
"""What is left of a cycle without A."""
PREPARED = [*created(A, B), *specified(A, B)]
CHOSEN, GONE = "blocked in the sprint file", "no longer in the sprint file"
HIGH = Does(says="HIGHEST SEVERITY: HIGH")


# --- taken out by somebody ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A leaves at a step: all the steps there are."""

    at: str
    steps: list[str]


CREATED_B = [created(A, B)[0], *created(B)[1:], *specified(B), *REST]

LEAVES = [
    Leaving(at="create-story", steps=CREATED_B),
    Leaving(at="story-discovery", steps=CREATED_B),
    Leaving(at="inject-context", steps=[*created(A, B), *specified(B), *REST]),
    Leaving(at="story-review-1", steps=[*created(A, B), *specified(B), *REST]),
    Leaving(
        at="create-tech-spec", steps=[*created(A, B), f"create-tech-spec/{A},{B}", f"tech-spec-review-1/{B}", *REST]
    ),
    Leaving(at="tech-spec-review-1", steps=[*PREPARED, *REST]),
    Leaving(at=f"mark-in-progress/{A}", steps=[*PREPARED, f"mark-in-progress/{A}", *REST]),
    Leaving(at=f"dev-story/{A}", steps=[*PREPARED, *developed(A)[:2], *REST]),
    Leaving(at=f"code-review-1/{A}", steps=[*PREPARED, *developed(A)[:3], *REST]),
    Leaving(at=f"code-review-2/{A}", steps=[*PREPARED, *developed(A, reviews=2)[:4], *REST]),
    Leaving(at=f"mark-done/{A}", steps=[*PREPARED, *developed(A, reviews=2), *REST]),
]


@pytest.mark.parametrize("edit", ["blocked", " Blocked ", None])
@pytest.mark.parametrize("leaving", LEAVES, ids=lambda leaving: leaving.at)
def test_story_that_is_taken_out_leaves_after_the_running_command(leaving, edit):
    script = {f"code-review-1/{A}": HIGH}
    scene = Scene(
        sprint=PAIR,
        script={**script, leaving.at: Does(writes={A: edit})},
        steps=leaving.steps,
        ends={B: "done"} if edit is None else {A: edit, B: "done"},
        blocked={A: GONE if edit is None else CHOSEN},
    )
    assert play(scene) == scene.expected


TAKEN_OUT = {
    "blocked during a review that is not the last: no further review": Scene(
        sprint={A: "review"},
        script={"code-review-1": Does(says="HIGHEST SEVERITY: HIGH", writes={A: "blocked"})},
        steps=[f"code-review-1/{A}"],
        ends={A: "blocked"},
        blocked={A: CHOSEN},
    ),
    "blocked while the partner is developed: never begun": Scene(
        sprint={A: "in-progress", B: "in-progress"},
        script={f"dev-story/{A}": Does(writes={B: "blocked"})},
        steps=[*developed(A), *committed(A)],
        ends={A: "done", B: "blocked"},
        blocked={B: CHOSEN},
    ),
    "removed while the partner is developed: never begun": Scene(
        sprint={A: "in-progress", B: "review"},
        script={f"code-review-1/{A}": Does(writes={B: None})},
        steps=[*developed(A), *committed(A)],
        ends={A: "done"},
        blocked={B: GONE},
    ),
    "done by us, then blocked by somebody: not committed": Scene(
        sprint={A: "review", B: "in-progress"},
        script={f"dev-story/{B}": Does(writes={A: "blocked"})},
        steps=[*reviewed(A), *developed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: CHOSEN},
    ),
    "done by us, then removed by somebody: the work is committed": Scene(
        sprint={A: "review", B: "in-progress"},
        script={f"dev-story/{B}": Does(writes={A: None})},
        steps=[*reviewed(A), *developed(B), *committed(A, B)],
        ends={B: "done"},
    ),
    "blocked during the commit: it is committed": Scene(
        sprint={A: "review", B: "review"},
        script={"batch-commit": Does(writes={A: "blocked", B: None})},
        steps=[*reviewed(A), *reviewed(B), *committed(A, B)],
        ends={A: "blocked"},
    ),
    "both blocked: nothing is left to do": Scene(
        sprint=PAIR,
        script={"story-discovery": Does(writes={A: "blocked", B: "blocked"})},
        steps=created(A, B)[:1],
        ends={A: "blocked", B: "blocked"},
        blocked={A: CHOSEN, B: CHOSEN},
    ),
    "the only story removed: nothing is left to do": Scene(
        sprint={A: "ready-for-dev"},
        script={"create-tech-spec": Does(writes={A: None})},
        steps=specified(A)[:1],
        ends={},
        blocked={A: GONE},
    ),
    "the only story removed before it is developed": Scene(
        sprint={A: "in-progress"},
        script={"mark-in-progress": Does(writes={A: None})},
        steps=developed(A)[:1],
        ends={},
        blocked={A: GONE},
    ),
    "the only story removed while it is developed": Scene(
        sprint={A: "in-progress"},
        script={"dev-story": Does(writes={A: None})},
        steps=developed(A)[:2],
        ends={},
        blocked={A: GONE},
    ),
    "both removed while one of them is reviewed": Scene(
        sprint={A: "review", B: "review"},
        script={f"code-review-1/{A}": Does(says="HIGHEST SEVERITY: LOW", writes={A: None, B: None})},
        steps=[f"code-review-1/{A}"],
        ends={},
        blocked={A: GONE, B: GONE},
    ),
    "a command that failed for a story blocked meanwhile: that reason stays": Scene(
        sprint={A: "in-progress"},
        script={"dev-story": Does(ok=False, writes={A: "blocked"})},
        steps=developed(A)[:2],
        ends={A: "blocked"},
        blocked={A: CHOSEN},
    ),
    "other stories' lines do not matter": Scene(
        sprint={A: "review", "2-1": "backlog"},
        script={"code-review-1": Does(writes={"2-1": "no idea"})},
        steps=[*reviewed(A), *committed(A)],
        ends={A: "done", "2-1": "no idea"},
    ),
}


# --- done by somebody -----------------------------------------------------------------------------------------------

DONE_EARLY = ["create-story", "story-discovery", "story-review-1", "create-tech-spec", "tech-spec-review-1"]


@pytest.mark.parametrize("spelling", ["done", "Completed"])
@pytest.mark.parametrize("at", DONE_EARLY)
def test_story_done_before_its_development_is_skipped_there(at, spelling):
    scene = Scene(
        sprint=PAIR,
        script={at: Does(writes={A: spelling})},
        steps=[*PREPARED, *developed(B), *committed(A, B)],
        ends={A: spelling, B: "done"},
    )
    assert play(scene) == scene.expected


FINISHED = {
    "done between the last look and the mark before dev-story": Scene(
        sprint={A: "in-progress", B: "review"},
        script={"mark-in-progress": Does(writes={A: "done"})},
        steps=[f"mark-in-progress/{A}", *reviewed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "done while its partner was developed": Scene(
        sprint={A: "in-progress", B: "in-progress"},
        script={f"code-review-1/{A}": Does(writes={B: "done"})},
        steps=[*developed(A), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "a story that waits for review is skipped as well": Scene(
        sprint={A: "in-progress", B: "review"},
        script={f"dev-story/{A}": Does(writes={B: "done"})},
        steps=[*developed(A), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "set to done, then back: it is developed": Scene(
        sprint={A: "ready-for-dev"},
        script={"create-tech-spec": Does(writes={A: "done"}), "tech-spec-review-1": Does(writes={A: "drafted"})},
        steps=[*specified(A), *developed(A), *committed(A)],
        ends={A: "done"},
    ),
    "done set by dev-story changes nothing in the flow": Scene(
        sprint={A: "in-progress"},
        script={"dev-story": Does(writes={A: "done"}), "code-review-1": HIGH},
        steps=[*developed(A, reviews=2), *committed(A)],
        ends={A: "done"},
    ),
    "done set before our verdict stays, even if that is blocked": Scene(
        sprint={A: "review", B: "review"},
        script={f"code-review-1/{A}": Does(says="HIGHEST SEVERITY: CRITICAL", writes={A: "done"})},
        limit=1,
        steps=[f"code-review-1/{A}", f"mark-blocked/{A}", *reviewed(B), *committed(B)],
        ends={A: "done", B: "done"},
        blocked={A: "review limit"},
    ),
}


# --- left in the backlog --------------------------------------------------------------------------------------------


def idle(*, before_mark: str | None = "", early: bool = False) -> dict[str, Does]:
    """create-story leaves A where it is; somebody may change it just before the runner does."""
    script = {"create-story": Does(writes={A: "backlog"}), "story-discovery": Does(early=early)}
    return script if before_mark == "" else {**script, "mark-ready-for-dev": Does(writes={A: before_mark})}


CREATED_IDLE = [*created(A, B)[:2], f"mark-ready-for-dev/{A}"]

BACKLOG = {
    "a story still in the backlog after create-story is moved on by the runner": Scene(
        sprint=PAIR,
        script=idle(),
        steps=[*CREATED_IDLE, created(A, B)[2], *specified(A, B), *developed(A), *developed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "nothing to move on although discovery still saw the backlog": Scene(
        sprint=PAIR,
        script={"story-discovery": Does(early=True)},
        steps=[*PREPARED, *developed(A), *developed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "blocked before it could be moved on": Scene(
        sprint=PAIR,
        script=idle(before_mark="blocked"),
        steps=[*CREATED_IDLE, f"story-review-1/{B}", *specified(B), *REST],
        ends={A: "blocked", B: "done"},
        blocked={A: CHOSEN},
    ),
    "removed before it could be moved on": Scene(
        sprint=PAIR,
        script=idle(before_mark=None),
        steps=[*CREATED_IDLE, f"story-review-1/{B}", *specified(B), *REST],
        ends={B: "done"},
        blocked={A: GONE},
    ),
    "set to something else before it could be moved on: that stays": Scene(
        sprint=PAIR,
        script=idle(before_mark="done"),
        steps=[*CREATED_IDLE, created(A, B)[2], *specified(A, B), *developed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
}

SCENES = {**TAKEN_OUT, **FINISHED, **BACKLOG}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_cycle_heeds_the_sprint_file(scene):
    assert play(scene) == scene.expected
