"""The processes that a scripted agent leaves behind: ten kinds that are hard to find again or hard to stop.

The action `spawn` of the scenario language. Each kind stands for what agents' tools really do, from a plain
background job to a daemon with an empty environment; all sleep and then end by themselves. The seconds that were
asked for stand in the command line of each, so whoever gives each its own number can find it there.
"""

import os
import signal
import sys
from typing import Literal, NoReturn

from runner.agents.scripted_actions import Seconds
from runner.agents.scripted_run import Run

SpawnKind = Literal[
    "child", "setsid", "daemon", "term-ignoring", "env-cleared", "closed", "nested", "reforker", "deaf", "renamed"
]
_LONG = Seconds(300.0)
_IN_THE_SESSION = ("child", "term-ignoring", "deaf", "nested")
_FORKED_TWICE = ("daemon", "closed")
_WITHOUT_ENVIRONMENT = ("env-cleared", "closed")
_WITHOUT_DESCRIPTORS = ("closed", "renamed")
_ASKED_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ALL_DESCRIPTORS = 1 << 20
_IN_BETWEEN = "import os, sys; os.setsid(); os.execlp('sleep', 'sleep', sys.argv[1])"
_REFORKER = """
import os, sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
    time.sleep(0.001)
"""


def spawn(run: Run, *, kind: SpawnKind, seconds: Seconds = _LONG) -> None:
    """Leave a process behind that lives for so many seconds; the tool's result is its pid."""
    call = run.stream.tool_use("Bash", {"command": f"sleep {seconds}", "run_in_background": True})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(kind, str(seconds), writer)
        finally:
            os._exit(127)
    os.close(writer)
    if kind in _FORKED_TWICE:
        os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as report:
        pid = report.read().decode()
    run.stream.tool_result(call, pid, detail={"stdout": pid, "stderr": ""})


def become(kind: str, seconds: str, writer: int) -> NoReturn:
    """In the forked child: turn into a process of this kind."""
    if kind not in _IN_THE_SESSION:
        os.setsid()
    if kind in _FORKED_TWICE and os.fork():
        os._exit(0)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP} if kind == "deaf" else _ASKED_TO_END:
        signal.signal(number, signal.SIG_IGN if kind in ("term-ignoring", "deaf") else signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.write(writer, str(os.getpid()).encode())
    if kind in _WITHOUT_DESCRIPTORS:
        os.closerange(0, _ALL_DESCRIPTORS)
    argv = _argv(kind, seconds)
    environment = {"PATH": os.defpath} if kind in _WITHOUT_ENVIRONMENT else dict(os.environ)
    os.execvpe("sleep" if kind == "renamed" else argv[0], argv, environment)


def _argv(kind: str, seconds: str) -> list[str]:
    match kind:
        case "nested":
            return ["sh", "-c", '"$0" -I -S -c "$1" "$2" & wait', sys.executable, _IN_BETWEEN, seconds]
        case "reforker":
            return [sys.executable, "-I", "-S", "-c", _REFORKER, seconds]
        case "renamed":
            return ["[kworker/0:1]", seconds]
        case _:
            return ["sleep", seconds]
