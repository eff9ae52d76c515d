"""From what an agent says to the events that tell of it.

The command actor hands every batch of signals here. Task reports are recognised in all their forms and counted
once; tool calls and texts become short lines. An agent that floods is cut down to a rate: nothing is lost, its raw
output is in the run's files, and the events say how many lines were left out.
"""

from collections.abc import Callable, Iterator, Sequence

from runner.agents.base import Noted, Said, Signal, ToolEnded, ToolStarted
from runner.domain.events import CommandProgress
from runner.domain.taxonomy import (
    ReportFilter,
    TaskReport,
    is_known_task,
    reports_in_shell,
    reports_in_text,
    without_reports,
)

LINES_PER_SECOND = 500.0
BURST = 1000.0
"""Progress events of one agent: far more than a person reads, far less than the database can take."""
TOOL_NAMES = 1000
"""Open tool calls whose names are remembered for the line that tells of their end."""


UNKNOWN_TASKS = 20
"""Names of unknown tasks that are remembered: each becomes a warning, and an agent may invent any number."""


class Progress:
    """Makes the progress events of one attempt."""

    def __init__(self, *, command: str, stories: tuple[str, ...], command_id: int, now: Callable[[], float]) -> None:
        self._command = command
        self._story_key = ",".join(stories)
        self._command_id = command_id
        self._filter = ReportFilter()
        self._now = now
        self._budget = BURST
        self._at = now()
        self._left_out = 0
        self._task = ""
        self._tools: dict[str, str] = {}
        self.unknown_tasks: set[str] = set()
        """Tasks that the command is not known to have, the first few."""

    def events(self, signals: Sequence[Signal]) -> Iterator[CommandProgress]:
        """The events these signals give, within the rate."""
        for signal in signals:
            for event in self._told(signal):
                if self._allowed():
                    yield from self._owed()
                    yield event
                else:
                    self._left_out += 1

    def rest(self) -> Iterator[CommandProgress]:
        """At the end: how many lines were left out last."""
        yield from self._owed()

    def _allowed(self) -> bool:
        now = self._now()
        self._budget = min(BURST, self._budget + (now - self._at) * LINES_PER_SECOND)
        self._at = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _owed(self) -> Iterator[CommandProgress]:
        if self._left_out:
            message = f"{self._left_out} lines left out: see the transcript"
            self._left_out = 0
            yield self._event("note", message)

    def _told(self, signal: Signal) -> Iterator[CommandProgress]:
        match signal:
            case Said(text=text):
                yield from self._said(text)
            case ToolStarted():
                yield from self._tool_started(signal)
            case ToolEnded(tool_id=tool_id, is_error=is_error, text=text):
                yield from self._tasks(reports_in_text(text))
                name = self._tools.pop(tool_id, "tool")
                first = text.strip().split("\n", 1)[0]
                yield self._event("tool", f"{name} failed: {first}" if is_error else name, status="end")
            case Noted(kind=kind, text=text):
                yield self._event("note", f"{kind}: {text}")
            case _:
                return

    def _said(self, text: str) -> Iterator[CommandProgress]:
        reports = reports_in_text(text)
        yield from self._tasks(reports)
        # A report has been told as a task, now or when it was new: its line would say it a second time.
        words = without_reports(text) if reports else text
        if words:
            yield self._event("text", words)

    def _tool_started(self, tool: ToolStarted) -> Iterator[CommandProgress]:
        if len(self._tools) < TOOL_NAMES:
            self._tools[tool.tool_id] = tool.name
        if tool.shell_command is not None:
            yield from self._tasks(reports_in_shell(tool.shell_command))
        yield self._event("tool", f"{tool.name} {tool.summary}".strip(), status="start")

    def _tasks(self, reports: Sequence[TaskReport]) -> Iterator[CommandProgress]:
        for report in reports:
            if self._filter.fresh(report):
                self._task = report.task
                if not is_known_task(self._command, report.task) and len(self.unknown_tasks) < UNKNOWN_TASKS:
                    self.unknown_tasks.add(report.task)
                yield self._event("task", report.message, status=report.status, metrics=report.metrics)

    def _event(
        self, kind: str, message: str, *, status: str | None = None, metrics: object = None
    ) -> CommandProgress:
        return CommandProgress(
            story_key=self._story_key,
            command=self._command,
            task_id=self._task,
            message=message,
            command_id=self._command_id,
            kind=kind,
            status=status,
            metrics=dict(metrics) if isinstance(metrics, dict) else {},
        )
