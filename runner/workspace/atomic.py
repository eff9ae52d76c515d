"""Replacing a file as a whole: a reader sees the old content or the new, also after a power cut.

Used for the sprint file, discovery files and settings. Never leaves a half-written file under the real name.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.crashpoint import crashpoints

_NEW_FILE_MODE = 0o644
_PREFIX, _SUFFIX = ".sprint-runner-", ".tmp"


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace (or create) `path`; `mode` None keeps the replaced file's mode and owner. Raises OSError."""
    with staged(path, data, mode=mode) as replace:
        replace()


@contextmanager
def staged(path: Path, data: bytes, *, mode: int | None = None) -> Iterator[Callable[[], None]]:
    """The new content, already safe on disk beside the old; the yielded function puts it in place.

    Leaving the block without calling it drops the new content. For callers that have to look once more at the
    old file, right before it is replaced.
    """
    # A link is followed, so that the file it points to is replaced and not the link.
    target = Path(os.path.realpath(path))
    descriptor, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent)
    try:
        with open(descriptor, "wb") as file:
            _adopt(file.fileno(), target, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield lambda: _put_in_place(name, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def remove_staged(beside: Path) -> None:
    """Remove what a kill has left beside a file that was being replaced; for who knows that nobody is at it now."""
    for left in Path(os.path.realpath(beside)).parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def _put_in_place(name: str, target: Path) -> None:
    with crashpoints("replacement of a file"):
        os.replace(name, target)
    # The rename itself lives in the folder: without this it may be lost though the data is not.
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make created, renamed and removed names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _adopt(descriptor: int, target: Path, mode: int | None) -> None:
    try:
        old = os.stat(target)
    except FileNotFoundError:
        os.fchmod(descriptor, _NEW_FILE_MODE if mode is None else mode)
        return
    # A runner started by root must not take a file away from its owner; others may not give files away.
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777 if mode is None else mode)
