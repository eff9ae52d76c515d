"""The ledger: what a journal's history says, and what is added to it afterwards, is one and the same."""

import msgspec
import pytest

from actors.ledger import Ledger, Success
from runner.domain.attempts import Attempt, AttemptStatus
from runner.domain.steps import Facts, Marked
from runner.store.records import AttemptRow, History

STEP = "c1/dev-story/1-1"


def row(number: int, status: str, **more: object) -> AttemptRow:
    fields: dict[str, object] = {
        "command_id": 10 + number,
        "step_key": STEP,
        "command": "dev-story",
        "attempt": number,
        "status": status,
        "session_id": f"session {number}",
        "run_id": f"run {number}",
        "tag": number,
        "charged": status == "error",
        "reason": "it broke" if status == "error" else "",
        "verdict_json": "{}",
        "resets_at": None,
        "before_json": "{}",
        "agent": "scripted",
        "background_task_id": None,
        "continued": False,
    }
    return AttemptRow(**{**fields, **more})


def ledger(*rows: AttemptRow, steps: dict[str, str] | None = None) -> Ledger:
    return Ledger(History(steps=steps or {}, attempts={STEP: list(rows)} if rows else {}))


def test_an_empty_history_knows_nothing():
    empty = ledger()
    assert empty.outcome(STEP, Marked) is None
    assert not empty.has_outcome(STEP)
    assert empty.attempts(STEP) == []
    assert empty.success(STEP) is None
    assert empty.before(STEP) == {}


def test_a_recorded_outcome_is_read_back():
    recorded = Marked(found="done", conflict=True)
    known = ledger(steps={STEP: msgspec.json.encode(recorded).decode()})
    assert known.has_outcome(STEP)
    assert known.outcome(STEP, Marked) == recorded


def test_what_is_decided_now_reads_like_what_was_recorded():
    known = ledger()
    known.decided(STEP, msgspec.json.encode(Marked(found="done")))
    assert known.outcome(STEP, Marked) == Marked(found="done")


def test_attempts_are_read_in_their_order():
    assert ledger(row(1, "error"), row(2, "limit"), row(3, "running")).attempts(STEP) == [
        Attempt(number=1, status=AttemptStatus.ERROR, charged=True, session_id="session 1", reason="it broke"),
        Attempt(number=2, status=AttemptStatus.LIMIT, session_id="session 2"),
        Attempt(number=3, status=AttemptStatus.RUNNING, session_id="session 3"),
    ]


def test_a_success_is_found_with_its_verdict():
    verdict = msgspec.json.encode(Facts(critical=True)).decode()
    known = ledger(row(1, "error"), row(2, "success", verdict_json=verdict))
    assert known.success(STEP) == Success(command_id=12, verdict_json=verdict)


def test_the_first_attempt_says_what_was_true_before():
    known = ledger(row(1, "error", before_json='{"head":"abc"}'), row(2, "running", before_json='{"head":"def"}'))
    assert known.before(STEP) == {"head": "abc"}


@pytest.mark.parametrize("status", [AttemptStatus.SUCCESS, AttemptStatus.ERROR, AttemptStatus.INTERRUPTED])
def test_an_attempt_that_ends_now_reads_like_one_that_was_recorded(status: AttemptStatus):
    known = ledger(row(1, "interrupted", before_json='{"head":"abc"}'))
    known.started(STEP, Attempt(number=2, status=AttemptStatus.RUNNING), {"head": "def"})
    assert known.attempts(STEP)[-1].status is AttemptStatus.RUNNING
    ended = Attempt(number=2, status=status, session_id="session 2")
    success = Success(command_id=12, verdict_json="{}") if status is AttemptStatus.SUCCESS else None
    known.ended(STEP, ended, success)
    assert known.attempts(STEP) == [*ledger(row(1, "interrupted")).attempts(STEP), ended]
    assert known.success(STEP) == success
    assert known.before(STEP) == {"head": "abc"}


def test_a_first_attempt_brings_what_was_true_before():
    known = ledger()
    known.started(STEP, Attempt(number=1, status=AttemptStatus.RUNNING), {"head": "abc"})
    assert known.before(STEP) == {"head": "abc"}


def test_what_was_decided_in_ended_cycles_is_forgotten_and_nothing_else():
    known = ledger(row(1, "success"), steps={STEP: "{}"})
    for key in ("c2/dev-story/1-2", "c10/dev-story/1-3", "context/freshness"):
        known.decided(key, b"{}")
    known.decided("c1/story-review-2/1-1", b"{}")
    known.forget(2)
    assert not known.has_outcome(STEP)
    assert known.attempts(STEP) == []
    assert known.success(STEP) is None
    assert not known.has_outcome("c2/dev-story/1-2")
    assert known.has_outcome("c10/dev-story/1-3")
    assert known.has_outcome("context/freshness")
    assert known.has_outcome("c1/story-review-2/1-1")
