"""What failures and critical issues lead to in a cycle."""

import pytest

from tests.domain.play import FAILS, Does, Play, scripted
from tests.domain.scenes import A, B, Scene, committed, created, developed, play, reviewed, specified

ERRORS = "3 consecutive errors"
PAIR = {A: "backlog", B: "backlog"}
HALF_NEW = {A: "backlog", B: "review"}
BOTH = {A: ERRORS, B: ERRORS}
CREATE, DISCOVER = f"create-story/{A}", f"story-discovery/{A}"
BLOCK_BOTH = [f"mark-blocked/{A}", f"mark-blocked/{B}"]
REST_OF_B = [*reviewed(B), *committed(B)]
CRITICAL = Does(says="CRITICAL ISSUES FOUND: 2")

FAILURES = {
    "create-story given up blocks the new story, its partner goes on": Scene(
        sprint=HALF_NEW,
        script={"create-story": FAILS},
        steps=[f"{CREATE} + {DISCOVER}", f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "create-story given up blocks both stories it was for": Scene(
        sprint=PAIR,
        script={"create-story": FAILS},
        steps=[created(A, B)[0], *BLOCK_BOTH],
        ends={A: "blocked", B: "blocked"},
        blocked=BOTH,
    ),
    "discovery given up blocks although create-story succeeded": Scene(
        sprint=HALF_NEW,
        script={"story-discovery": FAILS},
        steps=[f"{CREATE} + {DISCOVER}", f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "both parallel commands given up block once": Scene(
        sprint=HALF_NEW,
        script={"create-story": FAILS, "story-discovery": FAILS},
        steps=[f"{CREATE} + {DISCOVER}", f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "discovery given up early, create-story leaves an odd status: blocked all the same": Scene(
        sprint=HALF_NEW,
        script={"story-discovery": Does(ok=False, early=True), "create-story": Does(writes={A: "half done"})},
        steps=[f"{CREATE} + {DISCOVER}", f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "story-review-1 given up blocks and spawns no chain": Scene(
        sprint=HALF_NEW,
        script={"story-review-1": Does(ok=False, says="CRITICAL ISSUES FOUND: 1")},
        steps=[*created(A), f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "create-tech-spec given up blocks those it was for": Scene(
        sprint={A: "ready-for-dev", B: "in-progress"},
        script={"create-tech-spec": FAILS},
        steps=[f"create-tech-spec/{A}", f"mark-blocked/{A}", *developed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "tech-spec-review-1 given up blocks both": Scene(
        sprint={A: "ready-for-dev", B: "ready-for-dev"},
        script={"tech-spec-review-1": FAILS},
        steps=[*specified(A, B), *BLOCK_BOTH],
        ends={A: "blocked", B: "blocked"},
        blocked=BOTH,
    ),
    "dev-story given up never stops the other story": Scene(
        sprint={A: "in-progress", B: "in-progress"},
        script={f"dev-story/{A}": FAILS},
        steps=[*developed(A)[:2], f"mark-blocked/{A}", *developed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
    "code review given up never stops the other story": Scene(
        sprint={A: "review", B: "review"},
        script={f"code-review-2/{B}": FAILS, f"code-review-1/{B}": Does(says="HIGHEST SEVERITY: HIGH")},
        steps=[*reviewed(A), *reviewed(B, reviews=2)[:2], f"mark-blocked/{B}", *committed(A)],
        ends={A: "done", B: "blocked"},
        blocked={B: ERRORS},
    ),
    "commit is skipped when no story is done": Scene(
        sprint={A: "in-progress"},
        script={"dev-story": FAILS},
        steps=[*developed(A)[:2], f"mark-blocked/{A}"],
        ends={A: "blocked"},
        blocked={A: ERRORS},
    ),
    "commit given up blocks nothing": Scene(
        sprint={A: "review", B: "review"},
        script={"batch-commit": FAILS},
        steps=[*reviewed(A), *reviewed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "a story blocked by hand while its command failed keeps that reason": Scene(
        sprint=HALF_NEW,
        script={"create-story": Does(ok=False, writes={A: "blocked"})},
        steps=[f"{CREATE} + {DISCOVER}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: "blocked in the sprint file"},
    ),
    "a story set to done while its command failed stays done in the file": Scene(
        sprint=HALF_NEW,
        script={"story-review-1": Does(ok=False, writes={A: "done"})},
        steps=[*created(A), f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "done", B: "done"},
        blocked={A: ERRORS},
    ),
    "a failure and an unexpected status at once block without a diagnosis": Scene(
        sprint=HALF_NEW,
        script={"create-story": Does(ok=False, writes={A: "half done"})},
        steps=[f"{CREATE} + {DISCOVER}", f"mark-blocked/{A}", *REST_OF_B],
        ends={A: "blocked", B: "done"},
        blocked={A: ERRORS},
    ),
}

SPAWNS = {
    "story-review-1 with critical issues spawns a chain for both stories": Scene(
        sprint=PAIR,
        script={"story-review-1": CRITICAL},
        steps=[
            *created(A, B),
            f"story-review-chain/{A},{B}",
            *specified(A, B),
            *developed(A),
            *developed(B),
            *committed(A, B),
        ],
        ends={A: "done", B: "done"},
    ),
    "the chain is for the stories just created only": Scene(
        sprint={A: "ready-for-dev", B: "backlog"},
        script={"story-review-1": CRITICAL},
        specs=frozenset({A, B}),
        steps=[*created(B), f"story-review-chain/{B}", *developed(A), *developed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "tech-spec-review-1 with critical issues spawns a chain": Scene(
        sprint={A: "ready-for-dev", B: "review"},
        script={"tech-spec-review-1": Does(says="[CRITICAL-ISSUES-FOUND: YES]")},
        steps=[*specified(A), f"tech-spec-review-chain/{A}", *developed(A), *reviewed(B), *committed(A, B)],
        ends={A: "done", B: "done"},
    ),
    "a review without a marker spawns nothing": Scene(
        sprint={A: "ready-for-dev"},
        script={"tech-spec-review-1": Does(says="All fine.")},
        steps=[*specified(A), *developed(A), *committed(A)],
        ends={A: "done"},
    ),
    "no chain for a story that left during the review": Scene(
        sprint=PAIR,
        script={"story-review-1": Does(says="HIGHEST SEVERITY: CRITICAL", writes={A: "blocked"})},
        steps=[*created(A, B), f"story-review-chain/{B}", *specified(B), *developed(B), *committed(B)],
        ends={A: "blocked", B: "done"},
        blocked={A: "blocked in the sprint file"},
    ),
}


@pytest.mark.parametrize("scene", [*FAILURES.values(), *SPAWNS.values()], ids=[*FAILURES, *SPAWNS])
def test_cycle_takes_exactly_these_steps(scene):
    assert play(scene) == scene.expected


def test_chain_runs_for_the_stories_it_was_spawned_for_and_fails_nothing():
    script = {"story-review-1": CRITICAL, "story-review-2": FAILS, "tech-spec-review-1": CRITICAL}
    played = Play(sprint=dict(PAIR), does=scripted(script))
    played.batch(1)
    assert played.background == [f"story-review-2/{A},{B}", f"tech-spec-review-2/{A},{B}"]
    assert [ended.ok for ended in played.chains] == [False, True]
    assert played.sprint == {A: "done", B: "done"}


def test_missing_markers_are_warned_of():
    played = Play(
        sprint={A: "backlog"}, does=scripted({"create-story": Does(says=""), "story-review-1": Does(says="")})
    )
    played.batch(1)
    assert played.warnings == [
        f"create-story named no tech-spec decision for {A}: REQUIRED assumed",
        "story-review-1 printed no critical-issues marker: none assumed",
    ]
