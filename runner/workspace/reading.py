"""Reading files that somebody else wrote, within limits.

Used by every module of this package. Never blocks on a pipe or device that stands where a file should be, and
never reads more than it was told to.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def read_regular(path: Path, *, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Raises OSError for everything else; its `strerror` is fit for an operator.
    """
    # O_NONBLOCK: opening a FIFO without a writer would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit // 1024} KiB", str(path))
    return data


def open_regular(name: str | Path, *, folder: int | None = None) -> BinaryIO:
    """A regular file, open for reading; `folder` is the descriptor of the folder that `name` is looked for in.

    Raises OSError for everything else. A link is not followed: who writes into that folder must not decide which
    file is read.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(name))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """The descriptor of a folder: what is opened through it lies in it, whatever is renamed meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_regular(path: Path) -> bool:
    """Whether a regular file can be found there; links are followed."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
