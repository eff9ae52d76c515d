"""Commands, their tasks, and how agents report them.

The table says which tasks a command may report and which model runs it. The command actor feeds every text and every
shell call of an agent to `reports_in_text` and `reports_in_shell`, and each report to one `ReportFilter` per command.
What agents print is hostile: names are checked, junk is skipped, patterns run in linear time, nothing is executed or
raised. Whether a report belongs to the running command is for the caller to decide.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from runner.domain.logging_calls import LoggingCall, logging_calls

# --- the table ----------------------------------------------------------------------------------------------------


class ModelRule(StrEnum):
    """Which model runs a command; the last two are for numbered commands, such as `code-review-2`."""

    DEFAULT = "default"
    CHEAP = "cheap"
    CHEAP_FROM_SECOND = "cheap from the second"
    CHEAP_BY_SETTING = "cheap from the number in the settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandKind:
    """What all numbers of a command share."""

    tasks: tuple[str, ...] = ()
    model: ModelRule = ModelRule.DEFAULT

    @property
    def numbered(self) -> bool:
        return self.model in (ModelRule.CHEAP_FROM_SECOND, ModelRule.CHEAP_BY_SETTING)


def _kind(tasks: str = "", model: ModelRule = ModelRule.DEFAULT) -> CommandKind:
    return CommandKind(tasks=tuple(tasks.split()), model=model)


COMMANDS: Mapping[str, CommandKind] = {
    "generate-project-context": _kind(),
    "create-story": _kind("setup analyze generate write validate"),
    "story-discovery": _kind("setup explore write"),
    "story-review": _kind("setup analyze fix validate", ModelRule.CHEAP_FROM_SECOND),
    "create-tech-spec": _kind("setup discover generate write validate"),
    "tech-spec-review": _kind("setup analyze fix validate", ModelRule.CHEAP_FROM_SECOND),
    "dev-story": _kind("setup implement tests lint validate"),
    "code-review": _kind("setup analyze fix test validate", ModelRule.CHEAP_BY_SETTING),
    "batch-commit": _kind(),
    "sprint-status": _kind(model=ModelRule.CHEAP),
}
_UNKNOWN = CommandKind()
_OTHER_NAMES: Mapping[str, str] = {"create-story-discovery": "story-discovery", "commit": "batch-commit"}
_NUMBERED = re.compile(r"(?P<base>.+)-(?P<number>[1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandName:
    """A command's name taken apart; one that is not in the table is all base."""

    base: str
    number: int | None = None

    @property
    def text(self) -> str:
        return self.base if self.number is None else f"{self.base}-{self.number}"

    @property
    def kind(self) -> CommandKind:
        return COMMANDS.get(self.base, _UNKNOWN)


def command_name(text: str) -> CommandName:
    """Read a name as we write it or as the original's prompts do (`sprint-code-review`)."""
    for name in (text, text.removeprefix("sprint-")):
        base = _OTHER_NAMES.get(name, name)
        if base in COMMANDS:
            return CommandName(base=base)
        match = _NUMBERED.fullmatch(name)
        if match and COMMANDS.get(match["base"], _UNKNOWN).numbered:
            return CommandName(base=match["base"], number=int(match["number"]))
    return CommandName(base=text)


def base_name(command: str) -> str:
    """`code-review-2` -> `code-review`; an unknown name as it is."""
    return command_name(command).base


def review_number(command: str) -> int | None:
    """`code-review-2` -> 2; None for a name without a number."""
    return command_name(command).number


def tasks_of(command: str) -> tuple[str, ...]:
    """The tasks a command may report, in their usual order; none for an unknown command."""
    return command_name(command).kind.tasks


def is_known_task(command: str, task: str) -> bool:
    """Whether the table has this task for this command; if not, the report is shown with a warning."""
    return task in tasks_of(command)


def uses_cheap_model(command: str, cheap_from: int) -> bool:
    """Whether the cheap model runs this command; `cheap_from` is the setting for code reviews."""
    name = command_name(command)
    match name.kind.model:
        case ModelRule.CHEAP_FROM_SECOND:
            return (name.number or 1) >= 2
        case ModelRule.CHEAP_BY_SETTING:
            return (name.number or 1) >= cheap_from
        case rule:
            return rule is ModelRule.CHEAP


# --- reports ------------------------------------------------------------------------------------------------------


class TaskStatus(StrEnum):
    """What a report says of its task."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """A task of a command began or ended, as the agent tells it."""

    timestamp_ms: int | None
    """The agent's own time; None in a shell call, where the script adds it."""
    epic: str
    story: str
    """As the agent names it, mostly the short key; `2a-1,2a-2` when it speaks of both."""
    command: str
    """In our spelling where we know it: `sprint-code-review-2` -> `code-review-2`."""
    task: str
    status: TaskStatus
    message: str = ""
    metrics: Mapping[str, str] = field(default_factory=dict)


DISPLAY_LENGTH = 150

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_CHECKED = re.compile(rf"{_NAME}")
_CHECKED_STORY = re.compile(rf"{_NAME}(?:,{_NAME})?")
_METRICS = re.compile(r"\(([^()]{1,300})\)\s*\Z")
_NEXT_METRIC = re.compile(r",(?=\s{0,9}[A-Za-z][\w-]{0,39}:)")
_METRIC = re.compile(r"\s*([A-Za-z][\w-]{0,39}):\s*(\S.*)", re.DOTALL)

# The first digit stands before its look-behind, so that the search can skip to digits. A bare comma in the story
# shifts the other columns by one: the lazy `??` tries them unshifted first.
_LOG_LINE = re.compile(
    r"(?P<seconds>[0-9](?<![\w,.-][0-9])[0-9]{9})(?P<millis>[0-9]{3})?"
    rf',"?(?P<epic>{_NAME})"?,"?(?P<story>{_NAME}(?:,[ ]?{_NAME})??)"?,"?(?P<command>{_NAME})"?'
    rf',"?(?P<task>{_NAME})"?,"?(?P<status>start|end)(?![\w.-])"?'
    r'(?:,(?:"(?P<quoted>(?>(?:[^"\n]++|"")*))"|(?P<plain>[^\n]*+)))?'
)

_ECHO_LENGTH = 140
"""A little less than what the original's script leaves of a message."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Words = tuple[str, str, str, str, str]
"""Story, command, task, status and the beginning of the message."""


def display(message: str) -> str:
    """A message at the length that screens show; the database keeps all of it."""
    return message if len(message) <= DISPLAY_LENGTH else message[: DISPLAY_LENGTH - 1] + "…"


def metrics_of(message: str) -> dict[str, str]:
    """`Done (files:3, tests:12/12 passed)` -> files and tests; what has no name is no metric."""
    bracket = _METRICS.search(message)
    parts = _NEXT_METRIC.split(bracket[1]) if bracket else []
    found = (_METRIC.fullmatch(part) for part in parts)
    return {match[1]: match[2].strip() for match in found if match}


def reports_in_text(text: str) -> list[TaskReport]:
    """The lines of the log format in a text, `timestamp,epic,story,command,task,start|end,"message"`, in order.

    Quotes are those of RFC 4180, the timestamp has seconds or milliseconds, the message may be missing.
    """
    return [report for match in _LOG_LINE.finditer(text) if (report := _logged(match))]


def without_reports(text: str) -> str:
    """What a text says besides its lines of the log format; empty when it is nothing else."""
    return _LOG_LINE.sub(lambda match: "" if _logged(match) else match[0], text).strip()


def reports_in_shell(command: str) -> list[TaskReport]:
    """The logging calls in a shell command, in order; none at all when a quote is not closed."""
    return [report for call in logging_calls(command) if (report := _called(call))]


class ReportFilter:
    """Tells a report from its echoes; one for each run of a command.

    The agent's call of the logging script has no time. The line that the script prints has one, and comes up again
    whenever the agent quotes it. So a line is an echo when its words and its second were seen before, or when a call
    with these words still waits for its line; a call is an echo when it repeats the task's last report: the agent
    tries again, or logs what it has just announced. Everything else counts: a task that starts again after its end,
    and the same words at another time.
    """

    LIMIT = 1000
    """Reports remembered: many times what a command makes, and little memory in a flood."""

    def __init__(self) -> None:
        self._lines: OrderedDict[tuple[_Words, int], None] = OrderedDict()
        self._calls_without_line: OrderedDict[_Words, int] = OrderedDict()
        self._last: OrderedDict[tuple[str, ...], _Words] = OrderedDict()

    def fresh(self, report: TaskReport) -> bool:
        """Whether this is news; False for an echo of what was counted already."""
        # Scripts cut long messages, and a line holds only the first line of one.
        message = report.message.partition("\n")[0][:_ECHO_LENGTH].strip()
        words = (report.story, report.command, report.task, report.status, message)
        seconds = None if report.timestamp_ms is None else report.timestamp_ms // 1000
        news = self._is_new_call(words) if seconds is None else self._is_new_line(words, seconds)
        if news:
            self._remember(self._last, words[:3], words)
        return news

    def _is_new_call(self, words: _Words) -> bool:
        self._remember(self._calls_without_line, words, self._calls_without_line.get(words, 0) + 1)
        return self._last.get(words[:3]) != words

    def _is_new_line(self, words: _Words, seconds: int) -> bool:
        if (words, seconds) in self._lines:
            return False
        self._remember(self._lines, (words, seconds), None)
        waiting = self._calls_without_line.get(words, 0)
        if waiting:
            self._remember(self._calls_without_line, words, waiting - 1)
        return not waiting

    def _remember(self, memory: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
        memory[key] = value
        if len(memory) > self.LIMIT:
            memory.popitem(last=False)


def _logged(match: re.Match[str]) -> TaskReport | None:
    # A quote that is never closed: the rest of the line is the message.
    quoted, plain = match["quoted"], (match["plain"] or "").strip().strip('"`')
    return _report(
        match.group("epic", "story", "command", "task", "status"),
        plain if quoted is None else quoted.replace('""', '"'),
        timestamp_ms=int(match["seconds"]) * 1000 + int(match["millis"] or 0),
        metrics={},
    )


def _called(call: LoggingCall) -> TaskReport | None:
    epic, story, command, task, status = call.columns
    numbered = command_name(f"{command}-{call.attempt}")
    command = numbered.text if numbered.number else command
    return _report((epic, story, command, task, status), call.message, timestamp_ms=None, metrics=call.metrics)


def _report(
    columns: Sequence[str], message: str, *, timestamp_ms: int | None, metrics: Mapping[str, str]
) -> TaskReport | None:
    """A report of these columns, epic to status; None when one of them is no proper name."""
    epic, story, command, task, status = columns
    story = story.replace(", ", ",")
    names = all(map(_CHECKED.fullmatch, (epic, command, task))) and _CHECKED_STORY.fullmatch(story)
    if not names or status not in ("start", "end"):
        return None
    return TaskReport(
        timestamp_ms=timestamp_ms,
        epic=epic,
        story=story,
        command=command_name(command).text,
        task=task,
        status=TaskStatus(status),
        message=message,
        metrics={**(metrics_of(message) if status == "end" else {}), **metrics},
    )
