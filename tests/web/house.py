"""A runner with its dashboard, in a thread of the tests' own process, and clients that speak raw TCP to it.

Everything is real: sockets on a free port, the database, the supervision tree, the scripted agent. One house serves
many tests, so no test may leave it different; those that do (a batch, a shutdown) open one of their own. The tests
are its clients and block; that they share a process with it costs some milliseconds of its time, no more.
"""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio

from runner.app import Parts, _supervisor, build
from runner.dashboard import Serving
from runner.domain.events import BatchWarning, Event
from runner.outfit import Options
from tests.support.inside import outfitted
from tests.support.project import SIX_STORIES, make_project, write_scenario, write_settings
from tests.web.wire import PATIENCE_SECONDS, Hung, Reply, Watcher, Wire

Result = TypeVar("Result")
LOOPBACK = "127.0.0.1"
STATUS = "/api/orchestrator/status"
START = "/api/orchestrator/start"


@dataclass(kw_only=True)
class House:
    """A runner that waits for control, and its port."""

    port: int
    project: Path
    parts: Parts
    token: str = ""
    _trio_token: trio.lowlevel.TrioToken | None = None

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    # --- inside -----------------------------------------------------------------------------------------------------

    def inside(self, function: Callable[[], Result]) -> Result:
        """Call it in the event loop."""
        return trio.from_thread.run_sync(function, trio_token=self._trio_token)

    def tell(self, *events: Event) -> None:
        """Have events happen."""

        async def tell() -> None:
            for event in events:
                await self.parts.recorder.tell(event)

        trio.from_thread.run(tell, trio_token=self._trio_token)

    def column(self, name: str, table: str, where: str = "1") -> list[str]:
        """What the database holds there."""
        database = self.project / ".sprint-runner" / "sprint-runner.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute(f"SELECT {name} FROM {table} WHERE {where}").fetchall()
        return [str(value) for (value,) in rows]

    def batches(self) -> int:
        """How many were ever started."""
        return len(self.column("id", "batches"))

    def crashes(self) -> list[str]:
        """Of parts of the runner, which had to be started again."""
        return self.column("payload_json", "events", "event_type LIKE 'supervisor:%'")

    # --- clients ----------------------------------------------------------------------------------------------------

    @contextmanager
    def wire(self, *, family: socket.AddressFamily = socket.AF_INET, window: int = 0) -> Iterator[Wire]:
        """A connection; with `window`, one that holds no more than so many bytes unread."""
        with closing(self.connect(family=family, window=window)) as sock:
            yield Wire(sock)

    def connect(self, *, family: socket.AddressFamily = socket.AF_INET, window: int = 0) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.settimeout(PATIENCE_SECONDS)
        sock.connect((LOOPBACK if family == socket.AF_INET else "::1", self.port))
        return sock

    def ask(self, data: bytes, *, family: socket.AddressFamily = socket.AF_INET) -> Reply:
        """Send bytes on a connection of their own; the first answer."""
        with self.wire(family=family) as wire:
            wire.send(data)
            return wire.reply(bodiless=data.startswith(b"HEAD "))

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Reply:
        """An ordinary request."""
        return self.ask(self.request(path, headers, method=method))

    def post(self, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **more: str) -> Reply:
        kind = {"Content-Type": "application/json"} if body else {}
        return self.ask(self.request(path, {**kind, **(headers or {})}, method=more.get("method", "POST"), body=body))

    def request(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes = b""
    ) -> bytes:
        """The bytes of a request as a well-behaved client sends it; `headers` come on top."""
        lengths = {"Content-Length": str(len(body))} if body or method in ("POST", "PUT") else {}
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given = {"Host": self.host, **bearer, **lengths, **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body

    def handshake(self, path: str = "/ws", headers: Mapping[str, str] | None = None) -> bytes:
        """The bytes that ask for a WebSocket."""
        asked = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        return self.request(path, {**asked, **(headers or {})})

    @contextmanager
    def watching(self, path: str = "/ws", *, window: int = 0) -> Iterator[Watcher]:
        """A WebSocket that is open, and caught up."""
        with self.wire(window=window) as wire:
            wire.send(self.handshake(path))
            assert wire.reply().status == 101
            yield Watcher(wire)

    # --- is it well? ------------------------------------------------------------------------------------------------

    def answer_seconds(self, times: int = 7) -> float:
        """How long the status takes, on new connections, in the median."""
        return sorted(self._timed() for _ in range(times))[times // 2]

    def _timed(self) -> float:
        began = time.perf_counter()
        assert self.get(STATUS).status == 200
        return time.perf_counter() - began

    def is_well(self, seconds: float = 0.05) -> bool:
        """Whether it answers as fast as ever; a loaded machine has several chances. No part of it has crashed."""
        return not self.crashes() and any(self.answer_seconds() < seconds for _ in range(10))


def noise(count: int, *, size: int = 200) -> Sequence[Event]:
    """Events that mean nothing."""
    return [BatchWarning(batch_id=1, message="x" * size, warning_type="noise") for _ in range(count)]


def small_project(folder: Path) -> tuple[Path, Path]:
    """A project and the scenario of its agents."""
    return make_project(folder / "project", SIX_STORIES), write_scenario(folder)


@contextmanager
def house(folder: Path, *, settings: Mapping[str, int] | None = None, **serving: Any) -> Iterator[House]:
    """A runner for the length of the block, on a project of its own."""
    project, scenario = small_project(folder)
    write_settings(project, **(settings or {}))
    with housed(project, scenario, **serving) as here:
        yield here


@contextmanager
def housed(project: Path, scenario: Path, **serving: Any) -> Iterator[House]:
    """A runner on this project for the length of the block; its parts may not crash."""
    options = Options(project=project, agent="scripted", scenario=scenario, serving=Serving(**{"port": 0, **serving}))
    with outfitted(options, {}) as outfit:
        dashboard = outfit.dashboard
        assert dashboard is not None
        parts = build(outfit)
        here = House(port=dashboard.offer.rules.port, project=project, parts=parts, token=dashboard.offer.rules.token)
        try:
            with _in_thread(here, _supervisor(outfit, parts).run):
                yield here
        finally:
            for sock in dashboard.offer.sockets:
                sock.close()


@contextmanager
def _in_thread(here: House, run: Callable[..., Any]) -> Iterator[None]:
    """The tree runs in a thread until the block ends."""
    ready, failures = threading.Event(), list[BaseException]()
    leave = trio.CancelScope()

    async def main() -> None:
        here._trio_token = trio.lowlevel.current_trio_token()
        with leave:
            async with trio.open_nursery() as nursery:
                await nursery.start(run, here.parts.runner.branch)
                ready.set()

    def thread() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # handed to the test below
            failures.append(error)
        finally:
            ready.set()

    served = threading.Thread(target=thread, name="house")
    served.start()
    try:
        ready.wait(PATIENCE_SECONDS)
        if not failures:
            # The server starts after the tree: the first answer tells that it has.
            with suppress(Hung):
                assert here.get("/healthz").status == 200
            assert not here.crashes(), "it cannot be served"
            yield
    finally:
        with suppress(trio.RunFinishedError):
            here.inside(partial(leave.cancel, "the test is over"))
        served.join(PATIENCE_SECONDS)
        assert not served.is_alive(), "the runner does not end"
    if failures:
        raise failures[0]
