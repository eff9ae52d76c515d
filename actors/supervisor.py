"""Supervision on Trio nurseries, with OTP's words and meanings.

A supervisor starts its children in order, watches them, restarts those that its rules say, and stops them in
reverse order, each within its own deadline. More restarts than its intensity allows within the period make the
supervisor itself fail: that is escalation, and the supervisor above sees an ordinary crash. A child that cannot even
start, for a reason that it can name, fails it at once: what stands in its way is the operator's to see.

Children may be added while it runs. They differ from the others in three ways: one that cannot start fails whoever
added it, one that has ended for good is forgotten, and those that are left are stopped together, before the others.

All decisions are made by one loop that never waits for a single child to start: a crash is noticed whatever else is
starting or backing off, and a child that waits for one that has crashed is no deadlock.

Cancelling a supervisor from outside must not cancel all children at once: order would be lost. So the children live
behind a shield, and a sentry outside of it turns the cancellation into an ordered stop. The shield has a deadline
from that moment on: the sum of the children's own. A child that shields itself for longer is passed over, so that
the others stop in time; Trio has no way to end it, and the supervisor ends when it does.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence

import trio

from actors.child import Child, ChildSpec, Life, Restart, in_words, is_in_the_way
from actors.rules import BACKOFF, INTENSITY, Backoff, Crash, Escalated, Intensity, Report, Strategy, report_nothing
from actors.tree import Branch, NodeState

__all__ = ["Backoff", "ChildSpec", "Crash", "Escalated", "Intensity", "Report", "Restart", "Strategy", "Supervisor"]

REPORT_SECONDS = 1.0
"""What is reported to may be what has crashed: a restart waits for it no longer than this."""
MARGIN_SECONDS = 1.0


class Supervisor:
    """Runs children by their specs; itself a child of the supervisor above."""

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = INTENSITY,
        backoff: Backoff = BACKOFF,
        report: Report = report_nothing,
        random: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._specs = tuple(children)
        self._strategy = strategy
        self._intensity = intensity
        self._backoff = backoff
        self._report = report
        self._random = random
        self._children: list[Child] = []
        self._changed = trio.Event()
        self._stopping = True

    async def start_child(self, spec: ChildSpec) -> None:
        """Add a child to the running supervisor; returns when it is up, or has ended.

        Raises what it crashed with before it had ever been up.
        """
        if self._stopping or self._find(spec.id) is not None:
            raise RuntimeError(f"no place for {spec.id}: stopping, or it is there already")
        child = Child(spec, due=trio.current_time(), dynamic=True)
        self._children.append(child)
        self._wake()
        await child.settled.wait()
        if child.refusal is not None:
            raise child.refusal

    async def wait_child(self, id: str) -> None:
        """Wait until there is no child of that name, or none any more."""
        if (child := self._find(id)) is not None:
            await child.gone.wait()

    def _find(self, id: str) -> Child | None:
        return next((child for child in self._children if child.spec.id == id), None)

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start the children and watch them until all have ended, or until cancelled.

        One that began without children is there for those that are added, until it is cancelled. Raises Escalated,
        or what a child crashed with before it had ever been up.
        """
        self._begin(branch)
        failure: Exception | None = None
        shield = trio.CancelScope(shield=True)
        async with trio.open_nursery() as outside:
            outside.start_soon(self._sentry, shield)
            with shield:
                failure = await self._live(task_status)
            outside.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def _begin(self, branch: Branch) -> None:
        """Every run starts afresh: what an earlier one counted is nothing to this one."""
        self._branch = branch
        branch.max_restarts = self._intensity.restarts
        branch.state = NodeState.STARTING
        now = trio.current_time()
        self._children = [Child(spec, due=now) for spec in self._specs]
        self._recent: deque[float] = deque()
        self._changed = trio.Event()
        self._stopping = False

    async def _sentry(self, shield: trio.CancelScope) -> None:
        """Turn a cancellation from outside into an ordered stop behind the shield."""
        try:
            await trio.sleep_forever()
        finally:
            grace = sum(child.spec.shutdown + REPORT_SECONDS for child in self._children)
            shield.deadline = trio.current_time() + grace + MARGIN_SECONDS
            self._stopping = True
            self._wake()

    async def _live(self, task_status: trio.TaskStatus[None]) -> Exception | None:
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                failure = await self._watch(task_status)
            finally:
                self._branch.state, self._stopping = NodeState.STOPPING, True
                await self._stop(self._children)
                for child in self._children:
                    child.leave()
        return failure

    # --- the loop -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._changed.set()

    async def _watch(self, task_status: trio.TaskStatus[None]) -> Exception | None:
        """Start what is due and look at what has ended; what makes the supervisor fail, if anything does."""
        told = False
        while not self._stopping:
            # Taken before looking: what happens meanwhile wakes us again.
            self._changed = trio.Event()
            if (ended := self._ended()) is not None:
                failure = await self._look_at(*ended)
                if failure is not None:
                    return failure
                continue
            self._start_due()
            for child in self._children:
                if child.is_settled:
                    child.settled.set()
            if all(child.is_settled for child in self._children):
                self._branch.state = NodeState.RUNNING
                if not told:
                    task_status.started()
                    told = True
                if self._specs and not any(child.is_alive for child in self._children):
                    return None
            with trio.CancelScope(deadline=self._next_due()):
                await self._changed.wait()
        return None

    def _ended(self) -> tuple[Child, Life] | None:
        """The first child whose life has ended without our asking, until it was looked at."""
        for child in self._children:
            life = child.life
            if life is not None and life.ended.is_set() and not life.is_decided:
                return child, life
        return None

    def _start_due(self) -> None:
        now, in_order = trio.current_time(), True
        for child in self._children:
            alone = self._strategy is Strategy.ONE_FOR_ONE and (child.dynamic or child.life is not None)
            if child.is_due(now) and (in_order or alone):
                self._start(child)
            in_order = in_order and child.is_settled

    def _start(self, child: Child) -> None:
        if child.life is not None:
            child.restarts += 1
        child.due, child.life = None, Life(child.spec, self._wake)
        self._nursery.start_soon(child.life.run, self._branch, child.restarts, child.last_error, name=child.spec.id)

    def _next_due(self) -> float:
        now = trio.current_time()
        return min(
            (child.due for child in self._children if child.due is not None and child.due > now), default=math.inf
        )

    def _forget(self, child: Child) -> None:
        self._children.remove(child)
        child.leave()

    # --- ends -----------------------------------------------------------------------------------------------------

    async def _look_at(self, child: Child, life: Life) -> Exception | None:
        """Decide what the end of a child means; what makes the supervisor fail, if it does."""
        life.is_decided = True
        child.worked = child.worked or life.is_up or life.error is None
        if life.error is not None:
            child.last_error = in_words(life.error)
            if not child.worked and (child.dynamic or is_in_the_way(life.error)):
                return self._refused(child, life.error)
        kind = child.spec.restart
        if kind is Restart.PERMANENT or (kind is Restart.TRANSIENT and life.error is not None):
            return await self._restart(child, life.error)
        if child.dynamic:
            self._forget(child)
        return None

    def _refused(self, child: Child, error: Exception) -> Exception | None:
        """It could not be started at all: that concerns whoever wanted it."""
        if not child.dynamic:
            return error
        child.refusal = error
        self._forget(child)
        return None

    async def _restart(self, child: Child, error: Exception | None) -> Escalated | None:
        """Have the child and its group started again after the back-off, unless that happens too often."""
        count, reason = self._count(), (child.last_error if error else None) or "ended"
        escalated = count > self._intensity.restarts
        await self._tell(Crash(child=child.spec.id, restarts=count, reason=reason, escalated=escalated))
        if escalated:
            escalation = Escalated(f"{child.spec.id} ended {count} times in {self._intensity.period:g} s: {reason}")
            escalation.__cause__ = error
            child.spec.give_up()
            return escalation
        self._branch.state = NodeState.RESTARTING
        group = self._group(child)
        await self._stop([other for other in group if other is not child])
        due = trio.current_time() + self._backoff.seconds(count, self._random())
        for member in group:
            if member is child or member.spec.restart is not Restart.TEMPORARY:
                member.due = due
            elif member.dynamic and member.life is not None:
                self._forget(member)
        return None

    def _count(self) -> int:
        """Note a restart; how many there were within the period."""
        now = trio.current_time()
        self._recent.append(now)
        while now - self._recent[0] > self._intensity.period:
            self._recent.popleft()
        return len(self._recent)

    def _group(self, child: Child) -> list[Child]:
        index = self._children.index(child)
        match self._strategy:
            case Strategy.ONE_FOR_ONE:
                return [child]
            case Strategy.REST_FOR_ONE:
                return self._children[index:]
            case Strategy.ONE_FOR_ALL:
                return list(self._children)

    async def _stop(self, children: Sequence[Child]) -> None:
        """Stop those that were added, at once: nothing relies on their order. Then the others, in reverse order."""
        async with trio.open_nursery() as nursery:
            for child in children:
                if child.dynamic:
                    nursery.start_soon(self._end, child)
        for child in reversed(children):
            if not child.dynamic:
                await self._end(child)

    async def _end(self, child: Child) -> None:
        """End its life; one that takes longer than its deadline is passed over and reported."""
        life = child.life
        if life is None or life.is_decided:
            return
        if not await life.stop():
            child.last_error = f"did not stop within {child.spec.shutdown:g} s"
            await self._tell(
                Crash(child=child.spec.id, restarts=len(self._recent), reason=child.last_error, escalated=False)
            )
        elif life.error is not None:
            child.last_error = in_words(life.error)

    async def _tell(self, crash: Crash) -> None:
        with trio.move_on_after(REPORT_SECONDS):
            await self._report(crash)
