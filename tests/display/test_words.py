"""Numbers, times and names as people read them; and what hostile text turns into."""

import pytest

from runner.display import words

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]52;c;cm0gLXJmIC8=\x1b\\after", "after"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("over\rwritten", "over written"),
        ("\x9b2Jcleared", "2Jcleared"),
        ("back\x08space", "back space"),
        ("right\u202eleft", "right left"),
        ("no\u200bwidth\u2066", "no width"),
        ("\x1b", ""),
        ("ümläut 漢字 🙂", "ümläut 漢字 🙂"),
    ],
)
def test_clean_text_only_shows_itself(text: str, shown: str):
    assert words.clean(text) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        *[(-5, "0:00"), (0, "0:00"), (7_900, "0:07"), (751_000, "12:31"), (2 * HOUR + 300_000, "2:05:00")],
        *[(1000 * HOUR, "1000:00:00"), (9600 * HOUR, "?")],
    ],
)
def test_duration(ms: int, shown: str):
    assert words.duration(ms) == shown


@pytest.mark.parametrize(
    ("ms", "shown"), [(350, "0.3 s"), (8_440, "8.4 s"), (59_949, "59.9 s"), (59_960, "0:59"), (60_000, "1:00")]
)
def test_short_durations_have_tenths(ms: int, shown: str):
    assert words.took(ms) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(1_500, "now"), (3_000, "3 s ago"), (99_999, "99 s ago"), (100_000, "1 min ago"), (3 * HOUR, "3 h ago")],
)
def test_ago(ms: int, shown: str):
    assert words.ago(ms) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (950, "950"),
        (12_345, "12.3k"),
        (143_200, "143k"),
        (999_499, "999k"),
        (999_600, "1.0M"),
        (3e9, "3.0G"),
    ],
)
def test_tokens(number: int, shown: str):
    assert words.tokens(int(number)) == shown


@pytest.mark.parametrize(
    ("tokens", "usd", "shown"),
    [(0, 0.0, ""), (950, 0.0, "950 tokens"), (0, 4.306, "$4.31"), (1500, 0.004, "1.5k tokens, $0.0040")],
)
def test_unknown_usage_is_not_shown_as_free(tokens: int, usd: float, shown: str):
    assert words.usage(tokens, usd) == shown


@pytest.mark.parametrize(
    ("number", "thing", "shown"),
    [(1, "cycle", "1 cycle"), (2, "cycle", "2 cycles"), (0, "story", "0 stories"), (3, "batch", "3 batches")],
)
def test_count(number: int, thing: str, shown: str):
    assert words.count(number, thing) == shown


@pytest.mark.parametrize(
    ("key", "short", "title"),
    [
        ("2a-1-scanner", "2a-1", "scanner"),
        ("2a-1", "2a-1", ""),
        ("5-sr-10b-the-long-name", "5-sr-10b", "the-long-name"),
        ("oddity", "oddity", ""),
        ("not a key\x1b[2J", "not a key", ""),
    ],
)
def test_names_of_stories(key: str, short: str, title: str):
    assert (words.short(key), words.title(key), words.named(key)) == (short, title, f"{short} {title}".strip())


def test_shorts_of_a_pair_and_of_none():
    assert (words.shorts(("2a-1-x", "2a-2-y")), words.shorts(())) == ("2a-1,2a-2", "-")


def test_moment_far_away_has_its_date():
    now = 1_790_000_000_000
    assert len(words.moment(now + HOUR, now)) == len("14:05")
    assert len(words.moment(now + 72 * HOUR, now)) == len("2026-09-24 14:05")
