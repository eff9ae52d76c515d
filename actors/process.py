"""One agent process under its guard: started, followed, limited and ended.

A command actor runs it and is told what the agent says while it says it. Whatever happens, cancellation included,
`run` comes back only when the guard has ended, and `ending` then tells how. The guard, not this actor, makes sure
that no process of the agent is left; only if the guard itself was killed is the sweep done here.
"""

import fcntl
import math
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from actors.tree import Branch, NodeState, Role
from actors.verdict import start_failure
from runner.agents.base import Cut, Decoder, Finished, Launch, ProcessEnding, Signal
from runner.agents.lines import LineTooLong
from runner.crashpoint import crashpoints
from runner.guard.receipt import AUTO, Receipt, guard_command, read_receipt
from runner.guard.strays import end_strays
from runner.workspace.machine import refusal
from runner.workspace.runs import RunFolder, Tail, stderr_tail

POLL_SECONDS = 0.02
"""How often the output file is looked at while it grows: far below what a person notices."""
QUIET_POLL_SECONDS = 0.1
QUIET_AFTER = 2.0
LINGER_SECONDS = 10.0
"""How long an agent may take to exit after its result; some never do."""
GUARD_SECONDS = 1.5
"""What the guard may take beyond the agent's grace: kill, sweep, fsync, receipt."""
SWEEP_SECONDS = 5.0
SPAWN_SECONDS = 30.0
DRAIN_SECONDS = 1.0
"""For what is left of the output when the runner stops: part of what a stop now may take."""
HEARD_BYTES = 4 << 20
"""So much of it is told as progress; of more, only the verdict is taken."""

STOP = b"T"
NO_ROOM = ("EAGAIN", "EMFILE", "ENFILE", "ENOMEM")

Listener = Callable[[Sequence[Signal]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds; infinity where a limit is off."""

    idle: float
    total: float
    grace: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to run, and where."""

    folder: RunFolder
    launch: Launch
    environment: Mapping[str, str]
    cwd: Path
    tag: int
    limits: Limits
    isolation: str = AUTO


class AgentProcess:
    """The actor of one attempt."""

    def __init__(self, job: Job, decoder: Decoder, branch: Branch, *, clock: Callable[[], int]) -> None:
        self._job = job
        self._decoder = decoder
        self._branch = branch
        self._clock = clock
        self._gone = trio.Event()
        self._cut = Cut.NONE
        self._limit = ""
        self._overdue = math.inf
        self._finished_at: float | None = None
        self._last_output = 0.0
        self._receipt: Receipt | None = None
        self._proven = False
        self.heard_all = False
        """Whether its output was read to the end: what was not read may hold its result."""
        self._not_started = ""
        self._control = -1

    @property
    def leftovers(self) -> int:
        """Processes the agent had left behind, and that were killed."""
        return self._receipt.leftovers + self._receipt.swept if self._receipt else 0

    @property
    def clean(self) -> bool:
        """Whether it is proven that no process of the agent is alive."""
        return bool(self._not_started) or self._proven

    @property
    def refused(self) -> bool:
        """Whether the machine had no room for the guard or the agent: neither of them has failed."""
        return bool(self._not_started) or (self._receipt is not None and self._receipt.error in NO_ROOM)

    def ending(self) -> ProcessEnding:
        """How it ended; to be asked after `run` has come back or has been cancelled."""
        receipt, errors = self._receipt, stderr_tail(self._job.folder)
        return ProcessEnding(
            exit_code=receipt.exit_code if receipt else None,
            signal=receipt.signal if receipt else None,
            cut=self._cut,
            cannot_start=self._not_started or start_failure(receipt, errors),
            stderr_tail=errors,
            limit=self._limit,
        )

    async def run(self, listen: Listener) -> None:
        """Start the agent and follow it to its end; cancelling stops it within its grace."""
        tail = Tail(self._job.folder, self._decoder)
        try:
            with self._branch.grow(f"agent-{self._job.folder.path.name[:8]}", Role.PROCESS) as node:
                await self._live(tail, listen, node)
        finally:
            tail.close()

    async def _live(self, tail: Tail, listen: Listener, node: Branch) -> None:
        try:
            guard = await self._spawn()
        except OSError as error:
            # No room for one more process or file, or no folder to start in: the agent cannot be started.
            self._not_started, self.heard_all = f"cannot start the guard: {refusal(error)}", True
            return
        node.pid = guard.pid
        node.deadline = self._epoch(self._job.limits.total)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._follow, tail, listen)
                nursery.start_soon(self._keep_limits, tail, guard, node)
                await guard.wait()
                self._gone.set()
        finally:
            node.state, node.deadline = NodeState.STOPPING, self._epoch(self._job.limits.grace + GUARD_SECONDS)
            await self._end(guard)
            node.pid = None if guard.returncode is not None else guard.pid
            with trio.CancelScope(shield=True, deadline=trio.current_time() + SWEEP_SECONDS):
                await trio.to_thread.run_sync(self._prove_empty, guard.returncode)
            # Its time begins here: a sweep that took long must not cost the agent its last words.
            with trio.CancelScope(shield=True, deadline=trio.current_time() + DRAIN_SECONDS):
                await self._drain(tail, listen)

    def _epoch(self, seconds: float) -> int | None:
        return None if seconds == float("inf") else self._clock() + int(seconds * 1000)

    # --- starting and ending --------------------------------------------------------------------------------------

    async def _spawn(self) -> trio.Process:
        """Start the guard, which starts the agent. Raises OSError, and then nothing was started."""
        folder, job = self._job.folder, self._job
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with ExitStack() as files, ExitStack() as failure:
            reader, self._control = os.pipe()
            files.callback(os.close, reader)
            failure.callback(os.close, self._control)
            prompt = _opened(files, folder.prompt, os.O_RDONLY)
            stdout, stderr = _opened(files, folder.stdout, append), _opened(files, folder.stderr, append)
            # Taken here and inherited: the guard holds it from its first instant, no restart can slip in between.
            lock = _opened(files, folder.lock, os.O_RDWR | os.O_CREAT)
            fcntl.flock(lock, fcntl.LOCK_EX)
            command = guard_command(
                run_dir=folder.path,
                control_fd=reader,
                lock_fd=lock,
                tag=job.tag,
                grace=job.limits.grace,
                command=list(job.launch.argv),
                isolation=job.isolation,
            )
            # A spawn torn by a cancel would leave a process nobody holds; it takes milliseconds.
            shield = trio.CancelScope(shield=True, deadline=trio.current_time() + SPAWN_SECONDS)
            with shield, crashpoints("spawn of a guard"):
                guard = await trio.lowlevel.open_process(
                    command,
                    stdin=prompt,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=(reader, lock),
                    start_new_session=True,
                    cwd=job.cwd,
                    env={**job.environment, **job.launch.environment},
                )
            failure.pop_all()
        return guard

    def _order(self, order: bytes) -> None:
        """Tell the guard; one that is gone needs no telling."""
        with suppress(OSError):
            os.write(self._control, order)

    async def _end(self, guard: trio.Process) -> None:
        """Make sure that the guard ends: at once when it already has, else within the agent's grace."""
        if guard.returncode is None:
            self._cut = Cut.STOPPED if self._cut is Cut.NONE else self._cut
            self._order(STOP)
            with trio.CancelScope(shield=True, deadline=trio.current_time() + self._job.limits.grace + GUARD_SECONDS):
                await guard.wait()
        if guard.returncode is None:
            guard.kill()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + SWEEP_SECONDS):
                await guard.wait()
        os.close(self._control)
        # Its number may be given to another file at once: an order must never end up in there.
        self._control = -1

    def _prove_empty(self, ended: int | None) -> None:
        """Take the word of a guard that ended by itself, not by a signal, or see to it; in a thread."""
        receipt = self._receipt = read_receipt(self._job.folder.path)
        vouched = receipt is not None and receipt.clean and ended is not None and ended >= 0
        self._proven = vouched or end_strays(self._job.tag, SWEEP_SECONDS)

    # --- following ------------------------------------------------------------------------------------------------

    async def _follow(self, tail: Tail, listen: Listener) -> None:
        """Hand on what the agent says until it says no more."""
        self._last_output = trio.current_time()
        while self._cut is not Cut.LINE_TOO_LONG:
            if tail.grown():
                await self._read(tail, listen)
            elif self._gone.is_set():
                return
            else:
                quiet = trio.current_time() - self._last_output > QUIET_AFTER
                with trio.move_on_after(QUIET_POLL_SECONDS if quiet else POLL_SECONDS):
                    await self._gone.wait()

    async def _read(self, tail: Tail, listen: Listener) -> None:
        try:
            signals = await trio.to_thread.run_sync(tail.read)
        except LineTooLong as error:
            self._cut_off(Cut.LINE_TOO_LONG, str(error))
            return
        self._last_output = trio.current_time()
        if self._finished_at is None and any(isinstance(signal, Finished) for signal in signals):
            self._finished_at = trio.current_time()
        if signals:
            await listen(signals)

    async def _drain(self, tail: Tail, listen: Listener) -> None:
        """Hand on what was left unread by a stop, down to a last line that was cut off."""
        while tail.grown() and self._cut is not Cut.LINE_TOO_LONG:
            await self._read(tail, listen if tail.unread() < HEARD_BYTES else _unheard)
        signals = await trio.to_thread.run_sync(tail.finish)
        self.heard_all = True
        if signals:
            await listen(signals)

    async def _keep_limits(self, tail: Tail, guard: trio.Process, node: Branch) -> None:
        """End an agent that is silent, endless, or does not leave after its result."""
        began, size = trio.current_time(), 0
        while not self._gone.is_set():
            with trio.move_on_after(0.25):
                await self._gone.wait()
            now = trio.current_time()
            # A reader that is held up must not make a busy agent look idle: what counts is what it has written.
            if (written := tail.size()) != size:
                size, self._last_output = written, now
            self._check(now, began)
            if self._cut is not Cut.NONE:
                node.state, node.deadline = NodeState.STOPPING, self._epoch(self._overdue - now)
            if now > self._overdue:
                # It has been stopped, by its own agent perhaps, and would be waited for for ever.
                guard.kill()

    def _check(self, now: float, began: float) -> None:
        limits = self._job.limits
        if self._cut is not Cut.NONE:
            return
        if self._finished_at is not None and now - self._finished_at > LINGER_SECONDS:
            self._cut_off(Cut.LINGERED, f"still there {LINGER_SECONDS:g} s after its result")
        elif now - began > limits.total:
            self._cut_off(Cut.OVERTIME, f"{limits.total / 60:g} min in total")
        elif now - self._last_output > limits.idle and not self._decoder.open_tools:
            self._cut_off(Cut.IDLE, f"{limits.idle / 60:g} min without output")

    def _cut_off(self, cut: Cut, limit: str) -> None:
        self._cut, self._limit = cut, limit
        self._overdue = trio.current_time() + self._job.limits.grace + GUARD_SECONDS
        self._order(STOP)


def _opened(files: ExitStack, path: Path, flags: int) -> int:
    """A descriptor that is closed with the others once the guard has its own."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    files.callback(os.close, descriptor)
    return descriptor


async def _unheard(signals: Sequence[Signal]) -> None:
    await trio.lowlevel.checkpoint()
