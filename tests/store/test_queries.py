"""Queries over one small filled database, and the plans SQLite makes for them.

Batch 1 is an ended one with the pair a-1, a-2; batch 2 runs, with a-2 again and b-1.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from runner.store import queries
from runner.store.database import open_reader, open_writer
from runner.store.records import AttemptRow, BatchSummary, StoryTimes, Totals

Reader = sqlite3.Connection

FILLING = """
INSERT INTO batches (id, started_at, ended_at, max_cycles, cycles_completed, status, resumable) VALUES
    (1, 1000, 9000, 2, 1, 'completed', 0),
    (2, 10000, NULL, NULL, 0, 'running', 1);
INSERT INTO cycles (id, batch_id, number, selection_json, started_at, ended_at, status) VALUES
    (1, 1, 1, '["a-1","a-2"]', 1000, 8000, 'completed'),
    (2, 2, 1, '["a-2"]', 10000, 11000, 'completed'),
    (3, 2, 2, '["b-1"]', 11000, NULL, 'running');
INSERT INTO stories (id, batch_id, story_key, epic_id, status, started_at, ended_at, blocked_reason) VALUES
    (1, 1, 'a-1', 'a', 'done', 1000, 3000, ''),
    (2, 1, 'a-2', 'a', 'blocked', 1000, 5000, 'review limit'),
    (3, 2, 'a-2', 'a', 'done', 10000, 11000, ''),
    (4, 2, 'b-1', 'b', 'in-progress', 11000, NULL, '');
INSERT INTO background_tasks
    (id, batch_id, story_key, task_type, spawned_at, completed_at, status, step_key, cycle_id)
VALUES
    (1, 1, 'a-1,a-2', 'story-review-chain', 1500, 2500, 'completed', 'c1/story-review', 1),
    (2, 2, 'b-1', 'story-review-chain', 11500, NULL, 'running', 'c2/story-review', 3),
    (3, 2, 'b-1', 'tech-spec-review-chain', 11600, 11700, 'interrupted', 'c2/tech-spec-review', 3),
    (4, 2, '', 'project-context-refresh', 11600, 11700, 'failed', 'context', NULL);
INSERT INTO commands (id, story_id, command, started_at, ended_at, status, batch_id, cycle_id, step_key, attempt,
    session_id, run_id, tag, charged, reason, input_tokens, output_tokens, cost_usd, background_task_id, continued,
    agent, before_json, verdict_json)
VALUES
    (1, NULL, 'generate-project-context', 1000, 1100, 'success', 1, NULL, 'context', 1,
        's1', 'r1', 101, 0, '', 10, 1, 0.5, NULL, 0, 'claude', '{}', '{}'),
    (2, 1, 'create-story', 1100, 1200, 'error', 1, 1, 'c1/create-story', 1,
        's2', 'r2', 102, 1, 'exit 1', 20, 2, 0.25, NULL, 0, 'claude', '{}', '{}'),
    (3, 1, 'create-story', 1200, 1300, 'success', 1, 1, 'c1/create-story', 2,
        's3', 'r3', 103, 0, '', 30, 3, 1.0, NULL, 0, 'claude', '{}', '{}'),
    (4, 1, 'dev-story', 1300, 1400, 'success', 1, 1, 'c1/dev-story/a-1', 1,
        's4', 'r4', 104, 0, '', 40, 4, 2.0, NULL, 0, 'claude', '{}', '{}'),
    (5, 4, 'dev-story', 11000, NULL, 'running', 2, 3, 'c2/dev-story/b-1', 1,
        's5', 'r5', 105, 0, '', 0, 0, 0, NULL, 1, 'claude', '{"head":"abc"}', '{}'),
    (6, 4, 'story-review-2', 11500, NULL, 'running', 2, 3, 'c2/story-review-2', 1,
        's6', 'r6', 106, 0, '', 0, 0, 0, 2, 0, 'claude', '{}', '{}');
INSERT INTO command_stories (command_id, story_id) VALUES (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (5, 4), (6, 4);
INSERT INTO steps (batch_id, step_key, kind, outcome_json, recorded_at) VALUES
    (1, 'c1/select', 'select', '["a-1","a-2"]', 1000),
    (1, 'c1/create-story', 'command', '{"ok":true}', 1300),
    (2, 'c1/select', 'select', '["a-2"]', 10000);
INSERT INTO events (id, batch_id, command_id, timestamp, event_type, story_key, payload_json) VALUES
    (1, NULL, NULL, 900, 'error', NULL, '{"n":1}'),
    (2, 1, NULL, 1000, 'batch:start', NULL, '{"n":2}'),
    (3, 1, 2, 1100, 'command:start', 'a-1,a-2', '{"n":3}'),
    (4, 1, 2, 1200, 'command:end', 'a-1,a-2', '{"n":4}'),
    (5, 1, 4, 1300, 'command:start', 'a-1', '{"n":5}'),
    (6, 1, 4, 1400, 'command:end', 'a-1', '{"n":6}'),
    (7, 1, NULL, 9000, 'batch:end', NULL, '{"n":7}'),
    (8, 2, NULL, 10000, 'batch:start', NULL, '{"n":8}'),
    (9, 2, NULL, 10100, 'story:start', 'a-2', '{"n":9}'),
    (10, 2, 5, 11000, 'command:start', 'b-1', '{"n":10}');
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "sprint-runner.db"
    with closing(open_writer(path)) as writer:
        writer.executescript(f"BEGIN; {FILLING} COMMIT;")
    return path


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    with closing(open_reader(path)) as connection:
        yield connection


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Reader]:
    path = tmp_path / "empty.db"
    open_writer(path).close()
    with closing(open_reader(path)) as connection:
        yield connection


# Batches


def test_latest_and_resumable_batch(reader: Reader) -> None:
    latest = queries.latest_batch(reader)
    assert latest is not None
    assert (latest.id, latest.status, latest.max_cycles, latest.resumable, latest.agent) == (
        *(2, "running", None, True, "claude"),
    )
    assert queries.resumable_batch(reader) == latest


def test_batches_come_newest_first_with_their_figures(reader: Reader) -> None:
    common = {"id": 1, "status": "completed", "started_at": 1000, "ended_at": 9000, "max_cycles": 2}
    ended = BatchSummary(**common, cycles_completed=1, story_count=2, duration_ms=8000, cost_usd=3.75)  # type: ignore[arg-type]
    page, total = queries.batches(reader, limit=20)
    assert [row.id for row in page] == [2, 1]
    assert (page[0].story_count, page[0].duration_ms, page[0].cost_usd) == (2, None, 0.0)
    assert page[1] == ended
    assert total == 2


@pytest.mark.parametrize(
    ("limit", "offset", "ids"), [(1, 0, [2]), (1, 1, [1]), (5, 2, []), (0, 0, [2]), (-3, -1, [2]), (10**9, 0, [2, 1])]
)
def test_batches_are_paged_within_bounds(reader: Reader, limit: int, offset: int, ids: list[int]) -> None:
    page, total = queries.batches(reader, limit=limit, offset=offset)
    assert ([row.id for row in page], total) == (ids, 2)


def test_batch_detail_holds_everything_of_the_batch(reader: Reader) -> None:
    detail = queries.batch_detail(reader, 1)
    assert detail is not None
    assert detail.batch.id == 1
    assert [(cycle.number, cycle.selection_json) for cycle in detail.cycles] == [(1, '["a-1","a-2"]')]
    assert [(story.story_key, [command.id for command in story.commands]) for story in detail.stories] == [
        ("a-1", [2, 3, 4]),
        ("a-2", [2, 3]),
    ]
    assert [(c.attempt, c.status, c.reason) for c in detail.stories[1].commands] == [
        (1, "error", "exit 1"),
        (2, "success", ""),
    ]
    assert detail.stories[1].blocked_reason == "review limit"
    assert detail.stories[0].commands[0].story_keys == ("a-1", "a-2")
    assert [command.command for command in detail.commands] == ["generate-project-context"]
    assert [(task.id, task.story_keys, task.cycle) for task in detail.background] == [(1, ("a-1", "a-2"), 1)]
    assert detail.totals == Totals(commands=4, input_tokens=100, output_tokens=10, cost_usd=3.75)


def test_batch_that_is_not_there(reader: Reader) -> None:
    assert queries.batch_detail(reader, 99) is None
    assert queries.totals(reader, 99) == Totals(commands=0, input_tokens=0, output_tokens=0, cost_usd=0.0)


def test_detail_keeps_the_newest_commands_of_a_huge_batch(tmp_path: Path) -> None:
    path = tmp_path / "huge.db"
    with closing(open_writer(path)) as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO batches (id, started_at) VALUES (1, 1)")
        steps = [(f"s{number}",) for number in range(queries.DETAIL_LIMIT + 2)]
        writer.executemany(
            "INSERT INTO commands (batch_id, step_key, command, started_at) VALUES (1, ?, 'x', 1)", steps
        )
        writer.execute("COMMIT")
    with closing(open_reader(path)) as reader:
        detail = queries.batch_detail(reader, 1)
    assert detail is not None
    assert [command.id for command in detail.commands] == list(range(3, queries.DETAIL_LIMIT + 3))
    assert detail.totals.commands == queries.DETAIL_LIMIT + 2


def test_command_by_id(reader: Reader) -> None:
    found = queries.command(reader, 5)
    assert found is not None
    assert (found.command, found.story_keys, found.run_id, found.continued) == ("dev-story", ("b-1",), "r5", True)
    assert queries.command(reader, 99) is None


# What runs, and what was recorded


def test_running_commands_are_those_of_the_batch(reader: Reader) -> None:
    assert [row.id for row in queries.running_commands(reader, 2)] == [5, 6]
    assert queries.running_commands(reader, 1) == ()


def test_history_gives_steps_and_attempts_in_order(reader: Reader) -> None:
    found = queries.history(reader, 1)
    assert found.steps == {"c1/select": '["a-1","a-2"]', "c1/create-story": '{"ok":true}'}
    assert {key: [row.command_id for row in rows] for key, rows in found.attempts.items()} == {
        "context": [1],
        "c1/create-story": [2, 3],
        "c1/dev-story/a-1": [4],
    }
    assert found.attempts["c1/create-story"][0] == AttemptRow(
        command_id=2,
        step_key="c1/create-story",
        command="create-story",
        attempt=1,
        status="error",
        session_id="s2",
        run_id="r2",
        tag=102,
        charged=True,
        reason="exit 1",
        verdict_json="{}",
        resets_at=None,
        before_json="{}",
        agent="claude",
        background_task_id=None,
        continued=False,
    )


def test_unfinished_commands_tell_their_place(reader: Reader) -> None:
    found = queries.unfinished_commands(reader)
    assert [(row.batch_id, row.cycle, row.attempt.run_id, row.attempt.before_json) for row in found] == [
        (2, 2, "r5", '{"head":"abc"}'),
        (2, 2, "r6", "{}"),
    ]
    assert (found[0].attempt.continued, found[1].attempt.background_task_id) == (True, 2)


def test_unfinished_background_is_what_still_has_to_run(reader: Reader) -> None:
    found = queries.unfinished_background(reader, 2)
    assert [(row.id, row.status, row.step_key, row.story_keys, row.cycle) for row in found] == [
        (2, "running", "c2/story-review", ("b-1",), 2),
        (3, "interrupted", "c2/tech-spec-review", ("b-1",), 2),
    ]
    assert queries.unfinished_background(reader, 1) == ()


def test_story_times_add_up_over_batches(reader: Reader) -> None:
    assert queries.story_times(reader, ["a-2", "b-1", "unknown"]) == {
        "a-2": StoryTimes(started_at=10000, ended_at=11000, duration_ms=5000, blocked_reason=""),
        "b-1": StoryTimes(started_at=11000, ended_at=None, duration_ms=0, blocked_reason=""),
    }
    assert queries.story_times(reader, []) == {}


# Events

PAGES: dict[str, tuple[dict[str, object], list[int]]] = {
    "the newest": ({"limit": 3}, [8, 9, 10]),
    "the first": ({"limit": 3, "after": 0}, [1, 2, 3]),
    "behind": ({"limit": 3, "after": 4}, [5, 6, 7]),
    "in front": ({"limit": 3, "before": 4}, [1, 2, 3]),
    "in front of all": ({"limit": 3, "before": 0}, []),
    "directly in front": ({"limit": 2, "before": 4}, [2, 3]),
    "between": ({"limit": 2, "after": 4, "before": 9}, [5, 6]),
    "beyond the end": ({"limit": 2, "after": 10}, []),
    "of a batch": ({"limit": 9, "batch": 2}, [8, 9, 10]),
    "of a batch, page by page": ({"limit": 2, "batch": 1, "after": 3}, [4, 5]),
    "of an unknown batch": ({"limit": 9, "batch": 99}, []),
    "of a command": ({"limit": 9, "command": 4}, [5, 6]),
    "of a type": ({"limit": 9, "type": "command:start"}, [3, 5, 10]),
    "of a type in a batch": ({"limit": 9, "type": "batch:start", "batch": 2}, [8]),
    "of a story, with its pair": ({"limit": 9, "story": "a-1"}, [3, 4, 5, 6]),
    "of the pair's second": ({"limit": 9, "story": "a-2"}, [3, 4, 9]),
    "of a story in a batch": ({"limit": 9, "story": "a-2", "batch": 2}, [9]),
    "of a story in a batch without it": ({"limit": 9, "story": "b-1", "batch": 1}, []),
    "of a type of a command": ({"limit": 9, "type": "command:end", "command": 2}, [4]),
    "of a text": ({"limit": 9, "q": "story start"}, [9]),
    "of no story": ({"limit": 9, "story": "a"}, []),
    "of a pattern": ({"limit": 9, "story": "%"}, []),
    "none": ({"limit": 9, "type": "nothing"}, []),
    "at least one": ({"limit": 0}, [10]),
}


@pytest.mark.parametrize(("filters", "seqs"), PAGES.values(), ids=PAGES)
def test_events_page_in_order(reader: Reader, filters: dict[str, int], seqs: list[int]) -> None:
    assert [row.seq for row in queries.events_page(reader, **filters)] == seqs  # type: ignore[arg-type]


def test_events_after_a_seq(reader: Reader) -> None:
    page = queries.events_after(reader, 8, limit=1)
    assert [(row.seq, row.type, row.timestamp, row.payload_json) for row in page] == [
        (9, "story:start", 10100, '{"n":9}')
    ]
    assert queries.last_seq(reader) == 10


def test_a_page_has_a_limit_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    with closing(open_writer(path)) as writer:
        writer.execute("BEGIN")
        rows = [(number,) for number in range(queries.PAGE_LIMIT + 5)]
        writer.executemany("INSERT INTO events (timestamp, event_type, payload_json) VALUES (?, 'error', '{}')", rows)
        writer.execute("COMMIT")
    with closing(open_reader(path)) as reader:
        assert len(queries.events_after(reader, 0, limit=10**6)) == queries.PAGE_LIMIT
        assert len(queries.events_page(reader, limit=10**6)) == queries.PAGE_LIMIT


# The rest


def test_an_empty_database_answers_everything(empty: Reader) -> None:
    assert queries.latest_batch(empty) is None
    assert queries.resumable_batch(empty) is None
    assert queries.batches(empty, limit=20) == ((), 0)
    assert queries.last_seq(empty) == 0
    assert queries.events_page(empty, limit=50) == ()
    assert queries.events_page(empty, limit=50, batch=1, story="a-1") == ()
    assert queries.unfinished_commands(empty) == ()
    assert queries.history(empty, 1).steps == {}


def test_answers_are_frozen(reader: Reader) -> None:
    with pytest.raises(FrozenInstanceError):
        queries.totals(reader, 1).commands = 5  # type: ignore[misc]


def test_detail_is_one_snapshot(tmp_path: Path) -> None:
    """What is committed between two of its queries is seen by neither."""
    path = tmp_path / "moving.db"
    with closing(open_writer(path)) as writer, closing(open_reader(path)) as reader:
        writer.execute("INSERT INTO batches (id, started_at) VALUES (1, 1)")

        def interfere(statement: str) -> None:
            if "FROM cycles WHERE" in statement:
                writer.execute(
                    "INSERT INTO cycles (batch_id, number, selection_json, started_at) VALUES (1,1,'[]',1)"
                )

        reader.set_trace_callback(interfere)
        first = queries.batch_detail(reader, 1)
        reader.set_trace_callback(None)
        second = queries.batch_detail(reader, 1)
    assert first is not None
    assert second is not None
    assert (len(first.cycles), len(second.cycles)) == (0, 1)


Query = Callable[[Reader], object]


def page(filters: dict[str, object]) -> Query:
    return lambda reader: queries.events_page(reader, **filters)  # type: ignore[arg-type]


READS_OF_EVENTS: dict[str, Query] = {
    **{name: page(filters) for name, (filters, _) in PAGES.items()},
    "after": lambda reader: queries.events_after(reader, 5, limit=5),
    "last seq": queries.last_seq,
}


@pytest.mark.parametrize("read", READS_OF_EVENTS.values(), ids=READS_OF_EVENTS)
def test_events_are_never_scanned(reader: Reader, read: Query) -> None:
    """A million events: a page may cost what it holds, not what the table holds."""
    statements: list[str] = []
    reader.set_trace_callback(statements.append)
    read(reader)
    reader.set_trace_callback(None)
    plans = [
        step[3]
        for statement in statements
        if statement.startswith("SELECT")
        for step in reader.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert any("events" in step for step in plans)
    assert [step for step in plans if step.startswith("SCAN events")] == []
    assert [step for step in plans if "ORDER BY" in step] == []
