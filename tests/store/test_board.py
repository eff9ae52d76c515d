"""A board that is read from the database is the one of somebody who absorbed every event of it."""

import json
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.domain.board import Board, absorb_all
from runner.store.board import ATTEMPT_LIMIT, Boards, BoardView, WaitBar
from runner.store.database import open_reader, open_writer
from runner.store.event_pages import PAGE_LIMIT, events_after

KEYS = ("1-1-one", "1-2-two", "__proto__")
HISTORIES = 40


class Story:
    """A database that events are told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = open_writer(path)
        # Events of commands that nothing else is known of; and no disk is waited for.
        self._db.executescript("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF")
        self._at = 1_000

    def close(self) -> None:
        self._db.close()

    def batch(self, number: int, status: str = "running") -> None:
        self._db.execute("INSERT INTO batches (id, started_at, status) VALUES (?, 1, ?)", (number, status))
        self._db.execute("INSERT INTO commands (batch_id, command, started_at) VALUES (?, 'dev-story', 1)", (number,))

    def tell(self, type_: str, batch: int | None = 1, /, *, after: int = 10, **payload: object) -> int:
        """It happens; when it did."""
        self._at += after
        self._db.execute(
            "INSERT INTO events (batch_id, command_id, timestamp, event_type, payload_json) VALUES (?, ?, ?, ?, ?)",
            (batch, payload.get("command_id"), self._at, type_, json.dumps(payload)),
        )
        return self._at

    def begin(self, batch: int = 1, *, resumed: bool = False) -> None:
        self.tell("batch:start", batch, batch_id=batch, max_cycles=3, resumed=resumed)

    def end(self, batch: int = 1, status: str = "completed") -> int:
        return self.tell("batch:end", batch, batch_id=batch, cycles_completed=1, status=status, reason="")

    def state(self, state: str) -> int:
        return self.tell("batch:state", 1, batch_id=1, state=state, detail="", resets_at=None)

    def starts(self, command: int, batch: int = 1) -> None:
        what = {"story_key": KEYS[0], "command": "dev-story", "task_id": "", "command_id": command}
        self.tell("command:start", batch, **what, story_keys=KEYS[:1], attempt=1, model="", background=False)

    def says(self, command: int, kind: str, task: str = "", message: str = "m", batch: int = 1) -> None:
        what = {"story_key": KEYS[0], "command": "dev-story", "task_id": task, "command_id": command}
        self.tell("command:progress", batch, **what, message=message, kind=kind, status=None, metrics={})

    def ends(self, command: int, batch: int = 1) -> None:
        what = {"story_key": KEYS[0], "command": "dev-story", "task_id": "", "command_id": command}
        metrics = {"tokens": 100, "cost_usd": 0.25}
        self.tell("command:end", batch, **what, status="success", metrics=metrics, attempt=1, reason="")

    # --- what is read -----------------------------------------------------------------------------------------------

    def view(self, batch: int | None = None, boards: Boards | None = None) -> BoardView:
        with closing(open_reader(self.path)) as connection:
            view = (boards or Boards()).read(connection, batch)
        assert view is not None
        return view

    def heard(self, batch: int) -> Board:
        """The board of who heard this batch's events and those of none, as the last event of the batch left it."""
        with closing(open_reader(self.path)) as connection:
            of = dict(connection.execute("SELECT id, batch_id FROM events"))
            events = [row.envelope for row in events_after(connection, 0, limit=PAGE_LIMIT)]
        last = [event for event in events if of[event.seq] == batch][-1]
        board = absorb_all(Board(), [event for event in events if of[event.seq] in (batch, None)])
        return replace(board, seq=last.seq, at=last.timestamp)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with closing(Story(tmp_path / "sprint-runner.db")) as one:
        yield one


def test_before_the_first_batch_the_board_is_empty(story: Story):
    story.tell("error", None, type="command", message="m", context={})
    assert story.view() == BoardView(seq=1, board=Board(), attempts=(), chains=(), waits=())


def test_what_is_no_batch_has_no_view(story: Story):
    with closing(open_reader(story.path)) as connection:
        assert Boards().read(connection, 7) is None


WORDS = {
    "nothing": [],
    "texts": [("text", "", "a"), ("tool", "", "b")],
    "a task": [("text", "", "a"), ("task", "t", "b")],
    "a task, then texts": [("task", "t", "a"), ("text", "", "b"), ("tool", "", "c")],
    "tasks": [("task", "t", "a"), ("text", "", "b"), ("task", "u", "c"), ("text", "", "d")],
    "a task without a name, then a text": [("task", "t", "a"), ("task", "", "b"), ("text", "", "c")],
}


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_what_runs_shows_what_was_said_last(story: Story, words: list[tuple[str, str, str]]):
    story.batch(1)
    story.begin()
    story.starts(1)
    story.starts(2)
    for kind, task, message in words:
        story.says(1, kind, task, message)
        story.says(2, "text", "", "of another")
    assert story.view().board == story.heard(1)


def test_what_was_said_by_who_has_ended_moves_nothing(story: Story):
    story.batch(1)
    story.begin()
    story.starts(1)
    story.says(1, "task", "t")
    story.ends(1)
    story.says(1, "text")
    assert story.view().board == story.heard(1)
    assert story.view().board.running == {}


def test_other_events_move_nothing_but_the_newest_seq(story: Story):
    story.batch(1, "completed")
    story.batch(2)
    story.begin(1)
    story.end(1)
    before = story.view(1)
    story.begin(2)
    story.tell("error", None, type="command", message="m", context={})
    after = story.view(1)
    assert after.board == before.board
    assert (before.seq, after.seq) == (2, 4)
    assert (after.board.seq, after.board.batch_id) == (2, 1)


@pytest.mark.parametrize("batch", [None, 1])
def test_present_batch_is_the_one_under_way(story: Story, batch: int | None):
    story.batch(1, "paused")
    story.batch(2, "completed")
    story.begin(1)
    story.begin(2)
    assert story.view(batch).board.batch_id == 1


def test_run_that_was_killed_ends_with_the_last_that_was_said(story: Story):
    story.batch(1)
    story.begin()
    story.starts(1)
    story.says(1, "text")
    story.tell("error", 1, after=100_000, type="command", message="m", context={})
    story.begin(resumed=True)
    story.starts(2)
    story.says(2, "text")
    assert story.view().board == story.heard(1)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_whatever_happens_both_are_the_same_at_every_moment(tmp_path: Path, seed: int):
    chance, boards = random.Random(seed), Boards()
    with closing(Story(tmp_path / "sprint-runner.db")) as story:
        story.batch(1, "completed")
        story.batch(2)
        story.begin(1)
        story.says(1, "text", batch=1)
        story.end(1)
        started = [1]
        for _ in range(60):
            _happens(story, chance, started)
            if chance.random() < 0.3 and 2 in _told(story):
                assert story.view(2).board == story.heard(2)
                # Kept from the moment before.
                assert story.view(None, boards) == story.view(2)
        assert story.view(1).board == story.heard(1)


def _happens(story: Story, chance: random.Random, started: list[int]) -> None:
    """Whatever it is; but a command starts once, and says nothing before."""
    command, batch = chance.choice(started[-4:]), 2
    key = chance.choice(KEYS)
    match chance.randrange(14):
        case 0:
            story.begin(batch, resumed=chance.random() < 0.8)
        case 1:
            story.end(batch, chance.choice(["stopped", "error"]))
        case 2:
            story.tell("error", None, type="command", message="m", context={})
        case 3:
            story.tell("story:start", batch, story_key=key, epic_id="1")
        case 4:
            status = chance.choice(["review", "done", "blocked"])
            story.tell("story:status", batch, story_key=key, old_status="", new_status=status, reason="r")
        case 5 | 6:
            started.append(started[-1] + 1)
            story.starts(started[-1], batch)
        case 7:
            story.ends(command, batch)
        case _:
            story.says(
                command, chance.choice(["task", "text"]), chance.choice(["", "t"]), f"{chance.random()}", batch
            )


def _told(story: Story) -> set[int | None]:
    with closing(open_reader(story.path)) as connection:
        return {row for (row,) in connection.execute("SELECT DISTINCT batch_id FROM events")}


def test_another_thread_may_have_come_further(story: Story):
    story.batch(1)
    story.begin()
    boards = Boards()
    with closing(open_reader(story.path)) as behind:
        behind.execute("BEGIN")
        behind.execute("SELECT count(*) FROM events").fetchone()
        story.starts(1)
        ahead = story.view(None, boards)
        late = boards.read(behind, None)
    assert late is not None
    assert (late.seq, late.board.running) == (1, {})
    assert story.view(None, boards) == ahead == story.view()


def test_many_threads_read_the_same(story: Story):
    story.batch(1)
    story.begin()
    for number in range(1, 200):
        story.starts(number)
        story.says(number, "text")
    boards, found = Boards(), list[BoardView]()
    threads = [threading.Thread(target=lambda: found.append(story.view(None, boards))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [story.view()] * 8


def test_waits_end_with_what_comes_next(story: Story):
    story.batch(1)
    story.begin()
    paused, running = story.state("paused"), story.state("running")
    limited, pausing = story.state("waiting_limit"), story.state("pausing")
    again = story.state("paused")
    ended = story.end()
    waits = [WaitBar(begin=paused, end=running, state="paused")]
    waits.append(WaitBar(begin=limited, end=pausing, state="waiting_limit"))
    waits.append(WaitBar(begin=again, end=ended, state="paused"))
    assert story.view().waits == tuple(waits)


def test_wait_that_goes_on_has_no_end(story: Story):
    story.batch(1)
    story.begin()
    begun = story.state("waiting_limit")
    story.says(1, "text")
    assert story.view().waits == (WaitBar(begin=begun, end=None, state="waiting_limit"),)


def test_bars_are_the_newest_in_order(story: Story):
    story.batch(1)
    with closing(sqlite3.connect(story.path)) as database, database:
        database.executemany(
            "INSERT INTO commands (batch_id, command, started_at, input_tokens, output_tokens)"
            " VALUES (1, 'dev-story', 1, 3, 4)",
            [()] * ATTEMPT_LIMIT,
        )
    bars = story.view().attempts
    assert [bar.id for bar in bars] == list(range(2, ATTEMPT_LIMIT + 2))
    assert (bars[0].tokens, bars[0].background, bars[0].story_keys) == (7, False, ())
