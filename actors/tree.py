"""The supervision tree as it is at this instant.

Whatever lives registers a Branch below its parent for exactly as long as it lives (`with parent.grow(...)`), so a
thing that is not alive cannot be shown as alive. `snapshot` gives the frozen picture, in the shapes of the wire.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from runner.domain.overview import Load, Node, NodeState, Role

__all__ = ["Branch", "Load", "Loaded", "Node", "NodeState", "Role"]


class Loaded(Protocol):
    """Something with a queue that can be looked at: a mailbox."""

    @property
    def depth(self) -> int: ...

    @property
    def capacity(self) -> int: ...

    def silence(self) -> float: ...


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

    def due_in(self, seconds: float) -> None:
        """Set the deadline: so many seconds from now, none when they are infinite."""
        self.deadline = None if math.isinf(seconds) else self._clock() + round(seconds * 1000)

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

    def silences(self) -> Iterator[tuple[str, float]]:
        """Seconds since each actor with a mailbox, here and below, has shown that it is alive."""
        if self._mailbox is not None and self._state is NodeState.RUNNING:
            yield self.id, self._mailbox.silence()
        for child in self._children:
            yield from child.silences()

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
