"""From an agent's line to a browser: through the run's file, the tail, the commit, the fan-out and the socket.

A real run of the scripted agent says when it says what it says; the clients, in a process of their own, compare that
with the moment at which it has come. One clock for all, that of the machine.
"""

import json
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trio

from actors.control import StartBatch
from benchmarks.measure import Row
from runner.app import run_batch
from runner.dashboard import Serving
from runner.outfit import Options
from tests.support.inside import outfitted, unseen
from tests.support.project import make_project, write_scenario

RATE = 200
SECONDS = 10
BROWSERS = 50
BOUND_MS = 100.0
TICK = re.compile(rb'"message":"tick \d+ (\d+)"')


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        latencies = sorted(trio.run(_measure, Path(folder)))
    wanted = RATE * SECONDS * BROWSERS
    p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
    figure = f"p50 {p50:.1f}, p99 {p99:.1f}, max {latencies[-1]:.1f} ms; {len(latencies):,} of {wanted:,} came"
    return [
        Row(
            what=f"an agent's line in each of {BROWSERS} browsers, {RATE} lines a second",
            figure=figure,
            bound=f"p99 ≤ {BOUND_MS:.0f} ms, all",
            kept=p99 <= BOUND_MS and len(latencies) == wanted,
        )
    ]


async def _measure(folder: Path) -> list[float]:
    project = make_project(folder / "project", {"1-1-one": "review"})
    actions = [{"sleep": 4}, {"tick": {"rate": RATE, "seconds": SECONDS}}, {"say": "ZERO ISSUES"}]
    scenario = write_scenario(folder, [{"command": "code-review-1", "actions": actions}])
    options = Options(project=project, agent="scripted", scenario=scenario, serving=Serving(port=0))
    with outfitted(options, {}) as prepared:
        assert prepared.dashboard is not None
        port = prepared.dashboard.offer.rules.port
        with _browsers(port) as clients:
            await run_batch(prepared, StartBatch(max_cycles=1), unseen, say=lambda _: None)
            out = await trio.to_thread.run_sync(clients.communicate)
    latencies: list[float] = json.loads(out[0])
    return latencies


def _browsers(port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "benchmarks.end_to_end", str(port)], stdout=subprocess.PIPE)


class Client:
    """A browser: counts what comes, and how old it is."""

    def __init__(self, port: int) -> None:
        self.sock = _connected(port)
        self._left = b""
        request = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        self.sock.sendall(request.encode())

    def read(self, latencies: list[float]) -> bool:
        """Take what has come; False at the end."""
        data = self.sock.recv(1 << 18)
        now, text, end = time.monotonic_ns(), self._left + data, 0
        for tick in TICK.finditer(text):
            latencies.append((now - int(tick[1])) / 1e6)
            end = tick.end()
        self._left = text[end:]
        return bool(data)


def _connected(port: int) -> socket.socket:
    """As soon as somebody listens."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.05)


def main(port: int) -> None:
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(BROWSERS):
            client = Client(port)
            selector.register(client.sock, selectors.EVENT_READ, client)
        while selector.get_map():
            for key, _ in selector.select():
                if not key.data.read(latencies):
                    selector.unregister(key.fileobj)
    print(json.dumps(latencies))


if __name__ == "__main__":
    main(int(sys.argv[1]))
