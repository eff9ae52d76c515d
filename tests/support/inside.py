"""A runner inside the test's own process: everything but the command line, and none of the second it takes to start.

The real parts run: guards, agents, database, signals. Settings may be given as numbers that an operator cannot
choose (a fraction of a minute), so that limits are reached while a test waits.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from actors.control import Request, StartBatch
from runner.app import EXIT_CODES, Outfit, run_batch
from runner.domain.events import Envelope
from runner.outfit import Options, outfit

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


async def run_inside(
    options: Options,
    request: Request = ONE_CYCLE,
    *,
    settings: Mapping[str, float] | None = None,
    interruption: Interruption | None = None,
) -> Run:
    """Run a batch to its end; fails when that does not come. Raises RunnerError when the batch cannot start."""
    environment = {**os.environ, "IS_SANDBOX": "1"}
    prepared, lock = outfit(options, environment)
    prepared = _with(prepared, {"retry_backoff_seconds": 0, **(settings or {})})
    said: list[str] = []
    try:
        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                if interruption is not None:
                    nursery.start_soon(_interrupt, interruption)
                ended = await run_batch(prepared, request, _unseen, say=said.append)
                nursery.cancel_scope.cancel()
    finally:
        lock.release()
    return Run(code=EXIT_CODES[ended.status], reason=ended.reason, said=tuple(said))


def _with(prepared: Outfit, settings: Mapping[str, float]) -> Outfit:
    return replace(prepared, settings=replace(prepared.settings, **settings))


async def _unseen(events: AsyncIterator[Envelope]) -> None:
    async for _ in events:
        pass


async def _interrupt(interruption: Interruption) -> None:
    await until(interruption.when)
    signal.raise_signal(interruption.number)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something a real process does; whoever waits sets the limit."""
    while not condition():
        await trio.sleep(0.01)
