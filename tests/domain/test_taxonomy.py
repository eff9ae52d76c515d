"""The table of commands and tasks, and the reports that agents make of them."""

import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain.taxonomy import (
    COMMANDS,
    DISPLAY_LENGTH,
    CommandName,
    ReportFilter,
    TaskReport,
    TaskStatus,
    base_name,
    command_name,
    display,
    is_known_task,
    metrics_of,
    reports_in_shell,
    reports_in_text,
    review_number,
    tasks_of,
    uses_cheap_model,
    without_reports,
)

REAL_LOG = Path(__file__).parents[3] / "shared/data/sprint-runner.csv"
needs_real_log = pytest.mark.skipif(not REAL_LOG.is_file(), reason="no real task log beside the checkout")

# --- the table ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the contract's table; `cheap` tells for the names with no number, 1, 2 and 3."""

    tasks: str = ""
    cheap: tuple[bool, ...] = (False,)


NUMBERED = (False, False, True, True)
TABLE = {
    "generate-project-context": Row(),
    "create-story": Row(tasks="setup, analyze, generate, write, validate"),
    "story-discovery": Row(tasks="setup, explore, write"),
    "story-review": Row(tasks="setup, analyze, fix, validate", cheap=NUMBERED),
    "create-tech-spec": Row(tasks="setup, discover, generate, write, validate"),
    "tech-spec-review": Row(tasks="setup, analyze, fix, validate", cheap=NUMBERED),
    "dev-story": Row(tasks="setup, implement, tests, lint, validate"),
    "code-review": Row(tasks="setup, analyze, fix, test, validate", cheap=NUMBERED),
    "batch-commit": Row(),
    "sprint-status": Row(cheap=(True,)),
}


def test_table_has_the_commands_of_the_contract():
    assert set(COMMANDS) == set(TABLE)


@pytest.mark.parametrize(("command", "row"), TABLE.items(), ids=TABLE)
def test_commands_have_their_tasks_and_model(command, row):
    names = [command, *(f"{command}-{number}" for number in range(1, len(row.cheap)))]
    tasks = tuple(row.tasks.split(", ")) if row.tasks else ()
    assert [uses_cheap_model(name, 2) for name in names] == list(row.cheap)
    for name in names:
        assert tasks_of(name) == tasks
        assert all(is_known_task(name, task) for task in tasks)
        assert not is_known_task(name, "workflow")


@pytest.mark.parametrize(
    ("command", "cheap_from", "expected"),
    [
        ("code-review-1", 1, True),
        ("code-review-2", 3, False),
        ("code-review-10", 3, True),
        # The setting is for code reviews; the reviews of the background chain are always cheap.
        ("story-review-1", 1, False),
        ("story-review-2", 5, True),
        ("tech-spec-review-3", 5, True),
        ("dev-story", 1, False),
        ("no-such-command", 1, False),
    ],
)
def test_setting_moves_the_cheap_model_of_code_reviews(command, cheap_from, expected):
    assert uses_cheap_model(command, cheap_from) is expected


NAMES = {
    "dev-story": CommandName(base="dev-story"),
    "code-review-2": CommandName(base="code-review", number=2),
    "story-review-10": CommandName(base="story-review", number=10),
    "code-review": CommandName(base="code-review"),
    "sprint-code-review": CommandName(base="code-review"),
    "sprint-code-review-3": CommandName(base="code-review", number=3),
    "sprint-create-story-discovery": CommandName(base="story-discovery"),
    "create-story-discovery": CommandName(base="story-discovery"),
    "sprint-commit": CommandName(base="batch-commit"),
    "sprint-status": CommandName(base="sprint-status"),
    # Not in the table: kept as they are.
    "dev-story-2": CommandName(base="dev-story-2"),
    "code-review-0": CommandName(base="code-review-0"),
    "code-review-1234": CommandName(base="code-review-1234"),
    "sprint-planning": CommandName(base="sprint-planning"),
    "5-sr-3": CommandName(base="5-sr-3"),
    "": CommandName(base=""),
}


@pytest.mark.parametrize(("text", "expected"), NAMES.items(), ids=repr)
def test_command_name_is_taken_apart(text, expected):
    assert command_name(text) == expected
    assert (base_name(text), review_number(text)) == (expected.base, expected.number)


@pytest.mark.parametrize("text", ["dev-story", "code-review-2", "unknown-7", ""])
def test_command_name_is_put_together_again(text):
    assert command_name(text).text == text


# --- reports in texts ---------------------------------------------------------------------------------------------

SECOND = 1_769_210_247
REPORT = TaskReport(
    timestamp_ms=SECOND * 1000,
    epic="2a",
    story="2a-1",
    command="dev-story",
    task="setup",
    status=TaskStatus.START,
    message="Loading it",
)
LINE = f'{SECOND},2a,2a-1,dev-story,setup,start,"Loading it"'
HEAD = f"{SECOND},2a,2a-1,dev-story,setup,start"
END = replace(REPORT, status=TaskStatus.END)

TEXTS = {
    LINE: [REPORT],
    f"Now:\n{LINE}\nand on.": [REPORT],
    f"  > `{LINE}` done": [REPORT],
    f"   12\u2192{LINE}\r\n": [REPORT],
    f"{LINE}\n{LINE.replace('start', 'end')}": [REPORT, END],
    f"{SECOND}123,2a,2a-1,dev-story,setup,start,Loading it": [replace(REPORT, timestamp_ms=SECOND * 1000 + 123)],
    # The message.
    HEAD: [replace(REPORT, message="")],
    f"{HEAD},": [replace(REPORT, message="")],
    f"{HEAD},Loading it, at last": [replace(REPORT, message="Loading it, at last")],
    f'{HEAD},"Loading, ""really"" loading"': [replace(REPORT, message='Loading, "really" loading')],
    f'{HEAD},"Loading it': [REPORT],
    f'{HEAD},"{"x" * 500}"': [replace(REPORT, message="x" * 500)],
    f'{SECOND},2a,2a-1,dev-story,setup,end,"Done (files:3)"': [
        replace(END, message="Done (files:3)", metrics={"files": "3"})
    ],
    f'{HEAD},"Loading (files:3)"': [replace(REPORT, message="Loading (files:3)")],
    # The columns.
    f'{SECOND},"2a","2a-1","dev-story","setup","start","Loading it"': [REPORT],
    f'{SECOND},2a,"2a-1,2a-2",dev-story,setup,start,"Loading it"': [replace(REPORT, story="2a-1,2a-2")],
    f'{SECOND},2a,"2a-1, 2a-2",dev-story,setup,start,"Loading it"': [replace(REPORT, story="2a-1,2a-2")],
    f'{SECOND},2a,2a-1,2a-2,dev-story,setup,start,"Loading it"': [replace(REPORT, story="2a-1,2a-2")],
    f"{HEAD},start": [replace(REPORT, message="start")],
    f'{SECOND},2a,2a-1,sprint-code-review-2,fix,start,"Loading it"': [
        replace(REPORT, command="code-review-2", task="fix")
    ],
    f'{SECOND},2a,2a-1,brew-coffee,grind,start,"Loading it"': [replace(REPORT, command="brew-coffee", task="grind")],
    # Junk.
    "": [],
    "timestamp,epic,story,command,task,start|end,message": [],
    f"{SECOND},2a,2a-1,dev-story,setup,begin,x": [],
    f"{SECOND},2a,2a-1,dev-story,setup,started,x": [],
    f"{SECOND},2a,2a-1,dev-story,setup,START,x": [],
    f"{SECOND},2a,2a-1,setup,start,x": [],
    f"{SECOND},2a,2a-1,2a-2,2a-3,dev-story,setup,start,x": [],
    f"1{LINE}": [],
    f"a{LINE}": [],
    f"x,{LINE}": [],
    "123,2a,2a-1,dev-story,setup,start,x": [],
    f"{SECOND},,2a-1,dev-story,setup,start,x": [],
    f"{SECOND},2a,../../x,dev-story,setup,start,x": [],
    f"{SECOND},2a,--flag,dev-story,setup,start,x": [],
    f"{SECOND},2a,2a-1,dev\x1b[1m,setup,start,x": [],
    f"{SECOND},2a,{'a' * 201},dev-story,setup,start,x": [],
    f"{SECOND},2a,2a-1,dev-story\n,setup,start,x": [],
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.items(), ids=lambda value: repr(value)[:70])
def test_lines_of_the_log_format_are_read(text, expected):
    assert reports_in_text(text) == expected


@given(st.text(alphabet=st.characters(exclude_characters="\n")))
def test_every_message_survives_the_quoting(message):
    quoted = message.replace('"', '""')
    (report,) = reports_in_text(f'{HEAD},"{quoted}"')
    assert report.message == message


@given(st.text())
def test_no_text_raises(text):
    assert reports_in_text(text) == []
    assert isinstance(reports_in_text(f"{HEAD},{text}"), list)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("nothing to report", "nothing to report"),
        (f"{HEAD},x", ""),
        (f'Before\n{HEAD},"two, ""words"""\nafter', "Before\n\nafter"),
        (f"{SECOND},2a,2a-1,dev-story,setup,begin,x", f"{SECOND},2a,2a-1,dev-story,setup,begin,x"),
    ],
)
def test_what_is_said_besides_the_reports(text, rest):
    assert without_reports(text) == rest


@needs_real_log
def test_real_log_is_read_completely():
    text = REAL_LOG.read_text(encoding="utf-8")
    assert without_reports(text) == ""
    rows = list(csv.reader(text.splitlines()))
    reports = reports_in_text(text)
    assert len(reports) == len(rows) == 151
    for report, row in zip(reports, rows, strict=True):
        told = (report.epic, report.story, report.command, report.task, report.status, report.message)
        assert (str(report.timestamp_ms), *told) == (f"{row[0]}000", *row[1:])
        assert is_known_task(report.command, report.task)


@pytest.mark.parametrize("flood", ["1", "1769210247 ", f"{SECOND},", f"\n{SECOND},a,b,c,d,", f'{HEAD},"""\n'])
def test_time_is_linear_in_the_text(flood):
    text = (flood * ((1 << 20) // len(flood) + 1))[: 1 << 20]
    assert any(processor_seconds(text) < 0.5 for _ in range(3))


def processor_seconds(text: str) -> float:
    began = time.process_time()
    reports_in_text(text)
    return time.process_time() - began


# --- reports in shell calls ---------------------------------------------------------------------------------------

CALLED = replace(REPORT, timestamp_ms=None)
CALL = "orchestrator.sh 2a 2a-1 dev-story setup start 'Loading it'"
JSON = '"epic_id":"2a","story_id":"2a-1","task_id":"setup","status":"start","message":"Loading it"'
SHELL = {
    f"_bmad/scripts/{CALL}": [CALLED],
    "python -m runner log 2a 2a-1 dev-story setup start 'Loading it'": [CALLED],
    f'sprint-log.sh \'{{{JSON}, "command":"sprint-dev-story"}}\'': [CALLED],
    f'sprint-log.sh \'{{{JSON}, "command":"sprint-code-review", "attempt":2}}\'': [
        replace(CALLED, command="code-review-2")
    ],
    f'sprint-log.sh \'{{{JSON}, "command":"code-review-3", "attempt":2}}\'': [
        replace(CALLED, command="code-review-3")
    ],
    f'sprint-log.sh \'{{{JSON}, "command":"dev-story", "attempt":2}}\'': [CALLED],
    f'sprint-log.sh \'{{{JSON}, "command":"dev-story", "metrics":{{"files":3}}}}\'': [
        replace(CALLED, metrics={"files": "3"})
    ],
    f"{CALL} && make && {CALL.replace('start', 'end')}": [CALLED, replace(CALLED, status=TaskStatus.END)],
    "orchestrator.sh 2a 2a-1 dev-story tests end 'Done (tests:12/12 passed)'": [
        replace(
            CALLED,
            task="tests",
            status=TaskStatus.END,
            message="Done (tests:12/12 passed)",
            metrics={"tests": "12/12 passed"},
        )
    ],
    "orchestrator.sh 2a 2a-1,2a-2 dev-story setup start 'Loading it'": [replace(CALLED, story="2a-1,2a-2")],
    "orchestrator.sh 2a 2a-1 dev-story setup begin x": [],
    "orchestrator.sh $EPIC 2a-1 dev-story setup start x": [],
    "orchestrator.sh 2a ../x dev-story setup start x": [],
    "orchestrator.sh 2a 2a-1,2a-2,2a-3 dev-story setup start x": [],
    f"{CALL} 'open": [],
}


@pytest.mark.parametrize(("command", "expected"), SHELL.items(), ids=lambda value: repr(value)[:70])
def test_logging_calls_are_reports_without_a_time(command, expected):
    assert reports_in_shell(command) == expected


# --- messages -----------------------------------------------------------------------------------------------------

METRICS = {
    "Text (files:3, tests:12/12 passed)": {"files": "3", "tests": "12/12 passed"},
    "Setup complete (files:1)": {"files": "1"},
    "Done (lines: 1,200, files: 2)  ": {"lines": "1,200", "files": "2"},
    "Analysis (first) complete (issues:5 found)": {"issues": "5 found"},
    "Done (mostly, files:2)": {"files": "2"},
    "Loading code for review (4-1)": {},
    "Applying code fixes (5 issues found)": {},
    "Done (files:3) at last": {},
    "Done (files:)": {},
    "Done files:3": {},
    "Done ()": {},
    f"Done (files:{'3' * 400})": {},
    "(" * 100_000: {},
    "": {},
}


@pytest.mark.parametrize(("message", "expected"), METRICS.items(), ids=lambda value: repr(value)[:50])
def test_metrics_end_a_message(message, expected):
    assert metrics_of(message) == expected


def test_messages_are_cut_for_display():
    assert display("x" * DISPLAY_LENGTH) == "x" * DISPLAY_LENGTH
    assert display("x" * (DISPLAY_LENGTH + 1)) == "x" * (DISPLAY_LENGTH - 1) + "…"
    assert DISPLAY_LENGTH == 150


# --- the filter ---------------------------------------------------------------------------------------------------


def called(status: str = "start", message: str = "Loading it", task: str = "setup") -> TaskReport:
    """A call of the script, as seen in a tool use."""
    return replace(CALLED, status=TaskStatus(status), message=message, task=task)


def line(second: int, status: str = "start", message: str = "Loading it", task: str = "setup") -> TaskReport:
    """A line of the log, `second` seconds after the beginning."""
    return replace(called(status, message, task), timestamp_ms=(SECOND + second) * 1000)


STREAMS = {
    "call and its echo": [(called(), True), (line(1), False)],
    "line and its copy": [(line(1), True), (line(1), False)],
    "call, echo, and the echo quoted": [(called(), True), (line(1), False), (line(1), False)],
    "line announced, then logged, then echoed": [(line(1), True), (called(), False), (line(2), False)],
    "tried again": [(called(), True), (called(), False), (line(1), False), (line(2), False)],
    "several calls before their echoes": [
        (called(), True),
        (called("end"), True),
        (line(1), False),
        (line(2, "end"), False),
    ],
    "a task that runs twice": [
        (called(), True),
        (line(1), False),
        (called("end"), True),
        (line(2, "end"), False),
        (called(), True),
        (line(3), False),
        (called("end"), True),
        (line(4, "end"), False),
    ],
    "twice, without echoes": [(called(), True), (called("end"), True), (called(), True), (called("end"), True)],
    "twice, echoes last": [
        (called(), True),
        (called("end"), True),
        (called(), True),
        (called("end"), True),
        (line(1), False),
        (line(2, "end"), False),
        (line(3), False),
        (line(4, "end"), False),
    ],
    "twice, as lines": [(line(1), True), (line(2, "end"), True), (line(3), True), (line(4, "end"), True)],
    "twice, as lines, then all quoted": [
        (line(1), True),
        (line(2, "end"), True),
        (line(3), True),
        (line(1), False),
        (line(2, "end"), False),
        (line(3), False),
    ],
    "started again without an end, at another time": [(line(1), True), (line(9), True)],
    "another message": [(called(), True), (called(message="Loading more"), True)],
    "another task": [(called(), True), (called(task="lint"), True), (called(), False)],
    "another story": [(called(), True), (replace(called(), story="2a-2"), True)],
    "another command": [(called(), True), (replace(called(), command="code-review-1"), True)],
    "seconds and milliseconds": [(line(1), True), (replace(line(1), timestamp_ms=(SECOND + 1) * 1000 + 7), False)],
    "a message the script cut": [(called(message="x" * 300), True), (line(1, message="x" * 150), False)],
    "a message of two lines": [(called(message="one\ntwo"), True), (line(1, message="one"), False)],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_same_report_counts_once(stream):
    reports = ReportFilter()
    assert [reports.fresh(report) for report, _ in stream] == [fresh for _, fresh in stream]


@needs_real_log
def test_real_log_has_no_echoes_and_is_all_echo_when_quoted():
    log = reports_in_text(REAL_LOG.read_text(encoding="utf-8"))
    reports = ReportFilter()
    assert all(reports.fresh(report) for report in log)
    assert not any(reports.fresh(report) for report in log)


@needs_real_log
def test_real_log_counts_once_when_called_and_echoed():
    log = reports_in_text(REAL_LOG.read_text(encoding="utf-8"))
    reports = ReportFilter()
    assert all(reports.fresh(replace(report, timestamp_ms=None)) and not reports.fresh(report) for report in log)


def test_filter_remembers_only_so_much():
    reports = ReportFilter()
    for number in range(ReportFilter.LIMIT + 1):
        assert reports.fresh(line(number, message=f"m{number}"))
    assert reports.fresh(line(0, message="m0"))
    assert not reports.fresh(line(ReportFilter.LIMIT, message=f"m{ReportFilter.LIMIT}"))
