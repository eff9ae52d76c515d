"""What became of a batch, as far as a follower was told: whether it runs, and the exit code of its end."""

import msgspec

from runner.domain.events import BatchEnd, Envelope
from runner.domain.wire import read_event

EXIT_CODES = {"completed": 0, "error": 1, "stopped": 4}
_OF_A_BATCH = ("batch:start", "cycle:", "story:", "command:")


class _Batch(msgspec.Struct, frozen=True):
    status: str


class Course:
    """What became of the batch, as far as it was told."""

    def __init__(self) -> None:
        self.running = False
        self.code = 0
        """The exit code of the batch that was seen to end last."""

    def see(self, event: Envelope) -> None:
        if event.type == BatchEnd.event_type:
            fact = read_event(event)
            self.end(fact.status if isinstance(fact, BatchEnd) else "")
        elif event.type.startswith(_OF_A_BATCH):
            self.running = True

    def greet(self, batch: msgspec.Raw) -> None:
        """The batch as a runner describes it: it runs, or has ended at some time before."""
        try:
            told = msgspec.json.decode(batch, type=_Batch | None)
        except msgspec.MsgspecError:
            return
        if told is not None:
            self.running = told.status not in EXIT_CODES

    def end(self, status: str) -> None:
        self.running = False
        self.code = EXIT_CODES.get(status, 0)
