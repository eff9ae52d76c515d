"""The window answers everybody, and nobody who looks in can hold up anything."""

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from actors import window
from actors.supervisor import Crash, Supervisor
from actors.tree import Branch, NodeState, Role
from actors.window import MOST_AT_ONCE, Window
from runner.domain.overview import Overview
from runner.workspace.status_socket import NAME, ask

TINY = 2048


class Sight:
    """What is to be seen, and who has looked."""

    def __init__(self) -> None:
        self.overview = Overview(status="running", batch_id=7)
        self.looks = 0
        self.most = 0
        self._inside = 0
        self.failures = 0

    async def look(self) -> Overview:
        self.looks += 1
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            await trio.sleep(0.001)
            if self.failures:
                self.failures -= 1
                raise ValueError("a mistake")
            return self.overview
        finally:
            self._inside -= 1


@pytest.fixture
def sight() -> Sight:
    return Sight()


@pytest.fixture
def root() -> Branch:
    return Branch("root", Role.SUPERVISOR, clock=lambda: 0)


@asynccontextmanager
async def opened(state: Path, sight: Sight, root: Branch) -> AsyncIterator[list[Crash]]:
    """A window that is open for the length of the block, below its supervisor and root's."""
    crashes: list[Crash] = []

    async def report(crash: Crash) -> None:
        await trio.lowlevel.checkpoint()
        crashes.append(crash)

    async def rest(branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await trio.sleep_forever()

    spec = Window(state, sight.look).spec(report=report, random=lambda: 0.0)
    supervisor = Supervisor([spec, window.ChildSpec(id="rest", start=rest)])
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run, root)
            yield crashes
            nursery.cancel_scope.cancel()


async def until(condition: Any) -> None:
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await trio.sleep(0.005)


async def asked(state: Path) -> Overview:
    await until((state / NAME).exists)
    return msgspec.json.decode(await trio.to_thread.run_sync(ask, state), type=Overview)


def rude(state: Path) -> socket.socket:
    """Connects and never reads; its own buffer is as small as can be."""
    with ExitStack() as failure:
        looker = failure.enter_context(socket.socket(socket.AF_UNIX))
        looker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY)
        looker.settimeout(5)
        looker.connect(str(state / NAME))
        failure.pop_all()
    return looker


async def test_who_looks_in_sees_what_goes_on(tmp_path: Path, sight: Sight, root: Branch):
    async with opened(tmp_path, sight, root):
        assert await asked(tmp_path) == sight.overview
        assert [node.id for node in root.snapshot().children] == ["window-supervisor", "rest"]
    assert not (tmp_path / NAME).exists()


async def test_many_may_look_at_the_same_time_and_few_are_served_at_once(tmp_path: Path, sight: Sight, root: Branch):
    seen: list[Overview] = []

    async def look() -> None:
        seen.append(await asked(tmp_path))

    async with opened(tmp_path, sight, root), trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(look)
        await until(lambda: len(seen) == 20)
    assert sight.most <= MOST_AT_ONCE


async def test_lookers_who_never_read_hold_up_nobody(tmp_path: Path, sight: Sight, root: Branch):
    async with opened(tmp_path, sight, root):
        await asked(tmp_path)
        lookers = [await trio.to_thread.run_sync(rude, tmp_path) for _ in range(50)]
        assert await asked(tmp_path) == sight.overview
        for looker in lookers:
            looker.close()


async def test_who_does_not_take_a_long_answer_is_cut_off(
    tmp_path: Path, sight: Sight, root: Branch, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(window, "ANSWER_SECONDS", 0.1)
    async with opened(tmp_path, sight, root):
        await asked(tmp_path)
        short, sight.overview = sight.overview, Overview(status="x" * 4_000_000)
        lookers = [rude(tmp_path) for _ in range(MOST_AT_ONCE)]
        await until(lambda: sight.looks == 1 + MOST_AT_ONCE)
        sight.overview = short
        assert await asked(tmp_path) == short
        for looker in lookers:
            with looker:
                assert 0 < len(await trio.to_thread.run_sync(partial(_rest, looker))) < 4_000_000


def _rest(looker: socket.socket) -> bytes:
    return b"".join(iter(lambda: looker.recv(1 << 16), b""))


async def test_lookers_who_talk_or_leave_are_no_trouble(tmp_path: Path, sight: Sight, root: Branch):
    async with opened(tmp_path, sight, root) as crashes:
        await asked(tmp_path)
        for _ in range(5):
            with rude(tmp_path) as looker:
                looker.send(b"GET / HTTP/1.1\r\n" * 1000)
        assert await asked(tmp_path) == sight.overview
        assert not crashes


async def test_a_crash_closes_the_window_for_a_moment(tmp_path: Path, sight: Sight, root: Branch):
    async with opened(tmp_path, sight, root) as crashes:
        await asked(tmp_path)
        sight.failures = 1
        rude(tmp_path).close()
        await until(lambda: crashes)
        assert await asked(tmp_path) == sight.overview
        (supervisor, _) = root.snapshot().children
        (again,) = supervisor.children
        assert (again.restarts, again.max_restarts, again.last_error) == (1, 3, "ValueError: a mistake")


async def test_a_window_that_always_crashes_is_given_up_and_nobody_minds(tmp_path: Path, sight: Sight, root: Branch):
    async with opened(tmp_path, sight, root) as crashes:
        sight.failures = 99
        while not any(crash.escalated for crash in crashes):
            with suppress(OSError), rude(tmp_path):
                pass
            await trio.sleep(0.01)
        await until(lambda: [node.id for node in root.snapshot().children] == ["rest"])
        assert root.snapshot().children[0].restarts == 0


async def test_a_socket_that_cannot_be_made_costs_the_view_alone(
    tmp_path: Path, sight: Sight, root: Branch, logs: list[Any]
):
    (tmp_path / NAME).mkdir()
    async with opened(tmp_path, sight, root):
        await until(lambda: logs)
        (supervisor, _) = root.snapshot().children
        assert supervisor.children[0].state is NodeState.FAILED
    assert [line["path"] for line in logs] == [str(tmp_path / NAME)]
