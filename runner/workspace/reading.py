"""Reading files that somebody else wrote, within limits.

Used by every module of this package. Never blocks on a pipe or device that stands where a file should be, and
never reads more than it was told to.
"""

import errno
import os
import stat
from pathlib import Path


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


def is_regular(path: Path) -> bool:
    """Whether a regular file can be found there; links are followed."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
