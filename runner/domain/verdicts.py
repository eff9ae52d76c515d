"""What an agent's text says: tech-spec decisions, critical issues, the result of a code review.

`facts` calls this once for each command that succeeded; the answers are recorded and steer the flow. The text is up
to 4 MiB and hostile: agents quote their instructions, think aloud and repeat themselves. So a marker counts only in
the shape that was asked for, and every pattern runs in linear time: fixed bounds, possessive repeats, anchors at line
starts. Nothing here raises, guesses a missing answer or decides what follows from one.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, pairwise

from runner.domain.model import StoryKey


class Decision(StrEnum):
    """Whether a story needs a tech-spec."""

    REQUIRED = "REQUIRED"
    SKIP = "SKIP"


class Severity(StrEnum):
    """The highest severity that a code review named."""

    ZERO = "ZERO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Findings by severity, as the review itself counted them."""

    critical: int
    high: int
    medium: int
    low: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The result of one code review; `titles` is its error pattern."""

    severity: Severity
    titles: frozenset[str] = frozenset()
    """Titles of the first `MOST_FINDINGS` findings, normalised."""
    counts: Counts | None = None


TITLE_LENGTH = 500
MOST_FINDINGS = 1000
"""Far more than a review has: what a flood leaves behind is still recorded and compared in milliseconds."""
SAME_PATTERN_REVIEWS = 3

# Case is folded within ASCII: "K" has a twin that matches it and that no upper() turns back.
_LEVEL = r"(?:CRITICAL|HIGH|MEDIUM|LOW)"
_BLANK = r"[ \t]{1,4}"
_END = r"(?![^\W_])"
"""End of a word; an underscore may close bold."""
_MARKUP = r"[ \t*_`\"']{0,8}"
"""Blanks, bold, code and quotes around the parts of a marker."""

_NOT_QUOTED = rf"(?i:(?!{_MARKUP}(?:[\\|/,]{{1,2}}{_MARKUP}(?:{_LEVEL}|ZERO)|or|if|when|unless)\b))"
"""A value followed by another one or by a condition is a quotation of the instructions."""

_HIGHEST = (
    rf"HIGHEST{_BLANK}SEVERITY{_MARKUP}:{_MARKUP}\[?{_MARKUP}"
    rf"(?P<level>{_LEVEL}|ZERO{_BLANK}ISSUES){_END}{_NOT_QUOTED}"
)

_MARKS = r"(?>(?:(?![\n~(/<])[\W_])*)"
"""List marks, bold, quotes, heading signs; not what strikes a word out or makes an aside of it."""
_LINE_START = rf"^(?!\n){_MARKS}(?>(?:\d{{1,4}}[.)]{_MARKS})?)"

_DECISION = re.compile(
    rf"\[{_MARKUP}TECH-SPEC-DECISION{_MARKUP}:{_MARKUP}(?P<decision>REQUIRED|SKIP){_MARKUP}\]",
    re.IGNORECASE | re.ASCII,
)

# Matched against capitals, each form with its first letter before the look-behind: the search then skips from letter
# to letter instead of trying every position of 4 MiB.
_CRITICAL = re.compile(
    rf"N(?<![\w-]N)O[ \t*_`]{{1,8}}CRITICAL{_BLANK}ISSUES{_BLANK}FOUND\b"
    rf"|C(?<![\w-]C)(?<!\bNON C)RITICAL{_BLANK}ISSUES{_BLANK}FOUND{_MARKUP}:{_MARKUP}(?P<number>[0-9]++)"
    rf"|\[{_MARKUP}CRITICAL-ISSUES-FOUND{_MARKUP}:{_MARKUP}(?P<answer>YES|NO){_MARKUP}\]"
    rf"|H(?<![\w-]H){_HIGHEST[1:]}"
)

_RESULT = re.compile(
    rf"{_LINE_START}(?:(?ai:{_HIGHEST})|ZERO{_BLANK}ISSUES{_END}{_NOT_QUOTED}"
    # In ordinary letters it is prose ("Zero issues were hard to fix") unless it has the line to itself.
    rf"|(?i:ZERO{_BLANK}ISSUES(?:{_BLANK}FOUND)?){_MARKS}$)",
    re.MULTILINE,
)

_COUNTS = re.compile(
    rf"{_LINE_START}ISSUES(?:{_BLANK}FOUND)?{_MARKUP}:{_MARKUP}(\d{{1,6}}){_BLANK}CRITICAL,"
    rf"{_BLANK}(\d{{1,6}}){_BLANK}HIGH,{_BLANK}(\d{{1,6}}){_BLANK}MEDIUM,{_BLANK}(\d{{1,6}}){_BLANK}LOW\b",
    re.MULTILINE | re.IGNORECASE,
)

_FINDING = re.compile(
    r"^(?=[ \t>]*+(?:(?P<bold>\*\*)|(?:[-*+•]|\#{1,6}|\d{1,4}[.)])[ \t]))"
    rf"{_LINE_START}(?>(?:(?:[xX]|AI-Review)\]{_MARKS}){{0,2}})"
    # Capitals may stand bare; "High" and "low" begin sentences, so they need a bracket, a colon or a dash.
    rf"(?:{_LEVEL}{_END}(?!-[A-Za-z]|\|)|(?i:{_LEVEL})(?=[ \t]?[\])*:–—]|-\d|[ \t]-[ \t]))"
    rf"(?P<title>[^\n]{{0,{TITLE_LENGTH}}})",
    re.MULTILINE,
)

_PARENTHESES = re.compile(r"\([^()]*+\)")
_PATH = re.compile(r"[\\/]|\w\.[a-z]\w{0,3}(?!\w)")
"""In a word: a slash, or a dot and a short file ending."""
_NO_LETTERS = re.compile(r"[\W\d_]+")
_GROUP_WORDS = frozenset(
    ("critical", "high", "medium", "low", "issues", "findings", "severity", "priority", "found", "fixed", "none")
)
"""A heading such as "HIGH issues fixed" opens a group of findings and is none itself."""


def tech_spec_decisions(text: str, keys: Sequence[StoryKey]) -> dict[str, Decision | None]:
    """The last decision that stands for each story, by full key; None for a story without one.

    A decision belongs to the story that was named last before it. When no story is named before any of them, the
    last ones belong to the stories in order.
    """
    if not keys:
        return {}
    names = _names(keys)
    naming = re.compile(
        # Longest first, so that a full key is never read as its own short key.
        rf"(?<![\w-])(?<!\w\.)(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?!-*+\w|\.\d)",
        re.ASCII,
    )
    decided: dict[str, Decision | None] = {key.text: None for key in keys}
    loose: deque[Decision] = deque(maxlen=len(keys))
    story, position = "", 0
    for match in _DECISION.finditer(text):
        mention = _last(naming.finditer(text, position, match.start()))
        story = names[mention[0]] if mention else story
        position = match.end()
        if story:
            decided[story] = _decision(match)
        else:
            loose.append(_decision(match))
    if not story:
        decided.update(zip(decided, loose, strict=False))
    return decided


def file_decision(text: str) -> Decision | None:
    """The last decision in a story file; None when it has none."""
    match = _last(_DECISION.finditer(text))
    return _decision(match) if match else None


def critical_found(text: str) -> bool | None:
    """Whether a review of one or two stories found critical issues; None when it printed no marker.

    One marker that says so is enough. A highest severity below critical is a marker that says no.
    """
    none_found = False
    for match in _CRITICAL.finditer(text.upper()):
        number = (match["number"] or "").strip("0")
        if number or match["answer"] == "YES" or match["level"] == "CRITICAL":
            return True
        none_found = True
    return False if none_found else None


def review_result(text: str) -> Review:
    """The result of a code review: the last severity marker at the start of a line, counts, and finding titles."""
    marker = _last(_RESULT.finditer(text))
    counted = _last(_COUNTS.finditer(text))
    counts = None
    if counted:
        critical, high, medium, low = map(int, counted.groups())
        counts = Counts(critical=critical, high=high, medium=medium, low=low)
    return Review(severity=_severity(marker) if marker else Severity.UNKNOWN, titles=_titles(text), counts=counts)


def normalise(title: str) -> str:
    """A finding's title without what changes between two reviews of the same fault.

    Lower case; digits, paths, text in parentheses and punctuation removed; single blanks. Empty when nothing is left.
    """
    text = title.lower()
    for _ in range(2):  # "(via use_it())": parentheses hold calls, and nothing nests deeper in a title
        text = _PARENTHESES.sub(" ", text)
    words = " ".join(word for word in text.split() if not _PATH.search(word))
    return " ".join(_NO_LETTERS.sub(" ", words).split())


def alike(reviews: Sequence[Review]) -> bool:
    """Whether the last three reviews found substantially the same; False when there are fewer.

    Alike are the same severity and titles that overlap by Jaccard >= 0.8 between neighbours. A review that lists no
    titles or has no severity is like no other.
    """
    last = reviews[-SAME_PATTERN_REVIEWS:]
    if len(last) < SAME_PATTERN_REVIEWS or last[0].severity is Severity.UNKNOWN:
        return False
    return all(one.severity is two.severity and _overlap(one.titles, two.titles) for one, two in pairwise(last))


def _names(keys: Sequence[StoryKey]) -> Mapping[str, str]:
    """Every name that means exactly one of the stories, with its full key."""
    shorts = [key.short for key in keys]
    names = {key.short: key.text for key in keys if shorts.count(key.short) == 1}
    return names | {key.text: key.text for key in keys}


def _decision(match: re.Match[str]) -> Decision:
    return Decision(match["decision"].upper())


def _severity(match: re.Match[str]) -> Severity:
    """A marker without a level is the plain ZERO ISSUES."""
    word, *_ = (match["level"] or Severity.ZERO).upper().split()
    return Severity(word)


def _titles(text: str) -> frozenset[str]:
    titles: set[str] = set()
    for match in islice(_FINDING.finditer(text), MOST_FINDINGS):
        if match["bold"] and not match["title"].rstrip().endswith("**"):
            continue  # a paragraph that begins with a bold word; a line all in bold is a heading
        title = normalise(match["title"])
        if not _GROUP_WORDS.issuperset(title.split()):
            titles.add(title)
    return frozenset(titles)


def _overlap(one: frozenset[str], two: frozenset[str]) -> bool:
    """Jaccard >= 0.8, in whole numbers; the empty set overlaps nothing."""
    return bool(one and two) and 5 * len(one & two) >= 4 * len(one | two)


def _last(matches: Iterable[re.Match[str]]) -> re.Match[str] | None:
    newest = deque(matches, maxlen=1)
    return newest.pop() if newest else None
