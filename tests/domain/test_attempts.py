"""What to do with a step after the attempts it has had."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain.attempts import (
    Attempt,
    AttemptStatus,
    GiveUp,
    RunAgain,
    backoff_seconds,
    limit_wait_ms,
    next_move,
)

ERROR, LIMIT = AttemptStatus.ERROR, AttemptStatus.LIMIT
CUT, RUNNING = AttemptStatus.INTERRUPTED, AttemptStatus.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The attempts so far: status, whether it is charged, session."""

    had: list[tuple[AttemptStatus, bool, str]]
    move: RunAgain | GiveUp
    allowed: int = 3


FAILURE = (ERROR, True, "")

HISTORIES = {
    "none: the first": History(had=[], move=RunAgain(attempt=1)),
    "a failure: a new session, after a back-off": History(had=[FAILURE], move=RunAgain(attempt=2, failures=1)),
    "two failures: a longer back-off": History(had=[FAILURE] * 2, move=RunAgain(attempt=3, failures=2)),
    "three failures: given up": History(had=[FAILURE] * 3, move=GiveUp(reason="reason 3")),
    "a failure never continues its session": History(
        had=[(ERROR, True, "s1")], move=RunAgain(attempt=2, failures=1)
    ),
    "a limit: not charged, continues its session at once": History(
        had=[(LIMIT, False, "s1")], move=RunAgain(attempt=2, session_id="s1")
    ),
    "an interruption: the same": History(had=[(CUT, False, "s1")], move=RunAgain(attempt=2, session_id="s1")),
    "a dead runner's attempt: the same": History(
        had=[(RUNNING, False, "s1")], move=RunAgain(attempt=2, session_id="s1")
    ),
    "an interrupted session that is not known any more: afresh": History(
        had=[(CUT, False, "s1"), (CUT, False, "")], move=RunAgain(attempt=3)
    ),
    "limits without end are never given up": History(
        had=[(LIMIT, False, "s1")] * 9, move=RunAgain(attempt=10, session_id="s1")
    ),
    "what needs the operator is not charged and begins afresh": History(
        had=[(ERROR, False, "s1")], move=RunAgain(attempt=2)
    ),
    "failures on both sides of a limit add up": History(
        had=[FAILURE, (LIMIT, False, "s2"), FAILURE], move=RunAgain(attempt=4, failures=2)
    ),
    "two failures and a limit: no back-off before it is continued": History(
        had=[FAILURE, FAILURE, (LIMIT, False, "s3")], move=RunAgain(attempt=4, session_id="s3")
    ),
    "the third failure counts, however many interruptions lie between": History(
        had=[FAILURE, (CUT, False, "s2"), FAILURE, (CUT, False, "s4"), FAILURE], move=GiveUp(reason="reason 5")
    ),
    "a background review is not tried again": History(had=[FAILURE], move=GiveUp(reason="reason 1"), allowed=1),
    "an interrupted background review is": History(
        had=[(CUT, False, "s1")], move=RunAgain(attempt=2, session_id="s1"), allowed=1
    ),
    "given up for the reason of the last failure": History(
        had=[FAILURE, (CUT, False, "s2")], move=GiveUp(reason="reason 1"), allowed=1
    ),
}  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_next_move_follows_from_the_attempts(history):
    attempts = [
        Attempt(number=number, status=status, charged=charged, session_id=session, reason=f"reason {number}")
        for number, (status, charged, session) in enumerate(history.had, 1)
    ]
    assert next_move(attempts, allowed=history.allowed) == history.move


ENDINGS = st.sampled_from([FAILURE, (LIMIT, False, "s"), (CUT, False, "s"), (CUT, False, ""), (ERROR, False, "")])


@given(st.lists(ENDINGS, max_size=30))
def test_step_is_given_up_with_its_third_failure_and_never_before(endings):
    attempts: list[Attempt] = []
    for status, charged, session in endings:
        move = next_move(attempts)
        if isinstance(move, GiveUp):
            assert sum(attempt.charged for attempt in attempts) == 3
            return
        assert move.attempt == len(attempts) + 1
        attempts.append(Attempt(number=move.attempt, status=status, charged=charged, session_id=session))
    assert sum(attempt.charged for attempt in attempts[:-1]) < 3


def test_backoff_doubles_with_each_failure():
    assert [backoff_seconds(failures, 30, 0.0) for failures in range(4)] == [0, 30, 60, 120]


@given(st.integers(1, 20), st.floats(0, 1))
def test_backoff_varies_by_a_quarter_at_most(failures, jitter):
    least = backoff_seconds(failures, 10, 0.0)
    assert least <= backoff_seconds(failures, 10, jitter) <= 1.25 * least


def test_limit_without_a_reset_time_is_waited_for_longer_and_longer():
    assert [limit_wait_ms(count) // 60_000 for count in range(7)] == [5, 10, 20, 40, 60, 60, 60]
