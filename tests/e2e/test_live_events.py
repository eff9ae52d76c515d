"""Every event reaches every browser once and in order: over cuts, crashes of the web, and `kill -9` of the runner.

The events are those of a real sprint. What the browsers have at the end is compared with the database.
"""

import random
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.control import StartBatch
from runner.app import EXIT_CODES, Outfit, run_batch
from runner.dashboard import Serving
from runner.outfit import Options
from tests.e2e.test_actor_crashes import Place, plant
from tests.support.checker import violations
from tests.support.inside import outfitted, unseen
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import query, run, started, wait_until
from tests.support.watching import Browser

CHATTY = [{"actions": [{"sleep": 0.05}, "builtin", {"say": "words"}, {"sleep": 0.05}]}]
BROWSERS = 12


@contextmanager
def served(folder: Path) -> Iterator[tuple[Outfit, int]]:
    """A project with a dashboard, and its port."""
    project = make_project(folder / "project", SIX_STORIES)
    options = Options(
        project=project, agent="scripted", scenario=write_scenario(folder, CHATTY), serving=Serving(port=0)
    )
    with outfitted(options, {}) as prepared:
        assert prepared.dashboard is not None
        try:
            yield prepared, prepared.dashboard.offer.rules.port
        finally:
            for sock in prepared.dashboard.offer.sockets:
                sock.close()


@asynccontextmanager
async def watched(browsers: list[Browser]) -> AsyncIterator[trio.Nursery]:
    """They watch for the length of the block; then the last events may still be on their way."""
    with trio.fail_after(40):
        async with trio.open_nursery() as nursery:
            for browser in browsers:
                nursery.start_soon(browser.watch)
            yield nursery
            nursery.cancel_scope.cancel()


async def cut_at_random(browsers: list[Browser], chance: random.Random) -> None:
    """Each watches and is cut off, again and again."""

    async def come_and_go(browser: Browser) -> None:
        while True:
            with trio.move_on_after(chance.uniform(0.01, 0.4)):
                await browser.watch()
            await trio.sleep(chance.uniform(0, 0.1))

    async with trio.open_nursery() as nursery:
        for browser in browsers:
            nursery.start_soon(come_and_go, browser)


def last_seq(project: Path) -> int:
    rows = query(project, "SELECT coalesce(max(id), 0) FROM events")
    return int(str(rows[0][0])) if rows else 0


async def test_browsers_that_come_and_go_miss_nothing_and_hear_nothing_twice(tmp_path: Path):
    chance = random.Random(3)
    with served(tmp_path) as (prepared, port):
        cut, steady = [Browser(port) for _ in range(BROWSERS)], [Browser(port) for _ in range(3)]
        async with watched(steady) as nursery:
            nursery.start_soon(cut_at_random, cut, chance)
            ended = await run_batch(prepared, StartBatch(max_cycles=1), unseen, say=lambda _: None)
        assert EXIT_CODES[ended.status] == 0
        last = last_seq(prepared.paths.root)
    for browser in steady:
        assert browser.complete()
        assert (browser.last, browser.connections) == (last, 1)
    for browser in cut:
        assert browser.complete(), browser.seqs
        assert browser.connections > 3
    assert max(browser.last for browser in cut) > last // 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        Place("server", "web.transport.Connection.protocol_send", call=30, restarted=frozenset()),
        Place("accepting", "web.server.serve", restarted=frozenset({"server"})),
        Place("delivery", "web.delivery.Delivery._push", call=20, restarted=frozenset({"delivery"})),
        Place("delivery at its start", "web.records.Records.last_seq", restarted=frozenset({"delivery"})),
        Place("live handler", "web.live.Live._bring_up", call=2, restarted=frozenset()),
        Place("status", "web.control_api.ControlApi.status", restarted=frozenset()),
        Place("pulse", "web.pulse.Pulse.run", restarted=frozenset({"pulse"})),
        Place("joining", "web.site.build", restarted=frozenset({"site"})),
    ],
    ids=str,
)
async def test_a_crash_of_the_web_touches_no_batch_and_loses_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
):
    crashes = plant(monkeypatch, place)
    with served(tmp_path) as (prepared, port):
        browsers = [Browser(port) for _ in range(4)]
        async with watched(browsers) as nursery:
            nursery.start_soon(_ask_for_status, port)
            ended = await run_batch(prepared, StartBatch(max_cycles=1), unseen, say=lambda _: None)
        root = prepared.paths.root
        restarted = {
            str(child)
            for (child,) in query(
                root, "SELECT payload_json ->> 'child' FROM events WHERE event_type = 'supervisor:restart'"
            )
        }
        assert (crashes(), ended.status) == (1, "completed"), [b.connections for b in browsers]
        assert restarted == place.restarted
        assert not violations(root)
        for browser in browsers:
            assert browser.complete(), browser.seqs
            assert browser.types[-1] == "batch:end"
            assert browser.last == last_seq(root)


async def _ask_for_status(port: int) -> None:
    """Somebody who looks at the status all the time."""
    request = f"GET /api/orchestrator/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    while True:
        try:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(request.encode())
                async for _ in stream:
                    pass
        except (OSError, trio.BrokenResourceError):
            pass
        await trio.sleep(0.05)


def free_port(chance: random.Random) -> int:
    """A free port that is no client's: who connects where nobody listens may else be connected with itself."""
    while True:
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", chance.randint(20_000, 30_000)))
            return int(sock.getsockname()[1])


@pytest.mark.slow
async def test_events_go_on_where_they_stopped_after_kill_9_and_resume(tmp_path: Path):
    project = make_project(tmp_path / "project", SIX_STORIES)
    scenario, port = write_scenario(tmp_path, CHATTY), free_port(random.SystemRandom())
    chance = random.Random(5)
    steady, cut = [Browser(port) for _ in range(3)], [Browser(port) for _ in range(3)]
    arguments = ["--cycles", "3"]
    async with watched(steady) as nursery:
        nursery.start_soon(cut_at_random, cut, chance)
        for kill_at in (40, 120):
            await trio.to_thread.run_sync(
                partial(_run_until, project, scenario, [*arguments, "--port", str(port)], kill_at)
            )
            arguments = ["--resume"]
        done = await trio.to_thread.run_sync(partial(run, project, scenario, "--resume", "--port", str(port)))
        assert done.returncode == 0, done.stderr
    assert not violations(project)
    last = last_seq(project)
    for browser in steady:
        assert browser.complete(), browser.seqs
        assert browser.last == last
    for browser in cut:
        assert browser.complete(), browser.seqs


def _run_until(project: Path, scenario: Path, arguments: list[str], seq: int) -> None:
    """Run until so many events are stored, then kill the runner."""
    with started(project, scenario, *arguments) as runner:
        wait_until(lambda: last_seq(project) >= seq)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
