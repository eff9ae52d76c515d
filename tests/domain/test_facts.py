"""Which facts are read from which command's text, and what is assumed where a marker is missing."""

from dataclasses import dataclass

import pytest

from runner.domain.facts import read_facts
from runner.domain.steps import Facts
from runner.domain.verdicts import Counts, Review, Severity
from tests.domain.play import story_key

SCANNER, LIST = "2a-1-session-scanner", "2a-2-session-list"
DECISIONS = f"{SCANNER}: [TECH-SPEC-DECISION: SKIP]\n2a-2: [tech-spec-decision: required]"
EVERYTHING = f"{DECISIONS}\nCRITICAL ISSUES FOUND: 3\n- [HIGH] Race in start\nHIGHEST SEVERITY: HIGH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    command: str
    text: str
    facts: Facts


def assumed(*stories: str) -> tuple[str, ...]:
    return tuple(f"create-story named no tech-spec decision for {story}: REQUIRED assumed" for story in stories)


def no_marker(command: str) -> tuple[str, ...]:
    return (f"{command} printed no critical-issues marker: none assumed",)


TOLD = {
    "create-story: a decision for each story, by full or short key": Told(
        command="create-story", text=DECISIONS, facts=Facts(decisions={SCANNER: "SKIP", LIST: "REQUIRED"})
    ),
    "create-story: one without a decision is REQUIRED, with a warning": Told(
        command="create-story",
        text="2a-1 [TECH-SPEC-DECISION: SKIP]",
        facts=Facts(decisions={SCANNER: "SKIP", LIST: "REQUIRED"}, warnings=assumed(LIST)),
    ),
    "create-story: no decision at all": Told(
        command="create-story",
        text="Both stories are written.",
        facts=Facts(decisions={SCANNER: "REQUIRED", LIST: "REQUIRED"}, warnings=assumed(SCANNER, LIST)),
    ),
    "story-review: critical issues": Told(
        command="story-review-1", text="Critical issues found: 2", facts=Facts(critical=True)
    ),
    "story-review in the background: the same": Told(
        command="story-review-3", text="[CRITICAL-ISSUES-FOUND: YES]", facts=Facts(critical=True)
    ),
    "story-review: any one of two stories is enough": Told(
        command="story-review-1",
        text="2a-1: NO CRITICAL ISSUES FOUND\n2a-2: CRITICAL ISSUES FOUND: 1",
        facts=Facts(critical=True),
    ),
    "story-review: none": Told(command="story-review-1", text="NO CRITICAL ISSUES FOUND", facts=Facts()),
    "story-review: a count of zero": Told(command="story-review-1", text="CRITICAL ISSUES FOUND: 0", facts=Facts()),
    "story-review: no marker is none, with a warning": Told(
        command="story-review-2", text="Fine.", facts=Facts(warnings=no_marker("story-review-2"))
    ),
    "tech-spec-review: highest severity": Told(
        command="tech-spec-review-1", text="HIGHEST SEVERITY: CRITICAL", facts=Facts(critical=True)
    ),
    "tech-spec-review: no marker": Told(
        command="tech-spec-review-1", text="", facts=Facts(warnings=no_marker("tech-spec-review-1"))
    ),
    "code-review: severity, titles and counts": Told(
        command="code-review-2",
        text="- [HIGH] Race in start\nHIGHEST SEVERITY: HIGH\nIssues: 0 CRITICAL, 1 HIGH, 0 MEDIUM, 2 LOW",
        facts=Facts(
            review=Review(
                severity=Severity.HIGH,
                titles=frozenset({"race in start"}),
                counts=Counts(critical=0, high=1, medium=0, low=2),
            )
        ),
    ),
    "code-review: zero": Told(
        command="code-review-1", text="ZERO ISSUES", facts=Facts(review=Review(severity=Severity.ZERO))
    ),
    "code-review: no marker is UNKNOWN, with a warning": Told(
        command="code-review-10",
        text="- [HIGH] Race in start",
        facts=Facts(
            review=Review(severity=Severity.UNKNOWN, titles=frozenset({"race in start"})),
            warnings=("code-review-10 printed no highest severity: taken as UNKNOWN",),
        ),
    ),
    "create-story: says nothing about reviews": Told(
        command="create-story", text=EVERYTHING, facts=Facts(decisions={SCANNER: "SKIP", LIST: "REQUIRED"})
    ),
    "story-review: says nothing about decisions": Told(
        command="story-review-1", text=EVERYTHING, facts=Facts(critical=True)
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_facts_are_those_the_command_is_asked_for(told):
    assert read_facts(told.command, told.text, (story_key(SCANNER), story_key(LIST))) == told.facts


@pytest.mark.parametrize(
    "command",
    ["generate-project-context", "story-discovery", "create-tech-spec", "dev-story", "batch-commit", "sprint-status"],
)
def test_other_commands_decide_nothing(command):
    assert read_facts(command, EVERYTHING, (story_key(SCANNER),)) == Facts()
