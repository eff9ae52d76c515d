"""How the scripted agent is launched: a stand-in for the Claude CLI that follows a scenario file.

Demonstrations and tests run whole sprints with it. It is a child process like any other, and its output is read
by the same decoder; the program itself is `scripted_child`.
"""

from runner.agents.base import Launch, LaunchRequest
from runner.agents.claude import command_line
from runner.agents.claude_stream import ClaudeDecoder


class ScriptedProvider:
    """Runs commands with the scripted agent; all three arguments are paths."""

    def __init__(self, *, python: str, child: str, scenario: str) -> None:
        self._python = python
        self._child = child
        self._scenario = scenario

    @property
    def name(self) -> str:
        return "scripted"

    def launch(self, request: LaunchRequest) -> Launch:
        # -I: the child must not import from the project that it works in.
        argv = (self._python, "-I", self._child, *command_line(request), "--scenario", self._scenario)
        return Launch(argv=argv)

    def decoder(self) -> ClaudeDecoder:
        return ClaudeDecoder()
