"""From a command's text to the facts that steer the flow.

The command actor calls `read_facts` once for every command that succeeded and records the answer; nothing ever
reads the text again to decide something.
"""

from collections.abc import Sequence

from runner.domain.model import StoryKey
from runner.domain.steps import Facts
from runner.domain.taxonomy import base_name
from runner.domain.verdicts import Decision, Severity, critical_found, review_result, tech_spec_decisions


def read_facts(command: str, text: str, stories: Sequence[StoryKey]) -> Facts:
    """What the agent's text says, for the kind of command that was run."""
    match base_name(command):
        case "create-story":
            return _decisions(text, stories)
        case "story-review" | "tech-spec-review":
            return _critical(command, text)
        case "code-review":
            return _review(command, text)
        case _:
            return Facts()


def _decisions(text: str, stories: Sequence[StoryKey]) -> Facts:
    found = tech_spec_decisions(text, stories)
    missing = tuple(key for key, decision in found.items() if decision is None)
    return Facts(
        decisions={key: decision or Decision.REQUIRED for key, decision in found.items()},
        warnings=tuple(f"create-story named no tech-spec decision for {key}: REQUIRED assumed" for key in missing),
    )


def _critical(command: str, text: str) -> Facts:
    found = critical_found(text)
    if found is None:
        return Facts(warnings=(f"{command} printed no critical-issues marker: none assumed",))
    return Facts(critical=found)


def _review(command: str, text: str) -> Facts:
    review = review_result(text)
    if review.severity is Severity.UNKNOWN:
        return Facts(review=review, warnings=(f"{command} printed no highest severity: taken as UNKNOWN",))
    return Facts(review=review)
