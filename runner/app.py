"""The composition root: joins the parts into a runner, runs one batch, and says how it ended.

The command line prepares an `Outfit` (everything that was checked and decided before) and calls `run_batch`. This is
the only module, beside the command line, that knows both the actors and what shows their events.
"""

import random
import signal
import sys
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import trio

from actors.control import Control, Ended, Refused, Request, StopBatch
from actors.fanout import Fanout
from actors.gate import Stop
from actors.kit import Kit, Reads
from actors.lifeline import Lifeline
from actors.lookout import Lookout
from actors.mailbox import Closed
from actors.recorder import Recorder
from actors.root import root
from actors.supervisor import Crash, Escalated, Supervisor
from actors.tree import Branch, Role
from actors.window import Window
from runner.agents.base import Provider
from runner.domain.errors import BatchFailed, RunnerError
from runner.domain.events import Envelope, SupervisorEscalate, SupervisorRestart
from runner.domain.prompts import PromptText
from runner.redact import redactor
from runner.settings import Settings
from runner.store import queries
from runner.workspace.machine import fault_of
from runner.workspace.project import Paths

FAREWELL_SECONDS = {"completed": 5.0, "error": 2.0, "stopped": 0.5}
"""For a slow reader to be shown the last events; a stop has a bound to keep."""

EXIT_CODES: Mapping[str, int] = {"completed": 0, "error": 1, "stopped": 4}

log = structlog.get_logger("app")

Show = Callable[[AsyncIterator[Envelope]], Awaitable[None]]
"""Shows events until there are no more; a display that fails never touches the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """A project that has been checked and can be run."""

    paths: Paths
    database: Path
    settings: Settings
    provider: Provider
    prompts: Mapping[str, PromptText]
    workflows: Mapping[str, str]
    permission_mode: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The running parts that the world may ask."""

    control: Control
    fanout: Fanout
    kit: Kit
    branch: Branch


def _uptime_ns() -> int:
    """A clock that nobody can set, and that counts while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic_ns()


_BOOTED_NS = time.time_ns() - _uptime_ns()


def now_ms() -> int:
    """The time in epoch milliseconds, as the wall clock was set when the program began.

    Whoever sets the wall clock meanwhile changes no duration, no wait for a limit and no order of events.
    """
    return (_BOOTED_NS + _uptime_ns()) // 1_000_000


def build(outfit: Outfit) -> tuple[Runner, Recorder]:
    """Join the parts; nothing runs yet."""
    fanout = Fanout()
    path = outfit.database
    recorder = Recorder(path, clock=now_ms, redact=redactor(outfit.environment), publish=fanout.publish)
    kit = Kit(
        paths=outfit.paths,
        settings=outfit.settings,
        provider=outfit.provider,
        prompts=outfit.prompts,
        workflows=outfit.workflows,
        permission_mode=outfit.permission_mode,
        environment=outfit.environment,
        recorder=recorder,
        reads=Reads(path),
        clock=now_ms,
        new_id=lambda: str(uuid.uuid4()),
        random=random.random,
    )
    control = Control(kit, partial(_report, recorder))
    branch = Branch("root", Role.SUPERVISOR, clock=now_ms)
    return Runner(control=control, fanout=fanout, kit=kit, branch=branch), recorder


def _supervisor(outfit: Outfit, runner: Runner, recorder: Recorder) -> Supervisor:
    report, chance = partial(_report, recorder), random.random
    lookout = Lookout(runner.branch, runner.control, outfit.database)
    window = Window(outfit.paths.state, lookout.overview).spec(report=report, random=chance)
    lifeline = Lifeline(runner.kit)
    return root(recorder, lifeline, runner.control, beside=[window], report=report, random=chance)


async def _report(recorder: Recorder, crash: Crash) -> None:
    """Tell the world that a part of the runner crashed."""
    kind = SupervisorEscalate if crash.escalated else SupervisorRestart
    # A supervisor that stops its children must not fail over a recorder that has gone before them.
    with suppress(Closed):
        await recorder.tell(kind(child=crash.child, restarts=crash.restarts, reason=crash.reason))


async def run_batch(outfit: Outfit, request: Request, show: Show, *, say: Callable[[str], None]) -> Ended:
    """Start or resume a batch and see it to its end. Raises RunnerError when it cannot start.

    `say` gets lines for the operator about what the runner itself does: waiting for a command, stopping.
    """
    runner, recorder = build(outfit)
    supervisor = _supervisor(outfit, runner, recorder)
    failure: RunnerError | None = None
    try:
        async with trio.open_nursery() as nursery:
            # Outermost: a signal that comes while the runner is starting must find somebody who listens.
            await nursery.start(_pass_signals_on, runner, nursery.cancel_scope, say)
            await nursery.start(supervisor.run, runner.branch)
            await _attend(runner, request, show)
            nursery.cancel_scope.cancel()
    except* Escalated as escalation:
        failure = BatchFailed(
            f"the runner could not go on: {escalation.exceptions[0]}",
            hint="see the events with `python -m runner history`, then --resume",
        )
    except* RunnerError as group:
        failure = _first(group)
    except* OSError as group:
        failure = fault_of(group)
        if failure is None:
            raise
    # Raised out here: what is raised in an `except*` block arrives in a group, in the earlier Pythons 3.11.
    if failure is not None:
        raise failure
    return runner.control.last or Ended(batch_id=0, status="stopped", reason="stopped before it had started")


def _first(group: BaseExceptionGroup[RunnerError]) -> RunnerError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, RunnerError)
    return error


async def _attend(runner: Runner, request: Request, show: Show) -> None:
    """Have the request carried out, show its events, and wait for its end."""
    after = await runner.kit.reads.ask(queries.last_seq)
    async with trio.open_nursery() as nursery:
        await runner.control.ask(request)
        shown = trio.Event()
        nursery.start_soon(_display, runner, after, show, shown)
        ended = await runner.control.ended()
        with trio.move_on_after(FAREWELL_SECONDS[ended.status]):
            await shown.wait()
        nursery.cancel_scope.cancel()


async def _display(runner: Runner, after: int, show: Show, shown: trio.Event) -> None:
    """Show the events of this run up to its `batch:end`."""
    followed = runner.fanout.follow(after, partial(_page, runner))
    try:
        with runner.branch.grow("display", Role.ACTOR):
            async with aclosing(followed), aclosing(_until_end(followed)) as events:
                await show(events)
    except RunnerError as error:
        log.error("nothing can be shown", reason=str(error))
    except Exception as error:
        log.error("the display failed, the batch goes on without it", exc_info=error)
    shown.set()


async def _until_end(events: AsyncIterator[Envelope]) -> AsyncGenerator[Envelope, None]:
    async for event in events:
        yield event
        if event.type == "batch:end":
            return


async def _page(runner: Runner, after: int, limit: int) -> list[Envelope]:
    rows = await runner.kit.reads.ask(lambda database: queries.events_after(database, after, limit=limit))
    return [
        Envelope(seq=row.seq, type=row.type, timestamp=row.timestamp, payload=row.payload_json.encode())
        for row in rows
    ]


async def _pass_signals_on(
    runner: Runner,
    whole_run: trio.CancelScope,
    say: Callable[[str], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """First Ctrl-C: stop after the running commands. Second, SIGTERM or SIGHUP: stop now."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Whoever has it ignored (nohup) wants to survive the terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    control = runner.control
    with runner.branch.grow("signals", Role.ACTOR), trio.open_signal_receiver(*numbers) as signals:
        task_status.started()
        interrupts = 0
        async for number in signals:
            interrupts += number == signal.SIGINT
            now = number != signal.SIGINT or interrupts > 1
            name = signal.Signals(number).name
            say(_stopping_words(now=now, name=name))
            if now or control.batch_id is None:
                runner.kit.recorder.hurry()
            if control.batch_id is None:
                whole_run.cancel()
                continue
            order = StopBatch(when=Stop.NOW if now else Stop.COMMAND, reason=f"stopped by {name}")
            with suppress(Refused):  # it has just ended by itself
                await control.ask(order)


def _stopping_words(*, now: bool, name: str) -> str:
    if now:
        return f"{name}: stopping now, the agents are interrupted"
    return f"{name}: stopping after what runs now; once more to stop at once"
