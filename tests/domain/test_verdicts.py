"""Markers in agents' texts: each table holds texts as agents write them and what has to be read from them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.model import StoryKey, parse_key
from runner.domain.verdicts import (
    MOST_FINDINGS,
    TITLE_LENGTH,
    Counts,
    Decision,
    Review,
    Severity,
    alike,
    critical_found,
    file_decision,
    normalise,
    review_result,
    tech_spec_decisions,
)

ARTIFACTS = Path(__file__).parents[3] / "shared/data/artifacts"
needs_artifacts = pytest.mark.skipif(not ARTIFACTS.is_dir(), reason="no real artifacts beside the checkout")

REQUIRED, SKIP = Decision.REQUIRED, Decision.SKIP
M_REQUIRED, M_SKIP = "[TECH-SPEC-DECISION: REQUIRED]", "[TECH-SPEC-DECISION: SKIP]"


def keys(*texts: str) -> list[StoryKey]:
    return [key for text in texts if (key := parse_key(text))]


PAIR = keys("2a-1-scanner", "2a-2-list")


# --- tech-spec decisions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    text: str
    expected: list[Decision | None]
    stories: tuple[str, ...] = ("2a-1-scanner", "2a-2-list")


ONE = ("2a-1-scanner",)
DECIDING = {
    "full keys": Deciding(
        text=f"2a-1-scanner: {M_REQUIRED} (new)\n2a-2-list: {M_SKIP} (small)", expected=[REQUIRED, SKIP]
    ),
    "short keys": Deciding(text=f"2a-1: {M_SKIP}\n2a-2: {M_REQUIRED}", expected=[SKIP, REQUIRED]),
    "keys in another order": Deciding(text=f"2a-2 {M_SKIP} and 2a-1 {M_REQUIRED}", expected=[REQUIRED, SKIP]),
    "a table": Deciding(text=f"| `2a-1` | {M_SKIP} |\n| `2a-2` | {M_REQUIRED} |", expected=[SKIP, REQUIRED]),
    "key in a heading above": Deciding(
        text=f"## Story 2a-1\nlong text\n{M_SKIP}\n## Story 2a-2\nmore\n{M_REQUIRED}", expected=[SKIP, REQUIRED]
    ),
    "the last of several counts": Deciding(
        text=f"2a-1 {M_SKIP} then {M_REQUIRED}\n2a-2 {M_SKIP}\nin the end 2a-2: {M_REQUIRED}",
        expected=[REQUIRED, REQUIRED],
    ),
    "the key named last before it": Deciding(text=f"2a-1 and 2a-2 are written. {M_SKIP}", expected=[None, SKIP]),
    "a story without one": Deciding(text=f"2a-2-list: {M_SKIP}", expected=[None, SKIP]),
    "none at all": Deciding(text="2a-1 and 2a-2 are written.", expected=[None, None]),
    "empty text": Deciding(text="", expected=[None, None]),
    "no key: in order": Deciding(text=f"{M_SKIP}\n{M_REQUIRED}", expected=[SKIP, REQUIRED]),
    "no key: the last ones": Deciding(text=f"{M_REQUIRED} or {M_SKIP}\n{M_SKIP}\n{M_SKIP}", expected=[SKIP, SKIP]),
    "no key: too few": Deciding(text=f"It is {M_SKIP}", expected=[SKIP, None]),
    "keys only after all decisions": Deciding(
        text=f"{M_SKIP}\n{M_REQUIRED}\nwrote 2a-1, 2a-2", expected=[SKIP, REQUIRED]
    ),
    "a quotation before the first key": Deciding(
        text=f"I have to print {M_REQUIRED} or {M_SKIP}.\n2a-2: {M_SKIP}", expected=[None, SKIP]
    ),
    "one story: the last": Deciding(stories=ONE, text=f"{M_SKIP} hm, 2a-1 {M_REQUIRED}", expected=[REQUIRED]),
    "one story without its key": Deciding(stories=ONE, text=f"{M_REQUIRED} no: {M_SKIP}", expected=[SKIP]),
    "one story beside foreign ones": Deciding(stories=ONE, text=f"unlike 2a-9 {M_SKIP}", expected=[SKIP]),
    "2a-1 is not in 2a-10": Deciding(
        text=f"2a-2 {M_REQUIRED} like 2a-10 and 12a-1 and x-2a-1 {M_SKIP}", expected=[None, SKIP]
    ),
    "2a-1 is not in another story's slug": Deciding(
        text=f"2a-2 {M_REQUIRED}, 2a-1-of-another {M_SKIP}", expected=[None, SKIP]
    ),
    "2a-1 is not in 2a-1.5 or 1.2a-1": Deciding(text=f"2a-2 {M_SKIP} 2a-1.5, 1.2a-1 {M_SKIP}", expected=[None, SKIP]),
    "a full key is not its short key": Deciding(
        stories=("2a-1-scanner", "2a-1b-list"), text=f"2a-1b-list {M_SKIP}", expected=[None, SKIP]
    ),
    "file names": Deciding(
        text=f"wrote out/2a-1-scanner.md {M_SKIP}\nwrote out/2a-2-list.md {M_REQUIRED}", expected=[SKIP, REQUIRED]
    ),
    "end of a sentence": Deciding(text=f"Now 2a-1. {M_SKIP} Now 2a-2-list. {M_REQUIRED}", expected=[SKIP, REQUIRED]),
    "bold and code": Deciding(
        text="**2a-1**: **[TECH-SPEC-DECISION: SKIP]**\n`2a-2`: `[TECH-SPEC-DECISION: **REQUIRED**]`",
        expected=[SKIP, REQUIRED],
    ),
    "any case, any blanks": Deciding(
        text="2a-1 [tech-spec-decision:skip] 2a-2 [Tech-Spec-Decision :  Required ]", expected=[SKIP, REQUIRED]
    ),
    "the quoted form is none": Deciding(
        text="2a-1 [TECH-SPEC-DECISION: REQUIRED|SKIP] 2a-2 [TECH-SPEC-DECISION: SKIP or REQUIRED]",
        expected=[None, None],
    ),
    "not without brackets": Deciding(text="2a-1 TECH-SPEC-DECISION: SKIP", expected=[None, None]),
    "letters that only look like it": Deciding(text="2a-1 [TECH-SPEC-DECISION: S\u212aIP]", expected=[None, None]),
    "a short key two stories share names neither": Deciding(
        stories=("2a-1-scanner", "2a-1-list"),
        text=f"2a-1-scanner {M_REQUIRED} 2a-1 {M_SKIP}",
        expected=[SKIP, None],
    ),
    "a key that is another's short key": Deciding(
        stories=("2a-1-scanner", "2a-1"), text=f"2a-1 {M_SKIP}", expected=[None, SKIP]
    ),
    "split stories": Deciding(
        stories=("2-6-first", "2-6a-second"), text=f"2-6a {M_SKIP} 2-6 {M_REQUIRED}", expected=[REQUIRED, SKIP]
    ),
    "a key without the pattern": Deciding(stories=("a.b",), text=f"axb {M_REQUIRED} a.b {M_SKIP}", expected=[SKIP]),
    "no stories": Deciding(stories=(), text=f"2a-1 {M_SKIP}", expected=[]),
}


@pytest.mark.parametrize("case", DECIDING.values(), ids=DECIDING)
def test_decision_belongs_to_the_story_named_last_before_it(case):
    found = tech_spec_decisions(case.text, keys(*case.stories))
    assert found == dict(zip(case.stories, case.expected, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Story\n\n## Tech-Spec Decision\n[TECH-SPEC-DECISION: SKIP] (small)\n", SKIP),
        (f"{M_SKIP}\nlater: {M_REQUIRED}\n", REQUIRED),
        ("[TECH-SPEC-DECISION: REQUIRED|SKIP]", None),
        ("# Story\n", None),
    ],
)
def test_file_decision_is_the_last_one_of_the_file(text, expected):
    assert file_decision(text) is expected


# --- critical issues ----------------------------------------------------------------------------------------------

CRITICAL = {
    "CRITICAL ISSUES FOUND: 1": True,
    "CRITICAL ISSUES FOUND: 10": True,
    "critical issues found: 2": True,
    "**CRITICAL ISSUES FOUND:** **3** (all fixed)": True,
    "[CRITICAL-ISSUES-FOUND: YES]": True,
    "**[Critical-Issues-Found: yes]**": True,
    "HIGHEST SEVERITY: CRITICAL": True,
    "- Highest severity: **critical**": True,
    "NO CRITICAL ISSUES FOUND": False,
    "No critical issues found.": False,
    "NO **CRITICAL ISSUES FOUND**": False,
    "CRITICAL ISSUES FOUND: 0": False,
    "CRITICAL ISSUES FOUND: 00": False,
    "[CRITICAL-ISSUES-FOUND: NO]": False,
    "HIGHEST SEVERITY: HIGH": False,
    "HIGHEST SEVERITY: ZERO ISSUES": False,
    "NO CRITICAL ISSUES FOUND: 3": False,
    # With two stories any one of them is enough.
    "2a-1\nNO CRITICAL ISSUES FOUND\n2a-2\nCRITICAL ISSUES FOUND: 2": True,
    "2a-1\nCRITICAL ISSUES FOUND: 2\n2a-2\nNO CRITICAL ISSUES FOUND": True,
    "CRITICAL ISSUES FOUND: 0\nCRITICAL ISSUES FOUND: 1\nCRITICAL ISSUES FOUND: 0": True,
    "NO CRITICAL ISSUES FOUND\n[CRITICAL-ISSUES-FOUND: NO]": False,
    # No marker.
    "": None,
    "All good.": None,
    "CRITICAL ISSUES FOUND": None,
    "CRITICAL ISSUES FOUND: <n>": None,
    "CRITICAL ISSUES FOUND: none": None,
    "[CRITICAL-ISSUES-FOUND: YES/NO]": None,
    "HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW": None,
    "HIGHEST SEVERITY: CRITICAL, HIGH, MEDIUM or LOW": None,
    "NON-CRITICAL ISSUES FOUND: 3": None,
    "non critical issues found: 3": None,
    "UNCRITICAL ISSUES FOUND: 3": None,
    "NO NEW CRITICAL ISSUES FOUND in the story": None,
    "2 CRITICAL issues were found": None,
}


@pytest.mark.parametrize(("text", "expected"), CRITICAL.items(), ids=repr)
def test_critical_issues_are_what_a_marker_says(text, expected):
    assert critical_found(text) is expected


# --- the severity of a review -------------------------------------------------------------------------------------

ZERO, LOW, MEDIUM, HIGH, UNKNOWN = Severity.ZERO, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.UNKNOWN
SEVERITIES = {
    "ZERO ISSUES": ZERO,
    "HIGHEST SEVERITY: ZERO ISSUES": ZERO,
    "HIGHEST SEVERITY: CRITICAL": Severity.CRITICAL,
    "HIGHEST SEVERITY: HIGH": HIGH,
    "HIGHEST SEVERITY: MEDIUM": MEDIUM,
    "HIGHEST SEVERITY: LOW": LOW,
    # List marks, bold and quotes aside.
    "text\n- HIGHEST SEVERITY: LOW\nmore": LOW,
    "* ZERO ISSUES": ZERO,
    "1. HIGHEST SEVERITY: HIGH": HIGH,
    "> HIGHEST SEVERITY: HIGH": HIGH,
    "**HIGHEST SEVERITY: HIGH**": HIGH,
    "**HIGHEST SEVERITY:** HIGH": HIGH,
    "  - **`HIGHEST SEVERITY`: MEDIUM** (2 of them)": MEDIUM,
    '"ZERO ISSUES"': ZERO,
    "## ZERO ISSUES": ZERO,
    "__ZERO ISSUES__ - approved": ZERO,
    "✅ ZERO ISSUES": ZERO,
    "| HIGHEST SEVERITY: LOW | 3 |": LOW,
    "```\nHIGHEST SEVERITY: LOW\n```\r\n": LOW,
    "HIGHEST SEVERITY: [HIGH]": HIGH,
    "Highest Severity: High": HIGH,
    "ZERO ISSUES FOUND": ZERO,
    "Zero issues.\r\n": ZERO,
    "**Zero issues found**": ZERO,
    # The last one wins.
    "HIGHEST SEVERITY: CRITICAL\nfixed\nHIGHEST SEVERITY: LOW": LOW,
    "ZERO ISSUES\nwait\nHIGHEST SEVERITY: HIGH": HIGH,
    "HIGHEST SEVERITY: HIGH\n- ZERO ISSUES": ZERO,
    "HIGHEST SEVERITY: HIGH\nIn the first review there were ZERO ISSUES.": HIGH,
    # No marker.
    "": UNKNOWN,
    "looks good to me": UNKNOWN,
    "there were ZERO ISSUES in the past": UNKNOWN,
    "The result is HIGHEST SEVERITY: HIGH": UNKNOWN,
    "Не ZERO ISSUES": UNKNOWN,
    "Zero issues were easy to find here": UNKNOWN,
    "~~ZERO ISSUES~~": UNKNOWN,
    "(ZERO ISSUES would be better)": UNKNOWN,
    "<!-- ZERO ISSUES -->": UNKNOWN,
    "NONZERO ISSUES": UNKNOWN,
    "ZERO\nISSUES": UNKNOWN,
    "HIGHEST SEVERITY:\nHIGH": UNKNOWN,
    "HIGHEST SEVERITY: NONE": UNKNOWN,
    "HIGHEST SEVERITY: HIGHER": UNKNOWN,
    "HIGHEST SEVERITY: H\u0130GH": UNKNOWN,
    # Quotations of the instructions.
    "HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW": UNKNOWN,
    "**HIGHEST SEVERITY:** `CRITICAL` | `HIGH` | `MEDIUM` | `LOW`": UNKNOWN,
    "HIGHEST SEVERITY: [CRITICAL/HIGH/MEDIUM/LOW]": UNKNOWN,
    "HIGHEST SEVERITY: <CRITICAL, HIGH, MEDIUM or LOW>": UNKNOWN,
    "HIGHEST SEVERITY: CRITICAL, HIGH, MEDIUM, or LOW": UNKNOWN,
    "HIGHEST SEVERITY: CRITICAL\\|HIGH": UNKNOWN,
    "HIGHEST SEVERITY: ZERO ISSUES|LOW": UNKNOWN,
    "- `ZERO ISSUES` or\n- `HIGHEST SEVERITY: CRITICAL` if there is one": UNKNOWN,
    "ZERO ISSUES when nothing is left": UNKNOWN,
    "HIGHEST SEVERITY: LOW\nI had to print HIGHEST SEVERITY: CRITICAL|HIGH": LOW,
    "HIGHEST SEVERITY: LOW\nHIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW": LOW,
}


@pytest.mark.parametrize(("text", "expected"), SEVERITIES.items(), ids=repr)
def test_severity_is_the_last_marker_at_a_line_start(text, expected):
    assert review_result(text).severity is expected


COUNTS = {
    "Issues: 1 CRITICAL, 2 HIGH, 3 MEDIUM, 4 LOW": (1, 2, 3, 4),
    "- **Issues Found:** 0 Critical, 1 High, 2 Medium, 12 Low (fixed)": (0, 1, 2, 12),
    "Issues: 9 CRITICAL, 9 HIGH, 9 MEDIUM, 9 LOW\nIssues: 0 CRITICAL, 0 HIGH, 1 MEDIUM, 0 LOW": (0, 0, 1, 0),
    "Issues: <n> CRITICAL, <n> HIGH, <n> MEDIUM, <n> LOW": None,
    "Issues: 2 HIGH": None,
    "He said Issues: 1 CRITICAL, 2 HIGH, 3 MEDIUM, 4 LOW": None,
    "Issues: 12345678 CRITICAL, 2 HIGH, 3 MEDIUM, 4 LOW": None,
}


@pytest.mark.parametrize(("text", "expected"), COUNTS.items(), ids=repr)
def test_counts_are_optional(text, expected):
    found = review_result(text).counts
    assert found == (expected and Counts(**dict(zip(("critical", "high", "medium", "low"), expected, strict=True))))


# --- finding titles -----------------------------------------------------------------------------------------------

FINDINGS = {
    "- [HIGH] Race in the loader": {"race in the loader"},
    "1. **CRITICAL** – Race in the loader": {"race in the loader"},
    "### MEDIUM: Race in the loader": {"race in the loader"},
    "- HIGH-2: Race in the loader": {"race in the loader"},
    "* LOW Race in the loader": {"race in the loader"},
    "  + `LOW`: Race in the loader": {"race in the loader"},
    "12) MEDIUM - Race in the loader": {"race in the loader"},
    "> - [LOW] Race in the loader": {"race in the loader"},
    "- Low: Race in the loader": {"race in the loader"},
    "- **[HIGH] Race in the loader** - fixed with a lock": {"race in the loader fixed with a lock"},
    "#### 3. [HIGH] Race in the loader": {"race in the loader"},
    "- 🔴 **CRITICAL**: Race in the loader": {"race in the loader"},
    "- [ ] [AI-Review][HIGH] Race in the loader [src/load.ts:12]": {"race in the loader"},
    "- [x] [LOW] Race in the loader": {"race in the loader"},
    "**HIGH-1: Race in the loader (FIXED)**\n- File: x": {"race in the loader"},
    "- [HIGH] One\r\n- [LOW] Two\r\n- [LOW] two (again)": {"one", "two"},
    # No findings.
    "[HIGH] Race in the loader": set(),
    "HIGH: Race in the loader": set(),
    "**HIGH** is what I would call it": set(),
    "- High availability is missing": set(),
    "- HIGH-level design is fine": set(),
    "- HIGHER is better": set(),
    "- A [HIGH] risk": set(),
    "-[HIGH]": set(),
    "- HIGHEST SEVERITY: HIGH": set(),
    "- [CRITICAL|HIGH|MEDIUM|LOW] Title": set(),
    # Titles that say nothing.
    "- [HIGH] 42 (see above) src/a.py": set(),
    "- HIGH: 3": set(),
    "- HIGH: 3 issues found": set(),
    "### HIGH Issues (2)": set(),
    "- CRITICAL: none": set(),
    "- CRITICAL ISSUES FOUND: 2": set(),
    "#### MEDIUM severity findings fixed:": set(),
}


def in_order(value: object) -> str:
    """A name that is the same in every process."""
    return repr(sorted(value) if isinstance(value, set) else value)


@pytest.mark.parametrize(("text", "expected"), FINDINGS.items(), ids=in_order)
def test_finding_is_a_list_item_or_heading_that_begins_with_its_severity(text, expected):
    assert review_result(text).titles == expected


def test_flood_of_findings_is_cut():
    letters = "abcdefghijklmnopqrstuvwxyz"
    flood = [f"- [LOW] {one}{two}{three}" for one in letters for two in letters for three in letters]
    assert len(review_result("\n".join(flood)).titles) == MOST_FINDINGS


def test_long_title_is_cut():
    (title,) = review_result("- [LOW] " + "x" * 2 * TITLE_LENGTH).titles
    assert len(title) < TITLE_LENGTH


TITLES = {
    "Race  in the\tLoader": "race in the loader",
    "Off-by-one: page 3, line 17!": "off by one page line",
    "Missing check in src/app/load.py:42": "missing check in",
    "Missing check in `C:\\app\\load.py`": "missing check in",
    "load.ts, index.html:7-9 lack types": "lack types",
    "Leak (AC4, see (1)) of handles (FIXED)": "leak of handles",
    "Unclosed (parenthesis": "unclosed parenthesis",
    "ÄNDERUNG fehlt": "änderung fehlt",
    "_snake_case_ stays words": "snake case stays words",
    "": "",
    "12 (x) src/y --- !": "",
}


@pytest.mark.parametrize(("title", "expected"), TITLES.items(), ids=repr)
def test_normalised_title_keeps_only_words(title, expected):
    assert normalise(title) == expected


@given(st.text())
def test_normalising_twice_changes_nothing(title):
    once = normalise(title)
    assert normalise(once) == once


# --- alike --------------------------------------------------------------------------------------------------------


def review(titles: str, severity: Severity = HIGH) -> Review:
    """A review whose findings are the letters of `titles`."""
    return Review(severity=severity, titles=frozenset(titles))


ALIKE = {
    "the same three times": ([review("abc")] * 3, True),
    "overlap of 4 in 5": ([review("abcde"), review("abcd"), review("abcd")], True),
    "overlap of 8 in 10": ([review("abcdefghi"), review("abcdefghj"), review("abcdefghj")], True),
    "overlap of 3 in 4": ([review("abcd"), review("abc"), review("abc")], False),
    "neighbours alike, ends not": ([review("abcde"), review("abcd"), review("abc" + "d" + "f")], True),
    "second pair differs": ([review("abcde"), review("abcde"), review("vwxyz")], False),
    "first pair differs": ([review("vwxyz"), review("abcde"), review("abcde")], False),
    "another severity": ([review("abc"), review("abc"), review("abc", LOW)], False),
    "another severity in between": ([review("abc"), review("abc", LOW), review("abc")], False),
    "no titles": ([review("")] * 3, False),
    "no titles in one": ([review("abc"), review(""), review("abc")], False),
    "unknown": ([review("abc", UNKNOWN)] * 3, False),
    "unknown in the last": ([review("abc"), review("abc"), review("abc", UNKNOWN)], False),
    "critical": ([review("a", Severity.CRITICAL)] * 3, True),
    "only two": ([review("abc")] * 2, False),
    "none": ([], False),
    "only the last three count": ([review("xyz"), review("abc"), review("abc"), review("abc")], True),
}


@pytest.mark.parametrize(("reviews", "expected"), ALIKE.values(), ids=ALIKE)
def test_three_reviews_are_alike_when_neighbours_overlap(reviews, expected):
    assert alike(reviews) is expected


def test_same_findings_in_other_words_of_place_are_alike():
    texts = [
        "- [HIGH] Race in the loader (src/load.py:12)\n- [LOW] No test for page 3\nHIGHEST SEVERITY: HIGH",
        "### HIGH-1: Race in the loader\n### LOW-1: No test for page 14\n**HIGHEST SEVERITY: HIGH**",
        "1. **HIGH** – race in the loader, app/load.py\n2. **LOW** – No test for page 3!\nHIGHEST SEVERITY: HIGH",
    ]
    assert alike([review_result(text) for text in texts])


# --- real texts and hostile ones ----------------------------------------------------------------------------------


@needs_artifacts
def test_real_story_file_carries_its_decision():
    text = (ARTIFACTS / "story-5-sr-5.md").read_text(encoding="utf-8")
    assert file_decision(text) is SKIP


@needs_artifacts
@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("2c-3-event-timeline-view.md", "race condition in useactivetimelineevent added mutationobserver"),
        ("3a-2-message-send-flow.md", "race condition in new session state update"),
        ("3a-3-response-streaming-display.md", "incomplete streaming completion logic in useconversationstore"),
    ],
)
def test_real_review_records_give_their_findings(name, title):
    titles = review_result((ARTIFACTS / name).read_text(encoding="utf-8")).titles
    assert any(found.startswith(title) for found in titles)


MARKERS = st.sampled_from(
    ["2a-1", "2a-2-list", M_SKIP, "CRITICAL ISSUES FOUND: ", "HIGHEST SEVERITY: ", "ZERO ISSUES", "CRITICAL", "HIGH",
     "- [HIGH] ", "Issues: 1 CRITICAL, ", "NO ", "\n", "**", "|", "(", "]", "7", "\u0130", "\u212a", "ſ", "\ud800"]
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(MARKERS | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_raises(text):
    assert set(tech_spec_decisions(text, PAIR)) == {"2a-1-scanner", "2a-2-list"}
    assert file_decision(text) in (None, *Decision)
    assert critical_found(text) in (None, True, False)
    assert review_result(text).severity in Severity


def decisions(text: str) -> None:
    tech_spec_decisions(text, PAIR)


FLOODS = [
    (decisions, "[TECH-SPEC-DECISION: "),
    (decisions, f"2a-1 {M_SKIP}\n"),
    (critical_found, "NO CRITICAL "),
    (critical_found, "HIGHEST SEVERITY: CRITICAL|"),
    (review_result, "\n"),
    (review_result, "**"),
    (review_result, "zero issues "),
    (review_result, "\n- HIGH **"),
    (review_result, "- [HIGH] ((((a/\n"),
]
MEBIBYTE = 1 << 20


@pytest.mark.parametrize(("read", "flood"), FLOODS, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_time_is_linear_in_the_text(read, flood):
    text = (flood * (MEBIBYTE // len(flood) + 1))[:MEBIBYTE] + M_SKIP
    # Processor time, best of three: what else the machine does is not measured.
    assert any(processor_seconds(read, text) < 0.5 for _ in range(3))


def processor_seconds(read: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    read(text)
    return time.process_time() - began
