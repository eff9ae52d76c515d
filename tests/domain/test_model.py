"""Story keys and statuses, as sprint files and agents write them."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain.model import Status, Story, is_story_name, parse_key, read_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    epic: str
    short: str


KEYS = {
    "2a-1": Grammar(epic="2a", short="2a-1"),
    "2a-1-session-scanner": Grammar(epic="2a", short="2a-1"),
    "1-2-user-auth": Grammar(epic="1", short="1-2"),
    "5-sr-3-core-loop": Grammar(epic="5-sr", short="5-sr-3"),
    "5-sr-3": Grammar(epic="5-sr", short="5-sr-3"),
    "5a-sr-3-x": Grammar(epic="5a-sr", short="5a-sr-3"),
    "2-6a-second-half": Grammar(epic="2", short="2-6a"),
    "2-6a": Grammar(epic="2", short="2-6a"),
    "12-34-5": Grammar(epic="12", short="12-34"),
    "3a-10-v2.1_final": Grammar(epic="3a", short="3a-10"),
}


@pytest.mark.parametrize(("text", "expected"), KEYS.items(), ids=KEYS)
def test_key_tells_epic_and_short_key(text, expected):
    key = parse_key(text)
    assert key is not None
    assert (key.epic, key.short, key.patterned) == (expected.epic, expected.short, True)
    assert str(key) == key.text == text


@pytest.mark.parametrize(
    "text", ["A-1", "scanner", "2-6ab-two-letters", "2a", "2a-", "2a-1-", "2a-1.5", "x.y_z", "1234567890-1"]
)
def test_safe_key_without_the_pattern_is_an_epic_of_its_own(text):
    key = parse_key(text)
    assert key is not None
    assert (key.epic, key.short, key.order) == (text, text, None)
    assert not key.patterned


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../x",
        "2a-1/../x",
        "--flag",
        "-1",
        ".hidden",
        "_x",
        "2a-1 two",
        "2a-1\n",
        "2a-1\x1b[31m",
        "2a-1\x00",
        "é-1",
        "２-1",
        "2a-1;x",
        "2a-1,2a-2",
        "a" * 201,
    ],
    ids=repr,
)
def test_unsafe_name_is_no_key(text):
    assert parse_key(text) is None


def test_key_may_have_two_hundred_characters():
    text = "2a-1-" + "x" * 195
    key = parse_key(text)
    assert key is not None
    assert key.short == "2a-1"


@given(st.text(max_size=220))
def test_whatever_is_a_key_is_safe_as_a_file_name(text):
    key = parse_key(text)
    assert (key is not None) == bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", text))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2a-1-session-scanner", True),
        ("scanner", True),
        ("epic-2a", False),
        ("epic-2a-retrospective", False),
        ("2a-retrospective", False),
        ("epics-1", True),
        ("2a-1-retrospective-view", True),
    ],
)
def test_epics_and_retrospectives_are_no_stories(name, expected):
    assert is_story_name(name) is expected


STATUSES = {
    "backlog": Status.BACKLOG,
    "ready-for-dev": Status.READY_FOR_DEV,
    "in-progress": Status.IN_PROGRESS,
    "review": Status.REVIEW,
    "done": Status.DONE,
    "blocked": Status.BLOCKED,
    "drafted": Status.READY_FOR_DEV,
    "contexted": Status.READY_FOR_DEV,
    "completed": Status.DONE,
    "Done": Status.DONE,
    "  IN-PROGRESS\t": Status.IN_PROGRESS,
    "Drafted ": Status.READY_FOR_DEV,
    "optional": None,
    "in progress": None,
    "in_progress": None,
    "dome": None,
    "": None,
}


@pytest.mark.parametrize(("written", "expected"), STATUSES.items(), ids=repr)
def test_status_is_read_with_its_older_spellings(written, expected):
    assert read_status(written) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("backlog", True),
        ("review", True),
        ("nonsense", True),
        ("done", False),
        ("completed", False),
        ("Blocked", False),
    ],
)
def test_story_is_open_until_it_is_done_or_blocked(written, expected):
    key = parse_key("2a-1")
    assert key is not None
    assert Story(key, written).open is expected
