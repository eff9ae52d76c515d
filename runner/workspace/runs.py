"""Run folders: where one attempt's prompt, output, guard lock and receipt lie.

`<state>/runs/<run id>/` is written by the guard and the agent and read by the process actor while it runs, and by
the lifeline after a crash. The output goes to a file and not to a pipe: what an agent has said survives the runner,
and a runner that is slow never makes an agent wait. All functions here block; callers run them in a thread.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.agents.base import Decoder, Signal
from runner.agents.lines import LineSplitter, LineTooLong
from runner.crashpoint import crashpoints

CHUNK = 1 << 20
"""Bytes read at a time: bounds memory, and the time before a stop is noticed, under a flood."""
STDERR_TAIL = 4096
"""Bytes of standard error that are kept with a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The files of one attempt."""

    path: Path

    @property
    def prompt(self) -> Path:
        return self.path / "prompt.txt"

    @property
    def stdout(self) -> Path:
        return self.path / "stdout.ndjson"

    @property
    def stderr(self) -> Path:
        return self.path / "stderr.log"

    @property
    def lock(self) -> Path:
        return self.path / "guard.lock"


def run_folder(state: Path, run_id: str) -> RunFolder:
    return RunFolder(path=state / "runs" / run_id)


def prepare(folder: RunFolder, prompt: str) -> None:
    """Make the folder and write the prompt, both readable by the owner alone."""
    folder.path.parent.mkdir(mode=0o700, exist_ok=True)
    with crashpoints("creation of a run folder"):
        folder.path.mkdir(mode=0o700)
    descriptor = os.open(folder.prompt, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(prompt.encode("utf-8", "replace"))


def prune(state: Path, oldest_ms: int) -> None:
    """Remove run folders that were last written to before that time; what cannot be removed stays."""
    runs = state / "runs"
    for path in list(runs.iterdir()) if runs.is_dir() else []:
        with suppress(OSError):
            if path.lstat().st_mtime_ns < oldest_ms * 1_000_000 and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)


def stderr_tail(folder: RunFolder) -> str:
    """The end of standard error; empty when there is none."""
    try:
        # The agent may have put something else in its place: what is no plain file must not block.
        descriptor = os.open(folder.stderr, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - STDERR_TAIL))
            return (file.read(STDERR_TAIL) or b"").decode("utf-8", "replace").strip()
    except OSError:
        return ""


class Tail:
    """Follows one run's standard output through a decoder. One call at a time, from any thread."""

    def __init__(self, folder: RunFolder, decoder: Decoder) -> None:
        # After a crash the agent may have put something else in its place: it must neither block nor lead elsewhere.
        flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._file = os.open(folder.stdout, flags, 0o600)
        self._errors = folder.stderr
        self._decoder = decoder
        self._splitter = LineSplitter()
        self._offset = 0

    def grown(self) -> bool:
        """Whether there is output that has not been read; cheap enough for the event loop."""
        return os.fstat(self._file).st_size > self._offset

    def unread(self) -> int:
        """Bytes written and not read yet."""
        return max(0, os.fstat(self._file).st_size - self._offset)

    def size(self) -> int:
        """Bytes written so far to standard output and standard error together."""
        try:
            errors = self._errors.stat().st_size
        except OSError:
            errors = 0
        return os.fstat(self._file).st_size + errors

    def read(self, most: int = CHUNK) -> list[Signal]:
        """Decode the next piece of output; raises LineTooLong after what stood before the long line."""
        data = os.pread(self._file, most, self._offset)
        self._offset += len(data)
        try:
            return self._decoded(self._splitter.feed(data))
        except LineTooLong as error:
            self._decoded(error.lines)
            raise

    def _decoded(self, lines: list[bytes]) -> list[Signal]:
        return [signal for line in lines if line for signal in self._decoder.feed(line)]

    def finish(self) -> list[Signal]:
        """Decode a last line that has no newline; the agent writes no more."""
        rest = self._splitter.rest
        return list(self._decoder.feed(rest)) if rest else []

    def close(self) -> None:
        os.close(self._file)
