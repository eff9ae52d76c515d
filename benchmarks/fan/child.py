"""A child process that is spoken to in lines: a server, or the clients, which are compiled first."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CLIENT = Path(__file__).with_name("client.c")
CHECKOUT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


class ChildFailed(Exception):
    """A child ended, or did not answer in time."""


class Child:
    """Speaks lines with one process, which does not outlive the `with`."""

    def __init__(self, argv: list[str], *, core: int | None) -> None:
        self.name = Path(argv[0]).name
        self._errors = os.memfd_create("errors")
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0, cwd=CHECKOUT
        )
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        os.close(self._errors)

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    def order(self, what: str, **details: int) -> None:
        self.say(json.dumps({"do": what, **details}))

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next answer; raises ChildFailed when there is none within that time."""
        assert self._process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._unread:
            if not select.select([self._process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise ChildFailed(f"{self.name} did not answer within {seconds:g} s")
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                raise ChildFailed(f"{self.name} ended: {self._last_words()}")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def wait(self, seconds: float) -> None:
        """Until it ends of itself; who does not is killed by the `with`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def cpu_seconds(self) -> float:
        """From outside, in ticks of 10 ms: for a server that is too busy to answer."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def waited_seconds(self) -> float:
        """How long its first thread was ready to run and its core was busy with others; 0 where it is not told."""
        try:
            return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[1]) / 1e9
        except OSError:
            return 0.0

    def peak_kb(self) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

    def _last_words(self) -> str:
        lines = os.pread(self._errors, 1 << 20, 0).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"


def compile_client(folder: Path) -> Path:
    """The program of client.c; without zlib it only counts compressed frames."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit(
            "The fan-out benchmark needs a C compiler for its clients: there is no cc, gcc or clang on the PATH."
        )
    program = folder / "client"
    command = [compiler, "-O2", "-o", str(program), str(CLIENT)]
    if subprocess.run([*command, "-DWITH_ZLIB", "-lz"], capture_output=True).returncode == 0:
        return program
    plain = subprocess.run(command, capture_output=True, text=True)
    if plain.returncode != 0:
        sys.exit(f"{compiler} could not compile {CLIENT.name}: {plain.stderr.strip().splitlines()[-1]}")
    print("There is no zlib to compile with: the latency of compressed frames is not measured.", file=sys.stderr)
    return program
