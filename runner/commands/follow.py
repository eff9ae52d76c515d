"""Follows the events of a runner over any number of connections and runners, without a gap or a repetition.

`watch` puts it beside a printer and joins them by a bounded channel: when the printer is behind, the connection is
given up until there is room, so that nothing piles up here and the runner does not wait. Events are told apart by
their `seq`, whatever the server sends.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import trio

from runner.commands.course import Course
from runner.commands.reach import Whereabouts
from runner.display.words import clock, took
from runner.domain import wire
from runner.domain.errors import RunnerError
from runner.domain.events import Envelope
from web.answers import Fault
from web.client import Address, NoRunner, Question, Shape, Stranger, Unanswered, ask, strange
from web.client_live import Goodbye, Line, Message, Seq, connected

ROOM_SECONDS = 1.0
"""How long an event may wait for the printer before the connection is given up."""
GONE_SECONDS = 2.0
"""For a runner to come back that is not in the middle of a batch."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
PAGE = 200

Errand = Callable[[], Awaitable[None]]
"""What cannot be done while connected, because it may take its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A message for the printer."""

    text: str
    """As it came, in one line."""
    events: tuple[Envelope, ...] = ()
    """What of it has not been told before."""
    seq: int | None = None
    """After it, everything up to here has been told."""
    state: bool = False
    """Whether it tells how things stand: events in it may be those of a batch that nobody here has watched."""
    live: bool = False
    """Whether it happened while we were connected: then its age says something."""


class Init(msgspec.Struct, frozen=True):
    """What the first message of a connection has to say."""

    seq: Seq
    events: tuple[Message, ...] = ()
    batch: msgspec.Raw = msgspec.Raw(b"null")


class Page(msgspec.Struct, frozen=True):
    """A page of stored events."""

    events: tuple[Message, ...]


@dataclass(slots=True, kw_only=True)
class Outage:
    """A time without a connection."""

    began: float
    since_ms: int
    told: bool = False


class Follower:
    """Puts what it hears into `out`, which it closes at its end."""

    def __init__(
        self,
        whereabouts: Whereabouts,
        out: trio.MemorySendChannel[Item],
        *,
        say: Callable[[str], None],
        after: int | None,
        random: Callable[[], float],
    ) -> None:
        """`after`: the event from which on all are wanted; None: what comes from now on."""
        self._whereabouts = whereabouts
        self._out = out
        self._say = say
        self._random = random
        self._last = after
        self.handled = after or 0
        """The last event that the printer has dealt with; the printer keeps it."""
        self.course = Course()
        self._outage: Outage | None = None
        self._tries = 0
        self._been_there = False
        self._heard = False
        """Anything that a runner says: whoever says nothing of the kind is left."""
        self._connected_ms = 0
        self._nobody = False
        self._left_out: int | None = None
        self._said_behind = False

    async def run(self) -> None:
        """Follow until the runner has gone for good. Raises RunnerError when there is none to begin with."""
        try:
            while True:
                lost = await self._visit()
                if lost is None:
                    continue
                if not self._been_there or (isinstance(lost, Stranger) and not self._heard):
                    raise lost
                if await self._is_over(lost):
                    return
        finally:
            self._out.close()

    async def _visit(self) -> RunnerError | None:
        """A connection from its beginning to its end; None when there is no more to it than an errand."""
        self._nobody = True
        try:
            address = self._whereabouts.find()
            self._nobody = self._whereabouts.is_fixed
            async with connected(address, after=self._last, handled=lambda: self.handled) as line:
                self._arrive()
                errand = await self._listen(line, address)
        except RunnerError as error:
            return error
        await errand()
        return None

    def _arrive(self) -> None:
        self._been_there = True
        self._connected_ms = _now_ms()
        if self._outage is not None and self._outage.told:
            self._say(f"connected again after {took(self._connected_ms - self._outage.since_ms)}")
        self._outage = None

    async def _is_over(self, lost: RunnerError) -> bool:
        """Wait a while before the next attempt; or it is none of our business any more."""
        if isinstance(lost, Goodbye):
            self.course.running = False
        gone = self._nobody and isinstance(lost, NoRunner)
        if gone:
            await self._read_rest()
        now, running = trio.current_time(), self.course.running
        outage = self._outage = self._outage or Outage(began=now, since_ms=_now_ms())
        left = 0.0 if running else outage.began + GONE_SECONDS - now
        if left <= 0 and not running and gone:
            return True
        if left <= 0 and not outage.told:
            outage.told = True
            self._say(f"connection lost at {clock(outage.since_ms)} ({lost.message}); waiting for the runner")
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self._tries) * (0.5 + self._random() / 2)
        self._tries = min(self._tries + 1, 10)
        await trio.sleep(min(delay, left) if left > 0 else delay)
        return False

    # --- what is heard ----------------------------------------------------------------------------------------------

    async def _listen(self, line: Line, address: Address) -> Errand:
        """Pass on what comes, until there is something to do that has to be done first."""
        while True:
            text = await line.receive()
            errand = await self._take(_read(address, text, Message), one_line(text), address)
            if errand is not None:
                return errand

    async def _take(self, message: Message, text: str, address: Address) -> Errand | None:
        if message.seq is not None:
            return await self._event(message.event, text)
        if message.type == "init":
            return await self._greeted(_read(address, message.payload, Init), text, address)
        if message.type == "error":
            self._say(f"the runner says: {_read(address, message.payload, Fault).error[:200]}")
        return await self._put(Item(text=text))

    async def _event(self, event: Envelope, text: str) -> Errand | None:
        """Pass an event on, once and in its place."""
        if self._last is not None and event.seq <= self._last:
            return None
        if self._last is not None and event.seq > self._last + 1:
            if self._left_out != event.seq:
                self._left_out = event.seq
                raise Unanswered(f"event {self._last + 1} was left out")
            self._say(f"{_numbered(self._last + 1, event.seq - 1)} missing: the runner does not have them")
        live = event.timestamp >= self._connected_ms
        return await self._put(Item(text=text, events=(event,), seq=event.seq, live=live))

    async def _put(self, item: Item) -> Errand | None:
        """Pass it on now, or have the connection given up until there is room."""
        with trio.move_on_after(ROOM_SECONDS):
            await self._out.send(item)
            self._note(item)
            return None
        if not self._said_behind:
            self._said_behind = True
            self._say("the output is not read as fast as events come: disconnected from time to time until it is")
        return partial(self._put_at_leisure, item)

    async def _put_at_leisure(self, item: Item) -> None:
        await self._out.send(item)
        self._note(item)

    def _note(self, item: Item) -> None:
        self._heard = True
        if item.seq is not None:
            self._last = item.seq
            self._tries = 0
        for event in () if item.state else item.events:
            self.course.see(event)

    # --- what was missed --------------------------------------------------------------------------------------------

    async def _greeted(self, init: Init, text: str, address: Address) -> Errand | None:
        """The state in place of the events: at the beginning, or because too much was missed."""
        self.course.greet(init.batch)
        if self._last is not None and init.seq > self._last:
            return partial(self._catch_up, init, text, address)
        if self._last is not None and init.seq < self._last:
            self._say(f"there is no event {self._last}: the record ends with {init.seq}, which is where it goes on")
        news = () if init.seq == self._last else _events(init.events)
        return await self._put(Item(text=text, events=news, seq=init.seq, state=True))

    async def _catch_up(self, init: Init, text: str, address: Address) -> None:
        """Read from the record what is not told any more, then go on behind it."""
        assert self._last is not None
        self._say(f"{_numbered(self._last + 1, init.seq)} too many to be told again: read from the record")
        reason = "the record does not have them"
        try:
            while self._last < init.seq and (events := await self._page(address, self._last)):
                for event in events:
                    await self._put_at_leisure(event)
        except RunnerError as error:
            reason = error.message
        first = self._last + 1
        if first <= init.seq:
            self._say(f"{_numbered(first, init.seq)} missing: {reason}")
        news = tuple(event for event in _events(init.events) if event.seq >= first)
        await self._put_at_leisure(Item(text=text, events=news, seq=max(init.seq, self._last), state=True))

    async def _read_rest(self) -> None:
        """What a runner that has gone has left on record: nobody else will tell of it."""
        if self._last is None:
            return
        try:
            while rest := await trio.to_thread.run_sync(self._whereabouts.record, self._last, PAGE):
                for event in rest:
                    text = one_line(wire.message(event).decode())
                    await self._put_at_leisure(Item(text=text, events=(event,), seq=event.seq))
        except RunnerError:
            return  # then it is told by the next runner

    async def _page(self, address: Address, after: int) -> list[Item]:
        """The next events of the record; none when they do not follow."""
        question = Question(path=f"/api/events?after={after}&limit={PAGE}")
        page = await trio.to_thread.run_sync(ask, address, question, Page, abandon_on_cancel=True)
        items: list[Item] = []
        for message in page.events:
            if message.seq != after + 1 + len(items):
                break
            text = one_line(msgspec.json.encode(message).decode())
            items.append(Item(text=text, events=(message.event,), seq=message.seq))
        return items


def _read(address: Address, text: str | msgspec.Raw, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise strange(address, str(error)) from None


def _events(messages: Sequence[Message]) -> tuple[Envelope, ...]:
    return tuple(message.event for message in messages if message.seq is not None)


def _numbered(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"


def one_line(text: str) -> str:
    """JSON as it is, but in one line whatever stands between its words."""
    return msgspec.json.format(text, indent=-1) if "\n" in text or "\r" in text else text


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
