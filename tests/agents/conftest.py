"""A small project, and the scripted agent run in it as a real process."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner.agents import scripted_child

STORIES = "2-1-first,2-2-second"
SPRINT = """\
# A sprint
development_status:
  epic-2: backlog  # the epic
  2-1-first: backlog
  "2-2-second": backlog  # quoted
  3-1-other: 'backlog'
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that is over."""

    code: int
    output: bytes
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        (line,) = (line for line in self.lines if line["type"] == "result")
        return line

    @property
    def texts(self) -> list[str]:
        return [block["text"] for block in self._blocks("assistant") if block["type"] == "text"]

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        return [(block["name"], block["input"]) for block in self._blocks("assistant") if block["type"] == "tool_use"]

    @property
    def answers(self) -> list[tuple[bool, str]]:
        """For each tool result whether it failed, and its content."""
        return [
            (block["is_error"], block["content"]) for block in self._blocks("user") if block["type"] == "tool_result"
        ]

    def _blocks(self, kind: str) -> list[dict[str, Any]]:
        return [line["message"]["content"][0] for line in self.lines if line["type"] == kind]


class Bench:
    """A small project, and the means to run the agent in it."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.artifacts = self.project / "_bmad-output/implementation-artifacts"
        self.artifacts.mkdir(parents=True)
        self.planning = self.project / "_bmad-output/planning-artifacts"
        self.planning.mkdir()
        self.sprint = self.artifacts / "sprint-status.yaml"
        self.sprint.write_text(SPRINT)
        self.state = root / "state"
        self.scenario = root / "scenario.json"

    def run(self, *actions: object, **how: Any) -> Ended:
        with self.started(*actions, **how) as child:
            output, errors = child.communicate(timeout=20)
        return Ended(code=child.returncode, output=output, stderr=errors.decode())

    def finish(self, child: subprocess.Popen[bytes], seen: bytes) -> Ended:
        """Wait for a started run whose first output is read already."""
        output, errors = child.communicate(timeout=20)
        return Ended(code=child.returncode, output=seen + output, stderr=errors.decode())

    @contextmanager
    def started(
        self,
        *actions: object,
        command: str = "dev-story",
        stories: str = STORIES,
        session: str | None = None,
        resume: bool = False,
        arguments: tuple[str, ...] = (),
        prompt: bytes = b"Do it.",
    ) -> Iterator[subprocess.Popen[bytes]]:
        if actions:
            self.scenario.write_text(json.dumps([{"actions": list(actions)}]))
        elif not self.scenario.exists():
            self.scenario.write_text("[]")
        argv = [sys.executable, "-I", scripted_child.__file__, "-p", "--output-format", "stream-json", "--verbose"]
        argv += ["--resume" if resume else "--session-id", session or str(uuid.uuid4())]
        argv += ["--permission-mode", "bypassPermissions", "--scenario", str(self.scenario), *arguments]
        pipe = subprocess.PIPE
        environment = self.environment(command, stories)
        with subprocess.Popen(argv, cwd=self.project, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as child:
            assert child.stdin is not None
            with suppress(BrokenPipeError):
                child.stdin.write(prompt)
                child.stdin.close()
            child.stdin = None
            try:
                yield child
            finally:
                child.kill()

    def environment(self, command: str, stories: str) -> dict[str, str]:
        told = {"COMMAND": command, "STORIES": stories, "EPIC": "2", "CYCLE": "3", "ATTEMPT": "1"}
        told |= {"STATE_DIR": str(self.state), "STATUS_FILE": str(self.sprint)}
        told |= {"ARTIFACTS": str(self.artifacts), "PLANNING": str(self.planning)}
        identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            identity |= {f"GIT_{role}_NAME": "Test", f"GIT_{role}_EMAIL": "test@example.invalid"}
        return os.environ | identity | {f"SPRINT_RUNNER_{name}": value for name, value in told.items()}

    def git(self, *arguments: str) -> str:
        environment = self.environment("", "")
        done = subprocess.run(("git", *arguments), cwd=self.project, env=environment, capture_output=True, check=True)
        return done.stdout.decode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
