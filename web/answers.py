"""The shapes of answers that both ends know: the routes that give them and the client that reads them.

Needs neither end: a command that asks a runner loads nothing of what serves it.
"""

from typing import Annotated, Literal

import msgspec

from runner.store.records import BatchSummary

Cycles = Annotated[int, msgspec.Meta(ge=1, le=999)] | Literal["all"]
"""How many cycles a batch has."""


class Fault(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    error: str
    hint: str = ""


class Started(msgspec.Struct, frozen=True):
    """A batch was started."""

    batch_id: int
    max_cycles: Cycles
    status: Literal["started"] = "started"


class Told(msgspec.Struct, frozen=True):
    """A request was passed on to the batch; the events tell when it has taken effect."""

    status: Literal["stopping", "pausing", "resuming"]
    batch_id: int


class Batches(msgspec.Struct, frozen=True):
    """A page of the batches, newest first."""

    batches: tuple[BatchSummary, ...]
    total: int


class Health(msgspec.Struct, frozen=True):
    """Whether the runner lives, and the age in milliseconds of each permanent actor's last sign of life."""

    status: Literal["ok", "stuck"]
    """`stuck`: one of them has been silent for a minute."""
    actors: dict[str, int]
