"""The logging calls that stand in a shell command line.

`taxonomy` asks for them with every shell command of an agent and checks what they name. Nothing is executed or
expanded: variables, substitutions and globs stay as they are written, here-documents are read as if they were
commands, a script given as a string is not looked into. Linear in the length of the line.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingCall:
    """What one call was given; nothing of it is checked."""

    columns: tuple[str, ...]
    """Epic, story, command, task, status."""
    message: str = ""
    attempt: str = ""
    """Number of a review, where the command's name lacks it."""
    metrics: Mapping[str, str] = field(default_factory=dict)


LONGEST_LINE = 131_072
"""Linux passes no longer argument to a shell, so no agent runs a longer line; reading one would take its time."""

_COLUMNS = 5
_FIELDS = ("epic_id", "story_id", "command", "task_id", "status")
_LOGGERS = ("orchestrator.sh", "sprint-log.sh", "runner")
_OPTIONS_WITH_VALUE = ("--project", "--url")

_TOKEN = re.compile(
    r"""(?P<blank>(?>(?:[ \t\r]|\\\n)+)|\#[^\n]*+)
      | (?P<stop>[\n;&|()]++|[0-9]*+[<>][<>&]*+)
      | (?P<word>(?>(?:[^ \t\r\n'"\\;&|()<>]++|\\[^\n]|'[^']*+'|"(?>(?:[^"\\]++|\\.)*)")+))""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""'([^']*+)'|"((?>(?:[^"\\]++|\\.)*))"|\\(.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\$`])')
_BEFORE_PROGRAM = re.compile(
    r"""(?:\S*/)?(?:bash|sh|zsh|env|exec|time|nohup|command)  # programs that run another one
      | then|do|else|elif|if|while|until|!|\{                  # words of the shell's own
      | -\S*|[A-Za-z_][A-Za-z0-9_]*=.*                         # options, variables""",
    re.VERBOSE | re.DOTALL,
)


def logging_calls(line: str) -> list[LoggingCall]:
    """The calls of the original's `orchestrator.sh` and `sprint-log.sh` and of `python -m runner log`, in order."""
    if len(line) > LONGEST_LINE or not any(logger in line for logger in _LOGGERS):
        return []
    return [found for words in program_calls(line) if (found := _logging_call(words))]


def program_calls(line: str) -> list[list[str]]:
    """The words of each call, from the program's name to a redirection; words lose their quotes.

    Empty when a quote is not closed: where words end is then anybody's guess.
    """
    calls: list[list[str]] = [[]]
    position = 0
    for token in _TOKEN.finditer(line):
        if token.start() != position:
            return []
        position = token.end()
        if token["stop"]:
            calls.append([])
        elif token["word"] and (calls[-1] or not _BEFORE_PROGRAM.fullmatch(token["word"])):
            calls[-1].append(_QUOTED.sub(_unquoted, token["word"]))
    return [call for call in calls if call] if position == len(line) else []


def _unquoted(match: re.Match[str]) -> str:
    single, double, escaped = match.groups()
    if double is not None:
        return _ESCAPED.sub(r"\1", double)
    return single if single is not None else escaped


def _logging_call(words: Sequence[str]) -> LoggingCall | None:
    program, *arguments = words
    program = program.rpartition("/")[2]
    if program.startswith("python") and "-m" in arguments:
        program, *arguments = arguments[arguments.index("-m") + 1 :] or ("",)
    if program == "sprint-log.sh" and arguments:
        return _from_json(arguments[0])
    if program in ("runner", "sprint-runner") and arguments[:1] == ["log"]:
        return _from_arguments(_without_options(arguments[1:]))
    return _from_arguments(arguments) if program == "orchestrator.sh" else None


def _without_options(arguments: list[str]) -> list[str]:
    left = list(arguments)
    while left and left[0].startswith("--"):
        del left[: 2 if left[0] in _OPTIONS_WITH_VALUE else 1]
    return left


def _from_arguments(arguments: Sequence[str]) -> LoggingCall | None:
    if len(arguments) < _COLUMNS:
        return None
    return LoggingCall(columns=tuple(arguments[:_COLUMNS]), message="".join(arguments[_COLUMNS : _COLUMNS + 1]))


def _from_json(text: str) -> LoggingCall | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    metrics = data.get("metrics")
    return LoggingCall(
        columns=tuple(_scalar(data.get(name)) for name in _FIELDS),
        message=_scalar(data.get("message")),
        attempt=_scalar(data.get("attempt")),
        metrics={_scalar(key): _scalar(value) for key, value in metrics.items()} if isinstance(metrics, dict) else {},
    )


def _scalar(value: object) -> str:
    """A JSON scalar as text that can be stored: without half surrogate pairs."""
    return str(value).encode("utf-8", "replace").decode() if isinstance(value, str | int | float) else ""
