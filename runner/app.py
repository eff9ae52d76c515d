"""The composition root: joins the parts into a runner, runs one batch or waits for control, and says how it ended.

The command line prepares an `Outfit` (everything that was checked and decided before) and calls `run_batch` or
`serve`. This is the only module, beside the command line, that knows the actors and the web.
"""

import random
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from actors.control import Control, Ended, Request
from actors.fanout import Fanout
from actors.kit import Kit, Reads
from actors.lifeline import Lifeline
from actors.lookout import Lookout
from actors.mailbox import Closed
from actors.recorder import Recorder
from actors.root import root
from actors.supervisor import ChildSpec, Crash, Escalated, Intensity, Supervisor
from actors.tree import Branch, Role
from actors.window import Window
from runner import __version__
from runner.agents.base import Provider
from runner.attendance import Runner, Say, Show, display, display_run, pass_signals_on
from runner.dashboard import TOKEN_VARIABLE, Dashboard
from runner.domain.errors import BatchFailed, RunnerError
from runner.domain.events import SupervisorEscalate, SupervisorRestart
from runner.domain.prompts import PromptText
from runner.redact import redactor
from runner.settings import Settings
from runner.store import queries
from runner.workspace.machine import fault_of
from runner.workspace.project import Paths
from web.preferences import Preferences

if TYPE_CHECKING:
    from web.site import Site

FAREWELL_SECONDS = {"completed": 5.0, "error": 2.0, "stopped": 0.5}
"""For a slow reader to be shown the last events; a stop has a bound to keep."""
WEB_SHUTDOWN_SECONDS = 1.0
WEB_INTENSITY = Intensity(restarts=1000, period=60.0)
"""More than the waits between restarts allow: the web is never given up, and its crashes never reach the root."""

EXIT_CODES: Mapping[str, int] = {"completed": 0, "error": 1, "stopped": 4}


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
    preferences: Preferences
    dashboard: Dashboard | None = None
    """None: nobody can control the batch, or change a setting meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The runner, joined; nothing of it runs yet."""

    runner: Runner
    recorder: Recorder
    lookout: Lookout


def _uptime_ns() -> int:
    """A clock that nobody can set, and that counts while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic_ns()


_BOOTED_NS = time.time_ns() - _uptime_ns()


def now_ms() -> int:
    """The time in epoch milliseconds, as the wall clock was set when the program began.

    Whoever sets the wall clock meanwhile changes no duration, no wait for a limit and no order of events.
    """
    return (_BOOTED_NS + _uptime_ns()) // 1_000_000


def build(outfit: Outfit) -> Parts:
    """Join the parts."""
    fanout = Fanout(now_ms)
    recorder = Recorder(outfit.database, clock=now_ms, redact=_redactor(outfit), publish=fanout.publish)
    kit = Kit(
        paths=outfit.paths,
        settings=outfit.settings,
        provider=outfit.provider,
        prompts=outfit.prompts,
        workflows=outfit.workflows,
        permission_mode=outfit.permission_mode,
        environment={name: value for name, value in outfit.environment.items() if name != TOKEN_VARIABLE},
        url=outfit.dashboard.url if outfit.dashboard else "",
        recorder=recorder,
        reads=Reads(outfit.database),
        clock=now_ms,
        new_id=lambda: str(uuid.uuid4()),
        random=random.random,
    )
    control = Control(kit, partial(_report, recorder), outfit.preferences.load if outfit.dashboard else None)
    branch = Branch("root", Role.SUPERVISOR, clock=now_ms)
    runner = Runner(control=control, fanout=fanout, kit=kit, branch=branch)
    return Parts(
        runner=runner, recorder=recorder, lookout=Lookout(branch, control, outfit.database, _redactor(outfit))
    )


def _redactor(outfit: Outfit) -> Callable[[str], str]:
    """Takes out what the environment calls a secret, and a token that was made up."""
    token = outfit.dashboard.offer.rules.token if outfit.dashboard else ""
    return redactor({**outfit.environment, TOKEN_VARIABLE: token})


def _supervisor(outfit: Outfit, parts: Parts) -> Supervisor:
    report, chance = partial(_report, parts.recorder), random.random
    window = Window(outfit.paths.state, parts.lookout.overview).spec(report=report, random=chance)
    return root(
        parts.recorder,
        Lifeline(parts.runner.kit),
        parts.runner.control,
        beside=[window],
        web=[_web(outfit, parts)] if outfit.dashboard else [],
        report=report,
        random=chance,
    )


def _web(outfit: Outfit, parts: Parts) -> ChildSpec:
    """The web under supervisors of its own: whatever goes wrong with it, also while it is loaded, stays there."""
    report = partial(_report, parts.recorder)

    async def run(branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        # Nobody waits for it: what it imports takes half a second, which the first agent need not wait for.
        task_status.started()
        site = await trio.to_thread.run_sync(_site, outfit, parts, abandon_on_cancel=True)
        children = [
            ChildSpec(id="delivery", start=site.delivery.run),
            ChildSpec(id="pulse", start=site.pulse.run),
            ChildSpec(id="server", start=site.server.run, shutdown=WEB_SHUTDOWN_SECONDS),
        ]
        await Supervisor(children, intensity=WEB_INTENSITY, report=report, random=random.random).run(branch)

    site = ChildSpec(id="site", start=run, shutdown=3 * WEB_SHUTDOWN_SECONDS, role=Role.SUPERVISOR)
    supervisor = Supervisor([site], intensity=WEB_INTENSITY, report=report, random=random.random)
    return ChildSpec(id="web", start=supervisor.run, shutdown=4 * WEB_SHUTDOWN_SECONDS, role=Role.SUPERVISOR)


def _site(outfit: Outfit, parts: Parts) -> "Site":
    """Load what serves the dashboard and join it."""
    from web.site import Surroundings, build

    assert outfit.dashboard is not None
    around = Surroundings(
        door=parts.runner.control,
        feed=parts.runner.fanout,
        lookout=parts.lookout,
        # Threads of its own, and others for the events: a browser that asks for much makes nobody else wait.
        reads=Reads(outfit.database, abandon=True),
        stored=Reads(outfit.database, abandon=True),
        preferences=outfit.preferences,
        paths=outfit.paths,
        database=outfit.database,
        redact=_redactor(outfit),
        clock=now_ms,
        version=__version__,
    )
    site = build(around, outfit.dashboard.offer)
    parts.lookout.look_at_delivery(site.delivery.view)
    return site


async def _report(recorder: Recorder, crash: Crash) -> None:
    """Tell the world that a part of the runner crashed."""
    kind = SupervisorEscalate if crash.escalated else SupervisorRestart
    # A supervisor that stops its children must not fail over a recorder that has gone before them.
    with suppress(Closed):
        await recorder.tell(kind(child=crash.child, restarts=crash.restarts, reason=crash.reason))


async def run_batch(outfit: Outfit, request: Request, show: Show, *, say: Say) -> Ended:
    """Start or resume a batch and see it to its end. Raises RunnerError when it cannot start.

    `say` gets lines for the operator about what the runner itself does: waiting for a command, stopping.
    """
    ended: Ended | None = None
    async with _running(outfit, say) as (runner, _):
        ended = await _attend(runner, request, show)
    return ended or Ended(batch_id=0, status="stopped", reason="stopped before it had started")


async def serve(outfit: Outfit, show: Show, *, say: Say) -> Ended | None:
    """Serve the dashboard and wait for control, until told to leave; how a batch ended that had to stop for it."""
    stopped: Ended | None = None
    async with _running(outfit, say) as (runner, leaving):
        after = await runner.kit.reads.ask(queries.last_seq)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(display, runner, after, show)
            await leaving.wait()
            runner.control.retire()
            if runner.control.batch_id is not None:
                stopped = await runner.control.ended()
                await trio.sleep(FAREWELL_SECONDS["stopped"])
            nursery.cancel_scope.cancel()
    return stopped


@asynccontextmanager
async def _running(outfit: Outfit, say: Say) -> AsyncGenerator[tuple[Runner, trio.Event], None]:
    """The whole tree, for the length of the block, which is left when a signal says so and nothing runs.

    The event is set by the first signal. Raises RunnerError for what the runner could not get over.
    """
    parts = build(outfit)
    runner, supervisor, leaving = parts.runner, _supervisor(outfit, parts), trio.Event()
    failure: RunnerError | None = None
    try:
        async with trio.open_nursery() as nursery:
            # Outermost: a signal that comes while the runner is starting must find somebody who listens.
            await nursery.start(pass_signals_on, runner, leaving, nursery.cancel_scope.cancel, say)
            await nursery.start(supervisor.run, runner.branch)
            if outfit.dashboard is not None:
                say(f"dashboard: {outfit.dashboard.invitation}")
            yield runner, leaving
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
    finally:
        for sock in outfit.dashboard.offer.sockets if outfit.dashboard else ():
            sock.close()
    # Raised out here: what is raised in an `except*` block arrives in a group, in the earlier Pythons 3.11.
    if failure is not None:
        raise failure


def _first(group: BaseExceptionGroup[RunnerError]) -> RunnerError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, RunnerError)
    return error


async def _attend(runner: Runner, request: Request, show: Show) -> Ended:
    """Have the request carried out, show its events, and wait for its end."""
    after = await runner.kit.reads.ask(queries.last_seq)
    async with trio.open_nursery() as nursery:
        await runner.control.ask(request)
        shown = trio.Event()
        nursery.start_soon(display_run, runner, after, show, shown)
        ended = await runner.control.ended()
        with trio.move_on_after(FAREWELL_SECONDS[ended.status]):
            await shown.wait()
        nursery.cancel_scope.cancel()
    return ended
