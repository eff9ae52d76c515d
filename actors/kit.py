"""What the actors of a batch work with, joined in `runner.app` and handed down unchanged.

`Kit` lasts as long as the runner, `Shift` as long as one run of a batch. Neither does anything by itself.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import trio

from actors.gate import Gate
from actors.ledger import Ledger
from actors.mailbox import Mailbox, Reply
from actors.orders import Order, Report, Trouble
from actors.recorder import Recorder
from runner.agents.base import Provider
from runner.domain.events import BatchWarning
from runner.domain.prompts import PromptText
from runner.settings import Settings
from runner.store.database import open_reader, translate
from runner.workspace.premises import Premises
from runner.workspace.project import Paths

Result = TypeVar("Result")

READERS = 2
"""Threads that read the database at the same time, beside the one that writes."""


class Reads:
    """Read-only queries, in threads of their own."""

    def __init__(self, path: Path, *, abandon: bool = False) -> None:
        """`abandon`: whoever asks may be cancelled, and does not wait for the answer then."""
        self.path = path
        self._abandon = abandon
        self._limiter = trio.CapacityLimiter(READERS)

    async def ask(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a query on a connection of its own; raises DatabaseError when the database cannot be read."""
        return await trio.to_thread.run_sync(self._run, query, limiter=self._limiter, abandon_on_cancel=self._abandon)

    def _run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = open_reader(self.path)
        try:
            return query(connection)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        finally:
            connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """The runner's parts and its sources of time and chance."""

    paths: Paths
    settings: Settings
    provider: Provider
    prompts: Mapping[str, PromptText]
    workflows: Mapping[str, str]
    """Which BMAD workflow or skill each command calls in this project."""
    permission_mode: str
    environment: Mapping[str, str]
    url: str
    """Where the dashboard is; empty when there is none."""
    recorder: Recorder
    reads: Reads
    clock: Callable[[], int]
    """Epoch milliseconds."""
    new_id: Callable[[], str]
    """A new UUID."""
    random: Callable[[], float]
    """From 0 up to 1."""
    premises: Premises = field(default_factory=Premises)
    """What an agent might clear away under the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One run of one batch."""

    kit: Kit
    batch_id: int
    gate: Gate
    ledger: Ledger
    orders: Mailbox[Order]

    async def report(self, trouble: Trouble) -> None:
        """Have the gate held before anything else starts."""
        reply: Reply[None] = Reply()
        await self.orders.cast(Report(trouble=trouble, reply=reply))
        await reply.wait()

    async def warn(self, kind: str, message: str) -> None:
        """Tell the operator about something that does not stop the batch."""
        event = BatchWarning(batch_id=self.batch_id, message=message, warning_type=kind)
        await self.kit.recorder.tell(event, batch_id=self.batch_id)
