"""A stand-in for the Claude CLI that does one thing badly and everything else well.

It is a small program that a test writes and the runner starts in the CLI's place. The scripted agent misbehaves too,
but only in ways that its language has; this one can do whatever a few lines of Python can.
"""

import sys
from pathlib import Path

_PROGRAM = """\
#!{python} -IS
import json, os, resource, signal, subprocess, sys, time

COMMAND = os.environ["SPRINT_RUNNER_COMMAND"]
STORIES = os.environ["SPRINT_RUNNER_STORIES"]
ATTEMPT = int(os.environ["SPRINT_RUNNER_ATTEMPT"])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGINT, signal.SIG_DFL)

def put(data, to=1):
    while data:
        data = data[os.write(to, data):]

def say(**line):
    put(json.dumps(line).encode() + b"\\n")

def begin():
    say(type="system", subtype="init", session_id=sys.argv[sys.argv.index("--permission-mode") - 1], model="stub")

def text(words):
    say(type="assistant", parent_tool_use_id=None, message=dict(content=[dict(type="text", text=words)]))

def result(**more):
    say(**dict(type="result", is_error=False, num_turns=1, result="done", permission_denials=[]) | more)

def git(*arguments):
    subprocess.run(["git", *arguments], check=True, stdout=2)

def work():
    begin()
    text("ZERO ISSUES")
    if COMMAND == "batch-commit":
        git("commit", "--quiet", "--allow-empty", "--message", "feat(1): implement stories 1-1")
    result()

def replay(path, to=1):
    with open(path, "rb") as file:
        put(file.read(), to)

def misbehave():
    {body}

sys.stdin.buffer.read()
if {when}:
    misbehave()
else:
    work()
"""

FIRST_REVIEW = "COMMAND == 'code-review-1' and ATTEMPT == 1"
ALL_REVIEWS = "COMMAND == 'code-review-1'"


def write_stub(folder: Path, misbehaviour: str, *, when: str = FIRST_REVIEW) -> Path:
    """The executable; `misbehaviour` is the body of a function, `when` an expression over COMMAND and ATTEMPT."""
    body = "\n    ".join(misbehaviour.strip().splitlines())
    path = folder / "claude"
    path.write_text(_PROGRAM.format(python=sys.executable, body=body, when=when))
    path.chmod(0o755)
    return path
