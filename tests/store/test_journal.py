"""The journal on a real database: each change with the events that tell of it, committed together or not at all.

The clock gives a new number each time it is looked at, so a time in a row tells when it was written.
"""

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.domain.events import BatchWarning, CommandProgress
from runner.store.command_log import SUMMARY_LIMIT, Conclusion, Intent, Place
from runner.store.database import open_writer
from runner.store.event_log import EVENT_TEXT_LIMIT
from runner.store.journal import Journal

PAIR = ("1-1-one", "1-2-two")
STORIES = (("1-1-one", "1", "backlog"), ("1-2-two", "1", "Ready-for-dev"))
SECRET = "sk-canary-0123456789"
STEP = "c1/dev-story/1-1-one"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "sprint-runner.db")) as connection:
        yield connection


@pytest.fixture
def journal(db: sqlite3.Connection) -> Journal:
    ticks = itertools.count(1_000)
    return Journal(db, clock=ticks.__next__, redact=lambda text: text.replace(SECRET, "[redacted]"))


@pytest.fixture
def batch(journal: Journal) -> int:
    """A batch in its first cycle, whose events so far have been taken."""
    batch_id = journal.create_batch(2, "scripted")
    journal.begin_cycle(batch_id, 1, b"{}", STORIES)
    journal.take_events()
    return batch_id


def told(journal: Journal) -> list[tuple[str, dict[str, Any]]]:
    """The events since the last call."""
    return [(event.type, json.loads(event.payload)) for event in journal.take_events()]


def intent(batch: int, command: str = "dev-story", *stories: str, attempt: int = 1) -> Intent:
    return Intent(
        place=Place(batch_id=batch, step_key=f"c1/{command}", command=command, stories=stories, cycle=1),
        attempt=attempt,
        agent="scripted",
        model="haiku",
        session_id="session",
        continued=attempt > 1,
        run_id=f"run {attempt}",
        tag=99,
        before={"head": "abc"},
    )


# Events


def test_an_event_is_stored_as_it_will_be_sent(db: sqlite3.Connection, journal: Journal):
    journal.emit(BatchWarning(batch_id=0, message="careful", warning_type="test"), at=77)
    (event,) = journal.take_events()
    row = db.execute("SELECT id, timestamp, event_type, message, payload_json FROM events").fetchone()
    assert row == (event.seq, 77, "batch:warning", "careful", event.payload.decode())
    assert (event.type, event.timestamp) == ("batch:warning", 77)
    assert json.loads(event.payload) == {"batch_id": 0, "message": "careful", "warning_type": "test"}


def test_events_are_taken_once_in_order(journal: Journal):
    for number in range(3):
        journal.emit(BatchWarning(batch_id=0, message=str(number), warning_type="test"))
    assert [event.seq for event in journal.take_events()] == [1, 2, 3]
    assert journal.take_events() == []


def test_events_of_a_change_that_was_undone_are_forgotten(db: sqlite3.Connection, journal: Journal):
    db.execute("BEGIN")
    journal.emit(BatchWarning(batch_id=0, message="stays", warning_type="test"))
    db.execute("SAVEPOINT change")
    mark = journal.mark()
    journal.emit(BatchWarning(batch_id=0, message="goes", warning_type="test"))
    db.execute("ROLLBACK TO change")
    journal.forget_since(mark)
    journal.emit(BatchWarning(batch_id=0, message="follows", warning_type="test"))
    db.execute("COMMIT")
    assert [(event.seq, json.loads(event.payload)["message"]) for event in journal.take_events()] == [
        (1, "stays"),
        (2, "follows"),
    ]


def test_secrets_reach_neither_the_database_nor_the_world(db: sqlite3.Connection, journal: Journal):
    journal.emit(BatchWarning(batch_id=0, message=f"key {SECRET}!", warning_type="test"))
    (event,) = journal.take_events()
    stored = db.execute("SELECT message || payload_json FROM events").fetchone()[0]
    assert SECRET not in stored + event.payload.decode()
    assert "key [redacted]!" in stored


def test_secrets_in_what_an_agent_counts_are_found_too(journal: Journal):
    progress = CommandProgress(
        story_key="",
        command="dev-story",
        task_id="",
        message="",
        command_id=1,
        kind="task",
        metrics={"key": f"is {SECRET}", SECRET: "1"},
    )
    journal.emit(progress)
    assert told(journal)[0][1]["metrics"] == {"key": "is [redacted]", "[redacted]": "1"}


def test_a_long_text_is_cut_and_says_so(journal: Journal):
    journal.emit(BatchWarning(batch_id=0, message="x" * (EVENT_TEXT_LIMIT + 1), warning_type="test"))
    ((_, payload),) = told(journal)
    assert len(payload["message"]) == EVENT_TEXT_LIMIT
    assert payload["truncated"] is True


def test_a_text_of_just_the_limit_is_whole(journal: Journal):
    journal.emit(BatchWarning(batch_id=0, message="x" * EVENT_TEXT_LIMIT, warning_type="test"))
    ((_, payload),) = told(journal)
    assert "truncated" not in payload


def test_a_secret_is_not_saved_by_the_cut(journal: Journal):
    """A half of it would still be half of it: redaction comes first."""
    journal.emit(BatchWarning(batch_id=0, message="x" * (EVENT_TEXT_LIMIT - 5) + SECRET, warning_type="test"))
    ((_, payload),) = told(journal)
    assert "sk-" not in payload["message"]


# Batches


def test_a_batch_begins_with_its_event(db: sqlite3.Connection, journal: Journal):
    batch = journal.create_batch(None, "scripted")
    assert told(journal) == [("batch:start", {"batch_id": batch, "max_cycles": "all", "resumed": False})]
    row = db.execute("SELECT status, max_cycles, cycles_completed, resumable, runs, agent FROM batches").fetchone()
    assert row == ("running", None, 0, 1, 1, "scripted")


def test_a_resume_is_another_run_of_the_same_batch(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.end_batch(batch, "stopped", "enough")
    journal.resume_batch(batch)
    assert told(journal)[-1] == ("batch:start", {"batch_id": batch, "max_cycles": 2, "resumed": True})
    row = db.execute("SELECT status, ended_at, reason, runs FROM batches").fetchone()
    assert row == ("running", None, "", 2)


@pytest.mark.parametrize(
    ("status", "resumable"), [("completed", 0), ("stopped", 1), ("error", 1)], ids=["completed", "stopped", "error"]
)
def test_only_a_completed_batch_cannot_be_resumed(
    db: sqlite3.Connection, journal: Journal, batch: int, status: str, resumable: int
):
    journal.set_batch_state(batch, "waiting_limit", detail="usage limit", resets_at=5_000)
    journal.end_batch(batch, status, "because")
    row = db.execute("SELECT status, resumable, reason, resets_at, ended_at IS NOT NULL FROM batches").fetchone()
    assert row == (status, resumable, "because", 5_000 if resumable else None, 1)
    end = {"batch_id": batch, "cycles_completed": 0, "status": status, "reason": "because"}
    assert told(journal)[-1] == ("batch:end", end)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running", "running"),
        ("paused", "paused"),
        ("waiting_limit", "waiting_limit"),
        ("pausing", "running"),
        ("stopping", "running"),
    ],
)
def test_only_lasting_states_become_the_status(
    db: sqlite3.Connection, journal: Journal, batch: int, state: str, status: str
):
    journal.set_batch_state(batch, state, detail="why", resets_at=7)
    assert db.execute("SELECT status FROM batches").fetchone() == (status,)
    event = {"batch_id": batch, "state": state, "detail": "why", "resets_at": 7}
    assert told(journal) == [("batch:state", event)]


def test_running_on_clears_the_timer(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.set_batch_state(batch, "waiting_limit", detail="limit", resets_at=7)
    journal.set_batch_state(batch, "running")
    assert db.execute("SELECT resets_at, reason FROM batches").fetchone() == (None, "")


def test_a_closed_batch_keeps_its_status_and_cannot_be_resumed(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.end_batch(batch, "stopped", "enough")
    journal.take_events()
    journal.close_batch(batch)
    assert db.execute("SELECT status, resumable FROM batches").fetchone() == ("stopped", 0)
    assert told(journal) == []


# Cycles and stories


def test_a_cycle_brings_its_stories(db: sqlite3.Connection, journal: Journal):
    batch = journal.create_batch(1, "scripted")
    journal.take_events()
    journal.begin_cycle(batch, 1, b'{"number":1}', STORIES)
    assert told(journal) == [
        ("cycle:start", {"cycle_number": 1, "story_keys": list(PAIR)}),
        ("story:start", {"story_key": "1-1-one", "epic_id": "1"}),
        ("story:start", {"story_key": "1-2-two", "epic_id": "1"}),
    ]
    assert db.execute("SELECT number, selection_json, status FROM cycles").fetchall() == [
        (1, '{"number":1}', "running")
    ]
    assert db.execute("SELECT story_key, status FROM stories").fetchall() == [
        ("1-1-one", "backlog"),
        ("1-2-two", "Ready-for-dev"),
    ]


def test_the_same_cycle_cannot_begin_twice(journal: Journal, batch: int):
    with pytest.raises(sqlite3.IntegrityError):
        journal.begin_cycle(batch, 1, b"{}", ())


def test_a_story_that_comes_again_has_one_row(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.end_cycle(batch, 1, (), {"1-1-one": "review limit"})
    journal.begin_cycle(batch, 2, b"{}", [("1-1-one", "1", "review")])
    rows = db.execute("SELECT story_key, status, ended_at, blocked_reason FROM stories WHERE story_key = '1-1-one'")
    assert rows.fetchall() == [("1-1-one", "review", None, "")]


def test_the_end_of_a_cycle_counts_it_and_ends_its_stories(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.end_cycle(batch, 1, ("1-2-two",), {"1-1-one": "3 consecutive errors"})
    assert db.execute("SELECT status, ended_at IS NOT NULL FROM cycles").fetchall() == [("completed", 1)]
    assert db.execute("SELECT cycles_completed FROM batches").fetchone() == (1,)
    rows = db.execute("SELECT story_key, ended_at IS NOT NULL, blocked_reason FROM stories ORDER BY id").fetchall()
    assert rows == [("1-1-one", 1, "3 consecutive errors"), ("1-2-two", 1, "")]
    end = {"cycle_number": 1, "completed_stories": ["1-2-two"], "blocked_stories": ["1-1-one"]}
    assert told(journal) == [("cycle:end", end)]


def test_a_step_has_one_outcome(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.record_step(batch, STEP, "command", b'{"ok":true}')
    with pytest.raises(sqlite3.IntegrityError):
        journal.record_step(batch, STEP, "command", b'{"ok":false}')
    assert db.execute("SELECT kind, outcome_json FROM steps").fetchall() == [("command", '{"ok":true}')]
    other = journal.create_batch(1, "scripted")
    journal.record_step(other, STEP, "command", b"{}")


# The sprint file, seen


def test_the_first_look_tells_of_no_change(db: sqlite3.Connection, journal: Journal, batch: int):
    assert journal.observe(batch, {"1-1-one": "backlog", "9-9-other": "done"}, reason="seen") == []
    assert told(journal) == []
    assert db.execute("SELECT count(*) FROM sprint_seen").fetchone() == (2,)


def test_each_change_is_told_once(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.observe(batch, {"1-1-one": "backlog", "9-9-other": "review"}, reason="seen")
    now = {"1-1-one": "in-progress", "9-9-other": "done"}
    assert sorted(journal.observe(batch, now, reason="agent")) == ["1-1-one", "9-9-other"]
    changes = {payload["story_key"]: payload for _, payload in told(journal)}
    assert changes["1-1-one"] == {
        "story_key": "1-1-one",
        "old_status": "backlog",
        "new_status": "in-progress",
        "reason": "agent",
    }
    assert changes["9-9-other"]["new_status"] == "done"
    assert db.execute("SELECT status FROM stories WHERE story_key = '1-1-one'").fetchone() == ("in-progress",)
    assert journal.observe(batch, now, reason="agent") == []
    assert told(journal) == []


def test_another_spelling_is_no_change_to_the_world(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.observe(batch, {"1-1-one": "Done "}, reason="seen")
    assert journal.observe(batch, {"1-1-one": "completed"}, reason="agent") == ["1-1-one"]
    assert told(journal) == []
    assert db.execute("SELECT status FROM sprint_seen").fetchone() == ("completed",)


def test_an_unexpected_word_is_told_as_it_stands(journal: Journal, batch: int):
    journal.observe(batch, {"1-1-one": "review"}, reason="seen")
    journal.observe(batch, {"1-1-one": "donne"}, reason="agent")
    ((_, payload),) = told(journal)
    assert (payload["old_status"], payload["new_status"]) == ("review", "donne")


def test_a_blocked_story_says_why(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.note_blocked(batch, "1-2-two", "review limit")
    row = db.execute("SELECT status, blocked_reason FROM stories WHERE story_key = '1-2-two'").fetchone()
    assert row == ("blocked", "review limit")


# Background tasks


def test_a_background_task_from_its_start_to_its_end(db: sqlite3.Connection, journal: Journal, batch: int):
    task = journal.spawn_background(batch, "story-review-chain", PAIR, "c1/story-review-chain", 1)
    journal.end_background(task, "completed", "critical issues remain")
    common = {"background_task_id": task, "task_type": "story-review-chain", "story_keys": list(PAIR)}
    assert told(journal) == [
        ("background:start", {**common, "status": "running"}),
        ("background:end", {**common, "status": "completed", "reason": "critical issues remain"}),
    ]
    row = db.execute("SELECT status, step_key, cycle_id, reason, completed_at IS NOT NULL FROM background_tasks")
    assert row.fetchall() == [("completed", "c1/story-review-chain", 1, "critical issues remain", 1)]


def test_an_end_of_a_background_task_that_is_on_record_stands(db: sqlite3.Connection, journal: Journal, batch: int):
    task = journal.spawn_background(batch, "story-review-chain", PAIR, "c1/story-review-chain", 1)
    journal.end_background(task, "completed")
    journal.end_background(task, "failed", "told again")
    assert [kind for kind, _ in told(journal)] == ["background:start", "background:end"]
    assert db.execute("SELECT status, reason FROM background_tasks").fetchall() == [("completed", "")]


def test_a_task_of_no_story_names_none(journal: Journal, batch: int):
    journal.end_background(journal.spawn_background(batch, "project-context-refresh", (), "context", None), "failed")
    assert [payload["story_keys"] for _, payload in told(journal)] == [[], []]


def test_a_task_that_was_cut_off_goes_on_under_its_own_id(db: sqlite3.Connection, journal: Journal, batch: int):
    spawn: Callable[[], int] = lambda: journal.spawn_background_once(batch, "refresh", (), "context/run", None)  # noqa: E731
    task = spawn()
    journal.interrupt_background(batch)
    assert spawn() == task
    assert db.execute("SELECT status, completed_at, reason FROM background_tasks").fetchall() == [
        ("running", None, "")
    ]
    assert [kind for kind, _ in told(journal)] == ["background:start", "background:end", "background:start"]


def test_the_end_of_a_batch_interrupts_what_runs_in_the_background(
    db: sqlite3.Connection, journal: Journal, batch: int
):
    for number in range(2):
        task = journal.spawn_background(batch, "story-review-chain", PAIR, f"c{number}", None)
    journal.end_background(task, "completed")
    journal.take_events()
    journal.end_batch(batch, "stopped", "enough")
    assert [kind for kind, _ in told(journal)] == ["background:end", "batch:end"]
    assert db.execute("SELECT status FROM background_tasks ORDER BY id").fetchall() == [
        ("interrupted",),
        ("completed",),
    ]


# Commands


def test_an_intent_is_a_running_row_with_everything_recovery_needs(
    db: sqlite3.Connection, journal: Journal, batch: int
):
    command = journal.intend(intent(batch, "create-story", *PAIR))
    row = db.execute(
        "SELECT status, story_id, cycle_id, step_key, attempt, session_id, run_id, tag, continued, before_json"
        " FROM commands WHERE id = ?",
        (command,),
    ).fetchone()
    assert row == ("running", 1, 1, "c1/create-story", 1, "session", "run 1", 99, 0, '{"head":"abc"}')
    assert db.execute("SELECT story_id FROM command_stories").fetchall() == [(1,), (2,)]
    start = {
        "story_key": ",".join(PAIR),
        "story_keys": list(PAIR),
        "command": "create-story",
        "task_id": "",
        "command_id": command,
        "attempt": 1,
        "model": "haiku",
        "background": False,
    }
    assert told(journal) == [("command:start", start)]


def test_a_command_of_no_story_is_of_none(db: sqlite3.Connection, journal: Journal, batch: int):
    journal.intend(intent(batch, "generate-project-context"))
    assert db.execute("SELECT story_id FROM commands").fetchone() == (None,)
    assert told(journal)[0][1]["story_key"] == ""


def test_the_same_attempt_cannot_be_intended_twice(journal: Journal, batch: int):
    journal.intend(intent(batch))
    with pytest.raises(sqlite3.IntegrityError):
        journal.intend(intent(batch))


def test_a_step_cannot_succeed_twice(journal: Journal, batch: int):
    first, second = (journal.intend(intent(batch, attempt=attempt)) for attempt in (1, 2))
    journal.conclude(first, Conclusion(status="success"))
    with pytest.raises(sqlite3.IntegrityError):
        journal.conclude(second, Conclusion(status="success"))


def test_a_conclusion_is_recorded_with_its_cost_and_its_verdict(db: sqlite3.Connection, journal: Journal, batch: int):
    command = journal.intend(intent(batch, "code-review-1", "1-1-one"))
    ((_, start),) = told(journal)
    end = Conclusion(
        status="success",
        exit_code=0,
        verdict_json=b'{"severity":"HIGH"}',
        summary="All done.",
        session_id="session",
        input_tokens=10,
        output_tokens=3,
        cost_usd=0.5,
        num_turns=4,
        leftovers=2,
    )
    journal.conclude(command, end)
    row = db.execute(
        "SELECT status, exit_code, verdict_json, output_summary, input_tokens, output_tokens, cost_usd, num_turns,"
        " charged, started_at, ended_at FROM commands"
    ).fetchone()
    assert row[:-2] == ("success", 0, '{"severity":"HIGH"}', "All done.", 10, 3, 0.5, 4, 0)
    ((kind, payload),) = told(journal)
    metrics = payload.pop("metrics")
    assert (kind, payload) == (
        "command:end",
        {
            "story_key": "1-1-one",
            "command": "code-review-1",
            "task_id": "",
            "status": "success",
            "command_id": command,
            "attempt": start["attempt"],
            "reason": "",
        },
    )
    assert metrics["duration_ms"] == row[-1] - row[-2] > 0
    assert (metrics["tokens"], metrics["cost_usd"], metrics["num_turns"], metrics["leftovers"]) == (13, 0.5, 4, 2)


def test_a_charged_failure_is_an_error_too(journal: Journal, batch: int):
    command = journal.intend(intent(batch, "dev-story", "1-1-one"))
    journal.take_events()
    journal.conclude(command, Conclusion(status="error", reason="it broke", charged=True))
    (_, end), (kind, error) = told(journal)
    assert (end["status"], end["reason"]) == ("error", "it broke")
    assert (kind, error["type"], error["message"]) == ("error", "command", "dev-story failed: it broke")
    assert error["context"] == {"story_key": "1-1-one", "command": "dev-story", "attempt": "1"}


@pytest.mark.parametrize("status", ["limit", "interrupted", "error"])
def test_what_is_not_charged_is_no_error(journal: Journal, batch: int, status: str):
    command = journal.intend(intent(batch))
    journal.take_events()
    journal.conclude(command, Conclusion(status=status, reason="not its fault"))
    assert [kind for kind, _ in told(journal)] == ["command:end"]


def test_an_end_that_is_on_record_stands(db: sqlite3.Connection, journal: Journal, batch: int):
    command = journal.intend(intent(batch))
    journal.conclude(command, Conclusion(status="success", reason="first"))
    journal.take_events()
    journal.conclude(command, Conclusion(status="error", reason="second", charged=True))
    assert db.execute("SELECT status, reason FROM commands").fetchone() == ("success", "first")
    assert told(journal) == []


def test_what_an_agent_said_is_redacted_wherever_it_is_kept(db: sqlite3.Connection, journal: Journal, batch: int):
    command = journal.intend(intent(batch))
    verdict = json.dumps({"title": SECRET}).encode()
    journal.conclude(
        command,
        Conclusion(status="error", reason=SECRET, charged=True, summary=SECRET, verdict_json=verdict),
    )
    dump = "".join(db.iterdump()) + "".join(event.payload.decode() for event in journal.take_events())
    assert SECRET not in dump


def test_the_summary_is_bounded(db: sqlite3.Connection, journal: Journal, batch: int):
    command = journal.intend(intent(batch))
    journal.conclude(command, Conclusion(status="success", summary="x" * (2 * SUMMARY_LIMIT)))
    assert db.execute("SELECT length(output_summary) FROM commands").fetchone() == (SUMMARY_LIMIT,)


def test_progress_is_an_event_and_a_task_is_remembered(db: sqlite3.Connection, journal: Journal, batch: int):
    command = journal.intend(intent(batch, "dev-story", "1-1-one"))
    journal.take_events()
    progress = CommandProgress(
        story_key="1-1-one",
        command="dev-story",
        task_id="implement",
        message="On it",
        command_id=command,
        kind="task",
        status="start",
    )
    journal.progress(batch, progress, at=4_242)
    journal.progress(batch, replace(progress, kind="text", task_id="another"), at=4_243)
    assert db.execute("SELECT task_id FROM commands").fetchone() == ("implement",)
    rows = db.execute("SELECT event_type, command_id, timestamp FROM events ORDER BY id DESC LIMIT 2").fetchall()
    assert rows == [("command:progress", command, 4_243), ("command:progress", command, 4_242)]


def test_a_background_command_says_so(journal: Journal, batch: int):
    task = journal.spawn_background(batch, "story-review-chain", PAIR, "c1/chain", 1)
    journal.take_events()
    review = intent(batch, "story-review-2", *PAIR)
    journal.intend(replace(review, place=replace(review.place, background_task_id=task)))
    assert told(journal)[0][1]["background"] is True
