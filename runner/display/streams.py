"""Events on standard output: as NDJSON, or as one plain line each.

`runner.app` hands the events over in order. Whoever reads the output may be slow or go away: writing happens in a
thread, and a closed pipe ends the display and nothing else.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable

import trio

from runner.display.lines import line
from runner.domain.events import Envelope


async def show_json(events: AsyncIterator[Envelope]) -> None:
    """One WebSocket message a line, and nothing else."""
    await _show(events, message)


async def show_lines(events: AsyncIterator[Envelope]) -> None:
    """One line for each event that is worth one."""
    await _show(events, line)


def message(event: Envelope) -> str:
    """An event as it goes over the wire."""
    return (
        f'{{"seq":{event.seq},"type":"{event.type}","timestamp":{event.timestamp},'
        f'"payload":{event.payload.decode()}}}'
    )


async def _show(events: AsyncIterator[Envelope], words: Callable[[Envelope], str]) -> None:
    async for event in events:
        text = words(event)
        if text and not await trio.to_thread.run_sync(_write, text, abandon_on_cancel=True):
            return


def _write(text: str) -> bool:
    """Write a line; False when nobody reads any more."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        # Python flushes once more at its end: give it a place where that cannot fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
        return False
    return True
