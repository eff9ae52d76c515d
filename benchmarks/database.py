"""What the dashboard asks of a database with a million events, beside the same of one with a thousand.

Each answer is timed with the opening of its connection, warm, the two databases in turns. They are written by plain
SQL into a temporary folder. Batch 1 has a hundredth of the events, batch 2, which runs, all others: most questions
are asked of the batch that is nearly everything.
"""

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.measure import REPEATS, Row
from runner.store import queries, search
from runner.store.database import open_reader, open_writer
from runner.store.greeting import read_greeting
from runner.store.overview import read_overview

FEW, MANY = 1_000, 1_000_000
BOUND_MS = 50.0
RATIO, ALLOWANCE_MS = 1.5, 5.0
STORIES = 40
OF_ONE_COMMAND = 400
"""Events; the first is its start, the last its end."""
LIMIT = 100

Ask = Callable[[sqlite3.Connection], object]


def _page(**filters: object) -> Ask:
    return lambda database: queries.events_page(database, limit=LIMIT, **filters)  # type: ignore[arg-type]


QUESTIONS: dict[str, Ask] = {
    "what a browser gets when it connects": read_greeting,
    "the state of the batch that runs": lambda database: read_overview(database, held=True),
    "a page of the batches": lambda database: queries.batches(database, limit=20),
    "a page of events": _page(),
    "a page in the middle": lambda database: queries.events_page(
        database, limit=LIMIT, before=queries.last_seq(database) // 2
    ),
    "of the batch that is nearly everything": _page(batch=2),
    "of a type": _page(type="command:progress"),
    "of a type in that batch": _page(batch=2, type="command:end"),
    "of a type that batch has none of": _page(batch=2, type="context:create"),
    "of a story": _page(story="2a-7-story"),
    "of a story and a type": _page(story="2a-7-story", type="command:end"),
    "of a story that is none": _page(story="9-9-none"),
    "of a command": _page(command=2),
    "of a command and a type it has none of": _page(command=2, type="context:create"),
    "a word in nearly every event": _page(q="reading"),
    "a word in one event": _page(q="needle"),
    "a word in none": _page(q="nowhere"),
    "a common word, of a type": _page(q="reading", type="command:end"),
    "a common word, of a type that has it nowhere": _page(q="even", type="command:start"),
    "a common word, in the small batch": _page(q="reading", batch=1),
    "a rare word, in the other batch": _page(q="needle", batch=2),
    "a common word, of a story and a type": _page(q="reading", story="2a-7-story", type="command:progress"),
}


def _events(count: int) -> Iterator[tuple[object, ...]]:
    small = count // 100
    for id in range(1, count + 1):
        batch = 1 if id <= small else 2
        command, place = divmod(id - 1, OF_ONE_COMMAND)
        kind = {0: "command:start", OF_ONE_COMMAND - 1: "command:end"}.get(place, "command:progress")
        if id == 3:
            kind = "context:create"
        story = f"2a-{command % STORIES}-story"
        words = "even" if id % 2 == 0 and place else "odd" if place else "begin"
        message = f"Reading src/session/part{id % 997}.py, {words}, since the test of step {id} failed"
        payload = {"story_key": story, "command": "dev-story", "message": message + " needle" * (id == 5)}
        yield id, batch, command + 1, id, kind, story, "dev-story", message, json.dumps(payload)


def build(path: Path, count: int) -> None:
    """A database with so many events, the last `count % CHUNK` and some of them not in the index yet."""
    with closing(open_writer(path)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("BEGIN")
        _frame(db, count)
        db.executemany(
            "INSERT INTO events (id, batch_id, command_id, timestamp, event_type, story_key, command, message,"
            " payload_json) VALUES (?,?,?,?,?,?,?,?,?)",
            _events(count - search.CHUNK + 1),
        )
        search.index_events(db)
        db.executemany(
            "INSERT INTO events (batch_id, timestamp, event_type, message, payload_json) VALUES (2,1,'error',?,?)",
            [("late", '{"message":"Reading late"}')] * (search.CHUNK - 1),
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _frame(db: sqlite3.Connection, count: int) -> None:
    """Batches, stories and commands that the events are of."""
    db.execute("INSERT INTO batches (id, started_at, ended_at, status) VALUES (1, 1, 2, 'completed')")
    db.execute("INSERT INTO batches (id, started_at) VALUES (2, 3)")
    db.executemany(
        "INSERT INTO stories (batch_id, story_key, epic_id, status, started_at) VALUES (?, ?, '2a', 'review', 1)",
        [(batch, f"2a-{number}-story") for batch in (1, 2) for number in range(STORIES)],
    )
    commands = count // OF_ONE_COMMAND
    db.executemany(
        "INSERT INTO commands (story_id, command, started_at, status, batch_id, step_key, cost_usd)"
        " VALUES (?, 'dev-story', 1, ?, 2, ?, 0.1)",
        [
            (STORIES + 1 + number % STORIES, "running" if number + 1 == commands else "success", f"step {number}")
            for number in range(commands)
        ],
    )
    db.execute("INSERT INTO command_stories (command_id, story_id) SELECT id, story_id FROM commands")
    db.executemany(
        "INSERT INTO background_tasks (batch_id, story_key, task_type, spawned_at, status)"
        " VALUES (2, '2a-1-story', 'story-review-chain', 1, ?)",
        [("completed",)] * (commands // 10) + [("running",)],
    )


def _milliseconds(path: Path, ask: Ask) -> float:
    began = time.perf_counter()
    with closing(open_reader(path)) as database:
        ask(database)
    return (time.perf_counter() - began) * 1000


def _row(what: str, ask: Ask, small: Path, large: Path) -> Row:
    times = [(_milliseconds(small, ask), _milliseconds(large, ask)) for _ in range(REPEATS + 1)]
    # The first of each also pays for cold pages.
    few, many = (statistics.median(series) for series in zip(*times[1:], strict=True))
    return Row(
        what=what,
        figure=f"{many:.1f} ms ({few:.1f} ms with {FEW:,}; {many / few:.1f} ×)",
        bound=f"≤ {min(BOUND_MS, RATIO * few + ALLOWANCE_MS):.1f} ms",
        kept=many <= min(BOUND_MS, RATIO * few + ALLOWANCE_MS),
    )


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.db", Path(folder) / "large.db"
        build(small, FEW)
        began = time.perf_counter()
        build(large, MANY)
        size = large.stat().st_size >> 20
        print(f"{MANY:,} events written in {time.perf_counter() - began:.0f} s, {size} MiB", file=sys.stderr)
        return [_row(what, ask, small, large) for what, ask in QUESTIONS.items()]
