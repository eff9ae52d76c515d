"""Prompt texts with variables, and what fills them.

`workspace.prompts` finds the texts and proves at start that they ask for known variables only; `actors.command`
fills one in for each run of an agent. A value is put in as it is and never searched for variables again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PROMPT_NAMES: Final = (
    "create-story",
    "create-story-discovery",
    "story-review",
    "create-tech-spec",
    "tech-spec-review",
    "dev-story",
    "code-review",
    "batch-commit",
    "generate-project-context",
    "sprint-status",
)
"""The prompts there are, by the names of their files."""

VARIABLES: Final = frozenset(
    {
        "story_key",
        "story_id",
        "story_ids",
        "epic_id",
        "command",
        "review_attempt",
        "implementation_artifacts",
        "planning_artifacts",
        "tech_spec_needed",
        "tech_spec_decisions",
        "workflow",
        "log_command",
        "status_file",
    }
)
"""What a prompt may ask for as `{{name}}`."""

_VARIABLE = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*\}\}")
_REVIEW_NUMBER = re.compile(r"-\d+\Z")
_SLASH_FIRST = re.compile(r"[\s\ufeff]*/")
_LEADING_LINE = "Carry out what follows.\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptText:
    """A prompt before its variables are filled in."""

    name: str
    text: str
    source: str
    """The file it came from, for errors and for `doctor`."""


def prompt_name(command: str) -> str:
    """The prompt that a command is given: `code-review-3` has `code-review`."""
    name = _REVIEW_NUMBER.sub("", command)
    return "create-story-discovery" if name == "story-discovery" else name


def unknown_variables(text: str) -> list[str]:
    """The variables that nobody can fill in, in order of appearance."""
    return [name for name in dict.fromkeys(_VARIABLE.findall(text)) if name not in VARIABLES]


def substitute(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in, fit to be given to an agent.

    KeyError when a variable has no value. A text that would begin with `/` gets a line in front: the agent's CLI
    would take it for a slash command, and an unknown one "succeeds" without any work.
    """
    filled = _VARIABLE.sub(lambda variable: values[variable[1]], text)
    return _LEADING_LINE + filled if _SLASH_FIRST.match(filled) else filled
