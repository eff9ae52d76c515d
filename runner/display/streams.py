"""Events on standard output: as NDJSON, or as one plain line each.

`runner.app` hands the events over in order. Whoever reads the output may be slow or go away: writing happens in a
thread, and a closed pipe or a full disk ends the display and nothing else.
"""

from collections.abc import AsyncIterator, Callable

import trio

from runner.display.lines import line
from runner.display.output import Output
from runner.display.scene import Chronicle, Scene
from runner.display.summary import summary
from runner.domain.events import Envelope
from runner.domain.wire import message

Say = Callable[[str], None]

PLAIN_WIDTH = 120
"""Columns of the summary where nobody says how wide the output is."""


async def show_json(say: Say, events: AsyncIterator[Envelope]) -> None:
    """One WebSocket message a line, and nothing else."""
    output = Output()
    async for event in events:
        if not await _written(output, message(event).decode(), say):
            return


async def show_lines(scene: Scene, events: AsyncIterator[Envelope]) -> None:
    """One line for each event that is worth one, and the summary."""
    output, chronicle = Output(), Chronicle(scene)
    async for event in events:
        await chronicle.take(event)
        text = line(event)
        if text and not await _written(output, text, scene.say):
            return
    for _, text in summary(chronicle.board, scene.places, PLAIN_WIDTH):
        if not await _written(output, text, scene.say):
            return


async def _written(output: Output, text: str, say: Say) -> bool:
    """Write a line; False when nobody reads any more, which is said once."""
    try:
        await trio.to_thread.run_sync(output.write, text + "\n", abandon_on_cancel=True)
    except OSError as error:
        say(f"standard output: {error.strerror}; nothing more is shown there, the batch goes on")
        return False
    return True
