"""A supervised child: its spec, and the life it has at present.

The supervisor begins a new life for each start and restart, so an incarnation that is slow to die can never be taken
for the one that follows it. A life runs what the spec says, notes what became of it and wakes its supervisor; it
decides nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog
import trio

from actors.mailbox import Abandoned
from actors.tree import Branch, Loaded, NodeState, Role
from runner.domain.errors import RunnerError

log = structlog.get_logger("supervisor")


class Restart(StrEnum):
    """When a child that has ended is started again."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """Only after a crash."""
    TEMPORARY = "temporary"
    """Never."""


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
    """Seconds it gets to end after it was cancelled; then it is passed over and reported."""
    role: Role = Role.ACTOR
    mailbox: Loaded | None = None
    """What it is asked through, to be shown in the tree."""
    give_up: Callable[[], None] = lambda: None
    """Called when it crashed too often to be started again: whoever waits for it has to know."""


class Life:
    """One incarnation of a child, from its start to its end."""

    def __init__(self, spec: ChildSpec, wake: Callable[[], None]) -> None:
        self._spec = spec
        self._wake = wake
        self._scope = trio.CancelScope()
        self._branch: Branch | None = None
        self.ended = trio.Event()
        self.is_up = False
        """Whether it has said that it can be used."""
        self.error: Exception | None = None
        """What it crashed with."""
        self.is_decided = False
        """Whether the supervisor has nothing to decide about its end: it has done so, or it asked for the end."""

    async def run(self, parent: Branch, restarts: int, last_error: str | None) -> None:
        """Live; a crash is noted and not raised."""
        try:
            with self._scope, parent.grow(self._spec.id, self._spec.role, mailbox=self._spec.mailbox) as branch:
                branch.state = NodeState.STARTING
                branch.restarts, branch.max_restarts, branch.last_error = restarts, parent.max_restarts, last_error
                self._branch = branch
                self.error = await self._outcome(branch)
        finally:
            self.ended.set()
            self._wake()

    def started(self, value: None = None) -> None:
        """The child can be used; it says so through its `task_status`, which is this life."""
        self.is_up = True
        if self._branch is not None and self._branch.state is NodeState.STARTING:
            self._branch.state = NodeState.RUNNING
        self._wake()

    async def stop(self) -> bool:
        """End it; False when it has not ended within its time. From now on its end is nothing to decide about."""
        self.is_decided = True
        self._scope.cancel()
        if self._branch is not None:
            self._branch.state = NodeState.STOPPING
            self._branch.due_in(self._spec.shutdown)
        with trio.CancelScope(deadline=trio.current_time() + self._spec.shutdown, shield=True):
            await self.ended.wait()
        return self.ended.is_set()

    async def _outcome(self, branch: Branch) -> Exception | None:
        """Run the child to its end; its error, if it crashed. A cancellation passes through."""
        try:
            await self._spec.start(branch, task_status=self)
        except Exception as error:
            return self._crashed(error)
        except BaseExceptionGroup as group:
            # A crash beside a cancelled task arrives mixed; the cancellation is ours, the rest is the crash.
            crash = group.split(trio.Cancelled)[1]
            if isinstance(crash, ExceptionGroup):
                return self._crashed(crash)
            raise
        return None

    def _crashed(self, error: Exception) -> Exception:
        # Events carry a line; where the crash came from is told here or nowhere.
        foreseen = is_foreseen(error)
        if self.is_up or not foreseen:  # else it fails everything above it, and the operator is told by that
            log.error("crashed", child=self._spec.id, reason=in_words(error), exc_info=None if foreseen else error)
        return error


class Child:
    """A slot in a supervisor: the spec, and what became of it so far."""

    def __init__(self, spec: ChildSpec, due: float, *, dynamic: bool = False) -> None:
        self.spec = spec
        self.dynamic = dynamic
        """Whether it was added to a running supervisor, to be forgotten when it has ended for good."""
        self.life: Life | None = None
        self.due: float | None = due
        """When it is to be started; None when it is not."""
        self.worked = False
        """Whether it has ever been up."""
        self.restarts = 0
        self.last_error: str | None = None
        self.settled = trio.Event()
        """It has been up once, or is gone."""
        self.gone = trio.Event()
        """It is none of the supervisor's children any more."""
        self.refusal: Exception | None = None
        """What it crashed with before it had ever been up: for whoever added it."""

    def leave(self) -> None:
        """It is none of the children any more: whoever waits for it has waited enough."""
        self.settled.set()
        self.gone.set()

    @property
    def is_alive(self) -> bool:
        return self.life is not None and not self.life.ended.is_set()

    @property
    def is_settled(self) -> bool:
        """Whether those after it may start: it is up, or it has ended for good."""
        return self.due is None and self.life is not None and (self.life.is_up or self.life.ended.is_set())

    def is_due(self, now: float) -> bool:
        """Whether it is to be started now; never while an earlier life of it goes on."""
        return self.due is not None and self.due <= now and not self.is_alive


def innermost(error: Exception) -> Exception:
    """The first error that is no group of errors."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def is_foreseen(error: Exception) -> bool:
    """Whether it is an error for the operator, not a mistake of ours."""
    return isinstance(innermost(error), RunnerError)


def is_in_the_way(error: Exception) -> bool:
    """Whether a child that could not start over it would meet it again: another part's crash is met only once."""
    return is_foreseen(error) and not isinstance(innermost(error), Abandoned)


def in_words(error: Exception) -> str:
    """The innermost error in one line; the names of types are for those the operator was not meant to meet."""
    inner = innermost(error)
    words = str(inner) if isinstance(inner, RunnerError) else f"{type(inner).__name__}: {inner}"
    return " ".join(words.split())
