"""Logging calls inside the shell commands that agents run."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.logging_calls import LONGEST_LINE, LoggingCall, logging_calls, program_calls

SCRIPT = "_bmad/scripts/orchestrator.sh"
COLUMNS = ("2a", "2a-1", "dev-story", "setup", "start")
CALL = " ".join(COLUMNS)

WORDS = {
    "a b  c": [["a", "b", "c"]],
    "a 'b c' \"d e\" f\\ g": [["a", "b c", "d e", "f g"]],
    "a 'it'\\''s' \"say \\\"hi\\\" \\$5 \\n\"": [["a", "it's", 'say "hi" $5 \\n']],
    "a '' \"\"": [["a", "", ""]],
    "a\nb; c && d || e | f & g": [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]],
    "a 'x; y' \"z && w\"": [["a", "x; y", "z && w"]],
    "(a b) {": [["a", "b"]],
    "a \\\n  b": [["a", "b"]],
    "a # it's a comment\nb": [["a"], ["b"]],
    "a b#c": [["a", "b#c"]],
    "a >out 2>&1": [["a"], ["out"], ["1"]],
    "a 2 3>out": [["a", "2"], ["out"]],
    "X=1 Y='a b' env -i bash -x /bin/tool arg": [["/bin/tool", "arg"]],
    "if a; then b; else ! c; fi": [["a"], ["b"], ["c"], ["fi"]],
    "\ta\u00a0b\r\n": [["a\u00a0b"]],
    "": [],
    " ; ": [],
}


@pytest.mark.parametrize(("line", "expected"), WORDS.items(), ids=repr)
def test_line_falls_into_calls_and_words(line, expected):
    assert program_calls(line) == expected


@pytest.mark.parametrize("line", ["a 'b", 'a "b', "a 'b\nc", "echo it's\na", "a \\", "a; b\"c' d"])
def test_open_quote_leaves_nothing(line):
    assert program_calls(line) == []


ONE = LoggingCall(columns=COLUMNS, message="Loading it")
FOUND = {
    f'{SCRIPT} {CALL} "Loading it"': [ONE],
    f"bash {SCRIPT} {CALL} 'Loading it'": [ONE],
    f'"/a dir/{SCRIPT}" {CALL} "Loading it" extra': [ONE],
    f'cd /x && ./orchestrator.sh {CALL} "Loading it" >/dev/null 2>&1': [ONE],
    f'# now log\n{SCRIPT} {CALL} "Loading it" || true': [ONE],
    f"{SCRIPT} {CALL}": [LoggingCall(columns=COLUMNS)],
    f"{SCRIPT} {CALL}\necho done": [LoggingCall(columns=COLUMNS)],
    f"{SCRIPT} {CALL} 2>/dev/null": [LoggingCall(columns=COLUMNS)],
    f'{SCRIPT} {CALL} "Loading it"; make; {SCRIPT} {CALL} "Loading it"': [ONE, ONE],
    f'python -m runner log {CALL} "Loading it"': [ONE],
    f'/opt/x/bin/python3.11 -I -m runner log --project /p --url=http://x --json {CALL} "Loading it"': [ONE],
    f'sprint-runner log {CALL} "Loading it"': [ONE],
    # Not calls of the logging script.
    f'echo {SCRIPT} {CALL} "Loading it"': [],
    f"echo '{SCRIPT} {CALL}'": [],
    f"grep {SCRIPT} 2a 2a-1": [],
    f"{SCRIPT} 2a 2a-1 dev-story setup": [],
    f"my-orchestrator.sh {CALL}": [],
    f"python -m runner status {CALL}": [],
    f"python -m other log {CALL}": [],
    f"python -m runner.log {CALL}": [],
    "python -m": [],
    "python -m runner": [],
    "sprint-runner log --project": [],
    f"{SCRIPT} {CALL} 'Loading": [],
    "make test": [],
}


@pytest.mark.parametrize(("line", "expected"), FOUND.items(), ids=repr)
def test_calls_of_the_logging_script_are_found(line, expected):
    assert logging_calls(line) == expected


JSON = '"epic_id":"2a","story_id":"2a-1","command":"dev-story","task_id":"setup","status":"start"'
IN_JSON = {
    f"sprint-log.sh '{{{JSON}}}'": [LoggingCall(columns=COLUMNS)],
    f'x/sprint-log.sh \'{{{JSON}, "message":"it is \\"it\\""}}\'': [
        LoggingCall(columns=COLUMNS, message='it is "it"')
    ],
    f'sprint-log.sh \'{{{JSON}, "attempt":2, "metrics":{{"files":3,"tests":"2/2"}}}}\'': [
        LoggingCall(columns=COLUMNS, attempt="2", metrics={"files": "3", "tests": "2/2"})
    ],
    f'sprint-log.sh \'{{{JSON}, "message":["x"], "metrics":"files:3"}}\'': [LoggingCall(columns=COLUMNS)],
    f'sprint-log.sh \'{{{JSON}, "message":"half \\ud800 pair"}}\'': [
        LoggingCall(columns=COLUMNS, message="half ? pair")
    ],
    "sprint-log.sh '{\"epic_id\":4}'": [LoggingCall(columns=("4", "", "", "", ""))],
    "sprint-log.sh '[1, 2]'": [],
    "sprint-log.sh '{\"epic_id\":'": [],
    "sprint-log.sh": [],
    f"sprint-log.sh '{'[' * 100_000}'": [],
    f"sprint-log.sh '{'9' * 5000}'": [],
}


@pytest.mark.parametrize(("line", "expected"), IN_JSON.items(), ids=lambda value: repr(value)[:60])
def test_older_script_takes_json(line, expected):
    assert logging_calls(line) == expected


PIECES = st.sampled_from(
    ["'", '"', "\\", "\n", ";", " ", "#", ">", "$(", ")", "sprint-log.sh ", "orchestrator.sh ", "{}"]
)


@settings(max_examples=50)
@given(st.lists(PIECES | st.text(max_size=4), max_size=20).map("".join))
def test_no_line_raises(line):
    assert all(words for words in program_calls(line))
    assert all(len(call.columns) == 5 for call in logging_calls(line))


@pytest.mark.parametrize("flood", ["a", "a ", "/", "'' ", '"\\"', "\\a", "\\\n", "#", "1", "1>", "& ", "X=", "env "])
def test_longest_line_is_read_in_time(flood):
    line = ("runner " + flood * LONGEST_LINE)[: LONGEST_LINE - 1] + "'"
    assert any(processor_seconds(line) < 0.5 for _ in range(3))


def processor_seconds(line: str) -> float:
    began = time.process_time()
    assert logging_calls(line) == []
    return time.process_time() - began


def test_longer_line_than_a_shell_takes_is_not_read():
    call = f"{SCRIPT} {CALL}; "
    assert len(logging_calls(call + "x" * (LONGEST_LINE - len(call)))) == 1
    assert logging_calls(call + "x" * (LONGEST_LINE - len(call) + 1)) == []
