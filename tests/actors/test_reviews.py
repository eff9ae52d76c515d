"""The review pool: chains in the background, a few at a time, none of which ever stops anything."""

from collections import Counter
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.control import StartBatch
from actors.gate import Stop
from actors.kit import Shift
from actors.reviews import QUEUE_CAPACITY, Chain, ReviewPool
from actors.supervisor import Backoff, ChildSpec, Supervisor
from actors.tree import NodeState, Role
from runner.store import queries
from runner.store.records import BackgroundRow
from tests.actors.stage import Stage, crashes, fails, says, until, waits

SECOND, THIRD = "story-review-2", "story-review-3"
CRITICAL = says("CRITICAL ISSUES FOUND: 2")
PAIR = ("1-1-one", "1-2-two")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, {}, background_review_workers=2)


async def on_record(shift: Shift, place: str = "story-review-chain", *, cycle: int | None = None) -> Chain:
    """A chain as the batch spawns it; `place` tells several apart."""
    task_id = await shift.kit.recorder.record(
        lambda journal: journal.spawn_background(shift.batch_id, "story-review-chain", PAIR, f"c1/{place}", cycle)
    )
    return Chain(background_task_id=task_id, cycle=task_id, phase="story-review", stories=PAIR, epic="1")


async def run_chains(stage: Stage, count: int = 1) -> None:
    """Run chains to their end."""
    async with stage.recording() as nursery:
        shift = await stage.shift()
        pool = ReviewPool(shift)
        await nursery.start(pool.run, stage.root)
        for number in range(count):
            await pool.spawn(await on_record(shift, f"chain-{number}"))
        await pool.drained()


def rows(stage: Stage) -> list[tuple[str, str]]:
    return stage.query("SELECT status, reason FROM background_tasks ORDER BY id")


async def test_a_chain_ends_when_nothing_critical_is_left(stage: Stage):
    await run_chains(stage)
    assert stage.puppets.commands == [SECOND]
    assert rows(stage) == [("completed", "")]


async def test_a_third_review_follows_when_the_second_still_finds_critical_issues(stage: Stage):
    stage.puppets.plan(SECOND, CRITICAL)
    await run_chains(stage)
    assert stage.puppets.commands == [SECOND, THIRD]
    assert rows(stage) == [("completed", "")]


async def test_a_chain_whose_third_review_is_still_critical_says_so(stage: Stage):
    stage.puppets.plan(SECOND, CRITICAL)
    stage.puppets.plan(THIRD, CRITICAL)
    await run_chains(stage)
    assert rows(stage) == [("completed", "critical issues remain after review 3")]


async def test_a_review_that_fails_is_not_tried_again_and_fails_its_chain_only(stage: Stage):
    stage.puppets.plan(SECOND, fails("no quota"))
    await run_chains(stage, 2)
    assert sorted(stage.attempts(SECOND)) == ["error", "success"]
    assert sorted(status for status, _ in rows(stage)) == ["completed", "failed"]
    assert any("no quota" in reason for _, reason in rows(stage))


async def test_background_reviews_use_the_cheap_model_and_keep_off_the_sprint_file(stage: Stage):
    await run_chains(stage)
    (request,) = stage.puppets.launched
    assert request.model == "haiku"
    (run_id,) = stage.query("SELECT run_id FROM commands")[0]
    prompt = (stage.kit.paths.state / "runs" / run_id / "prompt.txt").read_text()
    assert "leave sprint-status.yaml exactly as it is" in prompt
    assert [event["background"] for event in stage.payloads("command:start")] == [True]


async def test_no_more_chains_run_at_a_time_than_there_are_workers(stage: Stage):
    stage.puppets.plan(SECOND, *[waits()] * 3)
    async with stage.recording() as nursery:
        shift = await stage.shift()
        pool = ReviewPool(shift)
        await nursery.start(pool.run, stage.root)
        for number in range(3):
            await pool.spawn(await on_record(shift, f"chain-{number}"))
        for run in (1, 2):
            await stage.puppets.at_work(SECOND, run)
        assert (len(stage.puppets.launched), pool.mailbox.depth) == (2, 1)
        workers = [node for node in stage.nodes() if node.role is Role.WORKER]
        assert [worker.state for worker in workers] == [NodeState.RUNNING] * 2
        await stage.puppets.let_go(SECOND, 1)
        await stage.puppets.at_work(SECOND, 3)
        for run in (2, 3):
            await stage.puppets.let_go(SECOND, run)
        await pool.drained()
    assert rows(stage) == [("completed", "")] * 3


async def test_idle_workers_are_shown_waiting(stage: Stage):
    async with stage.recording() as nursery:
        await nursery.start(ReviewPool(await stage.shift()).run, stage.root)
        await wait_all_tasks_blocked()
        shown = [(node.id, node.state) for node in stage.nodes() if node.role is Role.WORKER]
    assert sorted(shown) == [("review-worker-1", NodeState.WAITING), ("review-worker-2", NodeState.WAITING)]


async def test_a_chain_that_finds_the_queue_full_is_given_up_and_nobody_waits(stage: Stage):
    async with stage.recording():
        shift = await stage.shift()
        pool = ReviewPool(shift)
        for _ in range(QUEUE_CAPACITY):
            await pool.spawn(await on_record(shift))
        await pool.spawn(await on_record(shift))
    assert rows(stage)[-2:] == [("running", ""), ("failed", "too many background reviews are waiting")]


async def test_a_pool_without_chains_is_drained(stage: Stage):
    async with stage.recording():
        await ReviewPool(await stage.shift()).drained()


async def test_a_stop_lets_the_running_review_end_and_leaves_the_chain_for_the_resume(stage: Stage):
    stage.puppets.plan(SECOND, waits("CRITICAL ISSUES FOUND: 1"))
    async with stage.recording() as nursery:
        shift = await stage.shift()
        pool = ReviewPool(shift)
        await nursery.start(pool.run, stage.root)
        await pool.spawn(await on_record(shift))
        await stage.puppets.at_work(SECOND)
        shift.gate.stop(Stop.COMMAND)
        await stage.puppets.let_go(SECOND)
        await pool.drained()
        assert rows(stage) == [("running", "")]
        assert stage.attempts(SECOND) == ["success"]
        again = ReviewPool(await stage.shift_of(shift.batch_id))
        await nursery.start(again.run, stage.root)
        (row,) = await stage.kit.reads.ask(lambda database: queries.unfinished_background(database, shift.batch_id))
        await again.spawn(Chain(background_task_id=row.id, cycle=1, phase="story-review", stories=PAIR, epic="1"))
        await again.drained()
    assert stage.puppets.commands == [SECOND, THIRD]
    assert rows(stage) == [("completed", "")]


async def test_an_interrupted_review_is_run_again(stage: Stage):
    stage.puppets.plan(SECOND, waits())
    async with stage.recording() as nursery:
        shift = await stage.shift()
        chain = await on_record(shift)
        async with trio.open_nursery() as run:
            pool = ReviewPool(shift)
            await run.start(pool.run, stage.root)
            await pool.spawn(chain)
            await stage.puppets.at_work(SECOND)
            run.cancel_scope.cancel()
        again = ReviewPool(await stage.shift_of(shift.batch_id))
        await nursery.start(again.run, stage.root)
        await again.spawn(chain)
        await again.drained()
    assert stage.attempts(SECOND) == ["interrupted", "success"]
    assert rows(stage) == [("completed", "")]


# From the database


def row(task_type: str, *, cycle: int | None = 2, stories: tuple[str, ...] = PAIR) -> BackgroundRow:
    return BackgroundRow(
        id=5,
        batch_id=1,
        story_keys=stories,
        task_type=task_type,
        spawned_at=1,
        completed_at=None,
        status="interrupted",
        step_key="c2/story-review-chain/1-1-one,1-2-two",
        cycle=cycle,
        reason="",
    )


@pytest.mark.parametrize("phase", ["story-review", "tech-spec-review"])
def test_a_row_tells_of_its_chain(phase: str):
    assert Chain.from_row(row(f"{phase}-chain")) == Chain(
        background_task_id=5, cycle=2, phase=phase, stories=PAIR, epic="1"
    )


@pytest.mark.parametrize("other", [row("project-context-refresh", stories=()), row("story-review-chain", cycle=None)])
def test_other_background_tasks_are_no_chains(other: BackgroundRow):
    assert Chain.from_row(other) is None


async def test_chains_end_before_the_batch_does(tmp_path: Path):
    """From the batch's side: the cycle goes on at once, the end of the batch waits."""
    stage = Stage(tmp_path, {"1-1-one": "backlog"})
    stage.puppets.plan("story-review-1", CRITICAL)
    stage.puppets.plan(SECOND, waits())
    async with stage.control() as control:
        await control.ask(StartBatch(max_cycles=1))
        await stage.puppets.at_work(SECOND)
        await until(lambda: "batch-commit" in stage.puppets.commands)
        await until(lambda: len(stage.payloads("cycle:end")) == 1)
        assert control.state == "running"
        await stage.puppets.let_go(SECOND)
        assert (await control.ended()).status == "completed"
    kinds = [event.type for event in stage.events]
    assert kinds.index("background:end") < kinds.index("batch:end")


async def test_a_worker_that_crashes_takes_the_pool_along_and_nothing_else(tmp_path: Path):
    stage = Stage(tmp_path, {"1-1-one": "backlog"})
    stage.puppets.plan("story-review-1", CRITICAL)
    stage.puppets.plan(SECOND, crashes(RuntimeError("a mistake in the runner")))
    async with stage.control() as control:
        await control.ask(StartBatch(max_cycles=1))
        assert (await control.ended()).status == "completed"
    assert [(crash.child, crash.reason) for crash in stage.crashes] == [
        ("reviews", "RuntimeError: a mistake in the runner")
    ]
    assert stage.attempts(SECOND) == ["interrupted", "success"]
    assert rows(stage) == [("completed", "")]
    assert [command for command, count in Counter(stage.puppets.commands).items() if count > 1] == [SECOND]


async def test_the_next_life_of_the_pool_goes_on_with_what_is_queued_and_what_was_cut_off(stage: Stage):
    stage.puppets.plan(SECOND, *[waits()] * 2, crashes(RuntimeError("a mistake in the runner")))
    async with stage.recording() as nursery:
        shift = await stage.shift()
        for number in range(1, 5):
            await record_cycle(shift, number)
        pool = ReviewPool(shift)
        crew = Supervisor((), backoff=Backoff(first=0.01), random=stage.kit.random)
        await nursery.start(crew.run, stage.root)
        await crew.start_child(ChildSpec(id="reviews", start=pool.run, mailbox=pool.mailbox))
        for number in range(1, 5):
            await pool.spawn(await on_record(shift, f"chain-{number}", cycle=number))
        for run in (1, 2):
            await stage.puppets.at_work(SECOND, run)
        await stage.puppets.let_go(SECOND, 1)
        await pool.drained()
    assert rows(stage) == [("completed", "")] * 4
    # Both that ran when it crashed were begun again, and each of the four has had an agent of its own.
    assert Counter(stage.attempts(SECOND)) == {"success": 4, "interrupted": 2}


async def test_a_chain_that_is_known_is_not_taken_twice(stage: Stage):
    async with stage.recording() as nursery:
        shift = await stage.shift()
        await record_cycle(shift)
        pool, chain = ReviewPool(shift), await on_record(shift, cycle=1)
        # On record before the pool begins: its first look finds it.
        await nursery.start(pool.run, stage.root)
        await pool.spawn(chain)
        await pool.drained()
    assert stage.puppets.commands == [SECOND]
    assert rows(stage) == [("completed", "")]


async def record_cycle(shift: Shift, number: int = 1) -> None:
    await shift.kit.recorder.record(lambda journal: journal.begin_cycle(shift.batch_id, number, b"{}", []))
