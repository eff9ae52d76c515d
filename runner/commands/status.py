"""`status`: what goes on in a project, as its running runner tells it; else as its database does.

A runner is asked over HTTP when it serves a dashboard, else through the socket in its state folder; it has two
seconds to answer. When it does not, or there is none, the overview is read from the database: what lives only in a
runner's memory (process ids, the supervision tree) is null then. With `--url` only that address is asked. Reads only,
and takes nothing for granted of what it is told.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from runner.commands.given import Given
from runner.commands.reach import address_of, holder_of, reach
from runner.display.tables import table
from runner.display.tree import tree_lines
from runner.display.words import clean, duration, moment, named, shorts
from runner.domain.errors import RunnerError
from runner.domain.overview import STARTING, Node, Overview
from runner.store.database import open_reader
from runner.store.overview import read_overview
from runner.workspace import status_socket
from runner.workspace.holder import Holder
from runner.workspace.place import database_file, find_paths
from web.client import Question, ask

if TYPE_CHECKING:
    from rich.text import Text

ENDED = ("stopped", "error")
"""The states of a run that came to its end and left something to resume."""

QUESTION = Question(path="/api/orchestrator/status", seconds=status_socket.PATIENCE_SECONDS)

Say = Callable[[str], None]


def show(given: Given, say: Say, environment: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The answer in words, or as JSON; `say` gets what the operator should know of it. Raises RunnerError."""
    if given.url is not None:
        address = reach(given, environment)
        held: Holder | None = Holder(url=str(address))
        told = ask(address, QUESTION, Overview)
    else:
        paths = find_paths(given.where)
        held = holder_of(paths.state)
        told = _ask(paths.state, held, say, environment) or _read(database_file(given.where, paths), held)
    if given.as_json:
        return [msgspec.json.encode(told).decode()]
    return _printed(in_words(told, held, now=_now_ms()), told.supervision)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _ask(state: Path, held: Holder | None, say: Say, environment: Mapping[str, str]) -> Overview | None:
    """What the runner that holds the project tells; None when there is none, or when it does not answer."""
    if held is None:
        return None
    by = "the runner" if held.pid is None else f"the runner (pid {held.pid})"
    if held.url:
        try:
            return ask(address_of(state, held, environment), QUESTION, Overview)
        except RunnerError as error:
            say(f"the dashboard of {by} does not answer: {error.message}")
    try:
        return _understood(status_socket.ask(state))
    except status_socket.NoAnswer as reason:
        say(f"{by} does not answer: {reason}; this is what the database says")
        return None


def _understood(answer: bytes) -> Overview:
    """Whoever could write into the folder may have answered: take the shape that was agreed, or nothing."""
    try:
        told = msgspec.json.decode(answer, type=Overview)
        msgspec.json.encode(told)
    except (msgspec.MsgspecError, RecursionError):
        raise status_socket.NoAnswer("what it said was cut off or is not a status") from None
    return told


def _read(database: Path, held: Holder | None) -> Overview:
    """What the database tells; no database: all idle. Raises DatabaseError."""
    if not database.exists():
        return Overview()
    with closing(open_reader(database)) as connection:
        return read_overview(connection, held=held is not None)


def _printed(words: Sequence[str], tree: Node | None) -> list[str]:
    """The lines as the terminal gets them: coloured when it is one, and in letters that it has."""
    console = Console(highlight=False, markup=False)
    lines: list[str | Text] = [*words]
    if tree is not None:
        lines += ["", *tree_lines(tree, now=_now_ms(), width=console.width)]
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=True)
    return captured.get().encode(console.encoding, "replace").decode(console.encoding).splitlines()


def in_words(told: Overview, held: Holder | None, *, now: int) -> list[str]:
    """The answer for people."""
    by = "" if held is None or held.pid is None else f" (pid {held.pid})"
    if told.batch_id is None and told.status == STARTING:
        return [f"starting{by}: what an earlier run has left behind is seen to"]
    if told.batch_id is None:
        if held is None:
            return ["idle: no runner works here", *_left(told, waits=False)]
        at = f", {held.url}" if held.url else ""
        return [f"idle: a runner waits for a start{by}{at}", *_left(told, waits=True)]
    of = "" if told.max_cycles is None else f" of {told.max_cycles}"
    done = f"{told.cycles_completed}{of} cycles done"
    lines = [f"{clean(told.status).replace('_', ' for ')}: batch {told.batch_id}, {done}{by}"]
    if told.limit is not None:
        lines.append(f"the usage limit resets at {moment(told.limit.resets_at, now)}")
    if told.cycle is not None:
        stories = ", ".join(named(key) for key in told.cycle.story_keys)
        lines.append(f"cycle {told.cycle.number}: {stories}")
    return [*lines, "", *_tables(told, now)]


def _left(told: Overview, *, waits: bool) -> list[str]:
    """What an idle project can go on with: by a word to the runner that waits, or by a runner yet to be started."""
    start, resume = ("`start` or in the browser", "`resume`") if waits else ("--cycles N", "--resume")
    if not told.last_seq:
        return [f"no batch has run here yet; start one with {start}"]
    if told.resumable is None:
        return ["nothing is left to resume; `history` lists what was done"]
    left = told.resumable
    of = "" if left.max_cycles is None else f" of {left.max_cycles}"
    reason = f" ({clean(left.reason)})" if left.reason else ""
    # Then the database tells what it did last.
    stood = clean(left.status) if left.status in ENDED else "cut off before its end was recorded"
    done = f"{left.cycles_completed}{of} cycles done"
    return [f"batch {left.batch_id} is unfinished: {stood}{reason}, {done}; {resume} continues it"]


def _tables(told: Overview, now: int) -> list[str]:
    head = ("stories", "command", "task", "attempt", "for")
    rows = [
        (
            shorts(row.story_keys),
            clean(row.command),
            clean(row.task_id) or "-",
            str(row.attempt),
            duration(now - row.started_at),
        )
        for row in told.current
    ]
    behind = [
        (shorts(row.story_keys), clean(row.task_type), clean(row.status), "-", duration(now - row.started_at))
        for row in told.background
    ]
    return table(head, rows + behind, right=("attempt", "for")) or ["no command runs at this moment"]
