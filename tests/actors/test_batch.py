"""The batch actor and its record: a life that begins again looks first whether the record is still its own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio

from actors.control import Control, StartBatch
from actors.supervisor import Crash
from tests.actors.stage import COMMIT, ONE_REVIEW, REVIEW, Stage, crashes


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, ONE_REVIEW)


async def test_a_batch_that_is_started_again_on_a_record_of_another_version_starts_nothing(stage: Stage):
    stage.puppets.plan(COMMIT, crashes(RuntimeError("a mistake of the provider")))
    told: list[str] = []

    async def edit_the_record(crash: Crash) -> None:
        await trio.lowlevel.checkpoint()
        told.append(crash.reason)
        with closing(sqlite3.connect(stage.database)) as connection, connection:
            connection.execute(
                "UPDATE steps SET step_key = 'c1/audit-1/1-1-one' WHERE step_key = 'c1/code-review-1/1-1-one'"
            )

    async with stage.recording(), trio.open_nursery() as nursery:
        control = Control(stage.kit, edit_the_record)
        await nursery.start(control.run, stage.root)
        await control.ask(StartBatch(max_cycles=1))
        ended = await control.ended()
        nursery.cancel_scope.cancel()
    assert told[0] == "RuntimeError: a mistake of the provider"
    assert ended.status == "error"
    assert "on record is c1/audit-1/1-1-one, asked for is c1/code-review-1/1-1-one" in ended.reason
    assert stage.puppets.commands == [REVIEW, COMMIT]
    assert stage.query("SELECT status, resumable FROM batches") == [("error", 1)]
