"""The lookout: sees what goes on in the runner, at any moment, and puts it into one value.

Whoever shows the status asks it: the window of this project, and the web. It is no actor and holds up none: the
tree is looked at in place, the database in a thread that nobody waits for longer than `PATIENCE_SECONDS`.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from actors.control import Control
from actors.tree import Branch
from runner.domain.errors import RunnerError
from runner.domain.overview import STARTING, FanoutView, Node, NodeState, Overview, process_ids, with_tree
from runner.domain.redaction import Redact
from runner.store.database import open_reader
from runner.store.overview import read_overview

PATIENCE_SECONDS = 0.5
"""For the database. When it takes longer, the tree is of more use at once than together with it."""
THREADS = 2


class Lookout:
    """The view over one runner."""

    def __init__(self, root: Branch, control: Control, database: Path, redact: Redact = str) -> None:
        """`redact`: what a part crashed over may say anything."""
        self._root = root
        self._redact = redact
        self._control = control
        self._database = database
        self._limiter = trio.CapacityLimiter(THREADS)
        self._last = Overview()
        self._delivery: Callable[[], FanoutView] | None = None

    def look_at_delivery(self, view: Callable[[], FanoutView]) -> None:
        """Show from now on how the delivery to browsers does."""
        self._delivery = view

    async def overview(self) -> Overview:
        """What goes on now; of a database that cannot be read, what it said last."""
        told = await self._told(held=self._control.batch_id is not None, pids=process_ids(self._root.snapshot()))
        batch_id, tree, state = self._control.batch_id, self._tree(), self._control.state
        if batch_id != told.batch_id:
            # It has begun or ended meanwhile: the memory is right, and the next look has both.
            told = Overview(batch_id=batch_id, last_seq=told.last_seq)
        if batch_id is None and tree.state is NodeState.STARTING:
            state = STARTING
        fanout = None if self._delivery is None else self._delivery()
        return with_tree(replace(told, fanout=fanout), tree, state=state)

    def _tree(self) -> Node:
        return _redacted(self._root.snapshot(), self._redact)

    def silences(self) -> Mapping[str, float]:
        """Seconds since each actor with a mailbox has shown that it is alive."""
        return dict(self._root.silences())

    async def _told(self, *, held: bool, pids: Mapping[str, int]) -> Overview:
        read = partial(_read, self._database, held=held, pids=pids)
        with trio.move_on_after(PATIENCE_SECONDS), suppress(RunnerError, sqlite3.Error):
            # Abandoned when it takes too long: SQLite itself waits for a lock, a dead disk is waited for for ever.
            told = await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._limiter)
            # Of two that were read at the same time the older one may come last.
            if told.last_seq >= self._last.last_seq:
                self._last = told
        return self._last


def _read(database: Path, *, held: bool, pids: Mapping[str, int]) -> Overview:
    with closing(open_reader(database)) as connection:
        return read_overview(connection, held=held, pids=pids)


def _redacted(node: Node, redact: Redact) -> Node:
    error = None if node.last_error is None else redact(node.last_error)
    return replace(node, last_error=error, children=tuple(_redacted(child, redact) for child in node.children))
