"""A database that another program holds, or that is spoilt: nothing is lost or overwritten, and it is said."""

import hashlib
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from actors import recorder
from actors.control import ResumeBatch
from runner.domain.events import Envelope
from tests.support.checker import violations
from tests.support.faults import agents_alive, locked, write_ahead_log
from tests.support.inside import run_inside, scripted
from tests.support.project import make_project, write_scenario
from tests.support.refusals import call
from tests.support.runs import command, database, query, run, running, started, successes, wait_until

STORIES = {"1-1-one": "review"}
STEP = "c1/code-review-1/1-1-one"
STEPS = [STEP, "c1/batch-commit/1-1-one"]
LINES = 60
TALKS = {
    "command": "code-review-1",
    "actions": [*[{"say": "still at it"}, {"sleep": 0.02}] * LINES, "builtin"],
}


def _lines_told(project: Path) -> int:
    ((count,),) = query(project, "SELECT count(*) FROM events WHERE message = 'still at it'")
    return int(str(count))


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "says"), [(1, ""), (60, "is locked by another program")])
def test_lock_of_another_program_is_waited_for_and_loses_nothing(tmp_path: Path, seconds: float, says: str):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [TALKS])
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        with locked(database(project)):
            time.sleep(seconds)
        _, err = runner.communicate(timeout=30)
    assert runner.returncode == 0
    assert err.count("\n") == (1 if says else 0)
    assert says in err
    assert successes(project) == STEPS
    assert _lines_told(project) == LINES
    assert not violations(project)


async def test_batch_whose_database_stays_locked_stops_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "PATIENCE_SECONDS", 0.5)
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path)
    with ExitStack() as lock:

        async def lock_it(events: AsyncIterator[Envelope]) -> None:
            async for event in events:
                if event.type == "command:start":
                    lock.enter_context(locked(database(project)))

        ended = await run_inside(scripted(project, scenario), show=lock_it)
        assert not agents_alive(project)
    assert ended.code == 4
    assert f"database {database(project)} is locked by another program" in ended.reason
    assert "close that program, then resume" in ended.reason
    assert query(project, "SELECT status FROM commands") == [("running",)]
    assert (await run_inside(scripted(project, scenario), ResumeBatch())).code == 0
    # What the agent had said before the end was read again, not run again.
    assert query(project, "SELECT step_key, attempt FROM commands") == [(step, 1) for step in STEPS]
    assert not violations(project)


@pytest.mark.slow
@pytest.mark.parametrize("grace", [1, 3])
def test_stop_while_the_database_is_locked_keeps_its_bound(tmp_path: Path, grace: int):
    actions = [{"ignore_signals": ["INT"]}, *[{"say": "still at it"}, {"sleep": 0.02}] * LINES, "hang"]
    hangs = {"command": "code-review-1", "attempt": "1", "actions": actions}
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [hangs])
    with started(project, scenario, "--cycles", "1", SPRINT_RUNNER_STOP_GRACE_SECONDS=str(grace)) as runner:
        wait_until(lambda: running(project, STEP))
        with locked(database(project)):
            time.sleep(0.5)
            began = time.monotonic()
            runner.send_signal(signal.SIGTERM)
            _, err = runner.communicate(timeout=30)
            assert time.monotonic() - began < grace + 2
    assert runner.returncode == 4
    assert f"batch 1 stopped: database {database(project)} is locked by another program" in err
    assert not agents_alive(project)
    assert query(project, "SELECT status FROM commands") == [("running",)]
    resumed = run(project, scenario, "--resume")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert query(project, "SELECT status FROM commands WHERE step_key = ?", STEP) == [("interrupted",), ("success",)]
    assert not violations(project)


@pytest.mark.slow
def test_database_locked_at_the_start_is_refused_and_left_alone(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path)
    assert run(project, scenario, "--cycles", "1").returncode == 0
    with locked(database(project)):
        refused = run(project, scenario, "--cycles", "1")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"sprint-runner: database {database(project)} is locked by another program")
    assert refused.stderr.count("\n") == 1


# Files that are spoilt


class Spoilt(NamedTuple):
    """What somebody has done to the files, and what the next start says."""

    spoil: Callable[[Path], object]
    says: str


def _overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def _foreign_log(path: Path) -> None:
    """The log of another database, as a restored copy of one of the files leaves it."""
    with closing(sqlite3.connect(path.with_name("other.db"), isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE people (name)")
        shutil.copy(path.with_name("other.db-wal"), path.with_name(f"{path.name}-wal"))


SPOILT = {
    "header": Spoilt(lambda path: _overwrite(path, 0, b"junk" * 30), "is not a database"),
    "text": Spoilt(lambda path: path.write_text("hello\n" * 1000), "is not a database"),
    "middle": Spoilt(lambda path: _overwrite(path, 4096 * 8, os.urandom(4096 * 4)), "is damaged"),
    "cut off": Spoilt(lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged"),
    "emptied": Spoilt(lambda path: os.truncate(path, 0), "is empty or missing, but held batches before"),
    "lost": Spoilt(Path.unlink, "is empty or missing, but held batches before"),
    "junk for a log": Spoilt(
        lambda path: path.with_name(f"{path.name}-wal").write_bytes(b"junk" * 5000), "is not a write-ahead log"
    ),
    "log of another database": Spoilt(_foreign_log, "another program"),
}


def _content(project: Path) -> dict[str, str]:
    """What is in the files; looking at a database may leave an empty log beside it."""
    files = [path for path in (database(project), write_ahead_log(project)) if path.exists()]
    return {path.name: hashlib.sha256(data).hexdigest() for path in files if (data := path.read_bytes())}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose database holds a batch."""
    folder = tmp_path_factory.mktemp("finished")
    project = make_project(folder / "project", STORIES)
    assert run(project, write_scenario(folder), "--cycles", "1").returncode == 0
    return project


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_database_is_refused_and_never_overwritten(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
):
    project = shutil.copytree(finished, tmp_path / "project", ignore=shutil.ignore_patterns("*.sock"))
    SPOILT[name].spoil(database(project))
    before = _content(project)
    answer = call(command(project, write_scenario(tmp_path), "--cycles", "1", "--new")[3:], monkeypatch, capsys)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert str(database(project)) in answer.err
    assert SPOILT[name].says in answer.err
    assert "; " in answer.err
    assert _content(project) == before


@pytest.mark.slow
def test_database_spoilt_while_the_batch_runs_ends_it_with_the_reason(tmp_path: Path):
    project, scenario = make_project(tmp_path / "project", STORIES), write_scenario(tmp_path, [TALKS])
    copy = tmp_path / "copy.db"
    with started(project, scenario, "--cycles", "1") as runner:
        wait_until(lambda: running(project, STEP))
        with closing(sqlite3.connect(database(project))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        for path in (database(project), write_ahead_log(project)):
            _overwrite(path, 0, os.urandom(path.stat().st_size))
        _, err = runner.communicate(timeout=30)
    assert runner.returncode == 1
    assert f"\nsprint-runner: the batch failed: database {database(project)} is damaged" in f"\n{err}"
    assert "put a backup copy in its place" in err
    assert "Traceback" not in err
    assert run(project, scenario, "--resume").returncode == 2
    for path in (database(project), write_ahead_log(project)):
        path.unlink(missing_ok=True)
    shutil.copy(copy, database(project))
    assert not agents_alive(project)
    assert run(project, scenario, "--resume").returncode == 0
    assert set(successes(project)) == set(STEPS)
    assert not violations(project)
