"""What has been decided in this batch so far: read once from the journal, then kept in step with it.

The actors of a batch look here before they do anything, and that is all there is to resuming: a step with an
outcome is not done again, a step with attempts goes on from them. Only the actor that recorded something in the
journal adds it here, after the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from runner.domain.attempts import Attempt, AttemptStatus
from runner.domain.chain import REVIEWS
from runner.domain.steps import cycle_of
from runner.store.records import AttemptRow, History

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """An attempt that succeeded, perhaps without its step's outcome being recorded yet."""

    command_id: int
    verdict_json: str


class Ledger:
    """One batch's steps and attempts."""

    def __init__(self, history: History) -> None:
        self._steps: dict[str, str] = dict(history.steps)
        self._attempts: dict[str, list[Attempt]] = {
            key: [_attempt(row) for row in rows] for key, rows in history.attempts.items()
        }
        self._before: dict[str, Mapping[str, str]] = {
            key: msgspec.json.decode(rows[0].before_json, type=dict[str, str])
            for key, rows in history.attempts.items()
        }
        self._successes: dict[str, Success] = {
            row.step_key: Success(command_id=row.command_id, verdict_json=row.verdict_json)
            for rows in history.attempts.values()
            for row in rows
            if row.status == AttemptStatus.SUCCESS
        }

    def outcome(self, key: str, kind: type[Outcome]) -> Outcome | None:
        """The recorded outcome of a step; None when it has none yet."""
        recorded = self._steps.get(key)
        return None if recorded is None else msgspec.json.decode(recorded, type=kind)

    def has_outcome(self, key: str) -> bool:
        return key in self._steps

    def decided(self, key: str, outcome_json: bytes) -> None:
        """A step's outcome has been recorded."""
        self._steps[key] = outcome_json.decode()

    def attempts(self, key: str) -> list[Attempt]:
        return self._attempts.get(key, [])

    def success(self, key: str) -> Success | None:
        return self._successes.get(key)

    def before(self, key: str) -> Mapping[str, str]:
        """What was true before the first attempt of a step; empty when there was none."""
        return self._before.get(key, {})

    def started(self, key: str, attempt: Attempt, before: Mapping[str, str]) -> None:
        """An attempt's intent has been recorded."""
        self._attempts.setdefault(key, []).append(attempt)
        self._before.setdefault(key, before)

    def ended(self, key: str, attempt: Attempt, success: Success | None) -> None:
        """An attempt's end has been recorded."""
        self._attempts[key][-1] = attempt
        if success is not None:
            self._successes[key] = success

    def forget(self, cycle: int) -> None:
        """Drop what was decided in the cycles up to this one, which have ended: a batch may have thousands."""
        for key in [key for key in self._steps if _is_over(key, cycle)]:
            for known in (self._steps, self._attempts, self._before, self._successes):
                known.pop(key, None)


def _is_over(key: str, cycle: int) -> bool:
    """Whether nobody will ask for this step once the cycle has ended."""
    of = cycle_of(key)
    # A chain may outlast its cycle, and one that was cut off is gone through again from its first review.
    return of is not None and of <= cycle and key.split("/")[1] not in REVIEWS


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(
        number=row.attempt,
        status=AttemptStatus(row.status),
        charged=bool(row.charged),
        session_id=row.session_id,
        reason=row.reason,
    )
