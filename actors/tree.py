"""The supervision tree as it is at this instant.

Whatever lives registers a Branch below its parent for exactly as long as it lives (`with parent.grow(...)`), so a
thing that is not alive cannot be shown as alive. `snapshot` gives the frozen picture for the status endpoint.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class NodeState(StrEnum):
    """What a branch is doing."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Role(StrEnum):
    """What a branch is."""

    SUPERVISOR = "supervisor"
    ACTOR = "actor"
    WORKER = "worker"
    PROCESS = "process"


class Loaded(Protocol):
    """Something with a queue that can be looked at: a mailbox."""

    @property
    def depth(self) -> int: ...

    @property
    def capacity(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How full a mailbox is."""

    depth: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A branch, seen at one instant."""

    id: str
    role: Role
    state: NodeState
    since: int
    """Epoch milliseconds of the last change of state."""
    restarts: int
    max_restarts: int | None
    last_error: str | None
    mailbox: Load | None
    deadline: int | None
    """Epoch milliseconds at which it will be stopped, when there is such a time."""
    pid: int | None
    children: tuple["Node", ...]


class Branch:
    """A living thing in the tree; only its owner changes it."""

    def __init__(self, id: str, role: Role, *, clock: Callable[[], int], mailbox: Loaded | None = None) -> None:
        self.id = id
        self.role = role
        self.restarts = 0
        self.max_restarts: int | None = None
        self.last_error: str | None = None
        self.deadline: int | None = None
        self.pid: int | None = None
        self._mailbox = mailbox
        self._clock = clock
        self._state = NodeState.STARTING
        self._since = clock()
        self._children: list[Branch] = []

    def __repr__(self) -> str:
        return f"<Branch {self.id} {self._state}>"

    @property
    def state(self) -> NodeState:
        return self._state

    @state.setter
    def state(self, state: NodeState) -> None:
        if state is not self._state:
            self._state = state
            self._since = self._clock()

    @contextmanager
    def grow(self, id: str, role: Role, *, mailbox: Loaded | None = None) -> Iterator["Branch"]:
        """A child branch for the length of the block."""
        child = Branch(id, role, clock=self._clock, mailbox=mailbox)
        self._children.append(child)
        child.state = NodeState.RUNNING
        try:
            yield child
        finally:
            self._children.remove(child)

    def snapshot(self) -> Node:
        """The branch and everything below it, now."""
        load = None if self._mailbox is None else Load(depth=self._mailbox.depth, capacity=self._mailbox.capacity)
        return Node(
            id=self.id,
            role=self.role,
            state=self._state,
            since=self._since,
            restarts=self.restarts,
            max_restarts=self.max_restarts,
            last_error=self.last_error,
            mailbox=load,
            deadline=self.deadline,
            pid=self.pid,
            children=tuple(child.snapshot() for child in self._children),
        )
