"""A real runner that serves its dashboard and waits, as a child process that can be killed and started again."""

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.runs import command, environment, wait_until


class Served:
    """The runner of a project, on a port of its own that it keeps."""

    def __init__(self, project: Path, scenario: Path | None, *, demo: bool = False) -> None:
        self.project = project
        self._scenario = scenario
        self._options = ("--demo",) if demo else ()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Until it answers."""
        self._process = subprocess.Popen(
            command(self.project, self._scenario, "--port", str(self.port), *self._options),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers)

    def kill(self) -> None:
        """As the machine would: nothing is said to anybody."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an operator would."""
        self._end(signal.SIGTERM)

    def _end(self, sent: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sent)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the runner ended with {self._process.returncode}"
        try:
            return bool(self.get("/api/orchestrator/status"))
        except urllib.error.URLError:
            return False

    def get(self, path: str) -> Any:
        """The body of an answer."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
            return json.load(answer)

    def status(self, path: str) -> int:
        """The status of an answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return int(refused.code)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The body of an answer to an order."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def begin(self, cycles: int | str = 1) -> int:
        """Start a batch; its id."""
        return int(self.post("/api/orchestrator/start", {"max_cycles": cycles})["batch_id"])

    def idle(self) -> bool:
        """Whether nothing runs, and the end of what ran is on record."""
        board = self.get("/api/board")["board"]
        recorded = board["batch_id"] is None or board["ended_at"] is not None
        return recorded and self.get("/api/orchestrator/status")["status"] == "idle"


@contextmanager
def served(project: Path, scenario: Path | None = None, *, demo: bool = False) -> Iterator[Served]:
    """A runner that waits for orders; ended with the block. `demo`: of the sample project, copied to a new folder."""
    runner = Served(project, scenario, demo=demo)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()
