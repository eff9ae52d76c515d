"""The socket in the state folder through which a running runner tells what goes on: both of its ends.

The window listens, `status` asks. One connection is one answer, as JSON, and the asker says nothing at all. The
folder is reached through an open descriptor, so that the path may be longer than an address of the kernel's. What
stands at the socket's name is never opened and never followed.
"""

import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "status.sock"
BACKLOG = 64
PATIENCE_SECONDS = 2.0
"""How long a runner that is alive may take to answer."""
LIMIT = 8 << 20
"""Most bytes of an answer: a tree of ten thousand nodes."""
_RETRY_SECONDS = 0.02


class NoAnswer(Exception):
    """The runner has not told; says why in a few words."""


def listen(state: Path) -> socket.socket:
    """Listen, in place of whatever an earlier runner has left there; blocks. Raises OSError.

    To be called by the holder of the project's lock: a socket that is there already is then a dead one.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _folder(state) as (folder, address):
            _clear(folder)
            # The kernel takes the socket's own mode for the file: nobody else could connect at any time.
            with suppress(OSError):
                os.fchmod(listener.fileno(), 0o600)
            listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def remove(state: Path) -> None:
    """Take the socket's name away; blocks. What cannot be removed is left to the next runner."""
    with suppress(OSError), _folder(state) as (folder, _):
        _clear(folder)


def ask(state: Path) -> bytes:
    """The answer of the runner that holds the project; blocks. Raises NoAnswer within PATIENCE_SECONDS."""
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        with _folder(state) as (folder, address), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
            if not stat.S_ISSOCK(os.stat(NAME, dir_fd=folder, follow_symlinks=False).st_mode):
                raise NoAnswer(f"{state / NAME} is not its socket")
            _connect(asker, address, end)
            return _everything(asker, end)
    except FileNotFoundError:
        raise NoAnswer(f"it has no {NAME}") from None
    except TimeoutError:
        raise NoAnswer(f"nothing heard for {PATIENCE_SECONDS:g} s") from None
    except OSError as error:
        raise NoAnswer(error.strerror or str(error)) from None


@contextmanager
def _folder(state: Path) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder, and the address of the socket in it, as short as the kernel wants it."""
    descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{descriptor}"
        yield descriptor, os.path.join(short if os.path.isdir(short) else state, NAME)
    finally:
        os.close(descriptor)


def _clear(folder: int) -> None:
    """Remove what stands at the name: a socket, or whatever else takes its place. A folder raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(NAME, dir_fd=folder)


def _connect(asker: socket.socket, address: str, end: float) -> None:
    while True:
        asker.settimeout(_left(end))
        try:
            asker.connect(address)
        except BlockingIOError:
            # So many wait already that the kernel takes no more; it does not say when it will.
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _everything(asker: socket.socket, end: float) -> bytes:
    answer = bytearray()
    while True:
        asker.settimeout(_left(end))
        if not (data := asker.recv(1 << 16)):
            return bytes(answer)
        answer += data
        if len(answer) > LIMIT:
            raise NoAnswer("its answer has no end")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
