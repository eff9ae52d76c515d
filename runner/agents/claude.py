"""How the Claude CLI is launched: its command line, its environment, and what it refuses.

`actors.command` launches through `ClaudeProvider`; the start of a batch and `doctor` ask `root_refusal`. What the CLI
prints is `claude_stream`'s business; no process is started here.
"""

from collections.abc import Mapping

from runner.agents.base import Launch, LaunchRequest
from runner.agents.claude_stream import ClaudeDecoder

_ASKS_NOTHING = "bypassPermissions"


class ClaudeProvider:
    """Runs commands with the Claude CLI; `executable` is a path or a name on PATH."""

    def __init__(self, executable: str) -> None:
        self._executable = executable

    @property
    def name(self) -> str:
        return "claude"

    def launch(self, request: LaunchRequest) -> Launch:
        # Nothing is added to the environment. CLAUDE_CODE_MAX_RETRIES in particular stays the CLI's own (10 tries,
        # three minutes): overnight it rides out an overloaded server inside the session, while every run that gives
        # up counts as one of the three failures that block a story. Only a bad key, retried too, is found out later.
        return Launch(argv=(self._executable, *command_line(request)))

    def decoder(self) -> ClaudeDecoder:
        return ClaudeDecoder()


def command_line(request: LaunchRequest) -> tuple[str, ...]:
    """The arguments after the executable; the prompt goes to standard input."""
    session = "--resume" if request.resume else "--session-id"
    model = ("--model", request.model) if request.model else ()
    return (
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",  # without it the CLI refuses stream-json
        session,
        request.session_id,
        "--permission-mode",
        request.permission_mode,
        *model,
    )


def root_refusal(permission_mode: str, environment: Mapping[str, str], is_root: bool) -> str | None:
    """Why the CLI will refuse to start, in a line for the operator; None when it will not."""
    if not is_root or permission_mode != _ASKS_NOTHING or environment.get("IS_SANDBOX") == "1":
        return None
    return (
        f"the Claude CLI refuses --permission-mode {_ASKS_NOTHING} as root; "
        "set IS_SANDBOX=1 if this is a sandbox, or run as another user"
    )
