"""Whatever agents say and others write: cycles end, do nothing twice, and can be cut off and resumed anywhere.

What they leave on record is what `replay` accepts: at every instant, with the position that is right there.
"""

import re
from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain import cycle, review
from runner.domain.cycle import CycleStory, Selection
from runner.domain.freshness import FOUND_KEY, RUN_KEY, Found, Freshness
from runner.domain.model import Status
from runner.domain.replay import KINDS, Position, Recorded, Recording, replay
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


# --- the replay ---------------------------------------------------------------------------------------------------

IN_CHAIN = re.compile(r"c\d+/(story|tech-spec)-review-[23]/")
KIND_OF = {
    "select": Selection,
    "story": StoryEnded,
    "inject-context": Injected,
    "story-review-chain": Spawned,
    "tech-spec-review-chain": Spawned,
    **{f"mark-{status}{again}": Marked for status in Status for again in ("", ".2", ".3", ".4")},
}
"""Which kind of outcome a place of the workflow has; else it is a command."""


def on_record(key: str, outcome: bytes) -> Recorded:
    kind = KIND_OF.get(key.split("/")[1], CommandEnded)
    return Recorded(key=key, kind=KINDS[kind], outcome=outcome.decode())


def told(key: str, outcome: object) -> Recorded:
    return Recorded(key=key, kind=KINDS[type(outcome)], outcome=msgspec.json.encode(outcome).decode())


def foreground(play: Play, ended: list[CycleDone], found: Freshness) -> Iterator[Recorded]:
    """What a batch records outside its background, in order."""
    yield told(FOUND_KEY, Found(freshness=found))
    if found is Freshness.MISSING:
        yield told(RUN_KEY, CommandEnded(ok=True))
    for number, done in enumerate(ended, start=1):
        for key, outcome in play.record.items():
            if key.startswith(f"c{number}/") and not IN_CHAIN.match(key):
                yield on_record(key, outcome)
        yield told(f"c{number}/end", done)


def background(play: Play, found: Freshness) -> dict[str, deque[Recorded]]:
    """Each errand that runs beside the cycles, by the step that sets it off."""
    lanes: dict[str, deque[Recorded]] = {}
    if found is Freshness.EXPIRED:
        lanes[FOUND_KEY] = deque([told(RUN_KEY, CommandEnded(ok=True))])
    for key, outcome in play.record.items():
        if IN_CHAIN.match(key):
            spawn = re.sub(r"-[23]/", "-chain/", key, count=1)
            lanes.setdefault(spawn, deque()).append(on_record(key, outcome))
    return lanes


def due_ahead(ahead: deque[Recorded], cycles: int) -> tuple[str, ...]:
    """The next step, with its companion when two commands run together and neither has ended."""
    if not ahead:
        return (f"c{cycles + 1}/select",)
    _, place, *_ = ahead[0].key.split("/")
    companion = {"create-story": "story-discovery", "story-discovery": "create-story"}.get(place)
    pair = ahead[0].key.replace(place, companion) if companion else ""
    return (ahead[0].key, *(recorded.key for recorded in ahead if recorded.key == pair))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_replay_accepts_what_a_batch_leaves_behind_at_any_instant(data):
    play, found = drawn(data), data.draw(st.sampled_from(Freshness), label="context")
    ended = play.batch(data.draw(st.integers(1, 2), label="cycles"))
    ahead, waiting = deque(foreground(play, ended, found)), background(play, found)
    steps: list[Recorded] = []
    beside: list[deque[Recorded]] = []
    while True:
        beside = [lane for lane in beside if lane]
        expected = due_ahead(ahead, len(ended)), {lane[0].key for lane in beside}
        position = replay(Recording(steps=tuple(steps)))
        assert (set(position.steps), set(position.background)) == (set(expected[0]), expected[1])
        begun = (*position.steps, *position.background)
        assert replay(Recording(steps=tuple(steps), begun=begun)) == position
        lanes = [lane for lane in (ahead, *beside) if lane]
        if not lanes:
            break
        steps.append(
            data.draw(st.sampled_from(lanes), label="next").popleft() if len(lanes) > 1 else lanes[0].popleft()
        )
        if steps[-1].key in waiting:
            beside.append(waiting[steps[-1].key])


def test_replay_of_nothing_begins_with_the_context():
    assert replay(Recording()) == Position(steps=(FOUND_KEY,))


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
