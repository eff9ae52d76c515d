"""The recorder: the only writer of the database, and the only source of events.

Everybody who has something to record sends a piece of work; what waits in the mailbox goes into one transaction
(group commit). After the commit the events are published with their row ids, then the senders get their answers.
Each piece runs in a savepoint, so one that fails is undone alone and its sender sees why. Commits run in a thread
of their own: the event loop never waits for the disk.

A database that another program has locked is waited for, and so is everybody who sends; nothing is lost over that.
What the database does not take after all, or at once when it is full or broken, is refused, and `failure` tells.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
import trio

from actors.mailbox import Closed, Mailbox, Reply
from actors.tree import Branch
from runner.crashpoint import crashpoints
from runner.domain.errors import DatabaseError, DatabaseLocked
from runner.domain.events import Envelope, Event
from runner.store.database import open_writer, translate
from runner.store.journal import Journal

Result = TypeVar("Result")

MAILBOX_CAPACITY = 1024
"""Pieces of work that may wait; beyond, senders wait too: a flooding agent is slowed down, nothing is lost."""
GROUP_LIMIT = 256
"""Pieces in one transaction: keeps the commit, and with it everybody's answer, short."""

CLOSING_SECONDS = 10.0
"""For a commit, and for all that are left at the end."""
PATIENCE_SECONDS = 120.0
"""How long a lock of another program is waited for: a copy, a check or a careless editor ends within it."""
SILENT_SECONDS = 5.0
"""A lock that is gone by then is nothing the operator has to hear of."""
HASTE_SECONDS = 0.3
"""How long it is waited for when a stop has no time."""
RETRY_SECONDS = 0.2
RECORD_SECONDS = PATIENCE_SECONDS + 30.0
"""Deadline of a shield around something that has to be recorded: no lock is waited for so long."""

Publish = Callable[[Sequence[Envelope]], None]
log = structlog.get_logger("recorder")


@dataclass(frozen=True, slots=True)
class Done:
    """The value a change returned."""

    value: Any


Outcome = Done | Exception


@dataclass(frozen=True, slots=True)
class Work(Generic[Result]):
    """One change: called with the journal inside a transaction."""

    change: Callable[[Journal], Result]
    reply: Reply[Result] | None
    """None when nobody waits; such a change need not survive a power loss either."""


class Recorder:
    """The actor and its mailbox. `record`, `note` and `tell` are for everybody, `run` for the supervisor."""

    def __init__(
        self, path: Path, *, clock: Callable[[], int], redact: Callable[[str], str], publish: Publish
    ) -> None:
        self._path = path
        self._clock = clock
        self._redact = redact
        self._publish = publish
        self.mailbox: Mailbox[Work[Any]] = Mailbox(MAILBOX_CAPACITY)
        self._held: list[Work[Any]] = []
        """What a cancellation found on its way to the database."""
        self._haste = trio.Event()
        self._is_closing = False
        self._gave_up: Reply[DatabaseError] = Reply()
        self._failure: DatabaseError | None = None
        """What the database failed with last; None since it has taken something."""

    async def record(self, change: Callable[[Journal], Result]) -> Result:
        """Make a change and wait until it is on the disk; raises DatabaseError when that cannot be."""
        reply: Reply[Result] = Reply()
        await self.mailbox.cast(Work(change, reply))
        return await reply.wait()

    async def note(self, change: Callable[[Journal], None]) -> None:
        """Make a change whose sender goes on at once; waits only while the mailbox is full."""
        await self.mailbox.cast(Work(change, None))

    async def tell(self, event: Event, *, batch_id: int | None = None) -> None:
        """Store an event that no state hangs on."""
        at = self._clock()
        await self.note(lambda journal: journal.emit(event, batch_id=batch_id, at=at))

    async def failure(self) -> DatabaseError:
        """Wait until the database does not take what it is given, and tell why: notes may be lost from there on."""
        return await self._gave_up.wait()

    def hurry(self) -> None:
        """From now on nobody has the time to wait for a lock."""
        self._haste.set()

    def take_time(self) -> None:
        """There is time again."""
        self._haste, self._gave_up = trio.Event(), Reply()

    def give_up(self) -> None:
        """It has crashed too often to be started again: whoever waits for it, or asks it from now on, is told."""
        for work in self.mailbox.close():
            if work.reply is not None:
                work.reply.refuse(Closed("the recorder has crashed for good", hint="start the runner again"))

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Record what comes until cancelled; then record what still waits and close the database."""
        limiter = trio.CapacityLimiter(1)
        connection = await trio.to_thread.run_sync(open_writer, self._path, limiter=limiter)
        desk = _Desk(connection, Journal(connection, clock=self._clock, redact=self._redact), self._path)
        try:
            task_status.started()
            while True:
                await self._commit(desk, [await self.mailbox.receive(), *self._waiting()], limiter)
        finally:
            await self._close(desk, limiter)

    async def _close(self, desk: "_Desk", limiter: trio.CapacityLimiter) -> None:
        """Record all that was sent before the end, as far as the database takes it."""
        self._is_closing = True
        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSING_SECONDS):
                while group := self._held or self._waiting():
                    self._held = []
                    await self._commit(desk, group, limiter)
        finally:
            self._is_closing = False
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSING_SECONDS):
                await trio.to_thread.run_sync(desk.close, limiter=limiter)

    def _waiting(self) -> list[Work[Any]]:
        group: list[Work[Any]] = []
        with suppress(trio.WouldBlock):
            while len(group) < GROUP_LIMIT:
                group.append(self.mailbox.receive_nowait())
        return group

    async def _commit(self, desk: "_Desk", group: list[Work[Any]], limiter: trio.CapacityLimiter) -> None:
        """One transaction for the whole group; then the world, then the senders. No checkpoint in between."""
        try:
            outcomes = await self._insist(desk, group, limiter)
            self._publish(desk.journal.take_events())
            for work, outcome in zip(group, outcomes, strict=True):
                _settle(work, outcome)
        except trio.Cancelled:
            # What has been taken out of the mailbox is in nobody else's hands: the end has to see to it.
            self._held = group
            raise
        finally:
            if not self._held:
                for work in group:
                    if work.reply is not None:
                        work.reply.abandon_unless_settled()

    async def _insist(self, desk: "_Desk", group: list[Work[Any]], limiter: trio.CapacityLimiter) -> list[Outcome]:
        """Have the group committed, again and again while the database is locked; what came of each piece."""
        began, is_told = trio.current_time(), False
        while True:
            try:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSING_SECONDS):
                    outcomes = await trio.to_thread.run_sync(desk.commit, group, limiter=limiter)
            except DatabaseError as error:
                if self._is_hopeless(error, began):
                    return self._give_up(error, group)
                is_told = is_told or self._tells(error, began)
                await self._pause()
            else:
                self._failure = None
                return outcomes

    def _is_hopeless(self, error: DatabaseError, began: float) -> bool:
        """Whether trying again is of no use, or took too long; after the first such group each has one try."""
        if not isinstance(error, DatabaseLocked) or self._failure is not None:
            return True
        patience = HASTE_SECONDS if self._haste.is_set() or self._is_closing else PATIENCE_SECONDS
        return trio.current_time() - began >= patience

    def _tells(self, error: DatabaseError, began: float) -> bool:
        """Tell the operator when it has been waited for a while; whether that was done now."""
        is_late = trio.current_time() + RETRY_SECONDS - began >= SILENT_SECONDS
        if is_late:
            log.warning("everything waits for the database", reason=str(error))
        return is_late

    async def _pause(self) -> None:
        if self._haste.is_set():
            await trio.sleep(RETRY_SECONDS)
        else:
            with trio.move_on_after(RETRY_SECONDS):
                await self._haste.wait()

    def _give_up(self, error: DatabaseError, group: list[Work[Any]]) -> list[Outcome]:
        self._failure = error
        self._gave_up.answer(error)
        return [type(error)(error.message, hint=error.hint) for _ in group]


class _Desk:
    """What the writing thread works with; touched by no other thread while a commit runs."""

    def __init__(self, connection: sqlite3.Connection, journal: Journal, path: Path) -> None:
        self._db = connection
        self._path = path
        self.journal = journal

    def commit(self, group: Sequence[Work[Any]]) -> list[Outcome]:
        """Make the changes in one transaction; raises DatabaseError, and then none of them is made."""
        durable = any(work.reply is not None for work in group)
        try:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            outcomes = [self._apply(work) for work in group]
            with crashpoints("commit"):
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.journal.take_events()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise translate(error, self._path) from error
        return outcomes

    def close(self) -> None:
        self._db.close()

    def _apply(self, work: Work[Any]) -> Outcome:
        """Make one change; one that is wrong in itself is undone alone."""
        self._db.execute("SAVEPOINT change")
        mark = self.journal.mark()
        try:
            result = work.change(self.journal)
        except sqlite3.IntegrityError as error:
            outcome: Outcome = error
        except sqlite3.Error:
            raise
        except Exception as error:
            outcome = error
        else:
            self._db.execute("RELEASE change")
            return Done(result)
        self._db.execute("ROLLBACK TO change")
        self._db.execute("RELEASE change")
        self.journal.forget_since(mark)
        return outcome


def _settle(work: Work[Any], outcome: Outcome) -> None:
    match outcome:
        case Done(value=value) if work.reply is not None:
            work.reply.answer(value)
        case Done():
            pass
        case Exception() as error if work.reply is not None:
            work.reply.refuse(error)
        case DatabaseError():
            pass  # nobody waits for it, but somebody for `failure`
        case Exception() as error:
            # Undone alone, like any change that is wrong in itself: it must not take everybody's writer with it.
            log.error("event not recorded", exc_info=error)
