"""Each action of the scenario language, really done by a real process."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.runs import wait_until


def test_templates_know_the_command(bench):
    words = "{story} {short} {epic} {command} {attempt} {cycle} {stories} [{shorts}] {number} {other} {{story}}"
    ended = bench.run({"say": words}, {"about": "2-2"}, {"say": "{story}"}, command="code-review-4")
    first = "2-1-first 2-1 2 code-review-4 1 3 2-1-first,2-2-second [2-1, 2-2] 4 {other} {story}"
    assert ended.texts == [first, "2-2-second"]


def test_task_reports_have_both_forms(bench):
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


def test_files_are_really_written_read_changed_and_deleted(bench):
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


def test_what_cannot_be_done_is_a_failed_tool_call(bench):
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


def test_status_changes_one_scalar_and_nothing_else(bench):
    before = bench.sprint.read_text()
    bench.run(
        {"status": "review"}, {"about": "2-2"}, {"status": "done"}, {"status": {"key": "epic-2", "to": "in-progress"}}
    )
    expected = before.replace("2-1-first: backlog", "2-1-first: review")
    expected = expected.replace('"2-2-second": backlog', '"2-2-second": done')
    assert bench.sprint.read_text() == expected.replace("epic-2: backlog", "epic-2: in-progress")
    assert os.listdir(bench.artifacts) == ["sprint-status.yaml"]


def test_programs_run_and_commits_are_made(bench):
    bench.git("init", "--quiet")
    ended = bench.run({"run": ["{python}", "-c", "import os; print(os.getcwd())"]}, {"commit": "feat: {shorts}"})
    assert ended.answers[0] == (False, str(bench.project))
    assert bench.git("log", "--format=%s") == "feat: 2-1, 2-2\n"
    assert bench.git("status", "--porcelain") == ""


def test_a_limit_names_its_reset_and_ends_the_run(bench):
    ended = bench.run({"limit": {"seconds": 90, "kind": "seven_day"}}, {"say": "never"})
    _, event, synthetic, result = ended.lines
    assert event["rate_limit_info"]["status"] == "rejected"
    assert event["rate_limit_info"]["rateLimitType"] == "seven_day"
    assert 80 < event["rate_limit_info"]["resetsAt"] - time.time() < 91
    assert (synthetic["message"]["model"], synthetic["error"]) == ("<synthetic>", "rate_limit")
    assert (result["is_error"], result["api_error_status"], ended.code) == (True, 429, 1)


def test_a_result_says_what_it_is_told_to(bench):
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
def test_a_result_is_shown_as_often_as_told(bench, show, times):
    assert [line["type"] for line in bench.run({"result": show}).lines].count("result") == times


def test_noise_is_printed_as_it_was_ordered(bench):
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


@pytest.mark.parametrize(
    "kind", ["child", "setsid", "daemon", "term-ignoring", "env-cleared", "closed", "deaf", "renamed"]
)
def test_spawned_processes_outlive_the_agent(bench, kind):
    with bench.started({"spawn": {"kind": kind, "seconds": 61.5}}, {"hang": 20}) as child:
        pid = _spawned(child)
        try:
            wait_until(lambda: b"61.5" in _words(pid))
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            own_session = kind in ("setsid", "daemon", "env-cleared", "closed", "renamed")
            assert (os.getsid(pid) != os.getsid(child.pid)) is own_session
            assert (int(status["PPid"]) != child.pid) is (kind in ("daemon", "closed"))
            ignored = int(status["SigIgn"], 16)
            assert bool(ignored & 1 << signal.SIGTERM - 1) is (kind in ("term-ignoring", "deaf"))
            assert bool(ignored & 1 << signal.SIGUSR1 - 1) is (kind == "deaf")
            marked = b"SPRINT_RUNNER_COMMAND" in Path(f"/proc/{pid}/environ").read_bytes()
            assert marked is (kind not in ("env-cleared", "closed"))
            # A program that begins opens its libraries, at the first number that is free.
            wait_until(lambda: (not os.listdir(f"/proc/{pid}/fd")) is (kind in ("closed", "renamed")))
            assert (b"sleep" in _words(pid)) is (kind != "renamed")
        finally:
            os.kill(pid, signal.SIGKILL)


def test_a_spawned_shell_leads_to_a_sleeper_in_a_session_of_its_own(bench):
    with bench.started({"spawn": {"kind": "nested", "seconds": 62.5}}, {"hang": 20}) as child:
        shell = _spawned(child)
        try:
            wait_until(lambda: bool(_children(shell, b"sleep")))
            (sleeper,) = _children(shell, b"sleep")
            assert _words(sleeper) == [b"sleep", b"62.5"]
            assert os.getsid(sleeper) == sleeper != os.getsid(shell)
        finally:
            for pid in (*_children(shell, b"sleep"), shell):
                os.kill(pid, signal.SIGKILL)


def test_a_reforker_is_soon_another_process_and_ends_by_itself(bench):
    with bench.started({"spawn": {"kind": "reforker", "seconds": 0.2}}, {"hang": 20}) as child:
        first = _spawned(child)
        wait_until(lambda: not _words(first))


def _spawned(child):
    for line in child.stdout:
        if (read := json.loads(line))["type"] == "user":
            return int(read["message"]["content"][0]["content"])
    raise AssertionError("nothing was spawned")


def _words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def _children(parent, name):
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [pid for pid in pids if _words(pid)[:1] == [name] and _parent(pid) == parent]


def _parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
