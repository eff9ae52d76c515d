"""A runner inside the test's own process: everything but the command line, and none of the second it takes to start.

The real parts run: guards, agents, database, signals. Settings may be given as numbers that an operator cannot
choose (a fraction of a minute), so that limits are reached while a test waits.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from actors.control import Control, Request, StartBatch
from actors.lifeline import Lifeline
from actors.root import root
from actors.supervisor import Crash
from runner.app import EXIT_CODES, Outfit, build, run_batch
from runner.attendance import Show
from runner.domain.events import Envelope
from runner.outfit import Options, outfit
from runner.workspace.place import project_lock

PATIENCE_SECONDS = 60.0
ONE_CYCLE = StartBatch(max_cycles=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run of a batch ended."""

    code: int
    reason: str
    said: tuple[str, ...]
    """Lines for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A signal for the runner, as soon as something has come true."""

    when: Callable[[], bool]
    number: signal.Signals = signal.SIGINT


def claude(project: Path, executable: Path) -> Options:
    """Run with an executable in the place of the Claude CLI."""
    return Options(project=project, agent_command=str(executable))


def scripted(project: Path, scenario: Path) -> Options:
    return Options(project=project, agent="scripted", scenario=scenario)


async def unseen(events: AsyncIterator[Envelope]) -> None:
    """The display of a run that nobody looks at."""
    async for _ in events:
        pass


async def run_inside(
    options: Options,
    request: Request = ONE_CYCLE,
    *,
    settings: Mapping[str, float] | None = None,
    interruption: Interruption | None = None,
    show: Show = unseen,
) -> Run:
    """Run a batch to its end; fails when that does not come."""
    said: list[str] = []
    with outfitted(options, settings or {}) as prepared, trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            if interruption is not None:
                nursery.start_soon(_interrupt, interruption)
            ended = await run_batch(prepared, request, show, say=said.append)
            nursery.cancel_scope.cancel()
    return Run(code=EXIT_CODES[ended.status], reason=ended.reason, said=tuple(said))


@asynccontextmanager
async def inside(options: Options) -> AsyncIterator[Control]:
    """A runner for the length of the block, for tests that are the operator; a crash of any part fails the test."""
    with outfitted(options, {}) as prepared, trio.fail_after(PATIENCE_SECONDS):
        parts = build(prepared)
        runner, recorder = parts.runner, parts.recorder
        tree = root(recorder, Lifeline(runner.kit), runner.control, report=_unexpected, random=lambda: 0.0)
        async with trio.open_nursery() as nursery:
            await nursery.start(tree.run, runner.branch)
            yield runner.control
            nursery.cancel_scope.cancel()


@contextmanager
def outfitted(options: Options, settings: Mapping[str, float]) -> Iterator[Outfit]:
    """A checked project, held for the length of the block; no waits between retries unless `settings` says so."""
    with project_lock(options.where) as lock:
        prepared = outfit(options, {**os.environ, "IS_SANDBOX": "1"}, lock)
        yield replace(prepared, settings=replace(prepared.settings, **{"retry_backoff_seconds": 0, **settings}))


async def _unexpected(crash: Crash) -> None:
    raise AssertionError(f"{crash.child} crashed: {crash.reason}")


async def _interrupt(interruption: Interruption) -> None:
    await until(interruption.when)
    signal.raise_signal(interruption.number)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something a real process does; whoever waits sets the limit."""
    while not condition():  # noqa: ASYNC110 - nothing announces what happens in another process
        await trio.sleep(0.01)
