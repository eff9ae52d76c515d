"""The live display on real pseudo-terminals: what scrolls by, what stays, and terminals that misbehave."""

import fcntl
import os
import re
import struct
import sys
import termios
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import IO, cast

import pytest
import trio
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from runner.display.live import BACKLOG, LiveDisplay, Screen
from runner.display.output import Output
from runner.display.scene import Scene
from runner.display.summary import Places
from runner.domain.errors import DatabaseError
from runner.domain.events import Envelope
from tests.support.tape import ONE, START, Tape, one_cycle

CONTROLS = re.compile(r"\x1b\[[0-?]*[@-~]")
PLACES = Places(again="sprint-runner", database="/x/runner.db", runs="/x/runs")


@dataclass(slots=True)
class Terminal:
    """Both ends of a pseudo-terminal; nobody reads it unless `read` is called."""

    master: int
    slave: int
    said: list[str] = field(default_factory=list)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def read(self) -> str:
        """Everything written so far and until now."""
        await trio.testing.wait_all_tasks_blocked()
        return self.read_now()

    def read_now(self) -> str:
        text = b""
        with suppress(BlockingIOError):
            while piece := os.read(self.master, 65536):
                text += piece
        return text.decode()

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    master, slave = os.openpty()
    os.set_blocking(master, False)
    terminal = Terminal(master=master, slave=slave)
    terminal.resize(100, 30)
    yield terminal
    for descriptor in (terminal.master, slave):
        if descriptor != -1:
            os.close(descriptor)


def display(terminal: Terminal, past: Sequence[Envelope] = (), *, damaged: bool = False) -> LiveDisplay:
    def earlier(batch_id: int, before: int) -> Sequence[Envelope]:
        if damaged:
            raise DatabaseError("damaged")
        return past

    scene = Scene(
        project="paperback", places=PLACES, past=earlier, clock=lambda: START + 90_000, say=terminal.said.append
    )
    console = Console(file=cast("IO[str]", Output(terminal.slave)), highlight=False, markup=False, emoji=False)
    return LiveDisplay(scene, console)


async def play(events: Sequence[Envelope], until: trio.Event | None = None) -> AsyncGenerator[Envelope, None]:
    """The events; after the last one the stream ends when `until` is set."""
    for event in events:
        yield event
    if until is not None:
        await until.wait()


async def drained(terminal: Terminal, finish: trio.Event) -> str:
    """What a display writes that somebody reads all the time."""
    text = ""
    while not finish.is_set():
        text += terminal.read_now()
        with trio.move_on_after(0.01):
            await finish.wait()
    return text + terminal.read_now()


async def shown(terminal: Terminal, live: LiveDisplay, events: Sequence[Envelope]) -> str:
    """All that was written until the display had come to its end."""
    text, finish = "", trio.Event()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                nonlocal text
                text = await drained(terminal, finish)

            nursery.start_soon(read)
            await live.show(play(events))
            finish.set()
    return text


async def test_lines_scroll_and_the_summary_ends_it(terminal: Terminal):
    text = await shown(terminal, display(terminal), one_cycle().finish().events)
    for words in ("dev-story", "batch 7 · cycle 1 of 2", "2 cycles completed", "1 story done", "/x/runner.db"):
        assert words in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


async def test_end_of_a_task_is_a_line_and_its_beginning_is_not(terminal: Terminal):
    tape = Tape().start().cycle(1, ONE)
    number = tape.begin("dev-story", ONE)
    tape.task(number, "dev-story", "tests", "start", "Writing them")
    tape.task(number, "dev-story", "tests", "end", "All green")
    tape.end(number, "dev-story", ONE)
    text = await shown(terminal, display(terminal), tape.finish().events)
    assert "All green" in text
    assert "Writing them" not in text


async def test_resumed_run_shows_what_went_before(terminal: Terminal):
    before = one_cycle().finish("stopped", "stopped by SIGINT")
    after = Tape().start(resumed=True).run("dev-story", ONE).finish()
    text = await shown(terminal, display(terminal, before.events), after.events)
    assert "cycle 1 of 2" in text
    assert "2a-2 parser" in text


async def test_resumed_run_is_shown_even_if_the_past_is_not(terminal: Terminal):
    after = Tape().start(resumed=True).run("dev-story", ONE).finish()
    assert "2a-1 scanner" in await shown(terminal, display(terminal, damaged=True), after.events)


async def test_message_to_the_operator_scrolls_by_while_there_is_a_picture(terminal: Terminal):
    live, text = display(terminal), ""
    end = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(live.show, play(one_cycle().events, until=end)))
        with trio.fail_after(5):
            while "batch-commit" not in text:
                await trio.sleep(0.01)
                text += terminal.read_now()
            live.say("stopping\x1b[2J soon")
            while "stopping soon" not in text:
                await trio.sleep(0.01)
                text += terminal.read_now()
        end.set()
    live.say("later")
    assert terminal.said == ["later"]


async def test_terminal_that_goes_away_ends_the_display_only(terminal: Terminal):
    live = display(terminal)
    terminal.hang_up()
    with trio.fail_after(5):
        async with aclosing(play(one_cycle().finish().events)) as events:
            await live.show(events)


async def test_terminal_that_goes_away_in_the_middle_ends_the_display_only(terminal: Terminal):
    live, going_on = display(terminal), trio.Event()

    async def told() -> AsyncGenerator[Envelope, None]:
        tape = one_cycle().finish()
        for event in tape.events[:5]:
            yield event
        await going_on.wait()
        for event in tape.events[5:]:
            yield event

    with trio.fail_after(5):
        async with aclosing(told()) as events, trio.open_nursery() as nursery:
            nursery.start_soon(live.show, events)
            text = ""
            while "cycle 1" not in text:
                await trio.sleep(0.01)
                text += terminal.read_now()
            terminal.hang_up()
            going_on.set()


async def test_terminal_that_hangs_holds_up_nobody_but_the_display(terminal: Terminal):
    """Nobody reads: the terminal's buffer fills, writing blocks, and events wait; cancelling gets out at once."""
    live, taken = display(terminal), 0

    async def flood() -> AsyncGenerator[Envelope, None]:
        nonlocal taken
        tape = Tape().start().cycle(1, ONE)
        number = tape.begin("dev-story", ONE)
        for count in range(20_000):
            tape.task(number, "dev-story", "tests", "end", f"{count} " + "x" * 80)
            for event in tape.events:
                taken += 1
                yield event
            tape.events.clear()

    with trio.fail_after(10):
        with trio.move_on_after(0.7) as scope:
            async with aclosing(flood()) as events:
                await live.show(events)
    assert scope.cancelled_caught
    assert BACKLOG < taken < 20_000


async def test_cancelled_display_gives_the_cursor_back(terminal: Terminal):
    before = sys.stdout
    with trio.move_on_after(0.3):
        async with aclosing(play(one_cycle().events, until=trio.Event())) as events:
            await display(terminal).show(events)
    text = terminal.read_now()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert sys.stdout is before


async def test_display_cancelled_after_the_end_of_the_batch_still_sums_it_up(terminal: Terminal):
    """An impatient second Ctrl-C: the batch is over, its last frame perhaps half drawn."""
    told = play(one_cycle().finish().events, until=trio.Event())
    async with aclosing(told) as events, trio.open_nursery() as nursery:
        nursery.start_soon(display(terminal).show, events)
        text = ""
        with trio.fail_after(5):
            while "2 cycles completed" not in text:
                await trio.lowlevel.checkpoint()
                text += terminal.read_now()
        nursery.cancel_scope.cancel()
    text += terminal.read_now()
    assert text.index("1 story done") > text.rindex("batch 7 · cycle 1")


def test_nothing_is_drawn_after_the_end(terminal: Terminal):
    screen = Screen(Console(file=cast("IO[str]", Output(terminal.slave))))
    screen.draw([Text("a line")], [Text("picture")])
    screen.close([Text("last")])
    before = terminal.read_now()
    screen.draw([Text("another")], [Text("picture")])
    assert ("last" in before, terminal.read_now()) == (True, "")


@pytest.mark.parametrize(("width", "height"), [(40, 10), (12, 4), (1, 1), (300, 60)])
async def test_any_size_of_terminal_will_do(terminal: Terminal, width: int, height: int):
    terminal.resize(width, height)
    text = await shown(terminal, display(terminal), one_cycle().events)
    assert "\x1b[?25h" in text
    assert max(cell_len(line) for line in CONTROLS.sub("", text).splitlines()) <= width


async def test_resizing_does_no_harm(terminal: Terminal):
    sizes = iter([(200, 50), (30, 6), (80, 24)] * 40)

    async def events() -> AsyncIterator[Envelope]:
        for event in one_cycle().finish().events:
            terminal.resize(*next(sizes))
            await trio.sleep(0.01)
            yield event

    live, finish, text = display(terminal), trio.Event(), ""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                nonlocal text
                text = await drained(terminal, finish)

            nursery.start_soon(read)
            await live.show(events())
            finish.set()
    assert "/x/runs" in text
