"""Which stories a cycle takes."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.model import Story, StoryKey, parse_key
from runner.domain.sprint import Sprint, in_order, select


def key(text: str) -> StoryKey:
    parsed = parse_key(text)
    assert parsed is not None
    return parsed


def stories(written: dict[str, str]) -> tuple[Story, ...]:
    return tuple(Story(key(text), status) for text, status in written.items())


def backlog(*texts: str) -> tuple[Story, ...]:
    return stories(dict.fromkeys(texts, "backlog"))


def names(found: tuple[Story, ...] | list[Story]) -> list[str]:
    return [story.key.text for story in found]


IN_ORDER = ("1-2", "1-10", "2-1", "2-6", "2-6a", "2-6b", "2-10", "2a-1", "2a-2-x", "2b-1", "5-sr-1", "5a-1", "10-1")


@given(st.permutations(IN_ORDER))
def test_order_is_numeric_where_there_are_digits(shuffled):
    assert names(in_order(backlog(*shuffled))) == list(IN_ORDER)


def test_keys_without_the_pattern_come_last_in_file_order():
    assert names(in_order(backlog("zebra", "2-1", "apple", "1-1"))) == ["1-1", "2-1", "zebra", "apple"]


def test_equal_places_keep_file_order():
    assert names(in_order(backlog("1-1-b", "1-1-a"))) == ["1-1-b", "1-1-a"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    sprint: dict[str, str]
    chosen: list[str]


CHOICES = {
    "first and next of the epic": Choice(
        sprint={"1-1": "backlog", "1-2": "backlog", "1-3": "backlog"}, chosen=["1-1", "1-2"]
    ),
    "order, not place in the file": Choice(
        sprint={"1-10": "backlog", "1-3": "backlog", "1-2": "backlog"}, chosen=["1-2", "1-3"]
    ),
    "done and blocked are passed over": Choice(
        sprint={"1-1": "done", "1-2": "blocked", "1-3": "backlog", "1-4": "completed", "1-5": "review"},
        chosen=["1-3", "1-5"],
    ),
    "partner need not be adjacent": Choice(
        sprint={"2-6": "backlog", "2-6a": "done", "2a-1": "backlog", "2-7": "in-progress"}, chosen=["2-6", "2-7"]
    ),
    "no pair across epics": Choice(sprint={"2-1": "backlog", "2a-1": "backlog"}, chosen=["2-1"]),
    "slugs do not part an epic": Choice(
        sprint={"2a-1-session-scanner": "backlog", "2a-2-session-list": "ready-for-dev"},
        chosen=["2a-1-session-scanner", "2a-2-session-list"],
    ),
    "letters belong to the epic": Choice(
        sprint={"5-sr-1-x": "backlog", "5-1-y": "backlog", "5-sr-2-z": "backlog"}, chosen=["5-1-y"]
    ),
    "split stories pair": Choice(
        sprint={"2-6-a-b": "done", "2-6a-x": "backlog", "2-6b-y": "backlog"}, chosen=["2-6a-x", "2-6b-y"]
    ),
    "a pair may be mixed": Choice(sprint={"1-1": "review", "1-2": "backlog"}, chosen=["1-1", "1-2"]),
    "an unexpected status is open": Choice(sprint={"1-1": "wip", "1-2": "done"}, chosen=["1-1"]),
    "a key without the pattern runs alone": Choice(
        sprint={"scanner": "backlog", "scanner2": "backlog"}, chosen=["scanner"]
    ),
    "nor is it anybody's partner": Choice(sprint={"1-1": "backlog", "scanner": "backlog"}, chosen=["1-1"]),
    "even when its name is the epic's": Choice(sprint={"2a-1": "backlog", "2a": "backlog"}, chosen=["2a-1"]),
    "none left": Choice(sprint={"1-1": "done", "1-2": "blocked"}, chosen=[]),
    "empty sprint": Choice(sprint={}, chosen=[]),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_cycle_takes_the_first_open_story_and_its_partner(choice):
    assert names(select(Sprint(stories=stories(choice.sprint)))) == choice.chosen


STATUSES = st.sampled_from(["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked", "odd"])
TEXTS = st.sampled_from([*IN_ORDER, "scanner", "lister"])


@settings(max_examples=50)
@given(st.dictionaries(TEXTS, STATUSES))
def test_a_cycle_is_at_most_two_open_stories_of_one_epic(written):
    sprint = Sprint(stories=stories(written))
    chosen = select(sprint)
    assert chosen == select(sprint)
    assert bool(chosen) == any(story.open for story in sprint.stories)
    assert len(chosen) <= 2
    assert all(story.open for story in chosen)
    assert len({story.key.epic for story in chosen}) <= 1


def test_sprint_knows_its_stories_as_written():
    sprint = Sprint(stories=stories({"1-1-a": "Done", "1-2": "drafted"}))
    assert sprint.written == {"1-1-a": "Done", "1-2": "drafted"}
    assert sprint.story("1-2") == sprint.stories[1]
    assert sprint.story("1-1") is None
