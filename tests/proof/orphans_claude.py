"""The rows of the real Claude CLI in the matrix of `orphans.py`: what its Bash tool has started.

The CLI is the one named in SPRINT_RUNNER_TEST_CLAUDE; the model is played by the stand-in for its API. One scene has
the command in the foreground, so that the CLI waits for it, the other in the background, and the CLI goes on.
"""

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.e2e.real_claude import GIVEN, STAND_IN, Bench, Turn, says, shell, stand_in, turn
from tests.e2e.real_claude_pair import play_commit
from tests.proof.orphans import PATIENCE_SECONDS, Outcome, Result, Way, make_marks, run

STORY = "development_status:\n  2-1-greeting: in-progress\n"
FOREGROUND, BACKGROUND = "claude foreground", "claude background"
WAYS: Mapping[str, tuple[Way, ...]] = {
    # A command in the foreground keeps its agent from ending by itself.
    FOREGROUND: (Way.SIGTERM, Way.SIGHUP, Way.RUNNER, Way.GUARD, Way.BOTH),
    BACKGROUND: (Way.GRACEFUL, Way.SIGTERM, Way.SIGHUP, Way.RUNNER, Way.GUARD, Way.BOTH),
}


class Claude:
    """The real CLI with one child of its Bash tool."""

    def __init__(self, bench: Bench, row: str) -> None:
        self._bench = bench
        self._gate = threading.Event()
        self._begun = False
        self.marks = make_marks([row])
        bench.begin(STORY)
        self.project = bench.project
        bench.api.script("# Command: dev-story", self._respond)
        bench.plays("code-review-1", turn(says("ZERO ISSUES")))
        play_commit(bench)

    def started(self, *options: str, terminal: bool = False) -> AbstractContextManager["subprocess.Popen[str]"]:
        if terminal:
            raise NotImplementedError("the terminal belongs to the runner, whatever its agent is")
        return self._bench.started(*options)

    def let_go(self) -> None:
        self._gate.set()

    def _respond(self, call: Any) -> Turn:
        ((row, mark),) = self.marks.items()
        if not self._begun:  # a later attempt has nothing more to do, be it a continued one or a new one
            self._begun = True
            return turn(shell(f"sleep {mark}", background=row == BACKGROUND))
        if call.turn_index == 1:
            self._gate.wait(PATIENCE_SECONDS)
        return turn(says("Implemented."))


def prove_claude(runs: int, say: Callable[[str], None]) -> Result:
    """Run the rows of the CLI so many times; nothing where it is not at hand."""
    result = Result()
    given = os.environ.get(GIVEN)
    if not given:
        say(f"the real Claude CLI is left out: name it in {GIVEN}")
        return result
    if not STAND_IN.exists():
        say(f"the real Claude CLI is left out: there is no {STAND_IN.name} to play its model")
        return result
    for row, ways in WAYS.items():
        for way in ways:
            for _ in range(runs):
                result.outcomes.append(run_claude(Path(given).absolute(), row, way))
        say(f"{row}: {runs} runs of {', '.join(ways)}")
    return result


def run_claude(claude: Path, row: str, way: Way) -> Outcome:
    """One run with the CLI."""
    with tempfile.TemporaryDirectory(prefix="sprint-runner-orphans-") as folder, stand_in().MessagesStub() as api:
        scene = Claude(Bench(Path(folder), claude, api), row)
        try:
            return run(scene, way)
        finally:
            scene.let_go()
