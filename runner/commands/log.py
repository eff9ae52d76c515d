"""`log`: what agents call to report a task. Prints one line of the log format and is gone.

The runner finds the report in the agent's output: the call itself, or the line that it prints. So nothing is opened
or stored here, and nothing but the grammar of the names is checked: a report must never be what an agent fails at.
Agents call this up to twenty times a command; it imports next to nothing.
"""

import csv
import io
import re
from collections.abc import Sequence

from runner.domain.errors import UsageError
from runner.domain.taxonomy import COMMANDS, base_name, command_name, is_known_task, tasks_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_STORY = re.compile(rf"{_NAME.pattern}(?:,{_NAME.pattern})?")
COLUMNS = ("epic", "story", "command", "task", "status")
STATUSES = ("start", "end")


def log_line(columns: Sequence[str], message: str, *, now_ms: int) -> str:
    """`epoch_ms,epic,story,command,task,status,"message"`; `columns` are those from epic to status.

    Raises UsageError for names that nobody could read back.
    """
    epic, story, command, task, status = columns
    story = story.replace(", ", ",")
    for what, text in (("EPIC", epic), ("COMMAND", command), ("TASK", task)):
        if not _NAME.fullmatch(text):
            raise UsageError(f"{what} {text!r} is not a name", hint="use letters, digits, '.', '_' and '-'")
    if not _STORY.fullmatch(story):
        raise UsageError(f"STORY {story!r} is not a story", hint="give a key such as 2a-1, or two as 2a-1,2a-2")
    if status not in STATUSES:
        raise UsageError(f"{status!r} is neither start nor end", hint="EPIC STORY COMMAND TASK start|end MESSAGE")
    names = (str(now_ms), epic, story, command_name(command).text, task, status)
    # A line has one line of message: with more, readers would take the rest for something else.
    return f"{_joined(names)},{_quoted(message.partition(chr(10))[0].rstrip(chr(13)))}"


def remark(command: str, task: str) -> str:
    """What is odd about a report that counts all the same; empty when nothing is."""
    if base_name(command) not in COMMANDS:
        return f"no command is called {command}; the report counts all the same"
    if not is_known_task(command, task):
        known = ", ".join(tasks_of(command)) or "none"
        return f"{command} has no task {task} (known: {known}); the report counts all the same"
    return ""


def _joined(names: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def _quoted(message: str) -> str:
    return '"' + message.replace('"', '""') + '"'
