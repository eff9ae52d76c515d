"""`log`: what an agent reports is one line that the runner reads back."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from runner.domain.taxonomy import TaskReport, reports_in_shell, reports_in_text
from tests.commands.conftest import Call

CALL = ("2a", "2a-1", "dev-story", "tests", "end")
CHECKOUT = Path(__file__).resolve().parents[2]
CPU_SECONDS = 0.25
"""Twice what it takes; what it must not do is load the parts that run batches, which take half a second."""


def read_back(line: str) -> TaskReport:
    (report,) = reports_in_text(line)
    return report


MESSAGES = [
    "All green (tests:12/12 passed)",
    "",
    'He said "no", twice',
    "- begins with a dash",
    "--json",
    "comma, comma, 'quotes' and `ticks`",
    "ümläut 漢字",
    "x" * 100_000,
    "tab\there",
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:12] or "empty")
def test_line_is_read_back_as_it_was_meant(call: Call, message: str):
    called = call("log", *CALL, message)
    assert (called.code, called.err, called.out.count("\n")) == (0, "", 1)
    report = read_back(called.out)
    assert (report.epic, report.story, report.command, report.task, report.status) == CALL
    assert report.message == message


def test_message_may_be_missing(call: Call):
    assert read_back(call("log", *CALL).out).message == ""


def test_only_the_first_line_of_a_message_counts(call: Call):
    called = call("log", *CALL, "first\nsecond")
    assert called.out.count("\n") == 1
    assert read_back(called.out).message == "first"


def test_pair_is_one_quoted_column(call: Call):
    called = call("log", "2a", "2a-1, 2a-2", "create-story", "write", "start", "both")
    assert '"2a-1,2a-2"' in called.out
    assert read_back(called.out).story == "2a-1,2a-2"


def test_call_in_a_shell_and_its_line_say_the_same(call: Call):
    (seen,) = reports_in_shell('python -m runner log --project /p 2a 2a-1 code-review-2 fix end "Done (files:3)"')
    printed = read_back(
        call("log", "--project", "/p", *CALL[:2], "code-review-2", "fix", "end", "Done (files:3)").out
    )
    assert (printed.command, printed.message, printed.metrics) == (seen.command, seen.message, seen.metrics)


@pytest.mark.parametrize(("command", "task"), [("dev-story", "juggling"), ("sing", "tests")])
def test_unknown_names_count_and_are_remarked(call: Call, command: str, task: str):
    called = call("log", "2a", "2a-1", command, task, "start", "x")
    assert called.code == 0
    assert (read_back(called.out).command, read_back(called.out).task) == (command, task)
    assert "counts all the same" in called.err


def test_unquoted_message_is_remarked(call: Call):
    called = call("log", *CALL, "All", "green")
    assert (read_back(called.out).message, "in quotes" in called.err) == ("All", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("2a", "2a-1", "dev-story", "tests", "stop", "x"),
        ("../..", "2a-1", "dev-story", "tests", "end", "x"),
        ("2a", "2a-1;rm", "dev-story", "tests", "end", "x"),
        ("2a", "2a-1", "dev story", "tests", "end", "x"),
        ("2a", "2a-1", "dev-story", "te,sts", "end", "x"),
        ("2a", "2a-1", "dev-story", "tests"),
        (),
    ],
)
def test_names_nobody_can_read_back_are_refused_in_one_line(call: Call, arguments: tuple[str, ...]):
    called = call("log", *arguments)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)


def test_it_starts_fast():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "runner", "log", *CALL, "x"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert read_back(done.stdout.decode()).task == "tests"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU_SECONDS
