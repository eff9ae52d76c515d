"""Bringing a database to the present schema, one version at a time.

`open_writer` calls `migrate` on every file it opens. The version is SQLite's `user_version`; `STEPS[n]` leads from
version n to n + 1, so a new version is one more function at the end. Each step is one transaction: it happens as
a whole or not at all. A file that holds something is copied aside before each step.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from runner.crashpoint import crashpoints
from runner.domain.errors import DatabaseError
from runner.store import search
from runner.store.original import absorb_tables, is_original, set_tables_aside

APPLICATION_ID = 0x53505254
"""`SPRT`: tells our files from those of every other program."""

Step = Callable[[sqlite3.Connection], None]


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] | None = None) -> None:
    """Take the steps that the file behind this writing connection lacks; leaves `foreign_keys` off when it did.

    Raises DatabaseError when a step fails; the file is then as it was, and the message names the copy.
    """
    steps = STEPS if steps is None else steps
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (holds_something,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    for number in range(version, len(steps)):
        _take(steps[number], number, connection, path, copy=bool(holds_something))


def create(path: Path) -> None:
    """Make a database as a whole: a kill amid that leaves none at all, and never half of one with a hot journal."""
    with _beside(path, "new") as part, closing(sqlite3.connect(part, isolation_level=None)) as connection:
        migrate(connection, part)


def backup_path(path: Path, version: int) -> Path:
    """Where the copy of a file lies that was made before it left this version."""
    return path.with_name(f"{path.name}.v{version}.bak")


def _take(step: Step, number: int, connection: sqlite3.Connection, path: Path, *, copy: bool) -> None:
    """One step in one transaction, references checked at its end."""
    # Rebuilding a table needs the references off; SQLite ignores the switch inside a transaction.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if copy:
            _back_up(path, backup_path(path, number))
        step(connection)
        if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise ValueError(f"row {broken[1]} of {broken[0]} refers to a row of {broken[2]} that is not there")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number + 1}")
        with crashpoints("commit of a migration"):
            connection.execute("COMMIT")
    except BaseException as error:
        # SQLite has rolled back by itself when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, Exception):
            raise _failure(error, number, path) from error
        raise


def _failure(error: Exception, number: int, path: Path) -> DatabaseError:
    backup = backup_path(path, number)
    copy = f" and a copy is {backup}" if backup.exists() else ""
    return DatabaseError(
        f"database {path} cannot be migrated from version {number} to {number + 1} ({error})",
        hint=f"the file is as it was{copy}; name another file with --database to go on without it",
    )


def _back_up(path: Path, target: Path) -> None:
    """Copy the file as last committed; a copy that exists is older and therefore better, and stays."""
    if not target.exists():
        with _beside(target, "part") as part:
            _copy(path, part)


@contextmanager
def _beside(target: Path, suffix: str) -> Iterator[Path]:
    """An empty file, ours alone, for a block to fill with a database; then it takes the place of `target`."""
    part = target.with_name(f"{target.name}.{suffix}")
    for leftover in (part, part.with_name(f"{part.name}-journal")):
        leftover.unlink(missing_ok=True)
    # SQLite gives -wal and -shm the mode of the main file, so the umask never matters.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    part.chmod(0o600)
    try:
        yield part
        with crashpoints("rename of a new database"):
            os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _copy(path: Path, part: Path) -> None:
    # A second connection: SQLite refuses to copy from one that is inside a writing transaction.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
        # The copy has to be a single file, whatever mode the original is in.
        target.execute("PRAGMA journal_mode = DELETE")
    _sync(part)


def _sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _first(connection: sqlite3.Connection) -> None:
    """Version 1: our schema, with what a database of the original tool holds taken over."""
    original = is_original(connection)
    if original:
        set_tables_aside(connection)
    schema = files("runner.store").joinpath("schema.sql").read_text("utf-8")
    for statement in _statements(schema):
        connection.execute(statement)
    if original:
        absorb_tables(connection)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _second(connection: sqlite3.Connection) -> None:
    """Version 2: events can be searched."""
    search.create(connection)
    search.index_events(connection)


def _third(connection: sqlite3.Connection) -> None:
    """Version 3: one database is told from another, whatever path or port it is reached by."""
    connection.execute("CREATE TABLE identity (id TEXT NOT NULL)")
    connection.execute("INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))))")


STEPS: tuple[Step, ...] = (_first, _second, _third)
VERSION = len(STEPS)
"""The version this runner reads and writes."""
