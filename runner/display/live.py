"""Live progress on a terminal: events scroll by as ordinary lines, below them stands a picture of what goes on.

The command line takes `LiveDisplay.show` for `runner.app` when standard output is a terminal. Reading events, and
with it the runner, never waits for the terminal: all writing happens in a thread, one frame at a time, and a
terminal that hangs or goes away ends the display and nothing else.
"""

import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import IO, cast

import trio
from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.text import Text

from runner.display.board import ROWS, View, picture, rows_needed
from runner.display.lines import COMMAND_WIDTH, STORY_WIDTH, TASK_WIDTH, Line, Tone, describe
from runner.display.output import Output
from runner.display.scene import Chronicle, Scene
from runner.display.summary import NARROW, summary
from runner.display.words import clean, clock
from runner.domain.board import Board
from runner.domain.events import Envelope
from runner.domain.taxonomy import display

TICK_SECONDS = 1.0
FRAME_SECONDS = 0.1
"""Shortest time between two frames: more is not seen, and costs the terminal and the runner."""
BACKLOG = 256
"""Lines that may wait for the next frame; then reading events waits too, which harms nobody."""
FAREWELL_SECONDS = 1.0
"""For taking the picture away, when the runner is being ended."""

STYLES = {
    Tone.QUIET: "dim",
    Tone.PLAIN: "",
    Tone.HEADING: "bold",
    Tone.GOOD: "green",
    Tone.WARNING: "yellow",
    Tone.BAD: "bold red",
}
_WHOLE = (Tone.HEADING, Tone.WARNING, Tone.BAD)
"""Lines of these tones are wrapped, all others are cut at the edge."""


class Screen:
    """The terminal: scrolling lines above, the picture below. Every method may block: call it in a thread.

    A thread that was abandoned in the middle of a frame still finishes it: the lock keeps `close` behind it, and
    nothing is drawn after that.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._turn = threading.Lock()
        self._closed = False
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=sys.stderr.isatty())
        self.fit()

    @property
    def width(self) -> int:
        return self._console.width

    @property
    def height(self) -> int:
        return self._console.height

    def fit(self) -> None:
        """Take over the terminal's present size: an exported COLUMNS knows of no resizing."""
        with suppress(OSError):
            columns, lines = os.get_terminal_size(self._console.file.fileno())
            if columns and lines:
                self._console.size = ConsoleDimensions(columns, lines)

    def draw(self, lines: Sequence[Text], image: Sequence[Text]) -> None:
        """Scroll the lines by and put the new picture below them, as one piece of output. Raises OSError."""
        with self._turn:
            if self._closed:
                return
            self._live.start()
            with self._console:
                if lines:
                    self._console.print(Group(*lines))
                self._live.update(Group(*image), refresh=True)

    def close(self, last_lines: Sequence[Text]) -> None:
        """Take the picture away and leave some last lines. Raises OSError."""
        with self._turn:
            self._closed = True
            self._live.update("", refresh=False)
            self._live.stop()
            for line in last_lines:
                self._console.print(line, soft_wrap=True)


def make_console() -> Console:
    """A console on the terminal at standard output; only shows what it is given, in the terminal's colours."""
    return Console(file=cast("IO[str]", Output()), highlight=False, markup=False, emoji=False)


class LiveDisplay:
    """Shows one run of a batch."""

    def __init__(self, scene: Scene, console: Console | None = None) -> None:
        self._scene = scene
        self._screen = Screen(console or make_console())
        self._chronicle = Chronicle(scene)
        self._rows = 0
        self._lines: trio.MemorySendChannel[Text] | None = None

    async def show(self, events: AsyncIterator[Envelope]) -> None:
        """Show events until there are no more or the terminal is gone; then the summary."""
        self._lines, lines = trio.open_memory_channel[Text](BACKLOG)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._draw, lines)
            with suppress(trio.BrokenResourceError):
                async with self._lines:
                    async for event in events:
                        await self._take(event, self._lines)

    def say(self, text: str) -> None:
        """A line for the operator; above the picture while there is one. Never blocks for that."""
        line = Text(f"{clock(self._scene.clock())}  {clean(text)}", style="yellow")
        try:
            if self._lines is not None:
                self._lines.send_nowait(line)
                return
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self._scene.say(text)

    async def _take(self, event: Envelope, lines: trio.MemorySendChannel[Text]) -> None:
        await self._chronicle.take(event)
        told = describe(event)
        if told is not None and not _shown_in_picture(told):
            await lines.send(styled(told, self._screen.width))

    async def _draw(self, lines: trio.MemoryReceiveChannel[Text]) -> None:
        """Draw frames until the last event has been shown; the only task that writes."""
        with lines, suppress(OSError, ValueError):
            try:
                while await self._frame(lines):
                    pass
            finally:
                # Also when the run is being cancelled: the terminal gets its cursor and its last line back.
                with trio.CancelScope(shield=True, deadline=trio.current_time() + FAREWELL_SECONDS):
                    await trio.to_thread.run_sync(self._screen.close, self._last_words(), abandon_on_cancel=True)

    async def _frame(self, lines: trio.MemoryReceiveChannel[Text]) -> bool:
        """Wait for a line, but no longer than a tick, and draw; False when no more lines will come."""
        fresh: list[Text] = []
        going_on = True
        try:
            with trio.move_on_after(TICK_SECONDS):
                fresh.append(await lines.receive())
            while True:
                fresh.append(lines.receive_nowait())
        except trio.WouldBlock:
            pass
        except trio.EndOfChannel:
            going_on = False
        await trio.to_thread.run_sync(self._draw_frame, self._chronicle.board, fresh, abandon_on_cancel=True)
        await trio.sleep(FRAME_SECONDS)
        return going_on

    def _draw_frame(self, board: Board, fresh: Sequence[Text]) -> None:
        # The room for running commands only grows: a picture that changes its height makes the eye jump.
        self._rows = max(self._rows, rows_needed(board), ROWS)
        self._screen.fit()
        view = View(
            project=self._scene.project,
            now=self._scene.clock(),
            width=self._screen.width,
            height=self._screen.height - 1,
            rows=self._rows,
        )
        self._screen.draw(fresh, picture(board, view))

    def _last_words(self) -> list[Text]:
        """The summary; nothing when the batch was not seen to end."""
        words = summary(self._chronicle.board, self._scene.places, self._screen.width)
        return [Text(text, style=STYLES[tone]) for tone, text in words]


def styled(told: Line, width: int) -> Text:
    """A line as it scrolls by, in columns where there is room for them."""
    style = STYLES[told.tone]
    line = Text(f"{clock(told.at)}  ", style="dim")
    if told.story:
        line.append(f"{told.story:<{STORY_WIDTH}}  " if width >= NARROW else f"{told.story} ", style="not dim cyan")
    line.append(_words(told, width), style="" if told.tone is Tone.QUIET else f"not dim {style}")
    if told.tone not in _WHOLE:
        line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _words(told: Line, width: int) -> str:
    """What stands behind the story; the end of a task needs no word, its beginning is not shown."""
    text = display(clean(told.text))
    if not told.command:
        return text
    stage = told.task or told.status
    if width < NARROW:
        return f"{told.command} {stage} {text}"
    what = f"{told.command:<{COMMAND_WIDTH}}  {stage:<{TASK_WIDTH}}"
    return f"{what}  {text}"


def _shown_in_picture(told: Line) -> bool:
    """The beginning of a task: the picture has it until it ends."""
    return bool(told.task) and told.status == "start"
