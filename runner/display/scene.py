"""What the displays for people are told of a run, and the board they keep of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import trio

from runner.display.summary import Places
from runner.domain.board import Board, absorb, absorb_all
from runner.domain.errors import RunnerError
from runner.domain.events import BatchStart, Envelope
from runner.domain.wire import read_event


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The run as the command line knows it."""

    project: str
    places: Places
    past: Callable[[int, int], Sequence[Envelope]]
    """The events of a batch before a `seq`; may block and raise RunnerError."""
    clock: Callable[[], int]
    """Epoch milliseconds."""
    say: Callable[[str], None]
    """Where a message for the operator goes while there is no picture."""


class Chronicle:
    """Keeps the board of the run that is shown; knows the earlier runs of a batch that is resumed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.board = Board()

    async def take(self, event: Envelope) -> None:
        """Put an event on the board."""
        if event.type == BatchStart.event_type:
            await self._remember(event)
        self.board = absorb(self.board, event)

    async def _remember(self, event: Envelope) -> None:
        """Put on the board what happened before a resume; a display can do without it."""
        fact = read_event(event)
        if isinstance(fact, BatchStart) and fact.resumed:
            with suppress(RunnerError):
                past = await trio.to_thread.run_sync(
                    self._scene.past, fact.batch_id, event.seq, abandon_on_cancel=True
                )
                self.board = absorb_all(Board(), past)
