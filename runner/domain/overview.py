"""What goes on, as one value: the body of `GET /api/orchestrator/status` and of `status --json`.

The running runner makes it from its memory and its database, `status` alone from the database when no runner
answers. The shapes are those of the wire, so whoever sends or reads them does so with one call of msgspec.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import msgspec

Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 42)]
"""Epoch milliseconds up to the year 2109: who reads a time can show it."""
IDLE = "idle"
STARTING = "starting"


class NodeState(StrEnum):
    """What a branch of the supervision tree is doing."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How full a mailbox is."""

    depth: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A branch of the supervision tree, seen at one instant."""

    id: str
    role: Role
    state: NodeState
    since: Time
    """When the state changed last."""
    restarts: int
    max_restarts: int | None
    """How many its supervisor allows within its period; of a supervisor: how many it allows to its children."""
    last_error: str | None
    mailbox: Load | None
    deadline: Time | None
    """When it will be stopped, or, while it waits, when it goes on; None when there is no such time."""
    pid: int | None
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    number: int
    story_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A command that runs."""

    story_keys: tuple[str, ...]
    command: str
    task_id: str
    attempt: int
    started_at: Time
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A background chain or context refresh that is not over."""

    background_task_id: int
    task_type: str
    story_keys: tuple[str, ...]
    status: str
    started_at: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """The unfinished batch that a resume goes on with."""

    batch_id: int
    status: str
    max_cycles: int | None
    cycles_completed: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    resets_at: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How old events were when the kernel had them for a client, in milliseconds; of the last few thousand."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutView:
    """How the delivery of events to browsers does."""

    clients: int
    delivered: int
    """Events handed over, counted for each client, since the runner started."""
    evicted: int
    """Clients that were too slow."""
    latency_ms: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole answer; `max_cycles` None means until no story is left."""

    status: str = IDLE
    batch_id: int | None = None
    max_cycles: int | None = None
    cycles_completed: int = 0
    cycle: Cycle | None = None
    current: tuple[Current, ...] = ()
    background: tuple[Background, ...] = ()
    resumable: Resumable | None = None
    limit: Limit | None = None
    supervision: Node | None = None
    """None when no runner has told."""
    fanout: FanoutView | None = None
    """None when no runner has told, or when it serves nobody."""
    last_seq: int = 0


def with_tree(told: Overview, tree: Node, *, state: str) -> Overview:
    """What the database told, joined with what only the running runner knows."""
    # A process that has ended while the database was read is not shown as alive.
    alive = {*process_ids(tree).values(), None}
    current = tuple(row if row.pid in alive else replace(row, pid=None) for row in told.current)
    return replace(told, status=state, current=current, supervision=tree)


def process_ids(tree: Node) -> dict[str, int]:
    """The process that works on each step, by the step's key."""
    return {
        node.id.removeprefix("command-"): child.pid
        for node in nodes(tree)
        for child in node.children
        if child.role is Role.PROCESS and child.pid is not None
    }


def nodes(tree: Node) -> Iterator[Node]:
    """The node and all below it, from the top down."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))
