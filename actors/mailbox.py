"""Mailboxes: the only way to reach an actor.

`cast` sends and goes on, `ask` sends and waits for the reply. A mailbox outlives the actor that reads it: after a
restart the next incarnation goes on with the messages that wait. A full mailbox makes the sender wait; that is the
backpressure the design relies on.
"""

import math
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

import trio

from runner.domain.errors import RunnerError

Message = TypeVar("Message")
Answer = TypeVar("Answer")


class Abandoned(RunnerError):
    """The actor that was asked died before it could answer; what was asked for may have been done all the same."""

    exit_code = 1


class Closed(RunnerError):
    """The actor that was asked is gone for good."""

    exit_code = 1


class Reply(Generic[Answer]):
    """The asker's end of a question: settled once, with an answer or an error."""

    def __init__(self) -> None:
        self._settled = trio.Event()
        self._answer: Answer | None = None
        self._error: Exception | None = None

    def answer(self, value: Answer) -> None:
        self._answer = value
        self._settled.set()

    def refuse(self, error: Exception) -> None:
        """Let the asker see this error."""
        self._error = error
        self._settled.set()

    def abandon_unless_settled(self) -> None:
        if not self._settled.is_set():
            self.refuse(
                Abandoned("a part of the runner crashed over this", hint="look at the status, then try again")
            )

    async def wait(self) -> Answer:
        await self._settled.wait()
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # settled without error: there is an answer


class Question(Generic[Message, Answer]):
    """A message with the reply it waits for. Leaving the block unsettled tells the asker that the actor died."""

    def __init__(self, message: Message, reply: Reply[Answer]) -> None:
        self.message = message
        self.reply = reply

    def __enter__(self) -> Message:
        return self.message

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.reply.abandon_unless_settled()


class Mailbox(Generic[Message]):
    """A bounded memory channel with one reader."""

    def __init__(self, capacity: int) -> None:
        self._send, self._receive = trio.open_memory_channel[Message](capacity)
        self._taken = -math.inf

    @property
    def depth(self) -> int:
        return self._send.statistics().current_buffer_used

    @property
    def capacity(self) -> int:
        return int(self._send.statistics().max_buffer_size)

    def silence(self) -> float:
        """Seconds since its owner has shown that it is alive: none while it waits for a message.

        One that has never been read has nobody yet who could be silent.
        """
        if self._receive.statistics().tasks_waiting_receive or self._taken == -math.inf:
            return 0.0
        return trio.current_time() - self._taken

    async def cast(self, message: Message) -> None:
        """Send; waits only while the mailbox is full. Raises Closed when nobody will ever read it."""
        try:
            await self._send.send(message)
        except trio.BrokenResourceError:
            raise Closed("a part of the runner has crashed for good", hint="start the runner again") from None

    def cast_nowait(self, message: Message) -> None:
        """Send at once, or raise `trio.WouldBlock` when the mailbox is full."""
        self._send.send_nowait(message)

    async def receive(self) -> Message:
        """The next message; for the actor that owns the mailbox."""
        message = await self._receive.receive()
        self._taken = trio.current_time()
        return message

    def receive_nowait(self) -> Message:
        """The next message if there is one, else raise `trio.WouldBlock`."""
        message = self._receive.receive_nowait()
        self._taken = trio.current_time()
        return message

    def close(self) -> list[Message]:
        """Its actor is gone for good; gives what waits, for the senders to be told."""
        left: list[Message] = []
        with suppress(trio.WouldBlock):
            while True:
                left.append(self._receive.receive_nowait())
        self._receive.close()
        return left
