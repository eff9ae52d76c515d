"""The limit timer keeps to the clock of the runner, and the tree shows for how long."""

from dataclasses import replace
from pathlib import Path

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.timer import wait_for_reset
from actors.tree import NodeState
from tests.actors.stage import HOUR_MS, ONE_REVIEW, Stage


async def test_the_timer_is_in_the_tree_until_the_limit_has_reset(tmp_path: Path, autojump_clock: MockClock):
    stage = Stage(tmp_path, ONE_REVIEW)
    kit = replace(stage.kit, clock=lambda: int(trio.current_time() * 1000), random=lambda: 1.0)
    began = trio.current_time()
    resets_at = kit.clock() + HOUR_MS
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_reset, kit, resets_at, stage.root)
        await wait_all_tasks_blocked()
        (timer,) = stage.root.snapshot().children
        assert (timer.id, timer.state, timer.deadline) == ("limit-timer", NodeState.WAITING, resets_at)
    assert stage.root.snapshot().children == ()
    assert trio.current_time() - began == 3630
