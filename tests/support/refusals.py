"""Calls that have to be refused: one line on standard error, the right exit code, and a project nobody touched."""

import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from runner import cli
from tests.support.project import sprint_file

STATE_FOLDER = {".sprint-runner", ".sprint-runner/.gitignore", ".sprint-runner/lock"}
"""What there may be once the runner has taken the lock."""

Tree = dict[str, tuple[int, bytes]]


class Answer(NamedTuple):
    """What a call of the command line came to."""

    code: int
    out: str
    err: str


def call(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    """Run the command line in this process; it serves only where that is asked for: many tests run at a time."""
    serving = [] if {"--host", "--port"} & {*arguments} else ["--no-server"]
    monkeypatch.setattr(sys, "argv", ["sprint-runner", *serving, *arguments])
    try:
        with pytest.raises(SystemExit) as end:
            cli.run()
    finally:
        structlog.reset_defaults()  # it holds on to the captured standard error
    return Answer(end.value.code, *capsys.readouterr())


def snapshot(project: Path) -> Tree:
    """Every file below the project: its mode, and its bytes or where it leads."""
    return {str(path.relative_to(project)): _content(path) for path in project.rglob("*")}


def _content(path: Path) -> tuple[int, bytes]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return mode, os.readlink(path).encode()
    # One that nobody may read is known by its mode.
    return mode, path.read_bytes() if stat.S_ISREG(mode) and os.access(path, os.R_OK) else b""


def untouched(before: Tree, after: Tree, *, locked: bool) -> bool:
    """Whether nothing changed; `locked`: but for the state folder and the lock in it."""
    spared = STATE_FOLDER - before.keys() if locked else set()
    return before == {name: content for name, content in after.items() if name not in spared}


def refusal(answer: Answer, *, code: int, says: str, project: Path) -> str:
    """What is wrong with a refusal; empty when nothing is.

    `says` is the line's text with `…` where anything may stand; {project} and {file} (the sprint file) are filled in.
    """
    if (answer.code, answer.out) != (code, ""):
        return f"code {answer.code}, output {answer.out!r}, errors {answer.err!r}"
    line, end, rest = answer.err.partition("\n")
    if not line.startswith("sprint-runner: ") or not line.isprintable() or not end or rest:
        return f"not one printable line: {answer.err!r}"
    filled = says.replace("{project}", str(project)).replace("{file}", str(sprint_file(project)))
    pattern = ".*".join(map(re.escape, filled.split("…")))
    return "" if re.search(pattern, answer.err) else f"{answer.err!r} does not say {filled!r}"
