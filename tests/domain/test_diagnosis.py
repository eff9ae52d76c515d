"""A status that nobody expects: one diagnosis, and a blocked story when that does not help."""

from collections.abc import Mapping

import pytest

from tests.domain.play import FAILS, Does, Play, scripted
from tests.domain.scenes import A, B, Scene, committed, created, developed, play, reviewed, specified

ODD, UNEXPECTED = "on hold", "unexpected status"


def helps(status: str | None = "in-progress", story: str = A) -> Does:
    return Does(writes={story: status})


def diagnosed(story: str, number: int = 1, *, where: str = "") -> str:
    return f"sprint-status{where}{f'.{number}' if number > 1 else ''}/{story}"


DEV = ".dev"

AT_SELECTION: Mapping[str, tuple[str | None, list[str]]] = {
    "helps: backlog": ("backlog", [*created(A), *specified(A), *developed(A), *committed(A)]),
    "helps: ready-for-dev": ("drafted", [*specified(A), *developed(A), *committed(A)]),
    "helps: in-progress": ("in-progress", [*developed(A), *committed(A)]),
    "helps: review": ("review", [*reviewed(A), *committed(A)]),
    "helps: done": ("done", committed(A)),
    "helps: blocked": ("blocked", []),
    "the story is removed": (None, []),
    "does not help": (ODD, [f"mark-blocked/{A}"]),
    "makes it worse": ("???", [f"mark-blocked/{A}"]),
}


@pytest.mark.parametrize(("found", "then"), AT_SELECTION.values(), ids=AT_SELECTION)
def test_unexpected_status_at_selection_is_diagnosed_first(found, then):
    played = Play(sprint={A: ODD}, does=scripted({"sprint-status": helps(found)}))
    played.batch(1)
    assert played.steps == [diagnosed(A), *then]


AFTER_A_COMMAND = {
    "at selection, partner is fine": Scene(
        sprint={A: "review", B: ODD},
        script={"sprint-status": helps("review", B)},
        steps=[diagnosed(B), *reviewed(A), *reviewed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "at selection, both: one diagnosis each": Scene(
        sprint={A: ODD, B: "tbd"},
        script={f"sprint-status/{A}": helps("review"), f"sprint-status/{B}": helps("review", B)},
        steps=[diagnosed(A), diagnosed(B), *reviewed(A), *reviewed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "at selection, both, the first finds the second blocked: no diagnosis for that": Scene(
        sprint={A: ODD, B: ODD},
        script={f"sprint-status/{A}": Does(writes={A: "review", B: "blocked"})},
        steps=[diagnosed(A), *reviewed(A), *committed(A)],
        ends={A: "done", B: "blocked"},
        blocked={B: "blocked in the sprint file"},
    ),
    "the diagnosis is given up and the status is still odd": Scene(
        sprint={A: ODD, B: "review"},
        script={"sprint-status": FAILS},
        steps=[diagnosed(A), f"mark-blocked/{A}", *reviewed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: UNEXPECTED},
    ),
    "the diagnosis is given up, somebody else mended the status": Scene(
        sprint={A: ODD},
        script={"sprint-status": Does(ok=False, writes={A: "review"})},
        steps=[diagnosed(A), f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: "3 consecutive errors"},
    ),
    "after create-story: before anything else is done": Scene(
        sprint={A: "backlog", B: "backlog"},
        script={"create-story": helps(ODD), "sprint-status": helps("ready-for-dev")},
        steps=[
            created(A, B)[0],
            diagnosed(A),
            *created(A, B)[1:],
            *specified(A, B),
            *developed(A),
            *developed(B),
            *committed(A, B),
        ],
        ends={A: "done", B: "done"},
    ),
    "after create-story, set back to backlog: the runner moves it on": Scene(
        sprint={A: "backlog"},
        script={"create-story": helps(ODD), "sprint-status": helps("backlog"), "create-tech-spec": helps("blocked")},
        steps=[
            created(A)[0],
            diagnosed(A),
            created(A)[1],
            f"mark-ready-for-dev/{A}",
            created(A)[2],
            specified(A)[0],
        ],
        ends={A: "blocked"},
        blocked={A: "blocked in the sprint file"},
    ),
    "after create-story, no help: what waits is for the partner alone": Scene(
        sprint={A: "backlog", B: "backlog"},
        script={"create-story": helps(ODD)},
        steps=[
            created(A, B)[0],
            diagnosed(A),
            f"mark-blocked/{A}",
            *created(B)[1:],
            *specified(B),
            *developed(B),
            *committed(B),
        ],
        ends={A: "blocked", B: "done"},
        blocked={A: UNEXPECTED},
    ),
    "after a review, no help: the chain is for the partner alone": Scene(
        sprint={A: "ready-for-dev", B: "ready-for-dev"},
        script={"tech-spec-review-1": Does(says="CRITICAL ISSUES FOUND: 1", writes={A: ODD})},
        steps=[
            *specified(A, B),
            diagnosed(A),
            f"mark-blocked/{A}",
            f"tech-spec-review-chain/{B}",
            *developed(B),
            *committed(B),
        ],
        ends={A: "blocked", B: "done"},
        blocked={A: UNEXPECTED},
    ),
    "after a review, and nobody is left: no chain": Scene(
        sprint={A: "ready-for-dev"},
        script={"tech-spec-review-1": Does(says="CRITICAL ISSUES FOUND: 1", writes={A: ODD})},
        steps=[*specified(A), diagnosed(A), f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: UNEXPECTED},
    ),
    "when the runner moves it on": Scene(
        sprint={A: "backlog"},
        script={
            "create-story": helps("backlog"),
            "mark-ready-for-dev": helps(ODD),
            "sprint-status": helps("drafted"),
        },
        steps=[
            *created(A)[:2],
            f"mark-ready-for-dev/{A}",
            diagnosed(A),
            created(A)[2],
            *specified(A),
            *developed(A),
            *committed(A),
        ],
        ends={A: "done"},
    ),
    "twice in the shared phases": Scene(
        sprint={A: "ready-for-dev"},
        script={
            "create-tech-spec": helps(ODD),
            "sprint-status": helps("drafted"),
            "tech-spec-review-1": helps("?"),
            "sprint-status.2": helps("ready-for-dev"),
        },
        steps=[specified(A)[0], diagnosed(A), specified(A)[1], diagnosed(A, 2), *developed(A), *committed(A)],
        ends={A: "done"},
    ),
    "twice, the second does not help": Scene(
        sprint={A: ODD},
        script={"sprint-status": helps("ready-for-dev"), "create-tech-spec": helps("?")},
        steps=[diagnosed(A), specified(A)[0], diagnosed(A, 2), f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: UNEXPECTED},
    ),
    "at selection and again after dev-story: both are run": Scene(
        sprint={A: ODD},
        script={"sprint-status": helps(), "dev-story": helps("?"), "sprint-status.dev": helps("review")},
        steps=[
            diagnosed(A),
            *developed(A)[:2],
            diagnosed(A, where=DEV),
            *reviewed(A),
            *committed(A),
        ],
        ends={A: "done"},
    ),
    "before its development and again during it: both are run": Scene(
        sprint={A: "review", B: "in-progress"},
        script={
            f"code-review-1/{A}": helps(ODD, B),
            f"sprint-status/{B}": helps(story=B),
            f"dev-story/{B}": helps(ODD, B),
            f"sprint-status.dev/{B}": helps("review", B),
        },
        steps=[
            *reviewed(A),
            diagnosed(B),
            *developed(B)[:2],
            diagnosed(B, where=DEV),
            *reviewed(B),
            *committed(A, B),
        ],
        ends={A: "done", B: "done"},
    ),
    "after dev-story, no help: never reviewed": Scene(
        sprint={A: "in-progress", B: "review"},
        script={f"dev-story/{A}": helps(ODD)},
        steps=[*developed(A)[:2], diagnosed(A, where=DEV), f"mark-blocked/{A}", *reviewed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: UNEXPECTED},
    ),
    "after a review that is not the last": Scene(
        sprint={A: "review"},
        script={
            "code-review-1": Does(says="HIGHEST SEVERITY: LOW", writes={A: ODD}),
            "sprint-status.dev": helps("review"),
        },
        steps=[f"code-review-1/{A}", diagnosed(A, where=DEV), f"code-review-2/{A}", f"mark-done/{A}", *committed(A)],
        ends={A: "done"},
    ),
    "after the last review: before the verdict is written": Scene(
        sprint={A: "review"},
        script={"code-review-1": helps("approved"), "sprint-status.dev": helps("review")},
        steps=[f"code-review-1/{A}", diagnosed(A, where=DEV), f"mark-done/{A}", *committed(A)],
        ends={A: "done"},
    ),
    "after the last review, no help: blocked, whatever the review found": Scene(
        sprint={A: "review"},
        script={"code-review-1": helps("approved")},
        steps=[f"code-review-1/{A}", diagnosed(A, where=DEV), f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: UNEXPECTED},
    ),
    "when the story is blocked anyway: no diagnosis": Scene(
        sprint={A: "review"},
        script={"code-review-1": Does(says="HIGHEST SEVERITY: HIGH", writes={A: "rejected"})},
        limit=1,
        steps=[f"code-review-1/{A}", f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: "review limit"},
    ),
    "before dev-story: in-progress is set after the diagnosis": Scene(
        sprint={A: "ready-for-dev"},
        script={"mark-in-progress": helps(ODD), "sprint-status.dev": helps("drafted")},
        specs=frozenset({A}),
        steps=[
            f"mark-in-progress/{A}",
            diagnosed(A, where=DEV),
            f"mark-in-progress.2/{A}",
            *developed(A)[1:],
            *committed(A),
        ],
        ends={A: "done"},
    ),
    "a story that is done already is left alone": Scene(
        sprint={A: "review", B: "in-progress"},
        script={f"dev-story/{B}": helps("shipped")},
        steps=[*reviewed(A), *developed(B), *committed(A, B)],
        ends={A: "shipped", B: "done"},
    ),
}


@pytest.mark.parametrize("scene", AFTER_A_COMMAND.values(), ids=AFTER_A_COMMAND)
def test_unexpected_status_is_diagnosed(scene):
    assert play(scene) == scene.expected


def test_status_misspelled_again_and_again_is_not_diagnosed_for_ever():
    reviews = {
        f"code-review-{number}": Does(says="HIGHEST SEVERITY: CRITICAL", writes={A: ODD}) for number in range(9)
    }
    helped = dict.fromkeys(("sprint-status.dev", "sprint-status.dev.2", "sprint-status.dev.3"), helps("review"))
    played = Play(sprint={A: "review"}, does=scripted({**reviews, **helped}))
    (ended,) = played.batch(1)
    assert [step for step in played.steps if "sprint-status" in step] == [
        diagnosed(A, n, where=DEV) for n in (1, 2, 3)
    ]
    assert played.steps[-2:] == [f"code-review-4/{A}", f"mark-blocked/{A}"]
    assert ended.blocked == (A,)


def test_two_stories_misspelled_in_turn_do_not_keep_a_cycle_busy_for_ever():
    """Each diagnosis sets its own story right and finds the other one spoilt."""
    script = {}
    for place in ("sprint-status", "sprint-status.2", "sprint-status.3", "sprint-status.4"):
        script |= {
            f"{place}/{A}": Does(writes={A: "review", B: ODD}),
            f"{place}/{B}": Does(writes={A: ODD, B: "review"}),
        }
    played = Play(sprint={A: ODD, B: "review"}, does=scripted(script))
    played.batch(1)
    diagnoses = [step for step in played.steps if "sprint-status" in step]
    assert diagnoses == [diagnosed(story, number) for number in (1, 2, 3) for story in (A, B)]
    assert played.sprint == {A: "blocked", B: "done"}
