"""The bench on which the real Claude CLI is run: a plugin of `test_real_claude.py`.

It finds or installs the CLI, starts the local stand-in for the Messages API that the CLI then talks to, and runs the
runner as a child process, as an operator would. Nothing leaves this machine: the CLI has a home of its own, a key
that is none, and the stand-in's address. What cannot be had (npm, the stand-in) skips the tests, loudly.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.project import git, make_project, sprint_file
from tests.support.runs import CHECKOUT, PATIENCE_SECONDS, query

HARNESS = CHECKOUT.parent / "shared" / "claude-cli" / "harness" / "messages_stub.py"
INSTALL = CHECKOUT / "scripts" / "install-claude"
GIVEN = "SPRINT_RUNNER_TEST_CLAUDE"
LOUD = "the real Claude CLI was NOT tested"


# --- the CLI and the stand-in, or a loud skip ---------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skip is easily overlooked, this line is not."""
    skips = (report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason in sorted({reason for reason in skips if LOUD in reason}):
        terminalreporter.write_line(f"WARNING: {reason.removeprefix('Skipped: ')}", red=True, bold=True)


@pytest.fixture(scope="session")
def claude(request: pytest.FixtureRequest) -> Path:
    """The CLI's executable: the one that is given, or one that is installed into pytest's cache once."""
    given = os.environ.get(GIVEN)
    if given:
        assert os.access(given, os.X_OK), f"{GIVEN}={given} is not executable"
        return Path(given).absolute()
    if shutil.which("npm") is None:
        pytest.skip(f"{LOUD}: no npm to install it with; name an installed one in {GIVEN}")
    done = subprocess.run(
        [sys.executable, INSTALL, request.config.cache.mkdir("claude-cli")], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{LOUD}: {done.stderr.strip()}; name an installed one in {GIVEN}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def stub() -> ModuleType:
    """The module of the stand-in, from where it lies beside the checkout."""
    if not HARNESS.is_file():
        pytest.skip(f"{LOUD}: its stand-in for the Messages API is missing, {HARNESS}")
    spec = importlib.util.spec_from_file_location("messages_stub", HARNESS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


# --- the bench ----------------------------------------------------------------------------------------------------


class Bench:
    """A project, the stand-in with what the agents are to do, and runners that work on the project."""

    def __init__(self, root: Path, claude: Path, api: Any) -> None:
        self.api = api
        self.project = root / "project"
        self.artifacts = self.project / "_bmad-output" / "implementation-artifacts"
        self._claude = claude
        self._home = root / "home"
        self._home.mkdir()

    def begin(self, sprint: str, *, context: bool = True) -> None:
        """Make the project, with this text as its sprint file."""
        make_project(self.project, {}, context=context)
        sprint_file(self.project).write_text(sprint)
        git(self.project, "commit", "--quiet", "--all", "--message", "the sprint")

    def plays(self, command: str, *turns: Mapping[str, Any]) -> None:
        """What the agent does when it is told to carry out the command; a pattern that may go on into the prompt."""
        self.api.script(rf"# Command: {command}", turns, after="error")

    @contextmanager
    def started(self, *options: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
        """A runner that runs; killed at the end of the block if it still does."""
        argv = [sys.executable, "-m", "runner", "--project", str(self.project), "--agent-command", str(self._claude)]
        with subprocess.Popen(
            [*argv, *options],
            env=self._environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as runner:
            try:
                yield runner
            finally:
                if runner.poll() is None:
                    runner.send_signal(signal.SIGKILL)

    def run(self, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end."""
        with self.started(*options, **variables) as runner:
            out, err = runner.communicate(timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(runner.args, runner.returncode, out, err)

    def _environment(self) -> dict[str, str]:
        """As little as possible of the developer's own: what is set there must not decide a test."""
        base = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),  # for agents, who call `python -m runner log` in the project
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "SPRINT_RUNNER_RETRY_BACKOFF_SECONDS": "0",
            "CLAUDE_CODE_MAX_RETRIES": "0",  # its ten retries take three minutes
        }
        if os.geteuid() == 0:
            base["IS_SANDBOX"] = "1"
        environment: dict[str, str] = self.api.client_env(self._home, base)
        # The stand-in takes every variable of the CLI out of what it is given.
        return environment | {name: value for name, value in base.items() if name.startswith("CLAUDE_")}

    def rows(self, columns: str, *, where: str = "1") -> Sequence[tuple[Any, ...]]:
        """These columns of the attempts, in the order in which they began."""
        return query(self.project, f"SELECT {columns} FROM commands WHERE {where} ORDER BY id")

    def asked(self, command: str) -> list[Any]:
        """The requests that came from agents with this command."""
        return [call for call in self.api.calls if f"# Command: {command}\n" in call.prompt]


@pytest.fixture
def bench(tmp_path: Path, claude: Path, stub: ModuleType) -> Iterator[Bench]:
    with stub.MessagesStub() as api:
        yield Bench(tmp_path, claude, api)
