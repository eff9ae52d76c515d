"""Commands, their tasks, and how agents report them.

The table says which tasks a command may report and which model runs it. The command actor feeds every text and every
shell call of an agent to `reports_in_text` and `reports_in_shell`, and each report to one `ReportFilter` per command.
What agents print is hostile: names are checked, junk is skipped, patterns run in linear time, nothing is executed or
raised. Whether a report belongs to the running command is for the caller to decide.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import dropwhile
from typing import Any

# --- the table ----------------------------------------------------------------------------------------------------


class ModelRule(StrEnum):
    """Which model runs a command."""

    DEFAULT = "default"
    CHEAP = "cheap"
    CHEAP_LATER = "cheap later"
    """For numbered commands: the first attempts run on the default model, later ones on the cheap one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandKind:
    """What all attempts of a command share."""

    tasks: tuple[str, ...] = ()
    model: ModelRule = ModelRule.DEFAULT

    @property
    def numbered(self) -> bool:
        """Whether its name ends with the attempt: `code-review-2`."""
        return self.model is ModelRule.CHEAP_LATER


def _kind(tasks: str = "", model: ModelRule = ModelRule.DEFAULT) -> CommandKind:
    return CommandKind(tasks=tuple(tasks.split()), model=model)


COMMANDS: Mapping[str, CommandKind] = {
    "generate-project-context": _kind(),
    "create-story": _kind("setup analyze generate write validate"),
    "story-discovery": _kind("setup explore write"),
    "story-review": _kind("setup analyze fix validate", ModelRule.CHEAP_LATER),
    "create-tech-spec": _kind("setup discover generate write validate"),
    "tech-spec-review": _kind("setup analyze fix validate", ModelRule.CHEAP_LATER),
    "dev-story": _kind("setup implement tests lint validate"),
    "code-review": _kind("setup analyze fix test validate", ModelRule.CHEAP_LATER),
    "batch-commit": _kind(),
    "sprint-status": _kind(model=ModelRule.CHEAP),
}

_OTHER_NAMES: Mapping[str, str] = {"create-story-discovery": "story-discovery", "commit": "batch-commit"}
_NUMBERED = re.compile(r"(?P<base>.+)-(?P<attempt>[1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandName:
    """A command's name taken apart; one that is not in the table is all base."""

    base: str
    attempt: int | None = None

    @property
    def text(self) -> str:
        return self.base if self.attempt is None else f"{self.base}-{self.attempt}"


def command_name(text: str) -> CommandName:
    """Read a name as we write it or as the original's prompts do (`sprint-code-review`)."""
    for name in (text, text.removeprefix("sprint-")):
        base = _OTHER_NAMES.get(name, name)
        if base in COMMANDS:
            return CommandName(base=base)
        match = _NUMBERED.fullmatch(name)
        if match and match["base"] in COMMANDS and COMMANDS[match["base"]].numbered:
            return CommandName(base=match["base"], attempt=int(match["attempt"]))
    return CommandName(base=text)


def base_name(command: str) -> str:
    """`code-review-2` -> `code-review`; an unknown name as it is."""
    return command_name(command).base


def attempt_number(command: str) -> int:
    """`code-review-2` -> 2; 1 for a name without a number."""
    return command_name(command).attempt or 1


def tasks_of(command: str) -> tuple[str, ...]:
    """The tasks a command may report, in their usual order; none for an unknown command."""
    return COMMANDS.get(base_name(command), CommandKind()).tasks


def is_known_task(command: str, task: str) -> bool:
    """Whether the table has this task for this command; if not, the report is shown with a warning."""
    return task in tasks_of(command)


def wants_cheap_model(command: str, *, cheap_from: int = 2) -> bool:
    """Whether the cheap model runs this command; numbered ones from attempt `cheap_from` on."""
    kind = COMMANDS.get(base_name(command), CommandKind())
    later = kind.numbered and attempt_number(command) >= cheap_from
    return later or kind.model is ModelRule.CHEAP


# --- reports ------------------------------------------------------------------------------------------------------


class TaskStatus(StrEnum):
    """What a report says of its task."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """One task of a command began or ended, as the agent tells it."""

    timestamp_ms: int | None
    """The agent's own time; None in a shell call, where the script adds it."""
    epic: str
    story: str
    """As named by the agent, mostly the short key; `2a-1,2a-2` when it speaks of both."""
    command: str
    """In our spelling where we know it: `sprint-code-review-2` -> `code-review-2`."""
    task: str
    status: TaskStatus
    message: str = ""
    metrics: Mapping[str, str] = field(default_factory=dict)


DISPLAY_LENGTH = 150
_METRICS_LENGTH = 300

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_NAMES = re.compile(rf"{_NAME}")
_STORIES = re.compile(rf"{_NAME}(?:,{_NAME})?")
_METRICS = re.compile(rf"\(([^()]{{1,{_METRICS_LENGTH}}})\)\s*\Z")
_METRIC = re.compile(r"(?:\A|,)\s{0,9}([A-Za-z][\w-]{0,39}):([^,]++(?:,(?!\s{0,9}[A-Za-z][\w-]{0,39}:)[^,]*+)*+)")

# A story field with a bare comma shifts the rest by one: the lazy `??` tries the seven columns first.
_LOG_LINE = re.compile(
    r"[0-9](?<![\w,.-][0-9])(?P<seconds_rest>[0-9]{9})(?P<millis>[0-9]{3})?"
    rf',"?(?P<epic>{_NAME})"?,"?(?P<story>{_NAME}(?:,[ ]?{_NAME})??)"?,"?(?P<command>{_NAME})"?'
    rf',"?(?P<task>{_NAME})"?,"?(?P<status>start|end)\b"?'
    r'(?:,(?:"(?P<quoted>(?:[^"\n]++|"")*+)"|(?P<plain>[^\n]*+)))?'
)


def display(message: str) -> str:
    """A message at the length screens show; the database keeps all of it."""
    return message if len(message) <= DISPLAY_LENGTH else message[: DISPLAY_LENGTH - 1] + "…"
