"""Planted secrets: the environment has them, agents print them everywhere, and nobody is told.

A real runner serves a batch whose agent puts each canary into all it says, writes and names. Afterwards every answer,
message, stored byte and line of output is looked through, for whole canaries and for what a cut would leave of one.
The output of the agents themselves stays as it is, in the folders of their runs.
"""

import json
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest

from runner.redact import MARK
from tests.support.project import make_project, sprint_file, write_scenario
from tests.support.runs import query, started, wait_until
from tests.web.house import START, STATUS
from tests.web.wire import Watcher, Wire

pytestmark = pytest.mark.slow

PLAIN = {
    "CANARY_API_KEY": "canaryKey+/1b9d6bcd==",
    "my_access_token": "canaryTok~7f3a.eyJhbGciOi",
    "CANARY_SECRET": "canaryGehëimnis-✓-5c21",
    "CanaryPassword": "<canary>&amp;8d1e[$^.*]</canary>",
}
AWKWARD = {
    "CANARY_QUOTED_KEY": 'quotedCanary"en\\7f3a\\"q',
    "CANARY_SPACED_PASSWORD": "spacedCanary  word   90ab",
    "CANARY_LINES_SECRET": "linesCanary-aa41\nlinesCanary-bb52",
}
"""They look different when they are quoted, or when a text is made one line."""
SHAPES = (
    "sk-ant-api03-canaryShape0123456789",
    "ghp_canaryShape0123456789abcdef",
    "AKIACANARYSHAPE01234",
)
EASY = (*PLAIN.values(), *SHAPES)
CANARIES = (*EASY, *AWKWARD.values())
TELLING = 9
"""Characters of a canary, from either end, by which it is recognised."""
EVENT_TEXT, LONG_LINE, HEAD_OF_LONG_LINE = 4096, 1_200_000, 64 * 1024
STORY = "1-1-one"
OF_FILES = (
    *("/sprint-status.yaml", "/orchestrator.md", "/orchestrator.csv", "/sprint-runner.csv"),
    *("/api/sprint-status", "/api/orchestrator-status", "/story-descriptions.json"),
)


def straddling(limit: int) -> Iterator[str]:
    """Texts in which a canary lies across a limit at which texts are cut."""
    for canary in EASY:
        for inside in (3, len(canary) // 2, len(canary) - 3):
            yield "x" * (limit - inside) + canary


def everything_said() -> list[dict[str, Any]]:
    every = " | ".join(CANARIES)
    names = [canary for canary in EASY if canary.isascii() and "/" not in canary]
    return [
        {"say": every},
        *({"say": f"{canary}"} for canary in CANARIES),
        *({"say": text} for text in straddling(EVENT_TEXT)),
        *({"task": f"setup start {canary}"} for canary in CANARIES if "\n" not in canary),
        {"task": {"line": f"implement start {PLAIN['CANARY_API_KEY']}", "form": "tool"}},
        {"write": {"file": "notes/canaries.txt", "text": every}},
        *({"write": {"file": f"notes/{name}.txt", "text": name}} for name in names),
        {"read": f"missing/{PLAIN['CANARY_API_KEY']}"},
        {"run": ["{python}", "-c", "import sys; print(sys.argv[1:])", *CANARIES]},
        {"run": ["{python}", "-c", "import os; print(dict(os.environ))"]},
        {"stderr": every},
        {"raw": every.replace("\n", " ")},
        *({"raw": text.ljust(LONG_LINE, "y")} for text in list(straddling(HEAD_OF_LONG_LINE))[:3]),
        {"raw": json.dumps({"type": "unknown", "nested": [{"deep": list(CANARIES)}, dict.fromkeys(CANARIES)]})},
    ]


def rules() -> list[dict[str, Any]]:
    every = " | ".join(CANARIES)
    failing = [*everything_said(), {"result": {"is_error": True, "text": f"it failed over {every}"}}]
    dying = [{"stderr": every}, {"exit": 3}]
    passing = [*everything_said(), {"builtin": "code-review-1"}, {"result": {"text": f"ZERO ISSUES {every}"}}]
    return [
        {"command": "code-review-1", "attempt": "1", "actions": failing},
        {"command": "code-review-1", "attempt": "2", "actions": dying},
        {"command": "code-review-1", "actions": passing},
    ]


@dataclass(frozen=True, kw_only=True)
class Haul:
    """All that could be got from the runner, by where it was found."""

    found: Mapping[str, bytes]

    def leaks(self, needles: Iterable[str], *, of_files: bool = False) -> list[str]:
        """Where they are found; in what is shown of the project's own files, or in all else."""
        forms = {form for needle in needles for form in (needle, json.dumps(needle)[1:-1], repr(needle)[1:-1])}
        return [
            f"{place}: …{data[max(0, at - 60) : at + 60].decode(errors='replace')}…"
            for place, data in self.found.items()
            for form in forms
            if place.startswith(OF_FILES) == of_files and (at := data.find(form.encode())) >= 0
        ]


@pytest.fixture(scope="module")
def haul(tmp_path_factory: pytest.TempPathFactory) -> Haul:
    folder = tmp_path_factory.mktemp("secrets")
    project = make_project(folder / "project", {STORY: "review"})
    every = " | ".join(CANARIES)
    sprint_file(project).with_name(f"{STORY}.md").write_text(f"# Story 1.1: {every}\n\n## Story\n\n{every}\n")
    sprint_file(project).with_name("orchestrator.md").write_text(f"# Log\n{every}\n")
    sprint_file(project).write_text(f"# {SHAPES[0]}\nowner: {SHAPES[1]}\n{sprint_file(project).read_text()}")
    found = dict[str, bytes]()
    with started(
        project, write_scenario(folder, rules()), "--port", "0", "--log-level", "debug", **PLAIN, **AWKWARD
    ) as runner:
        port = _port(project)
        _ask(port, START, method="POST")
        wait_until(lambda: query(project, "SELECT 1 FROM events WHERE event_type = 'batch:end'") != [], seconds=60)
        found |= _answers(project, port)
        found |= {f"WebSocket {path}": _messages(port, path) for path in ("/ws", "/ws?after=0")}
        runner.send_signal(signal.SIGINT)
        out, err = runner.communicate(timeout=20)
    assert query(project, "SELECT status FROM batches") == [("completed",)], err
    found |= {"standard output": out.encode(), "standard error": err.encode()}
    found |= _stored(project)
    return Haul(found=found)


def _port(project: Path) -> int:
    lock = project / ".sprint-runner" / "lock"
    wait_until(lambda: lock.exists() and b"http://" in lock.read_bytes())
    return int(lock.read_text().partition("http://127.0.0.1:")[2].split()[0].strip('",}/'))


def _ask(port: int, path: str, *, method: str = "GET") -> bytes:
    with closing(create_connection(("127.0.0.1", port))) as sock:
        wire = Wire(sock)
        length = "Content-Length: 0\r\n" if method == "POST" else ""
        wire.send(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{length}\r\n".encode())
        reply = wire.reply()
        assert reply.status < 500, (path, reply)
        return str(reply.headers).encode() + reply.body


def _answers(project: Path, port: int) -> Iterator[tuple[str, bytes]]:
    """Every reading route of the description, for every batch and command there is, page by page."""
    description = json.loads(_ask(port, "/api/openapi.json").partition(b"')){")[2].join([b"{", b""]))
    batches = [str(row[0]) for row in query(project, "SELECT id FROM batches")]
    commands = [str(row[0]) for row in query(project, "SELECT id FROM commands")]
    for path, operations in description["paths"].items():
        if "get" not in operations:
            continue
        for number in commands if "command" in path else batches:
            real = path.replace("{batch_id}", number).replace("{command_id}", number)
            yield real, _ask(port, real)
            for word in ("canary", "x"):
                searched = f"{real}?q={word}&limit=500"
                yield searched, _ask(port, searched)
    for command in commands:
        for after in range(0, 5_000_000, 100_000):
            page = f"/api/commands/{command}/transcript?limit=500&after={after}"
            yield page, _ask(port, page)


def _messages(port: int, path: str) -> bytes:
    """All messages up to the last event on record."""
    last = json.loads(b"{" + _ask(port, STATUS).partition(b"')){")[2])["last_seq"]
    with closing(create_connection(("127.0.0.1", port))) as sock:
        wire = Wire(sock)
        lines = (
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {'A' * 22}==",
        )
        wire.send(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode() + "\r\n".join((*lines, "", "")).encode()
        )
        assert wire.reply().status == 101
        said = b""
        for _, payload in Watcher(wire).frames():
            said += payload
            message = json.loads(payload)
            if message["type"] == "init" or message.get("seq") == last:
                return said
    raise AssertionError("not all came")


def _stored(project: Path) -> Iterator[tuple[str, bytes]]:
    """Everything the runner has written, but for what its agents have said themselves."""
    state = project / ".sprint-runner"
    for path in sorted(state.rglob("*")):
        if path.is_file() and path.name not in ("stdout.ndjson", "stderr.log", "prompt.txt"):
            yield str(path.relative_to(state)), path.read_bytes()


def test_canaries_were_there_to_be_found(haul: Haul):
    """Marks in their place tell that the agent has said them, and where."""
    marked = {place for place, data in haul.found.items() if MARK.encode() in data}
    assert "sprint-runner.db" in marked
    assert "WebSocket /ws?after=0" in marked
    assert "/api/events" in marked
    assert any("transcript" in place for place in marked)


def test_no_canary_is_found_anywhere(haul: Haul):
    assert haul.leaks(EASY) == []


def test_no_piece_of_a_canary_is_found_where_a_text_was_cut(haul: Haul):
    assert haul.leaks(pieces(EASY)) == []


def test_no_canary_is_found_in_what_is_shown_of_the_projects_files(haul: Haul):
    assert haul.leaks(pieces(EASY), of_files=True) == []


def test_no_canary_is_found_that_was_quoted_or_made_one_line(haul: Haul):
    assert haul.leaks(pieces(AWKWARD.values())) == []


def pieces(canaries: Iterable[str]) -> list[str]:
    """What a cut may leave of them."""
    return [piece for canary in canaries for piece in (canary[:TELLING], canary[-TELLING:])]
