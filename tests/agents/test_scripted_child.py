"""The scripted agent as a real process: its stream, its sessions, its options, and how it ends."""

import json
import os
import signal
import time
import uuid
from datetime import UTC, datetime

import pytest

from runner.agents import scripted_child
from runner.agents.base import EndingKind, ProcessEnding
from runner.agents.claude_stream import ClaudeDecoder


def test_lines_have_the_shape_of_the_real_cli(bench):
    ended = bench.run({"say": "One"}, {"read": "none"}, {"say": "Two"}, arguments=("--model", "cheap"))
    init, *between, result = ended.lines
    assert all({"type", "uuid", "session_id"} <= line.keys() for line in ended.lines)
    assert (init["type"], init["subtype"], init["model"]) == ("system", "init", "cheap")
    assert init["cwd"] == str(bench.project)
    assert [line["type"] for line in between] == ["assistant", "assistant", "user", "assistant"]
    assert between[1]["message"]["content"][0]["id"] == between[2]["message"]["content"][0]["tool_use_id"]
    assert (result["subtype"], result["is_error"], result["num_turns"]) == ("success", False, 3)
    assert result["result"] == "Two"
    assert result["permission_denials"] == []
    assert result["total_cost_usd"] == result["modelUsage"]["cheap"]["costUSD"] == 0.01
    assert result["usage"]["input_tokens"] == result["modelUsage"]["cheap"]["inputTokens"] == 1000
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        ({"say": "Fine."}, EndingKind.SUCCESS, ""),
        ({"limit": 60}, EndingKind.LIMIT, "limit"),
        ({"result": {"is_error": True, "text": "It broke"}}, EndingKind.FAILURE, "It broke"),
        ({"result": {"permission_denials": ["Bash"]}}, EndingKind.FAILURE, "Bash"),
        ({"result": {"num_turns": 0}}, EndingKind.FAILURE, ""),
        ({"result": "none"}, EndingKind.FAILURE, ""),
        (
            {"result": {"is_error": True, "api_error_status": 401, "error": "authentication_failed"}},
            EndingKind.OPERATOR,
            "",
        ),
    ],
)
def test_the_runner_reads_it_like_the_real_cli(bench, action, kind, reason):
    ended = bench.run(action)
    decoder = ClaudeDecoder()
    for line in ended.output.splitlines():
        decoder.feed(line)
    ending = decoder.ending(ProcessEnding(exit_code=ended.code), now=datetime.now(UTC))
    assert ending.kind is kind
    assert reason in ending.reason


def wait_for_line(child, wanted):
    """Everything printed up to the first line with these bytes in it."""
    seen = b""
    assert child.stdout is not None
    for line in child.stdout:
        seen += line
        if wanted in line:
            return seen
    raise AssertionError(f"{wanted!r} was not printed: {seen!r}")


@pytest.mark.parametrize(
    ("actions", "until", "terminal_reason"),
    [
        ([{"sleep": 20}], b'"init"', "aborted_streaming"),
        ([{"hang": {}}], b'"init"', "aborted_streaming"),
        ([{"run": ["sleep", "20"]}], b"tool_use", "aborted_tools"),
    ],
)
def test_an_interrupt_gives_an_error_result(bench, actions, until, terminal_reason):
    with bench.started(*actions) as child:
        seen = wait_for_line(child, until)
        child.send_signal(signal.SIGINT)
        ended = bench.finish(child, seen)
    assert (ended.code, ended.stderr) == (1, "")
    assert (ended.result["subtype"], ended.result["is_error"]) == ("error_during_execution", True)
    assert ended.result["terminal_reason"] == terminal_reason


def test_an_interrupt_ends_the_program_that_runs(bench):
    program = "import os, time; open('pid', 'w').write(f'{os.getpid()}\\n'); time.sleep(20)"
    with bench.started({"run": ["{python}", "-c", program]}) as child:
        file = bench.project / "pid"
        deadline = time.monotonic() + 10
        while not (file.exists() and file.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        bench.finish(child, b"")
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def test_an_interrupt_after_the_result_adds_none(bench):
    with bench.started({"hang_after_result": 20}) as child:
        wait_for_line(child, b'"result"')
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=20)[0] == b""


def test_termination_ends_it_without_a_result(bench):
    with bench.started("hang") as child:
        wait_for_line(child, b'"init"')
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=20)[0] == b""
    assert child.returncode == 143


def test_ignored_signals_change_nothing(bench):
    with bench.started({"ignore_signals": ["INT", "TERM", "HUP"]}, {"say": "deaf"}, {"sleep": 0.2}) as child:
        wait_for_line(child, b"deaf")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            child.send_signal(number)
        output, _ = child.communicate(timeout=20)
    assert (child.returncode, json.loads(output)["is_error"]) == (0, False)


def test_it_can_die_of_a_signal(bench):
    assert bench.run({"kill_self": "KILL"}).code == -signal.SIGKILL


def test_a_session_is_opened_once_and_can_be_continued(bench):
    session = str(uuid.uuid4())
    rules = [{"resumed": True, "actions": [{"say": "again"}]}, {"actions": [{"say": "first"}]}]
    bench.scenario.write_text(json.dumps(rules))
    assert bench.run(session=session).texts == ["first"]
    again = bench.run(session=session)
    assert (again.code, again.output) == (1, b"")
    assert again.stderr == f"Error: Session ID {session} is already in use.\n"
    assert bench.run(session=session, resume=True).texts == ["again"]


def test_an_unknown_session_is_refused_like_the_real_one(bench):
    session = str(uuid.uuid4())
    ended = bench.run(session=session, resume=True)
    complaint = f"No conversation found with session ID: {session}"
    (result,) = ended.lines
    assert (ended.code, ended.stderr) == (1, complaint + "\n")
    assert (result["subtype"], result["num_turns"]) == ("error_during_execution", 0)
    assert (result["is_error"], result["errors"]) == (True, [complaint])


@pytest.mark.parametrize(
    ("how", "code", "complaint"),
    [
        ({"arguments": ("--turbo",)}, 1, "error: unknown option '--turbo'"),
        ({"prompt": b""}, 1, "Error: Input must be provided"),
        ({"session": "mine"}, 1, "Error: Invalid session ID"),
        ({"arguments": ("--scenario", "none.json")}, 2, "scripted agent: none.json: cannot be read"),
    ],
)
def test_a_wrong_call_is_one_line_on_standard_error(bench, how, code, complaint):
    ended = bench.run(**how)
    assert (ended.code, ended.output) == (code, b"")
    assert ended.stderr.startswith(complaint)
    assert ended.stderr.count("\n") == 1


GOOD = ("-p", "--output-format", "stream-json", "--verbose", "--session-id", str(uuid.UUID(int=1)), "--scenario", "s")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (GOOD[1:], "-p is missing"),
        ((*GOOD[:1], *GOOD[3:]), "stream-json only"),
        ((*GOOD[:3], *GOOD[4:]), "requires --verbose"),
        (GOOD[:6], "'--scenario <file>' not specified"),
        ((*GOOD, "--resume", GOOD[5]), "exactly one"),
        ((*GOOD, "--model"), "argument missing"),
        ((*GOOD, "--permission-mode", "yolo"), "'yolo' is invalid"),
        ((*GOOD, "prompt"), "standard input only"),
    ],
)
def test_options_are_as_strict_as_those_of_the_real_cli(arguments, complaint):
    with pytest.raises(scripted_child.Refused, match=complaint):
        scripted_child.read_options(list(arguments))
