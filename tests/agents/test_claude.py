"""How the providers launch their agents."""

import re

import pytest

from runner.agents.base import Launch, LaunchRequest, Provider
from runner.agents.claude import ClaudeProvider, root_refusal
from runner.agents.claude_stream import ClaudeDecoder
from runner.agents.scripted import ScriptedProvider

SESSION = "3f0c9d52-8a55-4f8e-9b53-0d6b4c3a2f10"


def request(*, resume: bool = False, model: str = "", environment: dict[str, str] | None = None) -> LaunchRequest:
    return LaunchRequest(
        session_id=SESSION,
        resume=resume,
        model=model,
        permission_mode="bypassPermissions",
        environment=environment or {},
    )


@pytest.mark.parametrize(
    ("asked", "session", "rest"),
    [
        (request(), ["--session-id", SESSION], []),
        (request(resume=True), ["--resume", SESSION], []),
        (request(model="haiku"), ["--session-id", SESSION], ["--model", "haiku"]),
        (request(resume=True, model="opus"), ["--resume", SESSION], ["--model", "opus"]),
    ],
)
def test_command_line(asked: LaunchRequest, session: list[str], rest: list[str]):
    head = ["-p", "--output-format", "stream-json", "--verbose"]
    flags = [*head, *session, "--permission-mode", "bypassPermissions", *rest]
    assert ClaudeProvider("/opt/claude").launch(asked) == Launch(argv=("/opt/claude", *flags))
    scripted = ScriptedProvider(python="/usr/bin/python3", child="/lib/child.py", scenario="/tmp/s.yaml")
    assert scripted.launch(asked) == Launch(
        argv=("/usr/bin/python3", "-I", "/lib/child.py", *flags, "--scenario", "/tmp/s.yaml")
    )


@pytest.mark.parametrize("environment", [{}, {"CLAUDE_CODE_MAX_RETRIES": "2", "ANTHROPIC_API_KEY": "secret"}])
def test_the_environment_stays_the_callers(environment: dict[str, str]):
    assert ClaudeProvider("claude").launch(request(environment=environment)).environment == {}


@pytest.mark.parametrize(
    ("provider", "name"),
    [(ClaudeProvider("claude"), "claude"), (ScriptedProvider(python="p", child="c", scenario="s"), "scripted")],
)
def test_every_run_has_a_decoder_of_its_own(provider: Provider, name: str):
    assert provider.name == name
    first, second = provider.decoder(), provider.decoder()
    assert isinstance(first, ClaudeDecoder)
    assert first is not second


@pytest.mark.parametrize(
    ("mode", "environment", "is_root", "refused"),
    [
        ("bypassPermissions", {}, True, True),
        ("bypassPermissions", {"IS_SANDBOX": "0"}, True, True),
        ("bypassPermissions", {"IS_SANDBOX": "1"}, True, False),
        ("bypassPermissions", {}, False, False),
        ("acceptEdits", {}, True, False),
    ],
)
def test_root_refusal(mode: str, environment: dict[str, str], is_root: bool, refused: bool):
    message = root_refusal(mode, environment, is_root)
    assert (message is not None) == refused
    if message is not None:
        assert re.search(r"as root; set IS_SANDBOX=1 .* or run as another user", message)
