"""The overview joins what the database says with what lives, and waits for neither."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from actors import lookout
from actors.control import Control, StartBatch
from actors.lookout import Lookout
from actors.tree import Branch, NodeState, Role
from runner.domain.overview import Overview, nodes
from tests.actors.stage import ONE_REVIEW, REVIEW, Stage, until, waits


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, ONE_REVIEW)


async def nothing(crash: object) -> None:
    await trio.lowlevel.checkpoint()


async def test_a_running_command_is_told_with_its_process(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        lookout = Lookout(stage.root, control, stage.database)
        assert (await lookout.overview()).status == "idle"
        await control.ask(StartBatch(max_cycles=1))
        await stage.puppets.at_work(REVIEW)
        told = await lookout.overview()
        (current,) = told.current
        assert (told.status, told.batch_id, current.command) == ("running", 1, REVIEW)
        assert current.pid in {node.pid for node in stage.nodes() if node.role is Role.PROCESS}
        os.kill(current.pid or 0, 0)
        await stage.puppets.let_go(REVIEW)
        await control.ended()
        await until(lambda: control.batch_id is None)
        told = await lookout.overview()
        assert (told.status, told.batch_id, told.current, told.resumable) == ("idle", None, (), None)


async def test_what_is_told_can_be_sent_and_read_again(stage: Stage):
    async with stage.control() as control:
        told = await Lookout(stage.root, control, stage.database).overview()
    assert msgspec.json.decode(msgspec.json.encode(told), type=Overview) == told
    assert told.supervision is not None
    assert {node.id for node in nodes(told.supervision)} >= {"root", "recorder"}


async def test_a_runner_that_is_starting_says_so_before_there_is_a_database(stage: Stage):
    told = await Lookout(stage.root, Control(stage.kit, nothing), stage.database).overview()
    assert (told.status, told.batch_id, told.last_seq) == ("starting", None, 0)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A database that another program keeps for itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("PRAGMA user_version = 1")
        owner.execute("BEGIN EXCLUSIVE")
        yield


async def test_a_locked_database_does_not_hold_up_the_tree(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lookout, "PATIENCE_SECONDS", 0.05)
    root = Branch("root", Role.SUPERVISOR, clock=stage.wall)
    root.state = NodeState.RUNNING
    seen = Lookout(root, Control(stage.kit, nothing), tmp_path / "locked.db")
    with locked(tmp_path / "locked.db"), trio.fail_after(2):
        for _ in range(lookout.THREADS + 1):
            told = await seen.overview()
            assert (told.status, told.supervision) == ("idle", root.snapshot())
