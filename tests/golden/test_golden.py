"""Golden histories: this version of the program goes the way of every one of them, and notices when it could not."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from runner.domain.errors import NonDeterminism
from runner.domain.replay import Recorded, Recording, replay
from tests.golden import load, names
from tests.golden.record import record
from tests.golden.takes import BOTH, ONE, TAKES, TWO

Edit = Callable[[Recording], Recording]


def test_there_is_one_history_of_every_take():
    assert names() == sorted(TAKES)


@pytest.mark.parametrize("name", names())
def test_a_recorded_batch_goes_on_where_it_stood(name: str):
    golden, take = load(name), TAKES[name]
    assert replay(golden.recording) == golden.position
    assert (golden.position.steps, golden.position.background) == (take.due, take.beside)


@pytest.mark.parametrize("name", names())
def test_a_recorded_batch_that_was_cut_off_anywhere_goes_on_with_the_step_that_came_next(name: str):
    steps = load(name).recording.steps
    for length, following in enumerate(steps):
        cut = Recording(steps=steps[:length])
        position = replay(cut)
        due = (*position.steps, *position.background)
        assert following.key in due
        # An agent may have been started for what is due, or not yet.
        assert replay(replace(cut, begun=due)) == position


BLOCKED_FOR = {
    "repeated-pattern": "repeated error pattern",
    "review-limit": "review limit",
    "errors": "3 consecutive errors",
    "blocked-in-file": "blocked in the sprint file",
}


@pytest.mark.parametrize(("name", "reason"), BLOCKED_FOR.items())
def test_a_history_tells_what_it_was_recorded_for(name: str, reason: str):
    (ended,) = (step for step in load(name).recording.steps if step.key == f"c1/story/{ONE}")
    assert json.loads(ended.outcome)["reason"] == reason


@pytest.mark.parametrize("name", names())
def test_the_order_of_the_record_decides_nothing(name: str):
    golden = load(name)
    assert replay(replace(golden.recording, steps=golden.recording.steps[::-1])) == golden.position


@pytest.mark.parametrize("name", names())
def test_histories_tell_nothing_of_the_machine_that_they_were_recorded_on(name: str):
    text = repr(load(name))
    assert not [word for word in ("/tmp", "/home", "/work", "/usr", "localhost") if word in text]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chains", "repeated-pattern", "stopped-in-dev-story"])
def test_a_run_of_today_leaves_the_history_that_was_kept(name: str):
    today, kept = record(TAKES[name]), load(name)
    assert today.position == kept.position
    assert _by_key(today.recording) == _by_key(kept.recording)


def _by_key(recording: Recording) -> dict[str, tuple[str, object]]:
    outcomes = {step.key: (step.kind, json.loads(step.outcome)) for step in recording.steps}
    for key, (_, outcome) in outcomes.items():
        # It runs beside the creation of its stories: what it has seen of them is a matter of who is faster.
        if "/story-discovery/" in key:
            del outcome["seen"]
    return outcomes


# What does not fit


def renamed(old: str, new: str) -> Edit:
    """The version that recorded it called the step otherwise."""

    def edit(recording: Recording) -> Recording:
        steps = tuple(replace(step, key=step.key.replace(old, new)) for step in recording.steps)
        return Recording(steps=steps, begun=tuple(key.replace(old, new) for key in recording.begun))

    return edit


def without(key: str) -> Edit:
    """The version that recorded it had no such step."""

    def edit(recording: Recording) -> Recording:
        steps = tuple(step for step in recording.steps if step.key != key)
        return Recording(steps=steps, begun=tuple(begun for begun in recording.begun if begun != key))

    return edit


def inserted(key: str, after: str) -> Edit:
    """The version that recorded it had one more step."""

    def edit(recording: Recording) -> Recording:
        (place,) = (place for place, step in enumerate(recording.steps) if step.key == after)
        more = replace(recording.steps[place], key=key)
        return replace(recording, steps=(*recording.steps[: place + 1], more, *recording.steps[place + 1 :]))

    return edit


def begun(key: str) -> Edit:
    """The version that recorded it had started an agent for another step."""
    return lambda recording: replace(recording, begun=(*recording.begun, key))


def changed(key: str, **fields: str) -> Edit:
    """The version that recorded it wrote something else beside the key."""

    def edit(recording: Recording) -> Recording:
        found = [replace(step, **fields) if step.key == key else step for step in recording.steps]
        assert found != list(recording.steps)
        return replace(recording, steps=tuple(found))

    return edit


class Mismatch(NamedTuple):
    """A history that this version could not have left, and the two steps that are named."""

    name: str
    edit: Edit
    expected: str
    got: str


END = json.dumps({"completed": [TWO], "blocked": [ONE]})
BLOCKED = json.dumps({"status": "blocked", "reason": "another rule", "seen": {}})
MISMATCHES = {
    "a step has another name": Mismatch(
        "chains",
        renamed("story-review-1", "story-audit-1"),
        f"c1/story-audit-1/{BOTH}",
        f"c1/story-review-1/{BOTH}",
    ),
    "a step that is asked for is missing": Mismatch(
        "stopped-in-dev-story",
        without(f"c1/code-review-1/{ONE}"),
        f"c1/mark-done/{ONE}",
        f"c1/code-review-1/{ONE}",
    ),
    "one of two parallel steps is missing": Mismatch(
        "chains",
        without(f"c1/story-discovery/{BOTH}"),
        f"c1/inject-context/{BOTH}",
        f"c1/story-discovery/{BOTH}",
    ),
    "a story has one review more": Mismatch(
        "chains",
        inserted(f"c1/code-review-2/{ONE}", f"c1/code-review-1/{ONE}"),
        f"c1/code-review-2/{ONE}",
        f"c1/mark-done/{ONE}",
    ),
    "a story has one review less": Mismatch(
        "repeated-pattern",
        without(f"c1/code-review-3/{ONE}"),
        f"c1/mark-blocked/{ONE}",
        f"c1/code-review-3/{ONE}",
    ),
    "a phase more": Mismatch(
        "stopped-in-create-tech-spec",
        inserted(f"c1/design/{BOTH}", f"c1/story-review-1/{BOTH}"),
        f"c1/design/{BOTH}",
        f"c1/create-tech-spec/{BOTH}",
    ),
    "an agent was started for another step": Mismatch(
        "stopped-in-dev-story", begun(f"c1/design/{TWO}"), f"c1/design/{TWO}", f"c1/dev-story/{TWO}"
    ),
    "a chain that nobody spawned": Mismatch(
        "no-spec",
        inserted(f"c1/story-review-2/{ONE}", f"c1/story-review-1/{ONE}"),
        f"c1/story-review-2/{ONE}",
        f"c1/mark-in-progress/{ONE}",
    ),
    "a chain goes on where it should end": Mismatch(
        "chain-failed",
        inserted(f"c1/story-review-3/{BOTH}", f"c1/story-review-2/{BOTH}"),
        f"c1/story-review-3/{BOTH}",
        f"the end of c1/story-review-chain/{BOTH}",
    ),
    "a review of a chain is missing": Mismatch(
        "chains",
        without(f"c1/story-review-2/{BOTH}"),
        f"c1/story-review-3/{BOTH}",
        f"c1/story-review-2/{BOTH}",
    ),
    "a context that was fresh was made": Mismatch(
        "stopped-in-dev-story",
        inserted("context/generate-project-context", f"c1/tech-spec-review-1/{BOTH}"),
        "context/generate-project-context",
        f"c1/mark-in-progress/{ONE}",
    ),
    "a cycle began before the context was there": Mismatch(
        "context-missing",
        without("context/generate-project-context"),
        "c1/select",
        "context/generate-project-context",
    ),
    "a cycle began before the one before it ended": Mismatch("demo", without("c1/end"), "c2/select", "c1/end"),
    "a cycle ended too early": Mismatch(
        "stopped-in-batch-commit",
        lambda recording: replace(
            recording, steps=(*recording.steps, Recorded(key="c1/end", kind="end", outcome=END)), begun=()
        ),
        "c1/end",
        f"c1/batch-commit/{BOTH}",
    ),
    "a cycle ended with other stories": Mismatch(
        "chains",
        changed("c1/end", outcome=END),
        f"c1/end (done: {TWO}; blocked: {ONE})",
        f"c1/end (done: {BOTH}; blocked: none)",
    ),
    "a story ended otherwise": Mismatch(
        "chains",
        changed(f"c1/story/{ONE}", outcome=BLOCKED),
        f"c1/story/{ONE} (blocked)",
        f"c1/story/{ONE} (done)",
    ),
    "a step is of another kind": Mismatch(
        "chains",
        changed(f"c1/dev-story/{ONE}", kind="Marked"),
        f"c1/dev-story/{ONE} (Marked)",
        f"c1/dev-story/{ONE} (command)",
    ),
    "an outcome lacks something": Mismatch(
        "chains",
        changed(f"c1/mark-done/{ONE}", outcome="{}"),
        f"c1/mark-done/{ONE} (Marked) in another form",
        f"c1/mark-done/{ONE} (Marked)",
    ),
    "an outcome is no JSON": Mismatch(
        "chains",
        changed("c1/select", outcome="stories: none"),
        "c1/select (selection) in another form",
        "c1/select (selection)",
    ),
}


@pytest.mark.parametrize("mismatch", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_a_history_of_another_version_is_refused_and_both_steps_are_named(mismatch: Mismatch):
    recording = mismatch.edit(load(mismatch.name).recording)
    with pytest.raises(NonDeterminism) as refusal:
        replay(recording)
    # What the decoder has to say about another form stands in brackets.
    expected = refusal.value.expected.partition(" in another form")
    assert ("".join(expected[:2]), refusal.value.got) == (mismatch.expected, mismatch.got)
    assert "\n" not in str(refusal.value)


def test_a_masked_story_name_at_the_end_of_a_cycle_is_no_mismatch():
    masked = json.dumps({"completed": ["[redacted]", TWO], "blocked": []})
    golden = load("chains")
    assert replay(changed("c1/end", outcome=masked)(golden.recording)) == golden.position
