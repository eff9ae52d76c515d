"""The recorder over real SQLite files, on the real clock: commits run in a thread.

What is sent before `run` waits in the mailbox and makes up one group, so a test decides what is committed together.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import recorder as module
from actors.mailbox import Abandoned
from actors.recorder import GROUP_LIMIT, MAILBOX_CAPACITY, RETRY_SECONDS, Recorder, Work
from actors.tree import Branch, Role
from runner.domain.errors import DatabaseError, DatabaseLocked
from runner.domain.events import BatchWarning, Envelope
from runner.store.database import TRY_SECONDS
from runner.store.journal import Journal

NOON = 1_790_000_000_000
STEP = ("c1/select", "selection", b"{}")


def warning(number: int) -> BatchWarning:
    return BatchWarning(batch_id=0, message=f"warning {number}", warning_type="test")


def emitting(number: int) -> Callable[[Journal], int]:
    """A change that tells of itself."""

    def change(journal: Journal) -> int:
        journal.emit(warning(number))
        return number

    return change


def failing(number: int, error: Exception) -> Callable[[Journal], int]:
    def change(journal: Journal) -> int:
        journal.emit(warning(number))
        raise error

    return change


class Desk:
    """A recorder, what it has published, and what the database says to somebody else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.groups: list[list[Envelope]] = []
        self.watch: Callable[[], None] = lambda: None
        """Called at each publication, before it is noted."""
        self.recorder = Recorder(path, clock=lambda: NOON, redact=lambda text: text, publish=self._publish)
        self.branch = Branch("recorder", Role.ACTOR, clock=lambda: NOON)

    def _publish(self, events: Sequence[Envelope]) -> None:
        self.watch()
        self.groups.append(list(events))

    @property
    def published(self) -> list[int]:
        return [event.seq for group in self.groups for event in group]

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    @property
    def stored(self) -> list[tuple[int, str]]:
        return self.rows("SELECT id, message FROM events ORDER BY id")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Recorder]:
        """Run it for the length of the block."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.recorder.run, self.branch)
            yield self.recorder
            nursery.cancel_scope.cancel()

    async def ask_all(self, *changes: Callable[[Journal], Any]) -> list[Any]:
        """Send changes as one group, then run; each one's answer, or the error its sender got."""
        answers: list[Any] = [None] * len(changes)

        async def ask(place: int) -> None:
            try:
                answers[place] = await self.recorder.record(changes[place])
            except Exception as error:
                answers[place] = error

        async with trio.open_nursery() as nursery:
            for place in range(len(changes)):
                nursery.start_soon(ask, place)
                await wait_all_tasks_blocked()
            async with self.open():
                while nursery.child_tasks:
                    await wait_all_tasks_blocked(0.001)
        return answers


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "sprint-runner.db")


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the database's write lock, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


# One transaction for a group


async def test_what_waits_together_is_committed_and_published_together(desk: Desk):
    answers = await desk.ask_all(*map(emitting, range(5)))
    assert answers == [0, 1, 2, 3, 4]
    assert [len(group) for group in desk.groups] == [5]
    assert desk.stored == [(number + 1, f"warning {number}") for number in range(5)]


async def test_nobody_sees_a_part_of_a_group(desk: Desk):
    def look(journal: Journal) -> int:
        return len(desk.stored)

    answers = await desk.ask_all(emitting(0), look, emitting(1), look)
    assert answers == [0, 0, 1, 0]
    assert len(desk.stored) == 2


async def test_groups_are_bounded_and_follow_one_another(desk: Desk):
    for number in range(MAILBOX_CAPACITY):
        await desk.recorder.note(emitting(number))
    async with desk.open() as recorder:
        await recorder.record(lambda journal: None)
    assert max(len(group) for group in desk.groups) <= GROUP_LIMIT + 1
    assert desk.published == list(range(1, MAILBOX_CAPACITY + 1))


async def test_a_full_mailbox_makes_the_sender_wait(desk: Desk, nursery: trio.Nursery):
    for number in range(MAILBOX_CAPACITY):
        await desk.recorder.note(emitting(number))
    nursery.start_soon(desk.recorder.tell, warning(-1))
    await wait_all_tasks_blocked()
    assert len(nursery.child_tasks) == 1
    async with desk.open():
        while nursery.child_tasks:
            await wait_all_tasks_blocked(0.001)
    assert len(desk.stored) == MAILBOX_CAPACITY + 1


@pytest.mark.parametrize(("somebody_waits", "synchronous"), [(True, 2), (False, 1)])
async def test_only_what_somebody_waits_for_costs_a_full_sync(desk: Desk, somebody_waits: bool, synchronous: int):
    found: list[int] = []

    def look(journal: Journal) -> None:
        found.extend(journal.one("PRAGMA synchronous"))

    async with desk.open() as recorder:
        await (recorder.record(look) if somebody_waits else recorder.note(look))
    assert found == [synchronous]


# Changes that fail


async def test_a_change_that_fails_is_undone_alone_with_its_events(desk: Desk):
    error = LookupError("nothing there")
    answers = await desk.ask_all(emitting(0), failing(1, error), emitting(2))
    assert answers == [0, error, 2]
    assert desk.stored == [(1, "warning 0"), (2, "warning 2")]
    assert desk.published == [1, 2]


async def test_a_broken_rule_of_the_database_is_told_to_its_sender_alone(desk: Desk):
    def twice(journal: Journal) -> int:
        batch = journal.create_batch(1, "scripted")
        for _ in range(2):
            journal.record_step(batch, *STEP)
        return batch

    def once(journal: Journal) -> int:
        batch = journal.create_batch(1, "scripted")
        journal.record_step(batch, *STEP)
        return batch

    refused, batch = await desk.ask_all(twice, once)
    assert isinstance(refused, sqlite3.IntegrityError)
    assert desk.rows("SELECT id FROM batches") == [(batch,)]
    assert desk.published == [1]


async def test_a_note_that_is_wrong_in_itself_is_logged_and_harms_nobody(desk: Desk, logs: list[Any]):
    await desk.recorder.note(failing(0, LookupError("a mistake")))
    assert await desk.ask_all(emitting(1)) == [1]
    assert desk.stored == [(1, "warning 1")]
    assert [(line["event"], str(line["exc_info"])) for line in logs] == [("event not recorded", "a mistake")]


def _leave_no_room(journal: Journal) -> None:
    (pages,) = journal.one("PRAGMA page_count")
    journal.one(f"PRAGMA max_page_count = {pages}")


def _fill_the_rest(journal: Journal) -> None:
    for number in range(1000):
        journal.emit(warning(number))


async def test_when_the_database_fails_nothing_of_the_group_is_made_or_told(desk: Desk):
    async with desk.open() as recorder:
        await recorder.record(_leave_no_room)
    # The limit belongs to the connection: it is set again in the group that will meet it.
    await desk.recorder.note(emitting(0))
    answers = await desk.ask_all(_leave_no_room, emitting(1), _fill_the_rest, emitting(2))
    assert all(isinstance(answer, DatabaseError) for answer in answers)
    assert len({id(answer) for answer in answers}) == 4
    assert "the disk is full" in str(answers[0])
    assert "free some space" in str(answers[0])
    assert desk.stored == []
    assert desk.published == []


async def test_a_recorder_goes_on_after_the_database_has_failed(desk: Desk):
    async with desk.open() as recorder:
        await recorder.record(_leave_no_room)
        with pytest.raises(DatabaseError):
            await recorder.record(_fill_the_rest)
        await recorder.record(lambda journal: journal.one("PRAGMA max_page_count = 1000000"))
        await recorder.record(emitting(7))
    assert desk.stored == [(1, "warning 7")]


async def test_a_note_that_the_database_does_not_take_is_a_failure_that_is_told(desk: Desk, nursery: trio.Nursery):
    """Nobody waits for a note: without this the batch would go on with less and less of it on record."""
    told: list[DatabaseError] = []

    async def watch() -> None:
        told.append(await desk.recorder.failure())

    nursery.start_soon(watch)
    async with desk.open() as recorder:
        await recorder.record(_leave_no_room)
        assert not told
        await recorder.note(_fill_the_rest)
        while not told:
            await wait_all_tasks_blocked(0.001)
    assert "the disk is full" in str(told[0])


# A lock of another program


async def test_a_lock_is_waited_for_and_nothing_is_lost(desk: Desk, logs: list[Any]):
    async with desk.open() as recorder, trio.open_nursery() as nursery:
        await recorder.record(emitting(0))
        with lock(desk.path):
            nursery.start_soon(recorder.record, emitting(1))
            await recorder.note(emitting(2))
            await trio.sleep(2 * TRY_SECONDS + RETRY_SECONDS)
            assert desk.published == [1]
    assert {message for _, message in desk.stored} == {"warning 0", "warning 1", "warning 2"}
    assert desk.published == [1, 2, 3]
    assert not logs


async def test_the_operator_hears_once_of_a_lock_that_lasts(
    desk: Desk, logs: list[Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.3)
    async with desk.open() as recorder, trio.open_nursery() as nursery:
        await recorder.record(emitting(0))
        with lock(desk.path):
            nursery.start_soon(recorder.record, emitting(1))
            await trio.sleep(1.2)
    (line,) = logs
    assert line["log_level"] == "warning"
    assert f"{desk.path} is locked by another program" in line["reason"]
    assert "close that program" in line["reason"]


async def test_patience_ends_and_everybody_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    async with desk.open() as recorder:
        await recorder.record(emitting(0))
        with lock(desk.path):
            with pytest.raises(DatabaseLocked, match="locked by another program"):
                await recorder.record(emitting(1))
            with trio.fail_after(TRY_SECONDS + RETRY_SECONDS), pytest.raises(DatabaseLocked):
                await recorder.record(emitting(2))
            assert await recorder.failure()
        assert await recorder.record(emitting(3)) == 3
    assert desk.stored == [(1, "warning 0"), (2, "warning 3")]
    assert desk.published == [1, 2]


async def test_who_hurries_does_not_wait_for_a_lock(desk: Desk, nursery: trio.Nursery):
    refused: list[DatabaseError] = []

    async def ask() -> None:
        try:
            await desk.recorder.record(emitting(1))
        except DatabaseError as error:
            refused.append(error)

    async with desk.open() as recorder:
        await recorder.record(emitting(0))
        with lock(desk.path):
            nursery.start_soon(ask)
            await trio.sleep(0.05)
            with trio.fail_after(1.0):
                recorder.hurry()
                while not refused:
                    await wait_all_tasks_blocked(0.001)
        recorder.take_time()
        with lock(desk.path):
            nursery.start_soon(ask)
            await trio.sleep(0.05)
        await recorder.record(emitting(2))


async def test_who_hurries_while_a_life_ends_is_heard_by_the_next_one(desk: Desk):
    def crash() -> None:
        desk.watch = desk.recorder.hurry
        raise RuntimeError("nobody is there")

    desk.watch = crash
    for number in range(2 * GROUP_LIMIT):
        await desk.recorder.note(emitting(number))
    with pytest.raises(RuntimeError, match="nobody is there"):
        await desk.recorder.run(desk.branch)
    async with desk.open() as recorder:
        with lock(desk.path), trio.fail_after(2.0), pytest.raises(DatabaseLocked):
            await recorder.record(emitting(0))


async def test_what_waits_for_a_lock_at_the_end_is_recorded_when_it_goes(desk: Desk):
    """A cancellation finds the recorder between two tries, with the group in its hands."""
    async with trio.open_nursery() as nursery:
        await nursery.start(desk.recorder.run, desk.branch)
        await desk.recorder.record(emitting(0))
        with lock(desk.path):
            await desk.recorder.note(emitting(1))
            await trio.sleep(TRY_SECONDS + RETRY_SECONDS / 2)
            nursery.cancel_scope.cancel()
    assert [message for _, message in desk.stored] == ["warning 0", "warning 1"]
    assert desk.published == [1, 2]


async def test_an_end_is_not_held_up_by_a_lock(desk: Desk):
    async with trio.open_nursery() as nursery:
        await nursery.start(desk.recorder.run, desk.branch)
        await desk.recorder.record(emitting(0))
        with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await desk.recorder.note(emitting(1))
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            began = trio.current_time()
            with trio.CancelScope(shield=True, deadline=began + 5):
                while nursery.child_tasks:
                    await wait_all_tasks_blocked(0.001)
            assert trio.current_time() - began < 1.5
            other.execute("ROLLBACK")


async def test_the_event_loop_does_not_wait_for_a_locked_database(desk: Desk):
    async with desk.open() as recorder, trio.open_nursery() as nursery:
        await recorder.record(emitting(0))
        with lock(desk.path):
            nursery.start_soon(recorder.record, emitting(1))
            for _ in range(100):
                await trio.lowlevel.checkpoint()
            assert len(desk.stored) == 1
    assert len(desk.stored) == 2


async def test_a_database_that_cannot_be_used_keeps_the_recorder_from_starting(desk: Desk):
    desk.path.write_text("this is no database" * 100)
    with pytest.raises(DatabaseError, match="is not a database"):
        await desk.recorder.run(desk.branch)


# Store before show


async def test_events_are_stored_before_they_are_published(desk: Desk):
    stored: list[int] = []
    desk.watch = lambda: stored.append(len(desk.stored))
    async with desk.open() as recorder:
        for number in range(3):
            await recorder.record(emitting(number))
    assert stored == [1, 2, 3]
    assert desk.published == [1, 2, 3]


async def test_events_are_published_before_their_sender_goes_on(desk: Desk):
    async with desk.open() as recorder:
        for number in range(3):
            await recorder.record(emitting(number))
            assert len(desk.published) == number + 1


async def test_events_of_many_senders_come_out_in_one_order_without_gaps(desk: Desk):
    async def send(sender: int) -> None:
        for number in range(10):
            await desk.recorder.tell(warning(sender * 10 + number))
            if number % 3 == 0:
                with pytest.raises(LookupError):
                    await desk.recorder.record(failing(number, LookupError("nothing there")))

    async with desk.open(), trio.open_nursery() as nursery:
        for sender in range(5):
            nursery.start_soon(send, sender)
    assert desk.published == list(range(1, 51))
    assert len(desk.stored) == 50


async def test_an_event_carries_the_time_at_which_it_was_told(tmp_path: Path):
    times = iter([100, 200])
    recorder = Recorder(tmp_path / "sprint-runner.db", clock=times.__next__, redact=str, publish=lambda events: None)
    await recorder.tell(warning(0))
    assert next(times) == 200
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run, Branch("recorder", Role.ACTOR, clock=lambda: 0))
        nursery.cancel_scope.cancel()
    with closing(sqlite3.connect(tmp_path / "sprint-runner.db")) as connection:
        assert connection.execute("SELECT timestamp FROM events").fetchall() == [(100,)]


# The end


async def test_all_that_waits_is_recorded_before_the_end(desk: Desk):
    async with trio.open_nursery() as nursery:
        await nursery.start(desk.recorder.run, desk.branch)
        for number in range(MAILBOX_CAPACITY):
            desk.recorder.mailbox.cast_nowait(Work(emitting(number), None))
        nursery.cancel_scope.cancel()
    assert len(desk.stored) == MAILBOX_CAPACITY
    assert len(desk.published) == MAILBOX_CAPACITY


async def test_what_is_taken_at_the_instant_of_the_end_is_recorded(desk: Desk):
    """The message has woken the recorder, and the cancellation meets it on its way to the database."""
    async with trio.open_nursery() as nursery:
        await nursery.start(desk.recorder.run, desk.branch)
        await wait_all_tasks_blocked()
        desk.recorder.mailbox.cast_nowait(Work(emitting(1), None))
        assert desk.recorder.mailbox.depth == 0
        nursery.cancel_scope.cancel()
    assert desk.stored == [(1, "warning 1")]


async def test_an_asker_at_the_end_gets_its_answer(desk: Desk):
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await desk.recorder.record(emitting(3)))

    async with trio.open_nursery() as askers, trio.open_nursery() as nursery:
        await nursery.start(desk.recorder.run, desk.branch)
        askers.start_soon(ask)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert answers == [3]


async def test_a_change_is_made_although_its_asker_has_gone(desk: Desk, nursery: trio.Nursery):
    with trio.CancelScope() as scope:
        nursery.start_soon(_cancel_when_blocked, scope)
        await desk.recorder.record(emitting(1))
    assert scope.cancelled_caught
    async with desk.open():
        pass
    assert len(desk.stored) == 1


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_askers_of_a_recorder_that_crashes_are_told(desk: Desk):
    def crash() -> None:
        raise RuntimeError("nobody is there")

    desk.watch = crash
    told: list[type[Exception]] = []

    async def ask(number: int) -> None:
        try:
            await desk.recorder.record(emitting(number))
        except Abandoned as error:
            told.append(type(error))

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(ask, number)
        await wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="nobody is there"):
            await desk.recorder.run(desk.branch)
    assert told == [Abandoned] * 3


async def test_the_next_life_goes_on_with_what_waits(desk: Desk):
    def crash_once() -> None:
        desk.watch = lambda: None
        raise RuntimeError("once")

    desk.watch = crash_once
    await desk.recorder.note(emitting(0))
    with pytest.raises(RuntimeError, match="once"):
        await desk.recorder.run(desk.branch)
    assert await desk.ask_all(emitting(1)) == [1]
    assert desk.stored == [(1, "warning 0"), (2, "warning 1")]
    assert desk.published == [2]
