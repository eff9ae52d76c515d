"""The rules of a supervisor: who is restarted together, how often, after how long, and what it reports.

Whoever builds a supervisor gives it these values; `actors.supervisor` acts by them. Nothing runs here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import trio

from runner.domain.errors import RunnerError


class Strategy(StrEnum):
    """Which children are restarted together."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    """The crashed one and those started after it."""
    ONE_FOR_ALL = "one_for_all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """At most `restarts` within `period` seconds."""

    restarts: int = 3
    period: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Seconds before a restart: `first`, doubled with each one in the period, at most `limit`; jitter on top."""

    first: float = 0.1
    limit: float = 5.0
    jitter: float = 0.2

    def seconds(self, restarts: int, random: float) -> float:
        wait: float = min(self.limit, self.first * 2 ** max(0, restarts - 1))
        return wait * (1 + self.jitter * random)


INTENSITY = Intensity()
BACKOFF = Backoff()


class Escalated(RunnerError):
    """A child crashed more often than allowed: the supervisor fails in its turn. The last crash is the cause."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What a supervisor reports: a restart, that it gave up, or that a child would not stop."""

    child: str
    restarts: int
    reason: str
    escalated: bool


Report = Callable[[Crash], Awaitable[None]]


async def report_nothing(crash: Crash) -> None:
    """For a supervisor whose crashes concern nobody."""
    await trio.lowlevel.checkpoint()
