"""The scripted agent as a real process: what it prints, does, remembers, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.agents import scripted_child
from runner.agents.base import EndingKind, ProcessEnding
from runner.agents.claude_stream import ClaudeDecoder

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


# ---- the stream


def test_lines_have_the_shape_of_the_real_cli(bench: Bench) -> None:
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
def test_the_runner_reads_it_like_the_real_cli(
    bench: Bench, action: dict[str, object], kind: EndingKind, reason: str
) -> None:
    ended = bench.run(action)
    decoder = ClaudeDecoder()
    for line in ended.output.splitlines():
        decoder.feed(line)
    ending = decoder.ending(ProcessEnding(exit_code=ended.code), now=datetime.now(UTC))
    assert ending.kind is kind
    assert reason in ending.reason


# ---- actions that work


def test_templates_know_the_command(bench: Bench) -> None:
    words = "{story} {short} {epic} {command} {attempt} {cycle} {stories} [{shorts}] {number} {other} {{story}}"
    ended = bench.run({"say": words}, {"about": "2-2"}, {"say": "{story}"}, command="code-review-4")
    first = "2-1-first 2-1 2 code-review-4 1 3 2-1-first,2-2-second [2-1, 2-2] 4 {other} {story}"
    assert ended.texts == [first, "2-2-second"]


def test_task_reports_have_both_forms(bench: Bench) -> None:
    ended = bench.run(
        {"task": 'setup start Reading "all" of it'},
        {"about": "2-2-second"},
        {"task": {"line": "setup end Done (files:2)", "form": "tool"}},
    )
    stamp, rest = ended.texts[0].split(",", 1)
    assert abs(int(stamp) - time.time()) < 60
    assert rest == '2,2-1,dev-story,setup,start,"Reading ""all"" of it"'
    ((name, call),) = ended.calls
    assert name == "Bash"
    assert call["command"].endswith("/orchestrator.sh 2 2-2 dev-story setup end 'Done (files:2)'")


def test_files_are_really_written_read_changed_and_deleted(bench: Bench) -> None:
    (bench.scenario.parent / "code.py").write_text("f'{story}'\n")
    ended = bench.run(
        {"write": {"file": "a/b.txt", "text": "one {short}\n"}},
        {"append": {"file": "a/b.txt", "text": "two\n"}},
        {"replace": {"file": "a/b.txt", "old": "one", "new": "1"}},
        {"read": "a/b.txt"},
        {"write": {"file": "code.py", "source": "code.py"}},
        {"write": {"file": "gone.txt", "text": ""}},
        {"delete": "gone.txt"},
    )
    assert (bench.project / "a/b.txt").read_text() == "1 2-1\ntwo\n"
    assert (bench.project / "code.py").read_text() == "f'{story}'\n"
    assert not (bench.project / "gone.txt").exists()
    assert [name for name, _ in ended.calls] == ["Write", "Edit", "Edit", "Read", "Write", "Write", "Bash"]
    assert ended.answers[3] == (False, "1\t1 2-1\n2\ttwo\n3\t")
    assert not any(failed for failed, _ in ended.answers)


def test_what_cannot_be_done_is_a_failed_tool_call(bench: Bench) -> None:
    ended = bench.run(
        {"read": "none.txt"},
        {"delete": "none.txt"},
        {"replace": {"file": "none.txt", "old": "a", "new": "b"}},
        {"write": {"file": "_bmad-output", "text": "a folder"}},
        {"status": {"key": "9-9", "to": "done"}},
        {"run": ["no-such-program"]},
        {"run": [sys.executable, "-c", "print('out'); exit(3)"]},
        {"say": "Still there."},
    )
    assert [failed for failed, _ in ended.answers] == [True] * 7
    assert ended.answers[-1][1] == "Exit code 3\nout"
    assert (ended.code, ended.texts) == (0, ["Still there."])


def test_status_changes_one_scalar_and_nothing_else(bench: Bench) -> None:
    bench.run(
        {"status": "review"}, {"about": "2-2"}, {"status": "done"}, {"status": {"key": "epic-2", "to": "in-progress"}}
    )
    expected = SPRINT.replace("2-1-first: backlog", "2-1-first: review")
    expected = expected.replace('"2-2-second": backlog', '"2-2-second": done')
    assert bench.sprint.read_text() == expected.replace("epic-2: backlog", "epic-2: in-progress")
    assert os.listdir(bench.artifacts) == ["sprint-status.yaml"]


def test_programs_run_and_commits_are_made(bench: Bench) -> None:
    bench.git("init", "--quiet")
    ended = bench.run({"run": ["{python}", "-c", "import os; print(os.getcwd())"]}, {"commit": "feat: {shorts}"})
    assert ended.answers[0] == (False, str(bench.project))
    assert bench.git("log", "--format=%s") == "feat: 2-1, 2-2\n"
    assert bench.git("status", "--porcelain") == ""


# ---- actions that do not


def test_a_limit_names_its_reset_and_ends_the_run(bench: Bench) -> None:
    ended = bench.run({"limit": {"seconds": 90, "kind": "seven_day"}}, {"say": "never"})
    _, event, synthetic, result = ended.lines
    assert event["rate_limit_info"]["status"] == "rejected"
    assert event["rate_limit_info"]["rateLimitType"] == "seven_day"
    assert 80 < event["rate_limit_info"]["resetsAt"] - time.time() < 91
    assert (synthetic["message"]["model"], synthetic["error"]) == ("<synthetic>", "rate_limit")
    assert (result["is_error"], result["api_error_status"], ended.code) == (True, 429, 1)


def test_a_result_says_what_it_is_told_to(bench: Bench) -> None:
    ended = bench.run(
        {"result": {"num_turns": 7, "cost": 0.5, "output_tokens": 9, "permission_denials": ["Write"]}},
        {"result": {"subtype": "error_max_turns", "is_error": True, "text": "Enough"}},
        {"exit": 7},
    )
    result = ended.result
    assert (result["num_turns"], result["total_cost_usd"], result["usage"]["output_tokens"]) == (7, 0.5, 9)
    assert [denial["tool_name"] for denial in result["permission_denials"]] == ["Write"]
    assert (result["subtype"], result["errors"]) == ("error_max_turns", ["Enough"])
    assert "result" not in result
    assert ended.code == 7


@pytest.mark.parametrize(("show", "times"), [("none", 0), ("once", 1), ("twice", 2)])
def test_a_result_is_shown_as_often_as_told(bench: Bench, show: str, times: int) -> None:
    assert [line["type"] for line in bench.run({"result": show}).lines].count("result") == times


def test_noise_is_printed_as_it_was_ordered(bench: Bench) -> None:
    ended = bench.run(
        {"retry": {"times": 2, "status": 429, "error": "rate_limit"}},
        {"raw": {"line": "{broken", "repeat": 2}},
        {"raw": {"base64": "//4="}},
        {"flood": 1000},
        {"flood": {"size": 300_000}},
        {"long_line": 2_000_000},
        {"stderr": {"text": "complaint", "repeat": 2}},
    )
    lines = ended.output.splitlines()
    retries = [json.loads(line) for line in lines[1:3]]
    assert [(retry["subtype"], retry["attempt"]) for retry in retries] == [("api_retry", 1), ("api_retry", 2)]
    assert lines[3:6] == [b"{broken", b"{broken", b"\xff\xfe"]
    flood = lines[6:-2]
    assert {json.loads(line)["type"] for line in flood} == {"assistant"}
    assert sum(len(line) + 1 for line in flood[1000:]) == pytest.approx(300_000, abs=1000)
    assert len(json.loads(lines[-2])["message"]["content"][0]["text"]) == 2_000_000
    assert ended.stderr == "complaint\ncomplaint\n"


@pytest.mark.parametrize("kind", ["child", "setsid", "daemon", "term-ignoring", "env-cleared"])
def test_spawned_processes_outlive_the_agent(bench: Bench, kind: str) -> None:
    with bench.started({"spawn": kind}, {"hang": 20}) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if (read := json.loads(line))["type"] == "user":
                break
        pid = int(read["message"]["content"][0]["content"])
        try:
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            own_session = kind in ("setsid", "daemon", "env-cleared")
            assert (os.getsid(pid) != os.getsid(child.pid)) is own_session
            assert (int(status["PPid"]) != child.pid) is (kind == "daemon")
            ignores_term = bool(int(status["SigIgn"], 16) & 1 << signal.SIGTERM - 1)
            assert ignores_term is (kind == "term-ignoring")
            marked = b"SPRINT_RUNNER_COMMAND" in Path(f"/proc/{pid}/environ").read_bytes()
            assert marked is (kind != "env-cleared")
        finally:
            os.kill(pid, signal.SIGKILL)


# ---- signals


def wait_for_line(child: subprocess.Popen[bytes], wanted: bytes) -> bytes:
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
def test_an_interrupt_gives_an_error_result(
    bench: Bench, actions: list[object], until: bytes, terminal_reason: str
) -> None:
    with bench.started(*actions) as child:
        seen = wait_for_line(child, until)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=20)
    ended = Ended(code=child.returncode, output=seen + output, stderr=errors.decode())
    assert (ended.code, ended.stderr) == (1, "")
    assert (ended.result["subtype"], ended.result["is_error"]) == ("error_during_execution", True)
    assert ended.result["terminal_reason"] == terminal_reason


def test_an_interrupt_after_the_result_adds_none(bench: Bench) -> None:
    with bench.started({"hang_after_result": 20}) as child:
        wait_for_line(child, b'"result"')
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=20)[0] == b""


def test_termination_ends_it_without_a_result(bench: Bench) -> None:
    with bench.started("hang") as child:
        wait_for_line(child, b'"init"')
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=20)[0] == b""
    assert child.returncode == 143


def test_ignored_signals_change_nothing(bench: Bench) -> None:
    with bench.started({"ignore_signals": ["INT", "TERM", "HUP"]}, {"say": "deaf"}, {"sleep": 0.2}) as child:
        wait_for_line(child, b"deaf")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            child.send_signal(number)
        output, _ = child.communicate(timeout=20)
    assert (child.returncode, json.loads(output)["is_error"]) == (0, False)


def test_it_can_die_of_a_signal(bench: Bench) -> None:
    assert bench.run({"kill_self": "KILL"}).code == -signal.SIGKILL


# ---- sessions and the command line


def test_a_session_is_opened_once_and_can_be_continued(bench: Bench) -> None:
    session = str(uuid.uuid4())
    rules = [{"resumed": True, "actions": [{"say": "again"}]}, {"actions": [{"say": "first"}]}]
    bench.scenario.write_text(json.dumps(rules))
    assert bench.run(session=session).texts == ["first"]
    again = bench.run(session=session)
    assert (again.code, again.output) == (1, b"")
    assert again.stderr == f"Error: Session ID {session} is already in use.\n"
    assert bench.run(session=session, resume=True).texts == ["again"]


def test_an_unknown_session_is_refused_like_the_real_one(bench: Bench) -> None:
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
def test_a_wrong_call_is_one_line_on_standard_error(
    bench: Bench, how: dict[str, Any], code: int, complaint: str
) -> None:
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
def test_options_are_as_strict_as_those_of_the_real_cli(arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(scripted_child.Refused, match=complaint):
        scripted_child.read_options(list(arguments))
