"""Control takes the settings as they are when a batch begins: the web may have changed them since the runner started.

What the runner itself would not have started with is refused then, before anything is on record.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.control import Control, Ended, Request, ResumeBatch, StartBatch, StopBatch
from runner.domain.errors import Refused
from runner.outfit import SETTINGS
from tests.actors.stage import COMMIT, ONE_REVIEW, REVIEW, Stage, waits
from web.preferences import Preferences

ONE = StartBatch(max_cycles=1)
RESUME = ResumeBatch()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, ONE_REVIEW)


@pytest.fixture
def preferences(stage: Stage) -> Preferences:
    return Preferences(stage.kit.paths.state / SETTINGS, {}, {})


@contextmanager
def on_another_system() -> Iterator[None]:
    """Where isolation is not to be had, whatever this machine can do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        yield


async def refused(control: Control, request: Request) -> None:
    says = "isolation by pidns is not to be had here: it needs Linux; set it to auto"
    with on_another_system(), pytest.raises(Refused, match=f"^{says}$"):
        await control.ask(request)
    assert (control.state, control.batch_id) == ("idle", None)


async def test_a_batch_begins_only_with_an_isolation_that_is_to_be_had(stage: Stage, preferences: Preferences):
    async with stage.control(preferences.load) as control:
        await preferences.change({"isolation": "pidns"})
        await refused(control, ONE)
        assert (stage.events, stage.query("SELECT * FROM batches")) == ([], [])
        await preferences.change({"isolation": "auto"})
        await control.ask(ONE)
        assert await control.ended() == Ended(batch_id=1, status="completed", reason="1 cycle completed")


async def test_a_batch_is_resumed_only_with_an_isolation_that_is_to_be_had(stage: Stage, preferences: Preferences):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control(preferences.load) as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(StopBatch())
        await stage.puppets.let_go(REVIEW)
        stopped = await control.ended()
        told = len(stage.events)
        await preferences.change({"isolation": "pidns"})
        await refused(control, RESUME)
        assert (control.last, len(stage.events)) == (stopped, told)
        assert stage.query("SELECT status, resumable FROM batches") == [("stopped", 1)]
        await preferences.change({"isolation": "auto"})
        await control.ask(RESUME)
        assert (await control.ended()).status == "completed"
    assert stage.puppets.commands == [REVIEW, COMMIT]
