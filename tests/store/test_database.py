"""Opening databases: real files in temporary folders. A refused file is compared with itself byte for byte."""

import hashlib
import os
import resource
import shutil
import sqlite3
import stat
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.crashpoint import set_trap
from runner.domain.errors import DatabaseDamaged, DatabaseError, DatabaseLocked
from runner.store import wal
from runner.store.database import MARKER, TRY_SECONDS, WHOLE_CHECK_LIMIT, open_reader, open_writer, translate
from runner.store.migrations import APPLICATION_ID, VERSION
from runner.store.wal import refuse_foreign_log

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sprint-runner.db"


@pytest.fixture
def open_mask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def fill(path: Path, batches: int = 500) -> None:
    """A database of ours with rows in it, checkpointed into the one file."""
    with closing(open_writer(path)) as writer:
        writer.execute("BEGIN")
        rows = [(number, "x" * 200) for number in range(batches)]
        writer.executemany("INSERT INTO batches (started_at, reason) VALUES (?,?)", rows)
        writer.execute("COMMIT")


def plain_database(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


# A new database


def test_new_database_holds_the_schema_and_its_marks(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        assert pragma(writer, "user_version") == VERSION
        assert pragma(writer, "application_id") == APPLICATION_ID
        assert writer.execute("SELECT count(*) FROM batches").fetchone() == (0,)
    assert (path.parent / MARKER).read_text() == f"{path.name}\n"


def test_writer_is_set_up_for_durability(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        assert pragma(writer, "journal_mode") == "wal"
        assert pragma(writer, "synchronous") == 2
        assert pragma(writer, "foreign_keys") == 1
        assert pragma(writer, "busy_timeout") == TRY_SECONDS * 1000
        assert writer.isolation_level is None
        with pytest.raises(sqlite3.IntegrityError):
            writer.execute(
                "INSERT INTO stories (batch_id, story_key, epic_id, status, started_at) VALUES (9,'','','',1)"
            )


@pytest.mark.usefixtures("open_mask")
def test_all_files_are_private_whatever_the_umask(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        writer.execute("INSERT INTO batches (started_at) VALUES (1)")
        names = {file.name: mode(file) for file in path.parent.iterdir()}
    assert names == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600, MARKER: 0o600}


def test_database_open_to_others_is_closed_to_them(path: Path) -> None:
    fill(path)
    path.chmod(0o666)
    with closing(open_writer(path)) as writer:
        writer.execute("INSERT INTO batches (started_at) VALUES (1)")
        assert {mode(path), mode(path.with_name(path.name + "-wal")), mode(path.with_name(path.name + "-shm"))} == {
            0o600
        }


def test_second_opening_keeps_rows_and_marks_once(path: Path) -> None:
    fill(path, batches=3)
    fill(path, batches=2)
    with closing(open_reader(path)) as reader:
        assert reader.execute("SELECT count(*) FROM batches").fetchone() == (5,)
    assert (path.parent / MARKER).read_text() == f"{path.name}\n"


def test_two_databases_share_a_folder(path: Path) -> None:
    other = path.with_name("other.db")
    fill(path)
    fill(other)
    assert (path.parent / MARKER).read_text().splitlines() == [path.name, other.name]


def test_odd_names_are_names(tmp_path: Path) -> None:
    path = tmp_path / "50% of? #1 è.db"
    fill(path, batches=1)
    with closing(open_reader(path)) as reader:
        assert reader.execute("SELECT count(*) FROM batches").fetchone() == (1,)
    assert sorted(file.name for file in tmp_path.iterdir() if "db" in file.name)[0] == path.name


def test_empty_file_of_a_start_cut_short_is_taken_as_new(path: Path) -> None:
    path.touch(mode=0o644)
    fill(path, batches=1)
    assert mode(path) == 0o600


def test_rows_committed_before_a_kill_are_there_after_it(path: Path, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(open_writer(path)) as writer:
        writer.execute("INSERT INTO batches (started_at) VALUES (7)")
        for file in (path, path.with_name(path.name + "-wal")):
            shutil.copy(file, crashed)
    with closing(open_writer(crashed / path.name)) as writer:
        assert writer.execute("SELECT started_at FROM batches").fetchall() == [(7,)]


# Readers


def test_reader_cannot_write(path: Path) -> None:
    fill(path)
    with closing(open_reader(path)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM batches")


def test_reader_sees_what_the_writer_commits(path: Path) -> None:
    with closing(open_writer(path)) as writer, closing(open_reader(path)) as reader:
        writer.execute("INSERT INTO batches (started_at) VALUES (1)")
        assert reader.execute("SELECT count(*) FROM batches").fetchone() == (1,)


def test_reader_of_a_missing_database_creates_nothing(path: Path) -> None:
    with pytest.raises(DatabaseError, match="start a batch first"):
        open_reader(path)
    assert not path.exists()


def test_reader_does_not_migrate(path: Path) -> None:
    plain_database(path, ORIGINAL_SIGNATURE)
    before = digest(path)
    with pytest.raises(DatabaseError, match="older version"):
        open_reader(path)
    assert digest(path) == before


# Refusals

ORIGINAL_SIGNATURE = """
    CREATE TABLE batches (id INTEGER PRIMARY KEY, started_at, ended_at, max_cycles, cycles_completed, status);
    CREATE TABLE stories (id INTEGER PRIMARY KEY, batch_id, story_key, epic_id, status, started_at, ended_at);
    CREATE TABLE events (id INTEGER PRIMARY KEY, batch_id, story_id, command_id, timestamp, epic_id, story_key,
        command, task_id, status, message);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    name: str
    spoil: Callable[[Path], object]
    says: str
    reader_too: bool = True


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(data)


def filled(change: Callable[[Path], object]) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        fill(path)
        change(path)

    return spoil


def of_version(path: Path) -> None:
    plain_database(path, f"PRAGMA user_version = {VERSION + 1}")


def of_version_in_the_log(path: Path) -> None:
    """As a newer runner leaves it when it is killed: only the -wal says the new version."""
    source = path.with_name("source.db")
    fill(source)
    with closing(open_writer(source)) as writer:
        writer.execute(f"PRAGMA user_version = {VERSION + 1}")
        shutil.copy(source, path)
        shutil.copy(f"{source}-wal", f"{path}-wal")


REFUSALS = (
    Refusal(name="text", spoil=lambda path: path.write_text("hello\n" * 500), says="is not a database"),
    Refusal(name="one byte", spoil=lambda path: path.write_bytes(b"x"), says="is not a database"),
    Refusal(name="zeros", spoil=lambda path: path.write_bytes(bytes(8192)), says="is not a database"),
    Refusal(name="header", spoil=filled(lambda path: overwrite(path, 0, b"junk" * 10)), says="is not a database"),
    Refusal(name="schema page", spoil=filled(lambda path: overwrite(path, 100, b"\xff" * 300)), says="is damaged"),
    Refusal(
        name="middle page",
        spoil=filled(lambda path: overwrite(path, path.stat().st_size // 8192 * 4096, b"\xff" * 4096)),
        says="is damaged",
        reader_too=False,
    ),
    Refusal(
        name="cut off",
        spoil=filled(lambda path: os.truncate(path, path.stat().st_size - 3 * 4096)),
        says="is damaged",
    ),
    Refusal(name="newer", spoil=filled(of_version), says=f"versions up to {VERSION}"),
    Refusal(name="newer in the log", spoil=of_version_in_the_log, says=f"versions up to {VERSION}"),
    Refusal(
        name="foreign id",
        spoil=lambda path: plain_database(path, "PRAGMA application_id = 42; CREATE TABLE t (x)"),
        says="another program",
    ),
    Refusal(
        name="foreign id on nothing",
        spoil=lambda path: plain_database(path, "PRAGMA application_id = 42"),
        says="another program",
    ),
    Refusal(
        name="foreign tables",
        spoil=lambda path: plain_database(path, "CREATE TABLE people (name)"),
        says="another program",
    ),
    Refusal(
        name="foreign tables with our names",
        spoil=lambda path: plain_database(
            path, "CREATE TABLE batches (id); CREATE TABLE stories (id); CREATE TABLE events (id)"
        ),
        says="another program",
    ),
    Refusal(
        name="foreign version",
        spoil=lambda path: plain_database(path, ORIGINAL_SIGNATURE + "PRAGMA user_version = 1"),
        says="another program",
    ),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_file_that_cannot_be_used_is_refused_untouched(path: Path, refusal: Refusal) -> None:
    refusal.spoil(path)
    before = digest(path)
    for opening in (open_writer, open_reader) if refusal.reader_too else (open_writer,):
        with pytest.raises(DatabaseError, match=refusal.says) as caught:
            opening(path)
        assert str(path) in caught.value.message
        assert caught.value.hint
        assert "\n" not in str(caught.value)
    assert digest(path) == before
    assert not list(path.parent.glob("*.bak"))


@pytest.mark.parametrize("beside", ["", "sprint-runner.db", "other.db\nsprint-runner.db"])
def test_emptied_database_is_never_begun_anew(path: Path, beside: str) -> None:
    (path.parent / MARKER).write_text(beside)
    path.touch()
    with pytest.raises(DatabaseError, match="held batches before"):
        open_writer(path)
    assert path.stat().st_size == 0


def test_lost_database_is_never_begun_anew(path: Path) -> None:
    fill(path)
    path.unlink()
    with pytest.raises(DatabaseError, match=f"remove .*{MARKER}"):
        open_writer(path)
    assert not path.exists()


def test_removing_the_marker_is_the_way_to_begin_anew(path: Path) -> None:
    fill(path)
    path.unlink()
    (path.parent / MARKER).unlink()
    fill(path, batches=1)


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_log_without_its_database_is_kept(path: Path, suffix: str) -> None:
    log = path.with_name(path.name + suffix)
    log.write_bytes(b"committed rows")
    with pytest.raises(DatabaseError, match="beside it is not"):
        open_writer(path)
    assert log.read_bytes() == b"committed rows"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(DatabaseError, match="not a regular file"):
        open_writer(path)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere.*its folder exist"):
        open_writer(tmp_path / "nowhere" / "x.db")


def test_dangling_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(DatabaseError, match="cannot be opened"):
        open_writer(path)
    assert not (tmp_path / "elsewhere.db").exists()


def test_damage_in_a_big_file_is_found_where_it_steers(path: Path) -> None:
    """Reading a gigabyte of events at each start would cost seconds; the other tables are checked all the same."""
    fill(path)
    with closing(open_writer(path)) as writer:
        writer.execute(
            "INSERT INTO events (timestamp, event_type, payload_json) VALUES (1, 'error', zeroblob(?))",
            (WHOLE_CHECK_LIMIT,),
        )
        (page,) = writer.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'steps'").fetchone()
    open_writer(path).close()
    overwrite(path, (page - 1) * 4096, b"\xff" * 4096)
    with pytest.raises(DatabaseError, match="damaged"):
        open_writer(path)


def test_transaction_the_original_left_half_done_is_undone_first(path: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    plain_database(live, ORIGINAL_SIGNATURE + "INSERT INTO batches (started_at) VALUES (1)")
    with closing(sqlite3.connect(live, isolation_level=None)) as original:
        original.execute("PRAGMA cache_size = 1")
        original.execute("BEGIN")
        rows = [(number, "x" * 3000) for number in range(50)]
        original.executemany("INSERT INTO batches (started_at, status) VALUES (?,?)", rows)
        shutil.copy(live, path)
        shutil.copy(f"{live}-journal", f"{path}-journal")
    with closing(open_writer(path)) as writer:
        assert writer.execute("SELECT count(*) FROM batches").fetchone() == (1,)


# Permissions: root may do anything, so these run as an ordinary user


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """A filled database of a user without privileges, and being that user inside."""
    with tempfile.TemporaryDirectory(prefix="runner-store-") as name:
        path = Path(name) / "x.db"
        fill(path)
        root = os.geteuid() == 0
        if root:
            for file in (path.parent, *path.parent.iterdir()):
                os.chown(file, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield path
        finally:
            if root:
                os.seteuid(0)
            path.parent.chmod(0o700)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o000, 0o700), (0o400, 0o700), (0o600, 0o500)])
def test_database_without_permission_is_refused_untouched(file_mode: int, folder_mode: int) -> None:
    with ordinary_user() as path:
        before = digest(path)
        path.chmod(file_mode)
        path.parent.chmod(folder_mode)
        with pytest.raises(DatabaseError, match="may read and write both"):
            open_writer(path)
        path.chmod(0o600)
        assert digest(path) == before


def test_new_database_in_a_folder_that_is_not_ours_is_refused() -> None:
    with ordinary_user() as path:
        path.parent.chmod(0o500)
        with pytest.raises(DatabaseError, match="Permission denied"):
            open_writer(path.with_name("new.db"))


# Failures while running


def sqlite_error(connection: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute(statement)
    return caught.value


BIG_ROW = "INSERT INTO batches (started_at, reason) VALUES (1, zeroblob(2000000))"


def test_full_disk_is_said_in_words_and_passes(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        writer.execute(f"PRAGMA max_page_count = {pragma(writer, 'page_count')}")
        error = translate(sqlite_error(writer, BIG_ROW), path)
        writer.execute("PRAGMA max_page_count = 100000")
        writer.execute(BIG_ROW)
    assert "disk is full" in error.message
    assert str(path) in error.message
    assert "free some space" in error.hint


def test_failing_write_is_said_in_words(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        try:
            error = translate(sqlite_error(writer, BIG_ROW), path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "disk failed" in error.message
    assert "limits on file size" in error.hint


def test_lock_of_another_program_is_said_in_words(path: Path) -> None:
    with closing(open_writer(path)) as writer, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.execute("PRAGMA busy_timeout = 0")
        error = translate(sqlite_error(writer, "BEGIN IMMEDIATE"), path)
    assert isinstance(error, DatabaseLocked)
    assert "locked by another program" in error.message


def test_file_limit_is_said_in_words(path: Path) -> None:
    fill(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
    try:
        with pytest.raises(DatabaseError, match=r"too many files are open.*ulimit -n"):
            open_reader(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("opening", [open_writer, open_reader])
@pytest.mark.parametrize("data", [b"junk" * 100, b"\0" * 8 + b"junk" * 100])
def test_log_that_is_none_is_refused_and_kept(path: Path, opening: Callable[[Path], object], data: bytes) -> None:
    fill(path)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(data)
    with pytest.raises(DatabaseDamaged, match=r"is not a write-ahead log.*move the log aside"):
        opening(path)
    assert log.read_bytes() == data
    log.unlink()
    fill(path, batches=1)


@pytest.mark.parametrize("length", [0, 1, 32, 56])
def test_log_too_short_for_a_row_is_nothing_to_lose(path: Path, length: int) -> None:
    fill(path)
    path.with_name(f"{path.name}-wal").write_bytes(b"x" * length)
    fill(path, batches=1)


def test_log_of_a_killed_program_is_read(path: Path, tmp_path: Path) -> None:
    """Both kinds of checksum: SQLite writes them in the order of the machine that began the log."""
    with closing(open_writer(path)) as writer:
        writer.execute("INSERT INTO batches (started_at) VALUES (7)")
        log = path.with_name(f"{path.name}-wal").read_bytes()
    (tmp_path / "killed").mkdir()
    killed = tmp_path / "killed" / path.name
    shutil.copy(path, killed)
    killed.with_name(f"{path.name}-wal").write_bytes(log)
    refuse_foreign_log(killed)
    big_endian = struct.pack(">6I", 0x377F0683, *struct.unpack(">5I", log[4:24]))
    a = b = 0
    for even, odd in zip(*[iter(struct.unpack(">6I", big_endian))] * 2, strict=True):
        a = (a + even + b) % 2**32
        b = (b + odd + a) % 2**32
    killed.with_name(f"{path.name}-wal").write_bytes(big_endian + struct.pack(">2I", a, b) + log[32:])
    refuse_foreign_log(killed)


def test_read_only_database_is_said_in_words(path: Path) -> None:
    fill(path)
    with closing(open_reader(path)) as reader:
        error = translate(sqlite_error(reader, "DELETE FROM batches"), path)
    assert "cannot be written" in error.message


def test_damage_met_while_running_is_said_in_words(path: Path) -> None:
    fill(path)
    overwrite(path, path.stat().st_size // 8192 * 4096, b"\xff" * 4096)
    with closing(open_reader(path)) as reader:
        error = translate(sqlite_error(reader, "SELECT sum(length(reason)) FROM batches"), path)
    assert isinstance(error, DatabaseDamaged)
    assert "is damaged" in error.message
    assert "sprint-status.yaml" in error.hint


def test_any_other_error_still_names_the_database(path: Path) -> None:
    with closing(open_writer(path)) as writer:
        error = translate(sqlite_error(writer, "SELECT * FROM wonders"), path)
    assert str(path) in error.message
    assert "no such table" in error.message
    closed = sqlite3.connect(":memory:")
    closed.close()
    assert str(path) in translate(sqlite_error(closed, "SELECT 1"), path).message


def test_what_a_cut_off_creation_left_behind_is_made_anew(path: Path) -> None:
    for leftover in (f"{path.name}.new", f"{path.name}.new-journal"):
        path.with_name(leftover).write_bytes(b"half a page")
    open_writer(path).close()
    assert sorted(one.name for one in path.parent.iterdir() if ".new" in one.name) == []
    open_reader(path).close()


def test_a_database_is_there_as_a_whole_or_not_at_all(path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    set_trap(lambda name: seen.append((name, path.exists())))
    try:
        open_writer(path).close()
    finally:
        set_trap(None)
    assert ("after commit of a migration", False) in seen
    assert seen[-1] == ("after rename of a new database", True)


def test_a_log_whose_header_is_being_written_is_not_taken_for_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_writer(path)) as writer:
        writer.execute("CREATE TABLE more (id)")
        whole = wal._header(path.with_name(f"{path.name}-wal"))
        looks = iter((whole[:16] + bytes(16), whole))
        monkeypatch.setattr(wal, "_header", lambda log: next(looks))
        refuse_foreign_log(path)
    assert list(looks) == []
