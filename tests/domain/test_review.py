"""The review loop of one story: when it is done, when it is stuck, when another review is due."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain.model import Status
from runner.domain.review import judge
from runner.domain.steps import StoryDone
from runner.domain.verdicts import Review, Severity
from tests.domain.play import Does, Play, scripted
from tests.domain.scenes import A, B, committed, developed, reviewed

REPEATED, LIMIT = "repeated error pattern", "review limit"
FAULTS = ("Missing input check", "No test for the empty list", "Token is never renewed", "Error is swallowed")


def found(severity: str, *titles: str) -> str:
    """A review's output that names findings of one severity."""
    return "\n".join([*(f"- [{severity}] {title}" for title in titles), f"HIGHEST SEVERITY: {severity}"])


def varied(severity: str, count: int) -> list[str]:
    return [found(severity, f"{FAULTS[number % 4]} in part {'abcdefghij'[number]}") for number in range(count)]


ZERO = "ZERO ISSUES"
UNKNOWN = "I looked at everything."
HIGH, CRITICAL = found("HIGH", *FAULTS), found("CRITICAL", *FAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The outputs of a story's reviews, as many as are run, and the verdict after the last of them."""

    says: list[str]
    limit: int = 10
    blocked: str = ""
    """The reason; empty when the story is done."""


LOOPS = {
    "1: zero issues is done at once": Loop(says=[ZERO]),
    "1: the marker with a zero counts too": Loop(says=["HIGHEST SEVERITY: ZERO ISSUES"]),
    "1: zero issues after critical ones": Loop(says=[CRITICAL, CRITICAL, ZERO]),
    "1: zero issues at the limit": Loop(says=[CRITICAL, ZERO], limit=2),
    "1: zero issues with a limit of one": Loop(says=[ZERO], limit=1),
    "2: three alike are blocked": Loop(says=[CRITICAL] * 3, blocked=REPEATED),
    "2 before 3: alike although none is critical": Loop(says=[HIGH] * 3, blocked=REPEATED),
    "2 before 4: alike at the limit": Loop(says=[CRITICAL] * 3, limit=3, blocked=REPEATED),
    "2: the last three count": Loop(says=[*varied("CRITICAL", 2), *[CRITICAL] * 3], blocked=REPEATED),
    "2: two alike are not enough": Loop(says=[UNKNOWN, CRITICAL, CRITICAL, ZERO]),
    "2: one between breaks the row": Loop(
        says=[CRITICAL, CRITICAL, *varied("CRITICAL", 1), CRITICAL, CRITICAL, ZERO]
    ),
    "2: lines, paths and numbers do not tell findings apart": Loop(
        says=[
            found("CRITICAL", "Token leaks (line 12)", "src/app.py holds 3 locks"),
            found("CRITICAL", "token leaks (line 80)", "src/app.py holds 12 locks"),
            found("CRITICAL", "Token leaks!", "lib/app.py holds locks"),
        ],
        blocked=REPEATED,
    ),
    "2: four of five titles in common are alike": Loop(
        says=[found("HIGH", *FAULTS), found("HIGH", *FAULTS, "Unused import"), found("HIGH", *FAULTS)],
        blocked=REPEATED,
    ),
    "2: three of four are not": Loop(says=[found("HIGH", *FAULTS[:3]), HIGH, found("HIGH", *FAULTS[:3])]),
    "2: another highest severity is another pattern": Loop(says=[CRITICAL, CRITICAL, HIGH]),
    "2: without titles never alike": Loop(says=["HIGHEST SEVERITY: HIGH"] * 3),
    "2: unknown is never alike": Loop(says=[*["- [HIGH] Missing input check"] * 4, ZERO]),
    "3: high may remain after the third": Loop(says=varied("HIGH", 3)),
    "3: medium may remain after the third": Loop(says=varied("MEDIUM", 3)),
    "3: low may remain after the third": Loop(says=varied("LOW", 3)),
    "3 before 4: third review at the limit": Loop(says=varied("HIGH", 3), limit=3),
    "3: not after critical, but after the next": Loop(says=[*varied("CRITICAL", 3), HIGH]),
    "3: not when the third is unknown": Loop(says=[HIGH, HIGH, UNKNOWN, HIGH]),
    "4: critical to the end": Loop(says=varied("CRITICAL", 10), blocked=LIMIT),
    "4: unknown to the end": Loop(says=[UNKNOWN] * 4, limit=4, blocked=LIMIT),
    "4: third critical at the limit": Loop(says=varied("CRITICAL", 3), limit=3, blocked=LIMIT),
    "4: third unknown at the limit": Loop(says=[HIGH, HIGH, UNKNOWN], limit=3, blocked=LIMIT),
    "4: a limit of one": Loop(says=[found("LOW", "Typo")], limit=1, blocked=LIMIT),
    "4: a limit of one, unknown": Loop(says=[UNKNOWN], limit=1, blocked=LIMIT),
    "4: a limit of two": Loop(says=varied("LOW", 2), limit=2, blocked=LIMIT),
    "5: else the next review": Loop(says=[found("LOW", "Typo"), found("HIGH", "Race"), ZERO]),
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_rules_stand_in_their_order(loop):
    script = {f"code-review-{number}": Does(says=text) for number, text in enumerate(loop.says, 1)}
    play = Play(sprint={A: "review"}, does=scripted(script), limit=loop.limit)
    play.batch(1)
    reviews = [f"code-review-{number}/{A}" for number in range(1, len(loop.says) + 1)]
    end = [f"mark-blocked/{A}"] if loop.blocked else [f"mark-done/{A}", *committed(A)]
    assert play.steps == [*reviews, *end]
    state, _ = play.cycle_states[-1]
    assert state.left == ({A: loop.blocked} if loop.blocked else {})
    assert play.sprint == {A: "blocked" if loop.blocked else "done"}


def test_counters_belong_to_the_story():
    """Three reviews of A, then as many of B: the first of B is no fourth one."""
    script = {f"code-review-{number}/{A}": Does(says=CRITICAL) for number in (1, 2)}
    script |= {f"code-review-{number}/{B}": Does(says=CRITICAL) for number in (1, 2)}
    play = Play(sprint={A: "review", B: "in-progress"}, does=scripted(script))
    play.batch(1)
    assert play.steps == [*reviewed(A, reviews=3), *developed(B, reviews=3), *committed(A, B)]


def test_blocked_story_does_not_stop_its_partner():
    play = Play(sprint={A: "review", B: "review"}, does=scripted({f"code-review-1/{A}": Does(says=HIGH)}), limit=1)
    (ended,) = play.batch(1)
    assert (ended.completed, ended.blocked) == ((B,), (A,))
    assert play.sprint == {A: "blocked", B: "done"}


def test_unknown_severity_is_warned_of():
    play = Play(sprint={A: "review"}, does=scripted({"code-review-1": Does(says=UNKNOWN)}))
    play.batch(1)
    assert play.warnings == ["code-review-1 printed no highest severity: taken as UNKNOWN"]


REVIEWS = st.lists(
    st.builds(Review, severity=st.sampled_from(Severity), titles=st.frozensets(st.sampled_from("abcdef"))),
    min_size=1,
    max_size=12,
)


@given(reviews=REVIEWS.map(tuple), limit=st.integers(1, 12))
def test_verdict_follows_from_the_severity_and_the_number_of_reviews(reviews, limit):
    attempt, last = len(reviews), reviews[-1].severity
    verdict = judge(reviews, limit)
    lesser = last in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    if last is Severity.ZERO:
        assert verdict == StoryDone(status=Status.DONE)
    elif verdict is None:
        assert attempt < limit
        assert attempt < 3 or not lesser
    elif verdict.status is Status.DONE:
        assert attempt >= 3
        assert lesser
    else:
        assert attempt >= {LIMIT: limit, REPEATED: 3}[verdict.reason]
