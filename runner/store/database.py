"""Opening the database: one writer, any number of readers, and every reason to refuse a file.

The recorder opens the writer, queries open readers. A file that is damaged, foreign or of a newer version is
looked at through a read-only connection and then left alone: no byte of it changes, and the error says what to do.
Nothing here reads or writes rows.
"""

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from runner.domain.errors import DatabaseDamaged, DatabaseError, DatabaseLocked
from runner.store.migrations import APPLICATION_ID, VERSION, create, migrate
from runner.store.original import is_original
from runner.store.wal import refuse_foreign_log

BUSY_SECONDS = 5
"""How long opening and reading wait for another program's lock."""
TRY_SECONDS = 0.1
"""How long a change does; the recorder tries it again, for as long as there is time."""
WHOLE_CHECK_LIMIT = 64 * 1024 * 1024
"""Bytes up to which every page is checked (about 0.1 s); of a bigger file only the tables that steer a batch are."""
MARKER = "initialised"
"""File beside the database that names it once it has held something: an empty file is then a lost one."""

_FILES = 4
"""Files that a connection opens, and one to spare."""
_SMALLEST = 512
"""Bytes of the smallest page SQLite knows; it takes a shorter file for an empty database."""
_SETTINGS: tuple[tuple[str, str | int], ...] = (
    ("journal_mode", "wal"),
    ("synchronous", 2),
    ("foreign_keys", 1),
)
_DAMAGED = (
    "move it and its -wal file aside to begin an empty one (story statuses live in sprint-status.yaml),"
    " or put a backup copy in its place"
)
_UNREACHABLE = "check that the file and its folder exist and that you may read and write both"
_FULL = (DatabaseError, "the disk is full for database {path}", "free some space, then resume")
_LOCKED = (DatabaseLocked, "database {path} is locked by another program", "close that program, then resume")
_CLOSED = (DatabaseError, "database {path} cannot be opened", _UNREACHABLE)
_EXPLANATIONS: dict[int, tuple[type[DatabaseError], str, str]] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: (DatabaseError, "database {path} cannot be written", _UNREACHABLE),
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_IOERR: (
        DatabaseError,
        "the disk failed while database {path} was read or written",
        "check the disk, its quota and limits on file size, then resume",
    ),
    sqlite3.SQLITE_CORRUPT: (DatabaseDamaged, "database {path} is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: (DatabaseDamaged, "{path} is not a database", _DAMAGED),
}
_UNKNOWN = (DatabaseError, "database {path} failed", "see the log for details")
_NO_FILES = (
    DatabaseError,
    "database {path} cannot be opened: too many files are open",
    "raise the limit on open files (ulimit -n), then resume",
)


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the database for writing; creates it, and migrates an older one.

    The connection commits by itself unless BEGIN is said, and may be used from any one thread at a time.
    Raises DatabaseError when the file cannot be used; it is then exactly as it was.
    """
    with _translated(path):
        if not _create(path):
            _inspect(path)
            _restrict(path)
        connection = connect(path, "rw")
        try:
            migrate(connection, path)
            _configure(connection, path)
            _mark(path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the database for queries only; the same refusals, but for damage deep in the file."""
    with _translated(path):
        if not path.exists():
            raise DatabaseError(f"there is no database at {path}", hint="start a batch first")
        _refuse_oddities(path)
        refuse_foreign_log(path)
        connection = connect(path, "ro")
        try:
            if _recognise(connection, path) != VERSION:
                raise DatabaseError(
                    f"database {path} is of an older version", hint="start the runner once to migrate it"
                )
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def translate(error: sqlite3.Error, path: Path) -> DatabaseError:
    """Say in the operator's words what SQLite reported."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    kind, message, hint = _EXPLANATIONS.get(code, _UNKNOWN)
    # SQLite has one code for every reason why a file cannot be opened or grown.
    if code == sqlite3.SQLITE_CANTOPEN and _out_of_files():
        kind, message, hint = _NO_FILES
    elif code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _out_of_room(path.parent):
        kind, message, hint = _FULL
    return kind(f"{message.format(path=path)} ({error})", hint=hint)


def _out_of_files() -> bool:
    """Whether a database with its log and index is more than can be opened; what SQLite had open is closed again."""
    with ExitStack() as files:
        try:
            for _ in range(_FILES):
                files.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def _out_of_room(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A bare connection to an existing file; `mode` is `ro` or `rw`."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what the system and SQLite raise while opening into a DatabaseError."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except OSError as error:
        raise DatabaseError(f"database {path} cannot be opened ({error.strerror})", hint=_UNREACHABLE) from error


def _create(path: Path) -> bool:
    """Create the database when there is none; whether it did."""
    size = _refuse_oddities(path) if path.exists() else 0
    if size:
        return False
    _refuse_lost(path)
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    create(path)
    return True


def _refuse_oddities(path: Path) -> int:
    """The size of an existing file that may be a database, told without opening it (a FIFO would block)."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DatabaseError(f"{path} is not a regular file", hint="name another file with --database")
    if 0 < status.st_size < _SMALLEST:
        raise DatabaseError(f"{path} is not a database (only {status.st_size} bytes)", hint=_DAMAGED)
    return status.st_size


def _refuse_lost(path: Path) -> None:
    """Refuse to begin with nothing where there was something: SQLite would drop a leftover -wal without a word."""
    for suffix in ("-wal", "-journal"):
        leftover = path.with_name(path.name + suffix)
        if leftover.exists() and leftover.stat().st_size:
            raise DatabaseError(
                f"database {path} is empty or missing, but {leftover.name} beside it is not",
                hint=f"put the file back, or remove {leftover} to begin an empty history",
            )
    marker = path.with_name(MARKER)
    if marker.exists():
        known = marker.read_text("utf-8", errors="surrogateescape").splitlines()
        if not known or path.name in known:
            raise DatabaseError(
                f"database {path} is empty or missing, but held batches before",
                hint=f"put a copy in its place, or remove {marker} to begin an empty history",
            )


def _inspect(path: Path) -> None:
    """Refuse an existing file that cannot be ours or is damaged; changes nothing in it."""
    refuse_foreign_log(path)
    try:
        _examine(path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        # A crash of the original tool left a transaction half done; only a writing connection can undo it.
        with closing(connect(path, "rw")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        _examine(path)


def _examine(path: Path) -> None:
    with closing(connect(path, "ro")) as connection:
        _recognise(connection, path)
        whole = path.stat().st_size <= WHOLE_CHECK_LIMIT
        for scope in ["1"] if whole else _steering_tables(connection):
            (verdict,) = connection.execute(f"PRAGMA quick_check({scope})").fetchone()
            if verdict != "ok":
                raise DatabaseDamaged(f"database {path} is damaged ({_one_line(verdict)})", hint=_DAMAGED)


def _steering_tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
        " AND name <> 'events' AND name NOT LIKE 'event_search%'"
    )
    return ['"' + name.replace('"', '""') + '"' for (name,) in rows]


def _recognise(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a file that is ours or the original tool's; refuses every other."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    empty = tables == 0 and version == 0 and application == 0
    original = version == 0 and application == 0 and is_original(connection)
    if not (empty or original or application == APPLICATION_ID):
        raise DatabaseError(f"{path} is the database of another program", hint="name another file with --database")
    if version > VERSION:
        raise DatabaseError(
            f"database {path} has version {version}, this runner knows versions up to {VERSION}",
            hint="use the newer runner, or name another file with --database",
        )
    return version


def _restrict(path: Path) -> None:
    """Take other users' rights from a file that the original tool or a copy left open to them."""
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            file.chmod(0o600)


def _configure(connection: sqlite3.Connection, path: Path) -> None:
    """Set what durability rests on, and believe only what SQLite says back."""
    for name, wanted in _SETTINGS:
        connection.execute(f"PRAGMA {name} = {wanted}")
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != wanted:
            raise DatabaseError(
                f"database {path} cannot be used with {name} {wanted} (it stays {found})",
                hint="put it on a local disk with --database",
            )
    # SQLite opens a file that may not be written read-only, and even begins a transaction, without a word.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("ROLLBACK")
    connection.execute(f"PRAGMA busy_timeout = {TRY_SECONDS * 1000:.0f}")


def _mark(path: Path) -> None:
    """Note beside the database that it has held something."""
    marker = path.with_name(MARKER)
    known = marker.read_bytes().splitlines() if marker.exists() else []
    if os.fsencode(path.name) in known:
        return
    descriptor = os.open(marker, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, os.fsencode(path.name) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
