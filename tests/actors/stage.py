"""A project with everything a batch needs, and agents that print what a test has laid out for them.

The recorder, the database, the guards and the processes are real; the agents are `cat` and `sh`, which begin in a
millisecond, and the wall clock is the test's own. Without instructions every command succeeds and finds no issues.
"""

import errno
import json
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trio

from actors.control import Control
from actors.gate import Gate
from actors.kit import Kit, Reads, Shift
from actors.ledger import Ledger
from actors.mailbox import Mailbox
from actors.orders import Order
from actors.recorder import Recorder
from actors.supervisor import Backoff, ChildSpec, Crash, Supervisor
from actors.tree import Branch, Node, Role
from runner.agents.base import Launch, LaunchRequest
from runner.agents.claude_stream import ClaudeDecoder
from runner.domain.events import Envelope
from runner.settings import Settings
from runner.store import queries
from runner.workspace.project import make_state_folder, read_paths
from runner.workspace.prompts import load_prompts
from tests.support.project import make_project, sprint_file

HOUR_MS = 3_600_000
PATIENCE_SECONDS = 10.0
ONE_REVIEW = {"1-1-one": "review"}
"""A sprint of two commands: one code review and the commit."""
REVIEW, COMMIT = "code-review-1", "batch-commit"


class Wall:
    """The wall clock of a test: it goes on, and jumps when it is told to."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead

    def jump(self, milliseconds: int) -> None:
        self._ahead += milliseconds


# What an agent prints


def began() -> dict[str, Any]:
    return {"type": "system", "subtype": "init", "session_id": "s", "model": "puppet"}


def text(words: str) -> dict[str, Any]:
    block = {"type": "text", "text": words}
    return {"type": "assistant", "parent_tool_use_id": None, "message": {"content": [block]}}


def result(**more: Any) -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": "done", **more}


@dataclass(frozen=True)
class Play:
    """One run of an agent: what it prints at once, and what after it was let go."""

    lines: tuple[dict[str, Any], ...]
    rest: tuple[dict[str, Any], ...] = ()
    waits: bool = False
    raises: Exception | None = None
    """Not the agent but the provider fails: a mistake in the runner itself."""


def says(*words: str, **outcome: Any) -> Play:
    return Play(lines=(began(), *map(text, words), result(**outcome)))


def fails(reason: str = "it broke") -> Play:
    return says(is_error=True, result=reason)


def limited(resets_at: int) -> Play:
    """A usage limit that resets at this time, in epoch milliseconds."""
    return says(is_error=True, result=f"usage limit reached|{resets_at // 1000}")


def unpaid() -> Play:
    return says(is_error=True, result="Credit balance is too low")


def waits(*words: str) -> Play:
    """Begins, and does the rest when the test lets it go."""
    return Play(lines=(began(),), rest=(*map(text, words or (WELL,)), result()), waits=True)


def crashes(error: Exception) -> Play:
    return Play(lines=(), raises=error)


WELL = "NO CRITICAL ISSUES FOUND\n\nZERO ISSUES"
WAITING = 'cat "$1"; read line <"$2"; cat "$3"'


class Puppets:
    """A provider: the n-th run of a command is the n-th play laid out for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir()
        self._plays: defaultdict[str, list[Play]] = defaultdict(list)
        self._held: dict[Path, int] = {}
        self.launched: list[LaunchRequest] = []

    @property
    def name(self) -> str:
        return "puppets"

    def plan(self, command: str, *plays: Play) -> None:
        self._plays[command].extend(plays)

    def decoder(self) -> ClaudeDecoder:
        return ClaudeDecoder()

    def launch(self, request: LaunchRequest) -> Launch:
        self.launched.append(request)
        command, number = request.environment["SPRINT_RUNNER_COMMAND"], len(self.launched)
        plays = self._plays[command]
        play = plays.pop(0) if plays else says(WELL)
        if play.raises is not None:
            raise play.raises
        first = self._file(f"{number}-first", play.lines)
        if not play.waits:
            return Launch(argv=("cat", str(first)))
        strings = self._folder / f"{command}-{len(self.runs_of(command))}.strings"
        os.mkfifo(strings)
        rest = self._file(f"{number}-rest", play.rest)
        return Launch(argv=("sh", "-c", WAITING, "sh", str(first), str(strings), str(rest)))

    def runs_of(self, command: str) -> list[LaunchRequest]:
        return [request for request in self.launched if request.environment["SPRINT_RUNNER_COMMAND"] == command]

    @property
    def commands(self) -> list[str]:
        """The commands that were run, in order."""
        return [request.environment["SPRINT_RUNNER_COMMAND"] for request in self.launched]

    async def at_work(self, command: str, run: int = 1) -> None:
        """Return when the n-th run of a command waits to be let go."""
        strings = self._folder / f"{command}-{run}.strings"
        while strings not in self._held:
            try:
                self._held[strings] = os.open(strings, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno not in (errno.ENXIO, errno.ENOENT):
                    raise
                await trio.sleep(0.005)

    async def let_go(self, command: str, run: int = 1) -> None:
        await self.at_work(command, run)
        os.close(self._held.pop(self._folder / f"{command}-{run}.strings"))

    def close(self) -> None:
        for strings in self._held.values():
            os.close(strings)

    def _file(self, name: str, lines: Sequence[dict[str, Any]]) -> Path:
        path = self._folder / f"{name}.ndjson"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path


class Stage:
    """The project, the kit and what has come of it."""

    def __init__(self, folder: Path, statuses: Mapping[str, str], *, context: bool = True, **settings: Any) -> None:
        self.project = make_project(folder / "project", statuses, context=context)
        make_state_folder(self.project)
        paths = read_paths(self.project, None)
        self.database = paths.state / "sprint-runner.db"
        self.wall, self.puppets = Wall(), Puppets(folder / "puppets")
        self.events = list[Envelope]()
        self.crashes = list[Crash]()
        self.chances = list[float | Exception]()
        """What the next calls for a random number give; 0.0 when there is no more. An exception is a crash there."""
        self.crash_over = ""
        """The recorder crashes over the next event of this type, after it was stored."""
        self.root = Branch("root", Role.SUPERVISOR, clock=self.wall)
        ids = iter(range(1, 10_000))
        self.kit = Kit(
            paths=paths,
            settings=replace(Settings(), retry_backoff_seconds=0, stop_grace_seconds=0.5, **settings),
            provider=self.puppets,
            prompts=load_prompts(paths),
            workflows={},
            permission_mode="bypassPermissions",
            environment={"PATH": os.environ["PATH"]},
            url="http://127.0.0.1:8765",
            recorder=Recorder(self.database, clock=self.wall, redact=str, publish=self._publish),
            reads=Reads(self.database),
            clock=self.wall,
            new_id=lambda: f"00000000-0000-4000-8000-{next(ids):012}",
            random=self._chance,
        )

    def _publish(self, events: Sequence[Envelope]) -> None:
        self.events.extend(events)
        if self.crash_over in {event.type for event in events}:
            self.crash_over = ""
            raise RuntimeError("a mistake in the recorder")

    def _chance(self) -> float:
        chance = self.chances.pop(0) if self.chances else 0.0
        if isinstance(chance, Exception):
            raise chance
        return chance

    @asynccontextmanager
    async def recording(self, *, patience: float = PATIENCE_SECONDS) -> AsyncIterator[trio.Nursery]:
        """The recorder runs, and is restarted, for the length of the block, which may not take for ever."""
        spec = ChildSpec(id="recorder", start=self.kit.recorder.run, mailbox=self.kit.recorder.mailbox)
        supervisor = Supervisor([spec], backoff=Backoff(first=0.01), report=self._note_crash)
        with trio.fail_after(patience), closing(self.puppets):
            async with trio.open_nursery() as nursery:
                await nursery.start(supervisor.run, self.root)
                yield nursery
                nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def control(self, settings: Callable[[], Awaitable[Settings]] | None = None) -> AsyncIterator[Control]:
        """Recorder and control run for the length of the block; control ends first."""
        async with self.recording(), trio.open_nursery() as nursery:
            control = Control(self.kit, self._note_crash, settings)
            await nursery.start(control.run, self.root)
            yield control
            nursery.cancel_scope.cancel()

    async def _note_crash(self, crash: Crash) -> None:
        await trio.lowlevel.checkpoint()
        self.crashes.append(crash)

    async def shift(self) -> Shift:
        """A run of a new batch that nobody drives."""
        batch_id = await self.kit.recorder.record(lambda journal: journal.create_batch(None, "puppets"))
        return await self.shift_of(batch_id)

    async def shift_of(self, batch_id: int) -> Shift:
        history = await self.kit.reads.ask(lambda database: queries.history(database, batch_id))
        orders = Mailbox[Order](16)
        return Shift(kit=self.kit, batch_id=batch_id, gate=Gate(), ledger=Ledger(history), orders=orders)

    def query(self, sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(sql, values).fetchall()

    def attempts(self, command: str) -> list[str]:
        """How the attempts of a command stand."""
        rows = self.query("SELECT status FROM commands WHERE command = ? ORDER BY id", command)
        return [status for (status,) in rows]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        """What the published events of a type say."""
        return [json.loads(event.payload) for event in self.events if event.type == kind]

    def status_of(self, key: str) -> str:
        (line,) = (line for line in sprint_file(self.project).read_text().splitlines() if f" {key}:" in line)
        return line.partition(": ")[2]

    def nodes(self) -> Iterator[Node]:
        """Everything that is alive."""
        found = [self.root.snapshot()]
        while found:
            node = found.pop()
            yield node
            found += node.children


async def until(condition: Callable[[], bool]) -> None:
    """Poll for what real processes and threads bring about; fails when it does not come."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await trio.sleep(0.005)


def task_names() -> list[str]:
    """All Trio tasks of this test."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    names, waiting = [], [root]
    while waiting:
        task = waiting.pop()
        names.append(task.name)
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return names
