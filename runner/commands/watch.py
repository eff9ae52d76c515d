"""`watch`: follows the events of a running runner, in plain lines or as the messages that come.

Three tasks: one follows, one prints, one waits for Ctrl-C. The terminal, or whoever reads, may be as slow as it
likes. What is to be said beside the events goes to standard error.
"""

import random
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping

import trio

from runner.commands.follow import Follower, Item
from runner.commands.given import Given
from runner.commands.reach import Whereabouts
from runner.display.lines import line
from runner.display.output import Output
from runner.display.words import count
from runner.domain.errors import RunnerError, UsageError
from runner.domain.events import Envelope

WAITING = 256
"""Messages between the connection and the printer."""
WRITE = 200
"""Messages in one write, when so many wait."""
KEPT_LAGS = 4096

Say = Callable[[str], None]


def watch(given: Given, after: int | None, say: Say, environment: Mapping[str, str]) -> int:
    """Follow until the runner has gone, or Ctrl-C; the exit code. Raises RunnerError and BrokenPipeError."""
    whereabouts = Whereabouts(given=given, environment=environment)
    whereabouts.wait()
    lag = Lag()
    code, failure = trio.run(_watch, whereabouts, after, say, Printer(lag, as_json=given.as_json))
    if isinstance(failure, OSError) and not isinstance(failure, BrokenPipeError):
        failure = UsageError(f"standard output: {failure.strerror}", hint="nothing more can be shown there")
    if failure is not None:
        raise failure
    if lag.count:
        say(str(lag))
    return code


class Lag:
    """How old events were when they had been printed; of those that happened while we were connected."""

    def __init__(self) -> None:
        self.count = 0
        """Events, all of them."""
        self._ages: deque[int] = deque(maxlen=KEPT_LAGS)
        self._oldest = 0

    def note(self, item: Item, now: int) -> None:
        self.count += len(item.events)
        if item.live:
            # Two clocks may be asked: the runner's does not follow one that is set anew.
            age = max(0, now - item.events[0].timestamp)
            self._ages.append(age)
            self._oldest = max(self._oldest, age)

    def __str__(self) -> str:
        told = count(self.count, "event")
        if not self._ages:
            return told
        ages = sorted(self._ages)
        half, most = ages[len(ages) // 2], ages[len(ages) * 99 // 100]
        return f"{told}, lag {half}/{most}/{self._oldest} ms (p50/p99/max)"


class Printer:
    """Writes what the follower hears; a write that is stuck delays nobody else."""

    def __init__(self, lag: Lag, *, as_json: bool) -> None:
        self._lag = lag
        self._as_json = as_json
        self._output = Output()
        self.failure: OSError | None = None

    async def run(self, items: trio.MemoryReceiveChannel[Item], follower: Follower) -> None:
        """Print until nothing more comes, or nobody reads any more."""
        async for item in items:
            some = [item, *_waiting(items)]
            text = "".join(map(self._words, some))
            try:
                await trio.to_thread.run_sync(self._output.write, text, abandon_on_cancel=True)
            except OSError as error:
                self.failure = error
                return
            now = time.time_ns() // 1_000_000
            for shown in some:
                self._lag.note(shown, now)
                follower.handled = shown.seq or follower.handled

    def _words(self, item: Item) -> str:
        if self._as_json:
            return f"{item.text}\n"
        return "".join(f"{text}\n" for event in item.events if (text := _shown(event)))


def _waiting(items: trio.MemoryReceiveChannel[Item]) -> list[Item]:
    """What has come meanwhile."""
    some: list[Item] = []
    while len(some) < WRITE:
        try:
            some.append(items.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            break
    return some


def _shown(event: Envelope) -> str:
    """The event's line, whatever is in it: it comes from a server that may be any."""
    try:
        text = line(event)
    except (ValueError, OverflowError):
        return ""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


async def _watch(
    whereabouts: Whereabouts, after: int | None, say: Say, printer: Printer
) -> tuple[int, RunnerError | OSError | None]:
    """The exit code, and what went wrong."""
    out, items = trio.open_memory_channel[Item](WAITING)
    follower = Follower(whereabouts, out, say=say, after=after, random=random.random)
    failure: RunnerError | None = None
    with trio.CancelScope() as whole:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_call_on_interrupt, whole.cancel)
                nursery.start_soon(follower.run)
                await printer.run(items, follower)
                nursery.cancel_scope.cancel()
        except* RunnerError as group:
            failure = _first(group)
    # Whoever presses Ctrl-C has seen enough: that is no fault of the batch.
    return (0 if whole.cancelled_caught else follower.course.code), failure or printer.failure


async def _call_on_interrupt(leave: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        async for _ in signals:
            leave()


def _first(group: BaseExceptionGroup[RunnerError]) -> RunnerError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
