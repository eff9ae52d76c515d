"""What the guard sees of the agent and obeys from the runner, from the fork to the proof that nothing is left.

Used by guard.py only. One thread, one poll: children that ended and orders of the runner are taken in a fixed order,
so most races are settled by the line they stand on. Never starts anything and never writes a file.

Orders on the control pipe: `T` stop (SIGINT, then the agreed grace), `K` kill now, end-of-file "the runner is gone"
(SIGINT, then half a second). Later orders only ever shorten what is left.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

from runner.guard import tags

if sys.platform == "linux":
    from runner.guard import tree_linux as tree
else:
    from runner.guard import tree_posix as tree

__all__ = ["Watch", "tree"]

_RUNNER_GONE_GRACE_SECONDS = 0.5
_DRAIN_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.001
_STUBBORN_PAUSE_SECONDS = 0.004
_LONGEST_PAUSE_SECONDS = 0.02
# A process that cannot be killed (another user's, or stuck in the kernel) must not keep the guard for ever.
_KILL_LIMIT_SECONDS = 5.0
_SWEEP_LIMIT_SECONDS = 3.0


class Isolation:
    """What stands around the agent beside the guard: nothing. `isolation.py` has the others, and the order."""

    keeper = 0
    """A process of the isolation itself, which is neither the agent's nor a leftover; 0: there is none."""

    def prepare(self) -> None:
        """In the guard, before the fork."""

    def enter(self) -> None:
        """In the child, before the exec."""

    def kill(self) -> None:
        """SIGKILL all at once."""

    def close(self) -> None:
        """When all are gone."""


class Watch:
    """The agent and everything below it, seen from its parent."""

    def __init__(self, *, control: int, grace: float, tag: int, isolation: Isolation) -> None:
        self.why = "exit"
        self.status: int | None = None
        """The agent's raw wait status, once it was reaped."""
        self.ended_at = 0
        """When it was reaped, epoch milliseconds."""
        self._agent = 0
        self._control = control
        self._grace = grace
        self._tag = tag
        self._isolation = isolation
        self._deadline: float | None = None
        self._has_children = True
        self._adopts = tree.adopt_orphans()
        # Before the fork: the death of the quickest child already finds the pipe in place.
        self._wake, wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # poll, not select: the runner passes on its own numbers, which may be 1024 and more.
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def until_end(self, agent: int) -> None:
        """Return when the agent has ended, or when its time is up and it must be killed."""
        self._agent = agent
        while self.status is None and (self._deadline is None or time.monotonic() < self._deadline):
            self._wait(self._deadline)

    def clear(self) -> int:
        """End all that is left below the guard; returns how many processes the agent left behind."""
        if not self._anything_left():
            return 0  # the ordinary case: no look at other processes, no waiting
        left = len(self._others())
        if self.status is not None and (left or not self._isolation.keeper):
            left = max(left, 1)  # a re-forker may slip through the listing, but someone is there
            self._drain()
        self._kill_all()
        return left

    def sweep(self) -> tuple[int, bool]:
        """Kill what still carries the tag; returns how many, and whether the whole command is surely gone."""
        if self._adopts and not self._anything_left() and not tags.tagged(self._tag):
            return 0, True  # the kernel has said it already (ECHILD); one look is to make sure
        killed, is_clean = tags.sweep(self._tag, _SWEEP_LIMIT_SECONDS)
        return killed, is_clean and not self._anything_left()

    def _wait(self, until: float | None) -> None:
        milliseconds = None if until is None else max(0, int((until - time.monotonic()) * 1000) + 1)
        ready = [number for number, _ in self._poll.poll(milliseconds)]
        if self._wake in ready:
            os.read(self._wake, 4096)  # before reaping: whoever dies after this line wakes the next poll
        # An agent that ended by itself just before an order came has ended by itself; and past this line its
        # number is still its own, since nobody else reaps it.
        self._reap()
        if self._control in ready:
            self._obey()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._has_children = False
                return
            if pid == 0:
                return
            if pid == self._agent:
                self.status = status
                self.ended_at = time.time_ns() // 1_000_000

    def _obey(self) -> None:
        orders = os.read(self._control, 64)
        if not orders:
            self._poll.unregister(self._control)  # end-of-file stays readable: polling it again would spin
            self._hasten("runner-gone", min(_RUNNER_GONE_GRACE_SECONDS, self._grace))
        elif b"K" in orders:
            self._hasten("kill", 0.0)
        elif b"T" in orders:
            self._hasten("stop", self._grace)

    def _hasten(self, why: str, grace: float) -> None:
        if self.status is None:
            if self._deadline is None and why != "kill":
                self._interrupt()
            if self.why != "kill":
                self.why = why
        end = time.monotonic() + grace
        self._deadline = end if self._deadline is None else min(end, self._deadline)

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):  # it may run as another user by now
            os.kill(self._agent, signal.SIGINT)

    def _drain(self) -> None:
        # git and its like remove their lock files on SIGTERM; killed outright they would block the next command.
        if self._deadline is None or self.why == "stop":
            self._deadline = time.monotonic() + _DRAIN_SECONDS
        tree.signal_all(signal.SIGTERM, self._agent)
        while self._is_draining() and time.monotonic() < self._deadline:
            self._wait(min(self._deadline, time.monotonic() + _LONGEST_PAUSE_SECONDS))

    def _kill_all(self) -> None:
        limit = time.monotonic() + _KILL_LIMIT_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while self._anything_left() and time.monotonic() < limit:
            with contextlib.suppress(OSError):  # it may be gone, and what follows does the same by other means
                self._isolation.kill()
            # Frozen first: a tree that forks faster than it can be read has to stand still to be killed.
            tree.signal_all(signal.SIGSTOP, self._agent)
            tree.signal_all(signal.SIGKILL, self._agent)
            if pause >= _STUBBORN_PAUSE_SECONDS:
                tags.strike(self._tag)  # by now the rest may be one that is born and gone between two listings
            self._wait(time.monotonic() + pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _others(self) -> list[int]:
        """Who is there beside the agent and the keeper of its isolation."""
        return [pid for pid in tree.living(self._agent) if pid not in (self._agent, self._isolation.keeper)]

    def _is_draining(self) -> bool:
        # Where there is a keeper it is the keeper that inherits the orphans: no SIGCHLD comes here when they end.
        return bool(self._others()) if self._isolation.keeper else self._anything_left()

    def _anything_left(self) -> bool:
        if self._has_children:
            self._reap()
        return self._has_children or (not self._adopts and bool(tree.living(self._agent)))
