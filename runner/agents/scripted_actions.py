"""What a well-behaved scripted agent does: it talks, reports tasks, edits files, runs programs and commits.

Each function is one action of the scenario language; its keyword parameters are the action's fields, and their
types are what `scripted_scenario` checks a scenario against. Files are really changed and programs really run; the
stream shows them as the tool calls that the Claude CLI would have made; an `OSError` in the middle of one becomes its
failed result in `scripted_child`. No shell is involved anywhere.
"""

import os
import re
import time
from typing import Literal, NewType

from runner.agents.scripted_run import Run, ScenarioError

Seconds = NewType("Seconds", float)
TaskLine = NewType("TaskLine", str)
"""`<task> start|end <message>`."""

_OUTPUT_LIMIT = 30_000
"""Characters of a program's output that the CLI lets through."""


def say(run: Run, *, text: str) -> None:
    run.stream.text(text)
    run.rest()


def think(run: Run, *, seconds: Seconds) -> None:
    run.stream.thinking(int(seconds * 60))
    run.sleep(seconds)


def sleep(run: Run, *, seconds: Seconds) -> None:
    run.sleep(seconds)


def about(run: Run, *, story: str) -> None:
    run.about = run.situation.story(story)


def task(run: Run, *, line: TaskLine, form: Literal["text", "tool"] = "text") -> None:
    name, edge, message = line.split(" ", 2)
    here = run.situation
    story = here.short(run.about)
    quoted = '"' + message.replace('"', '""') + '"'
    report = f"{int(time.time())},{here.epic},{story},{here.command},{name},{edge},{quoted}"
    if form == "text":
        run.stream.text(report)
    else:
        import shlex

        script = run.path("_bmad/scripts/orchestrator.sh")
        command = shlex.join([script, here.epic, story, here.command, name, edge, message])
        _answer_bash(run, run.stream.tool_use("Bash", {"command": command}), report)
    run.rest()


def read(run: Run, *, file: str) -> None:
    path = run.path(file)
    call = run.stream.tool_use("Read", {"file_path": path})
    lines = _text_of(path).split("\n")
    numbered = "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, 1))
    run.stream.tool_result(call, numbered, detail={"type": "text", "file": {"filePath": path}})
    run.rest()


def write(run: Run, *, file: str, text: str | None = None, source: str | None = None) -> None:
    path = run.path(file)
    if text is None:
        text = _source(run, source or "")
    call = run.stream.tool_use("Write", {"file_path": path, "content": text})
    existed = os.path.exists(path)
    _store(path, text)
    done = "updated" if existed else "created"
    detail = {"type": "update" if existed else "create", "filePath": path, "content": text}
    run.stream.tool_result(call, f"File {done} successfully at: {path}", detail=detail)
    run.rest()


def _source(run: Run, name: str) -> str:
    """A file beside the scenario, verbatim: code is full of braces that are no templates."""
    path = os.path.join(run.folder, name)
    try:
        return _text_of(path)
    except OSError as error:
        raise ScenarioError(f"{path}: a source of the scenario cannot be read: {error.strerror}") from None


def append(run: Run, *, file: str, text: str) -> None:
    path = run.path(file)
    call = run.stream.tool_use("Edit", {"file_path": path, "old_string": "", "new_string": text})
    before = _text_of(path) if os.path.exists(path) else ""
    _store(path, before + text)
    _answer_edit(run, call, path, "", text)


def replace(run: Run, *, file: str, old: str, new: str) -> None:
    path = run.path(file)
    call = run.stream.tool_use("Edit", {"file_path": path, "old_string": old, "new_string": new})
    before = _text_of(path) if os.path.exists(path) else ""
    if before.count(old) != 1:
        found = before.count(old)
        run.stream.tool_result(call, f"String to replace found {found} times in {path}.", failed=True)
        return
    _store(path, before.replace(old, new))
    _answer_edit(run, call, path, old, new)


def delete(run: Run, *, file: str) -> None:
    import shlex

    path = run.path(file)
    call = run.stream.tool_use("Bash", {"command": shlex.join(["rm", path])})
    os.remove(path)
    _answer_bash(run, call, "")
    run.rest()


def status(run: Run, *, to: str, key: str | None = None) -> None:
    """Change one status in the sprint file and nothing else in it, in one rename."""
    path = run.situation.status_file
    name = run.situation.story(key) if key else run.about
    text = _text_of(path) if os.path.exists(path) else ""
    entry = re.compile(rf"^([ \t]+(['\"]?){re.escape(name)}\2[ \t]*:[ \t]*)([^\s#]+)", re.MULTILINE)
    match = entry.search(text)
    old, new = f"{name}: {match[3] if match else ''}", f"{name}: {to}"
    call = run.stream.tool_use("Edit", {"file_path": path, "old_string": old, "new_string": new})
    if match is None:
        run.stream.tool_result(call, f"String to replace not found in {path}.", failed=True)
        return
    _store_at_once(path, text[: match.start(3)] + to + text[match.end(3) :])
    _answer_edit(run, call, path, old, new)


def execute(run: Run, *, argv: list[str]) -> None:
    """The action `run`: a program with its arguments, its output in the tool's result."""
    _execute(run, argv)
    run.rest()


def commit(run: Run, *, message: str) -> None:
    if _execute(run, ["git", "add", "-A"]) == 0:
        _execute(run, ["git", "commit", "-m", message])
    run.rest()


def _execute(run: Run, argv: list[str]) -> int:
    import shlex
    import signal
    import subprocess

    call = run.stream.tool_use("Bash", {"command": shlex.join(argv)})
    try:
        # In a session of its own, as every program that the real CLI starts.
        child = subprocess.Popen(
            argv,
            cwd=run.situation.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        run.stream.tool_result(call, f"Exit code 127\n{argv[0]}: {error.strerror}", failed=True)
        return 127
    try:
        printed, _ = child.communicate()
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    output = printed.decode("utf-8", "replace").rstrip("\n")[:_OUTPUT_LIMIT]
    if child.returncode == 0:
        _answer_bash(run, call, output)
    else:
        run.stream.tool_result(call, f"Exit code {child.returncode}\n{output}", failed=True)
    return child.returncode


def _answer_bash(run: Run, call: str, output: str) -> None:
    detail = {"stdout": output, "stderr": "", "interrupted": False, "noOutputExpected": False}
    run.stream.tool_result(call, output, detail=detail)


def _answer_edit(run: Run, call: str, path: str, old: str, new: str) -> None:
    detail = {"filePath": path, "oldString": old, "newString": new, "userModified": False}
    run.stream.tool_result(call, f"The file {path} has been updated successfully.", detail=detail)
    run.rest()


def _text_of(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def _store(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def _store_at_once(path: str, text: str) -> None:
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.tmp")
    try:
        _store(beside, text)
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise
