"""Supervision on Trio nurseries, with OTP's words and meanings.

A supervisor starts its children in order, watches them, restarts those that its rules say, and stops them in
reverse order, each within its own deadline. More restarts than its intensity allows within the period make the
supervisor itself fail: that is escalation, and the supervisor above sees an ordinary crash.

Cancelling a supervisor from outside must not cancel all children at once: order would be lost. So the children live
behind a shield, and a sentry outside of it turns the cancellation into an ordered stop. The shield has a deadline
from that moment on: the sum of the children's own.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import trio

from actors.tree import Branch, NodeState, Role


class Restart(StrEnum):
    """When a child that has ended is started again."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """Only after a crash."""
    TEMPORARY = "temporary"
    """Never."""


class Strategy(StrEnum):
    """Which children are restarted together."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    """The crashed one and those started after it."""
    ONE_FOR_ALL = "one_for_all"


class Start(Protocol):
    """How a child runs: until it is done, saying `task_status.started()` when it can be used."""

    def __call__(
        self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child: what runs, and what its end means."""

    id: str
    start: Start
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0
    """Seconds it gets to end after it was cancelled; then it is given up and reported."""
    role: Role = Role.ACTOR


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


class Escalated(Exception):
    """A child crashed more often than allowed: the supervisor fails in its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What a supervisor reports: a restart, or that it gave up."""

    child: str
    restarts: int
    reason: str
    escalated: bool


Report = Callable[[Crash], Awaitable[None]]


class _Child:
    """A slot in the supervisor: the spec, and what runs for it now."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.ended.set()
        self.exit: _Exit | None = None
        """How its present life ended, until the supervisor has looked at it."""
        self.restarts = 0
        self.last_error: str | None = None


@dataclass(frozen=True, slots=True)
class _Exit:
    error: Exception | None


async def _report_nothing(crash: Crash) -> None:
    await trio.lowlevel.checkpoint()


class Supervisor:
    """Runs children by their specs; itself a child of the supervisor above."""

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = Intensity(),
        backoff: Backoff = Backoff(),
        report: Report = _report_nothing,
        random: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._children = [_Child(spec) for spec in children]
        self._strategy = strategy
        self._intensity = intensity
        self._backoff = backoff
        self._report = report
        self._random = random
        self._recent: deque[float] = deque()
        self._branch: Branch | None = None
        self._something_ended = trio.Event()

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start the children and watch them until all have ended, or until cancelled; raises Escalated."""
        self._branch = branch
        branch.max_restarts = self._intensity.restarts
        shield = trio.CancelScope(shield=True)
        stop = trio.Event()
        async with trio.open_nursery() as sentry_nursery:
            sentry_nursery.start_soon(self._sentry, shield, stop)
            with shield:
                await self._supervise(stop, task_status)
            sentry_nursery.cancel_scope.cancel()

    async def _sentry(self, shield: trio.CancelScope, stop: trio.Event) -> None:
        """Turn a cancellation from outside into an ordered stop behind the shield."""
        try:
            await trio.sleep_forever()
        finally:
            grace = sum(child.spec.shutdown for child in self._children)
            shield.deadline = min(shield.deadline, trio.current_time() + grace + 1)
            stop.set()

    async def _supervise(self, stop: trio.Event, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                await _until(stop, self._start_all)
                task_status.started()
                await _until(stop, self._watch)
            finally:
                await self._stop(self._children)

    async def _start_all(self) -> None:
        for child in self._children:
            await self._start(child)

    async def _start(self, child: _Child) -> None:
        child.scope, child.ended, child.exit = trio.CancelScope(), trio.Event(), None
        await self._nursery.start(self._live, child, name=child.spec.id)

    async def _live(self, child: _Child, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        assert self._branch is not None
        error: Exception | None = None
        started = _StartedOnce(task_status)
        try:
            with child.scope, self._branch.grow(child.spec.id, child.spec.role) as branch:
                branch.restarts, branch.last_error = child.restarts, child.last_error
                error = await _outcome(child.spec.start, branch, started)
        finally:
            child.exit = _Exit(error)
            child.ended.set()
            self._something_ended.set()
            # A child that ends before it said started() has started and ended: never leave the starter waiting.
            started.started()

    async def _watch(self) -> None:
        while True:
            self._something_ended = trio.Event()
            for child in self._children:
                if child.exit is not None:
                    await self._look_at(child, child.exit)
            if all(child.ended.is_set() and child.exit is None for child in self._children):
                return
            if not any(child.exit for child in self._children):
                await self._something_ended.wait()

    async def _look_at(self, child: _Child, exit: _Exit) -> None:
        child.exit = None
        if exit.error is not None:
            child.last_error = _words(exit.error)
        kind = child.spec.restart
        if kind is Restart.PERMANENT or (kind is Restart.TRANSIENT and exit.error is not None):
            await self._count(child, exit.error)
            await self._restart(child)

    async def _restart(self, child: _Child) -> None:
        group = self._group(child)
        await self._stop([other for other in group if other is not child])
        await trio.sleep(self._backoff.seconds(len(self._recent), self._random()))
        for member in group:
            if member is child or member.spec.restart is not Restart.TEMPORARY:
                member.restarts += 1
                await self._start(member)

    async def _count(self, child: _Child, error: Exception | None) -> None:
        now = trio.current_time()
        self._recent.append(now)
        while now - self._recent[0] > self._intensity.period:
            self._recent.popleft()
        count, reason = len(self._recent), (child.last_error if error else None) or "ended"
        escalated = count > self._intensity.restarts
        await self._report(Crash(child=child.spec.id, restarts=count, reason=reason, escalated=escalated))
        if escalated:
            message = f"{child.spec.id} ended {count} times in {self._intensity.period:g} s: {reason}"
            raise Escalated(message) from error

    def _group(self, child: _Child) -> list[_Child]:
        index = self._children.index(child)
        match self._strategy:
            case Strategy.ONE_FOR_ONE:
                return [child]
            case Strategy.REST_FOR_ONE:
                return self._children[index:]
            case Strategy.ONE_FOR_ALL:
                return list(self._children)

    async def _stop(self, children: Sequence[_Child]) -> None:
        """Stop in reverse order; one that does not end within its deadline is passed over and reported."""
        for child in reversed(children):
            child.scope.cancel()
            with trio.CancelScope(deadline=trio.current_time() + child.spec.shutdown, shield=True):
                await child.ended.wait()
            if not child.ended.is_set():
                child.last_error = f"did not stop within {child.spec.shutdown:g} s"
            # This end was asked for: the watch has nothing to decide about it.
            child.exit = None


async def _until(stop: trio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work, or leave it when the stop comes first."""
    async with trio.open_nursery() as nursery:

        async def leave() -> None:
            await stop.wait()
            nursery.cancel_scope.cancel()

        nursery.start_soon(leave)
        await work()
        nursery.cancel_scope.cancel()


class _StartedOnce:
    """Lets a child say started() at most once to the task that starts it, whoever calls first."""

    def __init__(self, task_status: trio.TaskStatus[None]) -> None:
        self._task_status = task_status
        self._said = False

    def started(self, value: None = None) -> None:
        if not self._said:
            self._said = True
            self._task_status.started()


async def _outcome(start: Start, branch: Branch, started: _StartedOnce) -> Exception | None:
    """Run a child to its end; its error, if it crashed. A cancellation passes through."""
    try:
        await start(branch, task_status=started)
    except Exception as error:
        branch.state = NodeState.FAILED
        return error
    except BaseExceptionGroup as group:
        # A crash beside a cancelled task arrives mixed; the cancellation is ours, the rest is the crash.
        crash = group.split(trio.Cancelled)[1]
        if isinstance(crash, ExceptionGroup):
            return crash
        raise
    return None


def _words(error: Exception) -> str:
    """The innermost error in one line."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
