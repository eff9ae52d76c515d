"""The write-ahead log beside a database, looked at before SQLite does.

SQLite takes a log whose header is not valid for an empty one and writes over it, together with all that was committed
there and not yet brought into the database. So a log that cannot be one is refused, and stays as it is.
"""

import struct
from pathlib import Path

from runner.domain.errors import DatabaseDamaged

_HEADER = struct.Struct(">8I")
_MAGICS = (0x377F0682, 0x377F0683)
"""With checksums of little-endian words, and of big-endian ones."""
_FRAME_HEADER = 24


def refuse_foreign_log(path: Path) -> None:
    """Raise DatabaseDamaged when what stands in the place of the database's log is none. Raises OSError."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size <= _HEADER.size + _FRAME_HEADER:
        return  # no frame fits: nothing can be lost
    header = _header(log)
    # One that is being written right now is another when it is read again.
    while not _is_possible(header) and header != (again := _header(log)):
        header = again
    if not _is_possible(header):
        raise DatabaseDamaged(
            f"{log}, the log of database {path}, is not a write-ahead log",
            hint="put both files back from one copy, or move the log aside to go on without what was in it",
        )


def _header(log: Path) -> bytes:
    with log.open("rb") as file:
        return file.read(_HEADER.size)


def _is_possible(header: bytes) -> bool:
    # Of a crash at the very first write SQLite leaves zeros; what it never does is to leave anything else.
    return not any(header) or _is_valid(header)


def _is_valid(header: bytes) -> bool:
    magic, *_, first, second = _HEADER.unpack(header)
    if magic not in _MAGICS:
        return False
    words = struct.unpack(">6I" if magic & 1 else "<6I", header[:24])
    a = b = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        a = (a + even + b) & 0xFFFFFFFF
        b = (b + odd + a) & 0xFFFFFFFF
    return (a, b) == (first, second)
