"""`doctor`: checks all that a batch needs, before one is started.

Each check is a function of a `Case` that returns a `Finding`; a foreseen condition may as well be raised. The lists
of checks are in `doctor_machine` and `doctor_project`; with `--url` it is also seen whether a runner answers there.
Changes nothing; the only command that runs the agent CLI.
"""

from collections.abc import Mapping

import click
import msgspec

from runner.commands.case import Case, Check, Finding, State
from runner.commands.doctor_machine import MACHINE
from runner.commands.doctor_project import PROJECT, find_project_paths
from runner.commands.given import Given
from runner.commands.reach import reach
from runner.commands.start import make_options
from runner.display.words import clean
from runner.domain.errors import RunnerError
from web.answers import Health
from web.client import Question, decoded, exchange, refusal

STUCK = 503
"""The status of an answer that says so."""
COLOURS: Mapping[State, str] = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def show(given: Given, environment: Mapping[str, str]) -> tuple[list[str], int]:
    """The findings as a table or as JSON, and the exit code: 1 when something would stop a batch."""
    findings = examine(given, environment)
    sound = all(finding.state is not State.FAIL for _, finding in findings)
    if given.as_json:
        checks = [{"name": name, **msgspec.to_builtins(finding)} for name, finding in findings]
        return [msgspec.json.encode({"ok": sound, "checks": checks}).decode()], 0 if sound else 1
    return in_words(findings), 0 if sound else 1


def examine(given: Given, environment: Mapping[str, str]) -> list[tuple[str, Finding]]:
    """Every finding in order, by name; the project's own checks only when there is a project."""
    found, paths = find_project_paths(given.where)
    case = Case(where=given.where, options=make_options(given), environment=environment, paths=paths)
    checks: list[tuple[str, Check]] = [*MACHINE, *(PROJECT if paths else ())]
    findings = [(name, _examined(check, case)) for name, check in checks]
    running = [] if given.url is None else [("runner", _runner(given, environment))]
    return [*findings[: len(MACHINE)], ("project", found), *findings[len(MACHINE) :], *running]


def _runner(given: Given, environment: Mapping[str, str]) -> Finding:
    """Whether the runner at the given address answers, and whether its parts are alive."""
    try:
        address = reach(given, environment)
        status, body = exchange(address, Question(path="/healthz"))
        if status not in (200, STUCK):
            raise refusal(address, status, body)
        health = decoded(address, body, Health)
    except RunnerError as error:
        return Finding(state=State.FAIL, detail=error.message, remedy=error.hint)
    if health.status == "ok":
        return Finding(detail=f"answers at {address}, and its parts are alive")
    silent = max(health.actors, key=health.actors.__getitem__, default="one of its parts")
    return Finding(state=State.FAIL, detail=f"{address}: {silent} is stuck", remedy="end it, then --resume")


def _examined(check: Check, case: Case) -> Finding:
    try:
        return check(case)
    except RunnerError as error:
        return Finding(state=State.FAIL, detail=error.message, remedy=error.hint)


def in_words(findings: list[tuple[str, Finding]]) -> list[str]:
    """A line for each check, with the remedy below where there is something to do."""
    width = max(len(name) for name, _ in findings)
    lines = []
    for name, finding in findings:
        state = click.style(f"{finding.state:<4}", fg=COLOURS[finding.state], bold=finding.state is State.FAIL)
        lines.append(f"{state}  {name:<{width}}  {clean(finding.detail)}")
        if finding.remedy:
            lines.append(f"{'':4}  {'':{width}}  -> {clean(finding.remedy)}")
    return [*lines, "", _verdict(findings)]


def _verdict(findings: list[tuple[str, Finding]]) -> str:
    failed = sum(finding.state is State.FAIL for _, finding in findings)
    warned = sum(finding.state is State.WARN for _, finding in findings)
    if failed:
        return click.style(f"{failed} of {len(findings)} checks would stop a batch", fg="red", bold=True)
    if warned:
        return f"a batch can start; {warned} of {len(findings)} checks deserve a look"
    return "all is well"
