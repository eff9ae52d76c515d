"""The bench on which the real Claude CLI is run by `test_real_claude.py`.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from runner.guard import tags
from tests.support.project import git, make_project, sprint_file
from tests.support.runs import CHECKOUT, query, wait_until

STAND_IN = CHECKOUT.parent / "shared" / "claude-cli" / "harness" / "messages_stub.py"
INSTALL = CHECKOUT / "scripts" / "install-claude"
GIVEN = "SPRINT_RUNNER_TEST_CLAUDE"
PATIENCE_SECONDS = 120.0
"""A cycle of two stories takes 13 s on a machine that has nothing else to do."""
SWEEP_SECONDS = 10.0
Turn = Mapping[str, Any]


# --- the CLI and the stand-in, or a loud skip ---------------------------------------------------------------------


class Notice:
    """A plugin: a skip is easily overlooked, its line at the end of the report is not."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"WARNING: {self._reason}", red=True, bold=True)


def skip(config: pytest.Config, reason: str) -> NoReturn:
    reason = f"the real Claude CLI was NOT tested: {reason}"
    if not config.pluginmanager.has_plugin(reason):
        config.pluginmanager.register(Notice(reason), reason)
    pytest.skip(reason)


def find_claude(config: pytest.Config) -> Path:
    """The CLI's executable: the one that is given, or one that is installed into pytest's cache once."""
    given = os.environ.get(GIVEN)
    if given:
        assert os.access(given, os.X_OK), f"{GIVEN}={given} is not executable"
        return Path(given).absolute()
    if shutil.which("npm") is None:
        skip(config, f"no npm to install it with; name an installed one in {GIVEN}")
    command = [sys.executable, INSTALL, config.cache.mkdir("claude-cli")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        skip(config, f"{done.stderr.strip()}; name an installed one in {GIVEN}")
    return Path(done.stdout.strip())


def load_stand_in(config: pytest.Config) -> ModuleType:
    """The module of the stand-in, from where it lies beside the checkout."""
    if not STAND_IN.is_file():
        skip(config, f"its stand-in for the Messages API is missing, {STAND_IN}")
    return stand_in()


def stand_in() -> ModuleType:
    """The module of the stand-in, which is there."""
    if STAND_IN.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(STAND_IN.stem, STAND_IN)
        sys.modules[STAND_IN.stem] = importlib.util.module_from_spec(spec)  # its dataclasses look themselves up there
        spec.loader.exec_module(sys.modules[STAND_IN.stem])
    return sys.modules[STAND_IN.stem]


# --- what an agent does: the stand-in's turns ---------------------------------------------------------------------


def turn(*blocks: Mapping[str, Any]) -> Turn:
    """One message of the model."""
    return {"content": list(blocks)}


def says(text: str) -> Mapping[str, Any]:
    return {"type": "text", "text": text}


def uses(tool: str, **arguments: object) -> Mapping[str, Any]:
    return {"type": "tool_use", "name": tool, "input": arguments}


def writes(path: str, content: str) -> Mapping[str, Any]:
    return uses("Write", file_path=path, content=content)


def shell(command: str, *, background: bool = False) -> Mapping[str, Any]:
    return uses("Bash", command=command, **({"run_in_background": True} if background else {}))


def fails(status: int, message: str) -> Turn:
    """The API's answer when it gives none of the model's."""
    return {"error": {"status": status, "message": message}}


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

    def plays(
        self, command: str, *turns: Turn, before: Callable[[], object] | None = None, continued: bool = False
    ) -> None:
        """What the agent does when it is told to carry out the command; a pattern that may go on into the prompt.

        The first pattern that fits counts. `before` is called when the agent asks for its first turn, and may hold
        it up. `continued`: only in a session that goes on after an interruption.
        """

        def respond(call: Any) -> Turn:
            if call.turn_index == 0 and before is not None:
                before()
            return turns[call.turn_index] if call.turn_index < len(turns) else fails(400, "the play is over")

        beginning = "You were interrupted.*" if continued else ""
        self.api.script(rf"{beginning}# Command: {command}", respond)

    @contextmanager
    def started(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        """A runner that runs; killed at the end of the block if it still does."""
        argv = [sys.executable, "-m", "runner", "--no-server", "--project", str(self.project)]
        argv += ["--agent-command", str(self._claude)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*argv, *options],
            env=self._environment(),
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
            # Whoever runs the tests may have it ignored, which a child inherits.
            preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
        ) as runner:
            try:
                yield runner
            finally:
                if runner.poll() is None:
                    runner.kill()

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end."""
        with self.started(*options) as runner:
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
        }
        if os.geteuid() == 0:
            base["IS_SANDBOX"] = "1"
        # The CLI's own ten retries would take three minutes.
        environment: dict[str, str] = self.api.client_env(self._home, base, CLAUDE_CODE_MAX_RETRIES="0")
        return environment

    def forget_sessions(self) -> None:
        """As the CLI itself does after some weeks."""
        shutil.rmtree(self._home / ".claude" / "projects")

    def attempts(self, columns: str, *, where: str = "1") -> Sequence[tuple[Any, ...]]:
        """These columns of the attempts, in the order in which they began."""
        return query(self.project, f"SELECT {columns} FROM commands WHERE {where} ORDER BY id")

    def bury(self) -> None:
        """End what a failed test has left; nothing is left by one that passed."""
        for (tag,) in self.attempts("tag"):
            if tags.tagged(tag):
                tags.sweep(tag, SWEEP_SECONDS)

    def asked(self, command: str) -> list[Any]:
        """The requests that came from agents with this command."""
        return [call for call in self.api.calls if f"# Command: {command}\n" in call.prompt]


def wait_for(runner: "subprocess.Popen[str]", condition: Callable[[], bool]) -> None:
    """Wait for something a runner brings about; fails with its last words when it ends instead."""
    wait_until(lambda: condition() or runner.poll() is not None, seconds=PATIENCE_SECONDS)
    assert runner.poll() is None, runner.communicate()


@contextmanager
def make_bench(root: Path, config: pytest.Config) -> Iterator[Bench]:
    """The bench of one test; skips it when something is missing."""
    stand_in = load_stand_in(config)
    claude = find_claude(config)
    with stand_in.MessagesStub() as api:
        bench = Bench(root, claude, api)
        try:
            yield bench
        finally:
            bench.bury()
