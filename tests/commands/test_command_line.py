"""The command line as a whole: help, options that do not go together, and what it prints to whom."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.conftest import Call
from tests.support.project import make_project, write_scenario
from tests.support.runs import environment, run

REFUSED = {
    "nothing to do": (["--no-server"], "nothing to do"),
    "both": (["--cycles", "1", "--resume"], "exclude each other"),
    "zero": (["--cycles", "0"], "1 to 999"),
    "too many": (["--cycles", "1000"], "1 to 999"),
    "no number": (["--cycles", "two"], "1 to 999"),
    "other digits": (["--cycles", "٣"], "1 to 999"),
    "new alone": (["--new", "--resume"], "--new goes with --cycles"),
    "scenario for claude": (["--cycles", "1", "--scenario", "x.yaml"], "--agent scripted"),
    "demo with claude": (["--cycles", "1", "--demo", "--agent", "claude"], "--demo"),
    "unknown option": (["--cycels", "1"], "No such option"),
    "unknown command": (["sing"], "No such command"),
    "unknown agent": (["--agent", "hal"], "hal"),
    "unknown level": (["--log-level", "loud"], "loud"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_bad_options_are_refused_in_one_line(call: Call, project: Path, arguments: list[str], words: str):
    called = call("--project", project, *arguments)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert words in called.err
    assert not (project / ".sprint-runner").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], *([name] for name in ("status", "history", "log", "doctor", "start", "stop", "pause", "resume", "watch"))],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(call: Call, arguments: list[str], option: str):
    called = call(*arguments, option)
    assert (called.code, called.err) == (0, "")
    assert called.out.startswith("Usage: ")


def test_help_names_all_commands_and_exit_codes(call: Call):
    text = call("--help").out
    for words in ("status", "history", "log", "doctor", "watch", "--dry-run", "Exit codes"):
        assert words in text


def test_version(call: Call):
    assert call("--version").out.startswith("sprint-runner, version ")


ONE_STORY = {"1-1-one": "review"}
ONE_CYCLE = ("--cycles", "1", "--no-server")


def test_plain_output_is_lines_and_a_summary(tmp_path: Path):
    project = make_project(tmp_path / "project", ONE_STORY)
    done = run(project, write_scenario(tmp_path), "--cycles", "1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "\x1b" not in done.stdout
    assert lines[0][10:] == "batch 1 started, 1 cycle"
    assert any(line[10:].startswith("1-1        code-review-1                  success") for line in lines)
    assert any(line.startswith("1-1 one  done") for line in lines)
    assert f"next cycles  {sys.executable} -m runner --project {project} --agent scripted" in done.stdout


def test_terminal_gets_the_picture(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", ONE_STORY), write_scenario(tmp_path)
    master, slave = pty.openpty()
    arguments = [
        "--project",
        str(project),
        "--agent",
        "scripted",
        "--scenario",
        str(scenario),
        "--no-server",
        *ONE_CYCLE,
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "runner", *arguments],
        env=environment(TERM="xterm-256color", COLUMNS="100", LINES="30"),
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(slave)
        text = b""
        with suppress(OSError):  # what a terminal says when its last writer is gone
            while piece := os.read(master, 65536):
                text += piece
        assert process.stderr is not None
        assert (process.wait(), process.stderr.read()) == (0, b"")
    os.close(master)
    for words in ("batch 1 · cycle 1 of 1", "code-review-1", "1 story done", "\x1b[?25h"):
        assert words in text.decode()


@pytest.mark.slow
def test_dumb_terminal_gets_plain_lines(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", ONE_STORY), write_scenario(tmp_path)
    master, slave = pty.openpty()
    arguments = [
        "--project",
        str(project),
        "--agent",
        "scripted",
        "--scenario",
        str(scenario),
        "--no-server",
        *ONE_CYCLE,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        env=environment(TERM="dumb"),
        stdout=slave,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(slave)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in os.read(master, 65536)
    os.close(master)


def test_reader_that_goes_away_is_no_error(project: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "--dry-run", "--project", str(project)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
