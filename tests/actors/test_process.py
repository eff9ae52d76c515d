"""Agent processes: real guards around small programs, on the real clock; nothing survives a test.

The decoder takes lines as they are: `done` is a result, `open` and `close` are a tool call, all else is text. So a
program of one line plays an agent. Limits are fractions of a second; what must not happen is given time by doing
something else meanwhile, never by sleeping.
"""

import json
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import trio

from actors.process import LINGER_SECONDS, AgentProcess, Job, Limits
from actors.tree import Branch, Node, NodeState, Role
from runner.agents.base import (
    Cut,
    Ending,
    EndingKind,
    Finished,
    Launch,
    ProcessEnding,
    Said,
    Signal,
    ToolEnded,
    ToolStarted,
)
from runner.agents.lines import MAX_LINE
from runner.guard import tags
from runner.guard.strays import end_strays
from runner.workspace.runs import RunFolder, prepare
from tests.actors.stage import until

FREE = Limits(idle=math.inf, total=math.inf, grace=5)
BRISK = Limits(idle=math.inf, total=math.inf, grace=0.3)
DRAIN = 0.2
PYTHON = (sys.executable, "-I", "-S", "-u", "-c")
DEAF = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('up')\ntime.sleep(60)"
POLITE = "import os, signal, time\nsignal.signal(signal.SIGINT, lambda *_: os._exit(7))\nprint('up')\ntime.sleep(60)"


class Lines:
    """A decoder of plain lines."""

    def __init__(self) -> None:
        self.open_tools = 0
        self.heard: list[bytes] = []

    def feed(self, line: bytes) -> Sequence[Signal]:
        self.heard.append(line)
        match line:
            case b"done":
                return [Finished(is_error=False)]
            case b"open":
                self.open_tools += 1
                return [ToolStarted(tool_id="t", name="Bash", summary="", shell_command=None)]
            case b"close":
                self.open_tools -= 1
                return [ToolEnded(tool_id="t", is_error=False, text="")]
        return [Said(text=line.decode())]

    def ending(self, process: ProcessEnding, *, now: datetime) -> Ending:
        return Ending(kind=EndingKind.SUCCESS)


class Run:
    """One agent process under test."""

    def __init__(self, argv: Sequence[str], limits: Limits, *, folder: Path, cwd: Path, added: str) -> None:
        self.folder = RunFolder(path=folder / "11111111")
        prepare(self.folder, "the prompt")
        self.tag = tags.new_tag()
        self.root = Branch("root", Role.ACTOR, clock=_now)
        self.decoder = Lines()
        job = Job(
            folder=self.folder,
            launch=Launch(argv=tuple(argv), environment={"ADDED": added}),
            environment={"PATH": os.environ["PATH"], "OWN": "1"},
            cwd=cwd,
            tag=self.tag,
            limits=limits,
        )
        self.process = AgentProcess(job, self.decoder, self.root, clock=_now)
        self.told: list[Signal] = []

    async def listen(self, signals: Sequence[Signal]) -> None:
        await trio.lowlevel.checkpoint()
        self.told += signals

    async def to_its_end(self) -> ProcessEnding:
        with trio.fail_after(30):
            await self.process.run(self.listen)
        return self.process.ending()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[trio.CancelScope]:
        """Enter the block when the agent has said its first word; gives the scope that stops it."""
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.process.run, self.listen)
                await until(lambda: bool(self.texts))
                yield nursery.cancel_scope

    @property
    def texts(self) -> list[str]:
        return [signal.text for signal in self.told if isinstance(signal, Said)]

    @property
    def node(self) -> Node:
        (node,) = self.root.snapshot().children
        return node

    def alive(self) -> list[int]:
        return tags.tagged(self.tag)


def _now() -> int:
    return time.time_ns() // 1_000_000


Start = Callable[..., Run]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Start]:
    """Make a run, as in `agent("print('hello')", BRISK)` or `agent(["true"])`."""
    runs: list[Run] = []

    def make(
        program: str | Sequence[str], limits: Limits = FREE, *, folder: str = "run", cwd: str = "", added: str = ""
    ) -> Run:
        argv = (*PYTHON, program) if isinstance(program, str) else program
        runs.append(Run(argv, limits, folder=tmp_path / folder, cwd=tmp_path / cwd, added=added))
        return runs[-1]

    yield make
    for run in runs:
        assert run.alive() == [], "a process has survived the test"


# Following


async def test_what_the_agent_says_is_heard_while_it_works(agent: Start, tmp_path: Path):
    run = agent("import os\nprint('first')\nwhile not os.path.exists('go'): pass\nprint('second')")
    async with run.at_work():
        assert run.texts == ["first"]
        (tmp_path / "go").touch()
    assert run.texts == ["first", "second"]


async def test_everything_is_heard_in_order_however_fast_it_comes(agent: Start):
    run = agent("import sys\nsys.stdout.write(''.join(f'{n}\\n' for n in range(100_000)))")
    await run.to_its_end()
    assert run.texts == [str(number) for number in range(100_000)]


async def test_a_last_line_without_newline_is_heard(agent: Start):
    run = agent(["printf", "one\ntwo"])
    await run.to_its_end()
    assert run.decoder.heard == [b"one", b"two"]


async def test_the_agent_gets_prompt_environment_and_folder(agent: Start, tmp_path: Path):
    run = agent(
        "import os, sys\nprint(sys.stdin.read(), os.environ['OWN'], os.environ['ADDED'], os.getcwd())", added="2"
    )
    await run.to_its_end()
    assert run.texts == [f"the prompt 1 2 {tmp_path}"]


async def test_output_is_kept_in_files_that_only_the_owner_may_read(agent: Start):
    run = agent(["sh", "-c", "echo out; echo err >&2"])
    ending = await run.to_its_end()
    assert run.folder.stdout.read_text() == "out\n"
    assert ending.stderr_tail == "err"
    assert {file.stat().st_mode & 0o077 for file in run.folder.path.iterdir()} == {0}


# How it ended


@dataclass(frozen=True)
class End:
    argv: Sequence[str]
    exit_code: int | None = None
    signal: int | None = None
    cannot_start: str = ""


ENDS = {
    "exit 0": End(["true"], exit_code=0),
    "exit 7": End(["sh", "-c", "exit 7"], exit_code=7),
    "signal": End(["sh", "-c", "kill -SEGV $$"], signal=11),
    "not there": End(["/no/such/agent"], exit_code=127, cannot_start="cannot start /no/such/agent: No such file"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_how_an_agent_ended_by_itself(agent: Start, end: End):
    run = agent(end.argv)
    ending = await run.to_its_end()
    assert (ending.exit_code, ending.signal, ending.cut) == (end.exit_code, end.signal, Cut.NONE)
    assert ending.cannot_start.startswith(end.cannot_start)
    assert bool(ending.cannot_start) == bool(end.cannot_start)
    assert run.process.clean
    assert run.process.leftovers == 0


async def test_a_guard_that_cannot_be_started_is_an_agent_that_cannot_be_started(agent: Start):
    run = agent(["true"], cwd="gone")
    ending = await run.to_its_end()
    assert ending.cannot_start == "cannot start the guard: No such file or directory"
    assert run.process.clean
    assert run.root.snapshot().children == ()


# Stopping


async def test_a_cancelled_agent_gets_its_chance_to_end_by_itself(agent: Start):
    run = agent(POLITE)
    async with run.at_work() as scope:
        began = trio.current_time()
        scope.cancel()
    assert trio.current_time() - began < FREE.grace
    ending = run.process.ending()
    assert (ending.cut, ending.exit_code) == (Cut.STOPPED, 7)
    assert run.process.clean


async def test_an_agent_that_does_not_listen_is_killed_when_its_grace_is_over(agent: Start):
    run = agent(DEAF, BRISK)
    async with run.at_work() as scope:
        began = trio.current_time()
        scope.cancel()
    assert BRISK.grace <= trio.current_time() - began < BRISK.grace + 3
    ending = run.process.ending()
    assert (ending.cut, ending.signal) == (Cut.STOPPED, 9)
    assert run.process.clean


async def test_what_the_agent_said_last_is_decoded_though_it_was_stopped(agent: Start):
    run = agent(POLITE.replace("os._exit(7)", "(print('last words'), os._exit(7))"))
    async with run.at_work() as scope:
        scope.cancel()
    assert run.decoder.heard[-1] == b"last words"


async def test_an_agent_that_had_ended_already_was_not_stopped(agent: Start):
    """The listener is still busy with what the agent said when the cancellation comes."""
    run = agent(["sh", "-c", "echo up; exit 3"])
    busy = trio.Event()

    async def listen(signals: Sequence[Signal]) -> None:
        busy.set()
        await trio.sleep_forever()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.process.run, listen)
            await busy.wait()
            await until(lambda: (run.folder.path / "exit.json").exists())
            await until(lambda: not run.alive())
            guard = run.node.pid
            await until(lambda: not Path(f"/proc/{guard}").exists())
            nursery.cancel_scope.cancel()
    ending = run.process.ending()
    assert (ending.cut, ending.exit_code) == (Cut.NONE, 3)


async def test_a_listener_that_crashes_ends_the_agent(agent: Start):
    run = agent(POLITE)

    async def listen(signals: Sequence[Signal]) -> None:
        await trio.lowlevel.checkpoint()
        raise LookupError("a mistake in the runner")

    with pytest.raises(ExceptionGroup) as group, trio.fail_after(30):
        await run.process.run(listen)
    assert group.group_contains(LookupError)
    assert run.process.clean
    assert run.process.ending().cut is Cut.STOPPED


async def test_what_an_agent_leaves_behind_is_ended_and_counted(agent: Start):
    run = agent(["sh", "-c", "setsid sleep 300 & setsid sleep 300 & exit 0"])
    ending = await run.to_its_end()
    assert (ending.exit_code, ending.cut) == (0, Cut.NONE)
    assert run.process.leftovers == 2
    assert run.process.clean


async def test_when_the_guard_is_killed_everything_is_swept(agent: Start):
    run = agent(["sh", "-c", "setsid sleep 300 & echo up; exec sleep 300"])
    async with run.at_work():
        assert len(run.alive()) == 2
        assert run.node.pid
        os.kill(run.node.pid, 9)
    ending = run.process.ending()
    assert (ending.exit_code, ending.signal, ending.cut) == (None, None, Cut.NONE)
    assert run.process.clean
    assert run.alive() == []


async def test_a_receipt_beside_a_guard_that_was_killed_proves_nothing(agent: Start):
    run = agent(["sh", "-c", "setsid sleep 300 & echo up; exec sleep 300"])
    async with run.at_work():
        fields = {"v": 1, "why": "exit", "exit_code": 0, "signal": None, "error": None, "leftovers": 0, "swept": 0}
        forged = json.dumps(fields | {"clean": True, "started_at": 1, "ended_at": 2})
        (run.folder.path / "exit.json").write_text(forged)
        assert run.node.pid
        os.kill(run.node.pid, 9)
    assert run.process.clean
    assert run.alive() == []


async def test_a_sweep_that_takes_long_does_not_cost_the_agent_its_last_words(
    agent: Start, monkeypatch: pytest.MonkeyPatch
):
    def slow(tag: int, limit_seconds: float) -> bool:
        time.sleep(2 * DRAIN)
        return end_strays(tag, limit_seconds)

    monkeypatch.setattr("actors.process.DRAIN_SECONDS", DRAIN)
    monkeypatch.setattr("actors.process.end_strays", slow)
    run = agent(["sh", "-c", "echo up; exec sleep 300"])
    async with run.at_work():
        assert run.node.pid
        os.kill(run.node.pid, 9)
    assert run.process.clean
    assert run.process.heard_all


FREEZER = DEAF.replace("print('up')", "import os; os.kill(os.getppid(), signal.SIGSTOP); print('up')")


async def test_a_guard_that_was_frozen_by_its_agent_cannot_hold_up_a_limit(agent: Start):
    run = agent(FREEZER, Limits(idle=0.3, total=math.inf, grace=0.3))
    assert (await run.to_its_end()).cut is Cut.IDLE
    assert run.process.clean


async def test_a_guard_that_was_frozen_by_its_agent_cannot_hold_up_a_stop(agent: Start):
    run = agent(FREEZER, BRISK)
    async with run.at_work() as scope:
        scope.cancel()
    assert run.process.clean


# Limits


async def test_silence_ends_an_agent(agent: Start):
    run = agent(DEAF, Limits(idle=0.3, total=math.inf, grace=0.3))
    ending = await run.to_its_end()
    assert (ending.cut, ending.limit) == (Cut.IDLE, "0.005 min without output")


async def test_an_agent_that_never_ends_is_ended(agent: Start):
    limits = Limits(idle=math.inf, total=0.5, grace=0.3)
    run = agent(["sh", "-c", "while :; do echo on; sleep 0.05; done"], limits)
    ending = await run.to_its_end()
    assert ending.cut is Cut.OVERTIME
    assert ending.limit.endswith("min in total")


# Slow enough to tell, quick enough to wait for; a machine that is busy with something else may add to a silence.
TOLERANT = Limits(idle=0.9, total=math.inf, grace=0.3)
CHATTER = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo on{}; sleep 0.1; done"


async def test_silence_during_a_tool_call_is_no_idleness(agent: Start):
    run = agent(["sh", "-c", "echo open; sleep 1.5; echo close"], TOLERANT)
    assert (await run.to_its_end()).cut is Cut.NONE


async def test_work_on_standard_error_is_no_idleness(agent: Start):
    run = agent(["sh", "-c", CHATTER.format(" >&2")], TOLERANT)
    assert (await run.to_its_end()).cut is Cut.NONE


async def test_a_listener_that_is_held_up_does_not_make_the_agent_idle(agent: Start):
    run = agent(["sh", "-c", CHATTER.format("")], TOLERANT)
    gone = trio.Event()

    async def listen(signals: Sequence[Signal]) -> None:
        await gone.wait()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.process.run, listen)
            await until(lambda: (run.folder.path / "exit.json").exists())
            gone.set()
    assert run.process.ending().cut is Cut.NONE


async def test_a_line_beyond_the_limit_ends_the_agent(agent: Start):
    program = f"import os, time\nprint('up')\nos.ftruncate(1, {MAX_LINE + 2_000_000})\ntime.sleep(60)"
    run = agent(program, BRISK)
    ending = await run.to_its_end()
    assert ending.cut is Cut.LINE_TOO_LONG
    assert "longer than" in ending.limit
    assert run.texts == ["up"]


@pytest.mark.slow
async def test_an_agent_that_stays_after_its_result_is_ended(agent: Start):
    run = agent("import time\nprint('done')\nwhile True: time.sleep(0.1); print('on')", BRISK)
    began = trio.current_time()
    ending = await run.to_its_end()
    assert (ending.cut, ending.limit) == (Cut.LINGERED, f"still there {LINGER_SECONDS:g} s after its result")
    assert LINGER_SECONDS <= trio.current_time() - began < LINGER_SECONDS + 3


# What is shown


async def test_the_tree_shows_the_process_for_as_long_as_it_lives(agent: Start):
    run = agent(POLITE, Limits(idle=math.inf, total=3600, grace=5))
    async with run.at_work() as scope:
        node = run.node
        assert (node.id, node.role, node.state) == ("agent-11111111", Role.PROCESS, NodeState.RUNNING)
        assert node.pid
        os.kill(node.pid, 0)
        assert node.deadline
        assert 3_590_000 < node.deadline - _now() <= 3_600_000
        scope.cancel()
    assert run.root.snapshot().children == ()


async def test_without_a_total_limit_no_deadline_is_shown(agent: Start):
    run = agent(POLITE)
    async with run.at_work() as scope:
        assert run.node.deadline is None
        scope.cancel()


async def test_no_descriptor_is_left_open(agent: Start):
    await agent(["true"]).to_its_end()
    before = os.listdir("/proc/self/fd")
    await agent(["true"], folder="again").to_its_end()
    await agent(["true"], folder="spoilt", cwd="gone").to_its_end()
    assert len(os.listdir("/proc/self/fd")) == len(before)
