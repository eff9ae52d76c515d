"""Which phases a cycle takes its stories through, by their statuses and tech-spec decisions."""

from dataclasses import dataclass

import pytest

from runner.domain.phases import PHASES
from tests.domain.play import FAILS, Does, Play, scripted
from tests.domain.scenes import A, B, committed, created, developed, reviewed, specified


def test_phases_are_those_of_the_workflow_in_their_order():
    assert [phase.name for phase in PHASES] == [
        "diagnosis",
        "create-story",
        "story-review",
        "create-tech-spec",
        "tech-spec-review",
        "dev + code-review",
        "batch-commit",
    ]


def test_every_step_belongs_to_the_phase_it_is_taken_in():
    play = Play(sprint={A: "wip"}, does=scripted({"sprint-status": Does(writes={A: "backlog"})}))
    play.batch(1)
    assert list(dict.fromkeys(play.phases)) == [phase.name for phase in PHASES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """The stories of a pair that take part in each phase."""

    created: tuple[str, ...] = ()
    specified: tuple[str, ...] = ()
    developed: tuple[str, ...] = ()


MIXED = {
    ("backlog", "backlog"): Mixed(created=(A, B), specified=(A, B), developed=(A, B)),
    ("backlog", "ready-for-dev"): Mixed(created=(A,), specified=(A, B), developed=(A, B)),
    ("backlog", "in-progress"): Mixed(created=(A,), specified=(A,), developed=(A, B)),
    ("backlog", "review"): Mixed(created=(A,), specified=(A,), developed=(A,)),
    ("ready-for-dev", "backlog"): Mixed(created=(B,), specified=(A, B), developed=(A, B)),
    ("ready-for-dev", "ready-for-dev"): Mixed(specified=(A, B), developed=(A, B)),
    ("ready-for-dev", "in-progress"): Mixed(specified=(A,), developed=(A, B)),
    ("ready-for-dev", "review"): Mixed(specified=(A,), developed=(A,)),
    ("in-progress", "backlog"): Mixed(created=(B,), specified=(B,), developed=(A, B)),
    ("in-progress", "ready-for-dev"): Mixed(specified=(B,), developed=(A, B)),
    ("in-progress", "in-progress"): Mixed(developed=(A, B)),
    ("in-progress", "review"): Mixed(developed=(A,)),
    ("review", "backlog"): Mixed(created=(B,), specified=(B,), developed=(B,)),
    ("review", "ready-for-dev"): Mixed(specified=(B,), developed=(B,)),
    ("review", "in-progress"): Mixed(developed=(B,)),
    ("review", "review"): Mixed(),
}


@pytest.mark.parametrize(("pair", "takes_part"), MIXED.items(), ids=map(" and ".join, MIXED))
def test_each_story_of_a_pair_takes_part_in_its_own_phases(pair, takes_part):
    play = Play(sprint=dict(zip((A, B), pair, strict=True)))
    play.batch(1)
    expected = [
        *(created(*takes_part.created) if takes_part.created else []),
        *(specified(*takes_part.specified) if takes_part.specified else []),
        *(developed(A) if A in takes_part.developed else reviewed(A)),
        *(developed(B) if B in takes_part.developed else reviewed(B)),
        *committed(A, B),
    ]
    assert play.steps == expected
    assert play.sprint == {A: "done", B: "done"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("backlog", [*created(A), *specified(A), *developed(A), *committed(A)]),
        ("ready-for-dev", [*specified(A), *developed(A), *committed(A)]),
        ("drafted", [*specified(A), *developed(A), *committed(A)]),
        (" Contexted ", [*specified(A), *developed(A), *committed(A)]),
        ("in-progress", [*developed(A), *committed(A)]),
        ("Review", [*reviewed(A), *committed(A)]),
    ],
)
def test_single_story_goes_through_the_phases_of_its_status(status, expected):
    play = Play(sprint={A: status, "2-1": "backlog"})
    play.batch(1)
    assert play.steps == expected
    assert play.sprint == {A: "done", "2-1": "backlog"}


# --- the tech-spec decision -----------------------------------------------------------------------------------------

SKIP, REQUIRED = "SKIP", "REQUIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Both stories in order: status, decision (in the output or in the story file), and whether a spec exists."""

    status: tuple[str, str] = ("backlog", "backlog")
    decision: tuple[str | None, str | None]
    specs: frozenset[str] = frozenset()
    specified: tuple[str, ...]


READY = ("ready-for-dev", "ready-for-dev")

DECISIONS = {
    "both REQUIRED": Decided(decision=(REQUIRED, REQUIRED), specified=(A, B)),
    "both SKIP": Decided(decision=(SKIP, SKIP), specified=()),
    "one REQUIRED takes its partner along": Decided(decision=(SKIP, REQUIRED), specified=(A, B)),
    "one without a decision counts as REQUIRED": Decided(decision=(SKIP, None), specified=(A, B)),
    "no decision at all is REQUIRED": Decided(decision=(None, None), specified=(A, B)),
    "a spec that exists keeps its story out": Decided(
        decision=(REQUIRED, REQUIRED), specs=frozenset({A}), specified=(B,)
    ),
    "a story with a spec does not make its partner's required": Decided(
        decision=(REQUIRED, SKIP), specs=frozenset({A}), specified=()
    ),
    "both have specs": Decided(decision=(None, None), specs=frozenset({A, B}), specified=()),
    "ready: marker of the story file": Decided(status=READY, decision=(SKIP, SKIP), specified=()),
    "ready: one file says REQUIRED": Decided(status=READY, decision=(REQUIRED, SKIP), specified=(A, B)),
    "ready: no marker is REQUIRED": Decided(status=READY, decision=(None, SKIP), specified=(A, B)),
    "ready: no marker but a spec": Decided(
        status=READY, decision=(None, SKIP), specs=frozenset({A}), specified=()
    ),
    "ready: REQUIRED but a spec": Decided(
        status=READY, decision=(REQUIRED, None), specs=frozenset({A}), specified=(B,)
    ),
    "mixed: new REQUIRED, ready SKIP": Decided(
        status=("backlog", "ready-for-dev"), decision=(REQUIRED, SKIP), specified=(A, B)
    ),
    "mixed: new SKIP, ready SKIP": Decided(
        status=("backlog", "ready-for-dev"), decision=(SKIP, SKIP), specified=()
    ),
    "mixed: in-progress has no part in it": Decided(
        status=("backlog", "in-progress"), decision=(REQUIRED, None), specified=(A,)
    ),
    "mixed: review does not require one": Decided(
        status=("review", "backlog"), decision=(None, SKIP), specified=()
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DECISIONS.values(), ids=DECISIONS)
def test_tech_spec_is_written_for_the_stories_that_need_one(case):
    sprint = dict(zip((A, B), case.status, strict=True))
    decided = {key: decision for key, decision in zip((A, B), case.decision, strict=True) if decision}
    new = [key for key in decided if sprint[key] == "backlog"]
    says = "\n".join(f"{key}: [TECH-SPEC-DECISION: {decided[key]}]" for key in new)
    play = Play(
        sprint=sprint,
        does=scripted({"create-story": Does(says=says)}),
        decided=decided,
        specs=case.specs,
    )
    play.batch(1)
    spec_steps = [step for step in play.steps if "tech-spec" in step]
    assert spec_steps == (specified(*case.specified) if case.specified else [])


def test_blocked_story_does_not_require_a_spec_for_its_partner():
    says = f"{A} [TECH-SPEC-DECISION: REQUIRED]\n{B} [TECH-SPEC-DECISION: SKIP]"
    script = {"create-story": Does(says=says), "story-review-1": Does(writes={A: "blocked"})}
    play = Play(sprint={A: "backlog", B: "backlog"}, does=scripted(script))
    play.batch(1)
    assert play.steps == [*created(A, B), *developed(B), *committed(B)]


def test_assumed_decision_is_a_decision_like_any_other():
    play = Play(sprint={A: "ready-for-dev", B: "review"})
    play.batch(1)
    state, _ = play.cycle_states[-1]
    assert state.decisions == {A: "REQUIRED"}


# --- from cycle to cycle --------------------------------------------------------------------------------------------

SIX = dict.fromkeys(("1-1", "1-2", "1-3", "2-2", "2-1", "2a-1"), "review")


def test_batch_goes_on_until_no_story_is_left():
    play = Play(sprint=dict(SIX))
    ended = play.batch()
    assert [done.completed for done in ended] == [("1-1", "1-2"), ("1-3",), ("2-1", "2-2"), ("2a-1",)]
    assert set(play.sprint.values()) == {"done"}


def test_batch_of_a_fixed_number_of_cycles_ends_after_them():
    play = Play(sprint=dict(SIX))
    play.batch(2)
    assert [key for key, status in play.sprint.items() if status == "review"] == ["2-2", "2-1", "2a-1"]


def test_blocked_stories_are_passed_over_by_the_cycles_that_follow():
    script = {"code-review-1/1-1": FAILS, "code-review-1/2-1": Does(writes={"2-1": "blocked"})}
    play = Play(sprint=dict(SIX), does=scripted(script))
    ended = play.batch()
    assert [(done.completed, done.blocked) for done in ended] == [
        (("1-2",), ("1-1",)),
        (("1-3",), ()),
        (("2-2",), ("2-1",)),
        (("2a-1",), ()),
    ]  # fmt: skip


def test_story_that_somebody_reopens_comes_round_again_with_steps_of_its_own():
    play = Play(sprint={A: "review"}, does=scripted({f"c1/batch-commit/{A}": Does(writes={A: "review"})}))
    play.batch()
    assert [key for key in play.keys if "code-review" in key] == [f"c1/code-review-1/{A}", f"c2/code-review-1/{A}"]


def test_sprint_without_open_stories_has_no_cycle():
    play = Play(sprint={A: "done", B: "blocked"})
    assert (play.batch(), play.keys) == ([], [])
