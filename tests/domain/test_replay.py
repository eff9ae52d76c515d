"""Whatever agents say and others write: cycles end, do nothing twice, and can be cut off and resumed anywhere."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain import cycle, review
from runner.domain.cycle import CycleStory, Selection
from runner.domain.model import Status
from runner.domain.steps import (
    CommandEnded,
    CycleDone,
    CycleStep,
    Facts,
    HandOver,
    InjectContext,
    Injected,
    Marked,
    MarkStory,
    Outcome,
    RunTogether,
    Spawned,
    SpawnReviews,
    StoryEnded,
    StoryStep,
)
from runner.domain.verdicts import Counts, Decision, Review, Severity
from tests.domain.play import Does, Play, Stopped
from tests.domain.scenes import A, B

STATUSES = [*(status.value for status in Status), "drafted", "Completed", "on hold"]
LIMIT = 4
MOST_STEPS = 51
"""Shared: 15 and 6 diagnoses; in the background 4; for each story 4 tries to begin, dev-story, 4 reviews, 3 diagnoses
and the verdict."""

SAYS = st.sampled_from(
    [
        f"{A}: [TECH-SPEC-DECISION: SKIP]",
        f"[TECH-SPEC-DECISION: SKIP]\n{B} [TECH-SPEC-DECISION: REQUIRED]",
        "CRITICAL ISSUES FOUND: 1",
        "- [CRITICAL] Race in start\nHIGHEST SEVERITY: CRITICAL",
        "- [HIGH] Race in start\nHIGHEST SEVERITY: HIGH",
        "HIGHEST SEVERITY: LOW",
        "ZERO ISSUES",
        "",
    ]
)
EDITS = st.dictionaries(st.sampled_from([A, B]), st.sampled_from([*STATUSES, "on hold", None]), max_size=2)
HAPPENS = st.one_of(
    st.just(Does()),
    st.builds(Does, says=st.none() | SAYS, writes=EDITS, ok=st.integers(0, 9).map(bool), early=st.booleans()),
)
OPEN = st.sampled_from([status for status in STATUSES if status not in ("done", "Completed", "blocked")])


class Fate:
    """Decides what happens at a step when it is first asked, and stays with it."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._decided: dict[str, Does] = {}

    def __call__(self, key: str) -> Does:
        if key not in self._decided:
            self._decided[key] = self._data.draw(HAPPENS, label=key)
        return self._decided[key]


def drawn(data: st.DataObject) -> Play:
    """A play of one or two stories that anything may happen to."""
    return Play(
        sprint=data.draw(st.dictionaries(st.sampled_from([A, B]), OPEN, min_size=1), label="sprint"),
        does=Fate(data),
        limit=data.draw(st.integers(1, LIMIT), label="limit"),
        specs=data.draw(st.frozensets(st.sampled_from([A, B])), label="specs"),
        decided=data.draw(st.dictionaries(st.sampled_from([A, B]), st.sampled_from(Decision)), label="decided"),
    )


def concerned(step: CycleStep) -> tuple[str, ...]:
    """The stories a step does something for; a mark that says why its story has left is for nobody any more."""
    match step:
        case RunTogether(commands=commands):
            return commands[0].stories
        case MarkStory(new=Status.BLOCKED) | CycleDone():
            return ()
        case MarkStory(story=story) | HandOver(story=story):
            return (story,)
        case _:
            return step.stories


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_cycle_ends_and_does_nothing_twice_or_for_stories_that_have_left(data):
    play = drawn(data)
    (ended,) = play.batch(1)
    assert len(play.keys) <= MOST_STEPS
    assert len(set(play.keys)) == len(play.keys)
    for state, step in play.cycle_states:
        assert not set(concerned(step)) & set(state.left), step
    assert not set(ended.completed) & set(ended.blocked)
    assert sorted((*ended.completed, *ended.blocked)) == sorted(play.watched)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_resumed_play_asks_for_the_same_steps_wherever_it_was_cut_off(data):
    whole = drawn(data)
    before = dict(whole.sprint)
    ended = whole.batch(1)
    first = replace(twin(whole, before), stop_after=data.draw(st.integers(0, len(whole.record) - 1), label="cut"))
    first.too_late = data.draw(st.booleans(), label="too late")
    with pytest.raises(Stopped):
        first.batch(1)
    second = replace(twin(whole, first.sprint), record=first.record)
    assert second.batch(1) == ended
    assert second.record == whole.record
    assert second.sprint == whole.sprint
    # What came of a hand-over is on record as one outcome: the steps within it are not asked for again.
    assert second.keys == [key for key in whole.keys if key in set(second.keys)]
    assert {*first.keys, *second.keys} == {*whole.keys}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_absorbing_is_a_function_of_state_and_outcome(data):
    play = drawn(data)
    play.batch(1)
    for (state, step), (following, _) in pairwise(play.cycle_states):
        before = deepcopy(state)
        assert cycle.absorb(state, recorded(play, step)) == following
        assert state == before
    for state, step in play.story_states:
        before = deepcopy(state)
        outcome = recorded(play, step)
        assert review.absorb(state, outcome) == review.absorb(before, outcome)
        assert state == before


def twin(play: Play, sprint: dict[str, str]) -> Play:
    return Play(sprint=sprint, does=play.does, limit=play.limit, specs=play.specs, decided=play.decided)


def recorded(play: Play, step: CycleStep | StoryStep) -> Outcome:
    """What came of a step, as the journal has it."""
    kinds = {MarkStory: Marked, InjectContext: Injected, SpawnReviews: Spawned, HandOver: StoryEnded}
    if isinstance(step, RunTogether):
        return tuple(msgspec.json.decode(play.record[command.key], type=CommandEnded) for command in step.commands)
    return msgspec.json.decode(play.record[step.key], type=kinds[type(step)])


# --- the journal's JSON ---------------------------------------------------------------------------------------------

TEXT = st.text(max_size=20)
STATUS_BY_STORY = st.dictionaries(TEXT, TEXT, max_size=2)
FACTS = st.builds(
    Facts,
    decisions=st.dictionaries(TEXT, st.sampled_from(Decision), max_size=2),
    critical=st.booleans(),
    review=st.builds(
        Review,
        severity=st.sampled_from(Severity),
        titles=st.frozensets(TEXT, max_size=3),
        counts=st.none()
        | st.builds(Counts, **dict.fromkeys(("critical", "high", "medium", "low"), st.integers(0, 99))),
    ),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)
OUTCOMES = st.one_of(
    st.builds(CommandEnded, ok=st.booleans(), reason=TEXT, facts=FACTS, seen=STATUS_BY_STORY),
    st.builds(StoryEnded, status=st.sampled_from(Status), reason=TEXT, seen=STATUS_BY_STORY),
    st.builds(Marked, found=TEXT, conflict=st.booleans()),
    st.builds(Injected, warnings=st.lists(TEXT, max_size=2).map(tuple)),
    st.builds(Spawned, background_task_id=st.integers(0, 2**53)),
    st.builds(
        Selection,
        number=st.integers(1, 1000),
        stories=st.lists(
            st.builds(
                CycleStory,
                key=TEXT,
                short=TEXT,
                epic=TEXT,
                written=TEXT,
                has_tech_spec=st.booleans(),
                file_decision=st.none() | st.sampled_from(Decision),
            ),
            max_size=2,
        ).map(tuple),
        review_limit=st.integers(1, 100),
    ),
)


@given(OUTCOMES)
def test_outcome_comes_back_from_the_journal_unchanged(outcome):
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=type(outcome)) == outcome
