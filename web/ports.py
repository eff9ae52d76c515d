"""What the web needs of the rest of the runner; joined in `runner.app`, where the type checker proves the fit.

The web never imports the actors. Whoever fulfils one of these does so by its shape alone.
"""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from runner.domain.events import Envelope, News
from runner.domain.overview import Overview

Result = TypeVar("Result")


class Branch(Protocol):
    """An actor's place in the supervision tree; those of the web have nothing to say there."""


class Door(Protocol):
    """Control: the only door to the sprint. Every call gives the batch's id, or raises RunnerError."""

    async def start(self, max_cycles: int | None, *, new: bool) -> int:
        """Begin a batch; None: until no story is left. `new` closes an unfinished one first."""

    async def stop(self, after: str) -> int:
        """Stop it: after the `command`, `story` or `cycle` that runs, or `now`."""

    async def pause(self) -> int:
        """Let nothing start until resumed."""

    async def resume(self) -> int:
        """Go on with a batch that is paused, that waits for a limit, or that is unfinished."""


class Feed(Protocol):
    """The fan-out: committed events, for as long as they are wanted."""

    @property
    def commit_delays(self) -> Collection[float]:
        """Seconds from an event to its commit, of the last ones."""

    def news(
        self, after: int, page: Callable[[int, int], Awaitable[Sequence[Envelope]]]
    ) -> AsyncGenerator[News, None]: ...


class Reads(Protocol):
    """Queries of the database, in threads of their own."""

    async def ask(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """What the query gives. Raises DatabaseError."""


class Lookout(Protocol):
    """The view over the running parts."""

    async def overview(self) -> Overview:
        """What goes on now."""

    def silences(self) -> Mapping[str, float]:
        """Seconds since each permanent actor has shown that it is alive, by its id."""
