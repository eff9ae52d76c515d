"""A runner on a terminal of its own, and the closing of that terminal."""

import fcntl
import os
import select
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress


class Window:
    """The other side of a terminal: shows, to nobody, what is written, until it is closed."""

    def __init__(self) -> None:
        self._master, self.terminal = os.openpty()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def close(self) -> None:
        """The system tells whoever runs on the terminal by SIGHUP, and their output goes nowhere any more."""
        if not self._closing.is_set():
            self._closing.set()
            self._reader.join()  # a descriptor that is being read would stay open
            os.close(self._master)

    def _read(self) -> None:
        while not self._closing.is_set():
            if select.select([self._master], [], [], 0.02)[0]:
                with suppress(OSError):  # nobody has the terminal open
                    os.read(self._master, 65536)


_windows: dict[int, Window] = {}
"""By the pid of the process that runs on its terminal."""


@contextmanager
def on_a_terminal(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process whose controlling terminal is a new one; killed at the end of the block if it still runs."""
    window = Window()
    with subprocess.Popen(
        argv,
        env={**environment, "TERM": "xterm"},
        stdin=window.terminal,
        stdout=window.terminal,
        stderr=window.terminal,
        text=True,
        start_new_session=True,
        preexec_fn=_take_the_terminal,
    ) as process:
        os.close(window.terminal)
        _windows[process.pid] = window
        try:
            yield process
        finally:
            hang_up(process)
            if process.poll() is None:
                process.kill()
            del _windows[process.pid]


def hang_up(process: "subprocess.Popen[str]") -> None:
    """Close the window of a process."""
    _windows[process.pid].close()


def _take_the_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
