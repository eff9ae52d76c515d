"""What is done for the operator while the runner runs: events are shown, and signals are passed on.

`app` starts both beside the supervision tree. Neither touches a batch: a display that fails is let go, and a signal
becomes a request to control like any other.
"""

import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial

import structlog
import trio

from actors.control import Control, StopBatch
from actors.fanout import Fanout
from actors.gate import Stop
from actors.kit import Kit
from actors.tree import Branch, Role
from runner.domain.errors import Refused, RunnerError
from runner.domain.events import Envelope
from runner.store import queries

log = structlog.get_logger("app")

Show = Callable[[AsyncIterator[Envelope]], Awaitable[None]]
"""Shows events until there are no more; a display that fails never touches the batch."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The running parts that the world may ask."""

    control: Control
    fanout: Fanout
    kit: Kit
    branch: Branch


async def display_run(runner: Runner, after: int, show: Show, shown: trio.Event) -> None:
    """Show the events after `after` up to the next `batch:end`, then tell that they are shown."""
    followed = runner.fanout.follow(after, partial(_page, runner))
    async with aclosing(followed), aclosing(_until_end(followed)) as events:
        await _show(runner, show, events)
    shown.set()


async def display(runner: Runner, after: int, show: Show) -> None:
    """Show the events after `after`, for ever."""
    async with aclosing(runner.fanout.follow(after, partial(_page, runner))) as events:
        await _show(runner, show, events)


async def _show(runner: Runner, show: Show, events: AsyncIterator[Envelope]) -> None:
    try:
        with runner.branch.grow("display", Role.ACTOR):
            await show(events)
    except RunnerError as error:
        log.error("nothing can be shown", reason=str(error))
    except Exception as error:
        log.error("the display failed, the runner goes on without it", exc_info=error)


async def _until_end(events: AsyncIterator[Envelope]) -> AsyncGenerator[Envelope, None]:
    async for event in events:
        yield event
        if event.type == "batch:end":
            return


async def _page(runner: Runner, after: int, limit: int) -> list[Envelope]:
    rows = await runner.kit.reads.ask(lambda database: queries.events_after(database, after, limit=limit))
    return [row.envelope for row in rows]


async def pass_signals_on(
    runner: Runner,
    leaving: trio.Event,
    leave: Callable[[], None],
    say: Say,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """First Ctrl-C: stop after the running commands. Second, SIGTERM or SIGHUP: stop now. `leave` when nothing runs.

    The first signal of any kind sets `leaving`.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Whoever has it ignored (nohup) wants to survive the terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    control = runner.control
    with runner.branch.grow("signals", Role.ACTOR), trio.open_signal_receiver(*numbers) as signals:
        task_status.started()
        interrupts = 0
        async for number in signals:
            leaving.set()
            interrupts += number == signal.SIGINT
            now = number != signal.SIGINT or interrupts > 1
            name = signal.Signals(number).name
            if now or control.batch_id is None:
                runner.kit.recorder.hurry()
            if control.batch_id is None:
                say(f"{name}: leaving")
                leave()
                continue
            say(_stopping_words(now=now, name=name))
            order = StopBatch(when=Stop.NOW if now else Stop.COMMAND, reason=f"stopped by {name}")
            with suppress(Refused):  # it has just ended by itself
                await control.ask(order)


def _stopping_words(*, now: bool, name: str) -> str:
    if now:
        return f"{name}: stopping now, the agents are interrupted"
    return f"{name}: stopping after what runs now; once more to stop at once"
