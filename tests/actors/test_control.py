"""Control and the batch it runs: requests and refusals, pause and stop, limits, crashes. Real clock, real processes.

Most sprints here are one story that waits for review: two commands, each some tens of milliseconds. An agent that
`waits` is inside until the test lets it go, so nothing here is a matter of timing.
"""

import errno
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.control import Control, Ended, PauseBatch, Refused, Request, ResumeBatch, StartBatch, StopBatch
from actors.gate import Stop
from actors.mailbox import Abandoned
from actors.tree import Role
from runner.domain.errors import BatchFailed
from tests.actors.stage import (
    COMMIT,
    HOUR_MS,
    ONE_REVIEW,
    REVIEW,
    Stage,
    crashes,
    fails,
    limited,
    says,
    task_names,
    unpaid,
    until,
    waits,
)
from tests.support.checker import violations

ONE = StartBatch(max_cycles=1)
ATTENDED = StartBatch(max_cycles=1, attended=True)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, ONE_REVIEW)


async def stands(stage: Stage, state: str) -> None:
    """Wait until it has been told that the batch is in this state; then it is in the database too."""
    await until(lambda: [event["state"] for event in stage.payloads("batch:state")][-1:] == [state])


async def test_a_batch_runs_to_its_end(stage: Stage):
    async with stage.control() as control:
        assert control.state == "idle"
        assert control.batch_id is None
        batch_id = await control.ask(ONE)
        assert (control.state, control.batch_id) == ("running", batch_id)
        ended = await control.ended()
        assert ended == Ended(batch_id=batch_id, status="completed", reason="1 cycle completed")
        assert (control.state, control.batch_id, control.last) == ("idle", None, ended)
    assert stage.puppets.commands == [REVIEW, COMMIT]
    assert stage.status_of("1-1-one") == "done"
    assert [event["status"] for event in stage.payloads("batch:end")] == ["completed"]
    assert stage.crashes == []


async def test_a_batch_of_all_cycles_ends_when_no_story_is_left(tmp_path: Path):
    stage = Stage(tmp_path, {"1-1-one": "review", "2-1-two": "review", "3-1-three": "done"})
    async with stage.control() as control:
        await control.ask(StartBatch(max_cycles=None))
        assert (await control.ended()).reason == "all stories done or blocked"
    assert stage.puppets.commands == [REVIEW, COMMIT] * 2


async def test_a_cancelled_control_ends_the_agents_and_records_that(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
    assert stage.attempts(REVIEW) == ["interrupted"]
    assert list(stage.nodes())[1:] == []
    assert stage.query("SELECT status, reason, resumable FROM batches") == [("stopped", "the runner is stopping", 1)]
    assert [event["status"] for event in stage.payloads("batch:end")] == ["stopped"]


# Refusals


@dataclass(frozen=True)
class Refusal:
    request: Request
    says: str


IDLE = [
    Refusal(StopBatch(), "nothing runs; start a batch first"),
    Refusal(PauseBatch(), "nothing runs; start a batch first"),
    Refusal(ResumeBatch(), "there is no unfinished batch to resume; start one with --cycles"),
]
RUNNING = [
    Refusal(ONE, "a batch is already running; stop it first"),
    Refusal(StartBatch(max_cycles=None, new=True), "a batch is already running; stop it first"),
    Refusal(ResumeBatch(), "not possible while the batch is running"),
]
PAUSED = [
    Refusal(ONE, "a batch is already running; stop it first"),
    Refusal(PauseBatch(), "not possible while the batch is paused"),
]
UNFINISHED = [
    Refusal(ONE, "batch 1 is unfinished (stopped, 0 of 1 cycles done); --resume continues it, --new closes it"),
    Refusal(StopBatch(), "nothing runs; start a batch first"),
]


async def refused(control: Control, refusals: list[Refusal]) -> None:
    for refusal in refusals:
        with pytest.raises(Refused) as told:
            await control.ask(refusal.request)
        assert str(told.value).startswith(refusal.says)


async def test_what_is_refused_while_nothing_runs(stage: Stage):
    async with stage.control() as control:
        await refused(control, IDLE)
    assert stage.events == []


async def test_what_is_refused_while_a_batch_runs_and_while_it_is_paused(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await refused(control, RUNNING)
        await control.ask(PauseBatch())
        await stage.puppets.let_go(REVIEW)
        await stands(stage, "paused")
        await refused(control, PAUSED)


async def test_a_start_beside_an_unfinished_batch_is_refused_until_it_is_asked_for_as_new(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(StopBatch(when=Stop.NOW))
        await control.ended()
        await refused(control, UNFINISHED)
        assert await control.ask(StartBatch(max_cycles=1, new=True)) == 2
        assert (await control.ended()).status == "completed"
    assert stage.query("SELECT status, resumable FROM batches") == [("stopped", 0), ("completed", 0)]


# Pause and resume


async def test_pausing_lets_the_running_command_end_and_starts_no_other(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(PauseBatch(reason="lunch"))
        await stands(stage, "pausing")
        await stage.puppets.let_go(REVIEW)
        await stands(stage, "paused")
        assert stage.query("SELECT status, reason FROM batches") == [("paused", "lunch")]
        await control.ask(ResumeBatch())
        assert (await control.ended()).status == "completed"
    assert stage.puppets.commands == [REVIEW, COMMIT]
    states = [(event["state"], event["detail"]) for event in stage.payloads("batch:state")]
    assert states == [("pausing", "lunch"), ("paused", "lunch"), ("running", "")]


async def test_a_pause_may_be_taken_back_before_it_takes_effect(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(PauseBatch())
        await stands(stage, "pausing")
        await control.ask(ResumeBatch())
        await stands(stage, "running")
        await stage.puppets.let_go(REVIEW)
        assert (await control.ended()).status == "completed"
    assert [event["state"] for event in stage.payloads("batch:state")] == ["pausing", "running"]


@pytest.mark.parametrize("when", Stop)
async def test_a_stop_of_a_paused_batch_takes_effect_at_once(stage: Stage, when: Stop):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(PauseBatch())
        await stage.puppets.let_go(REVIEW)
        await stands(stage, "paused")
        await control.ask(StopBatch(when=when))
        assert (await control.ended()).status == "stopped"
    assert stage.puppets.commands == [REVIEW]


@pytest.mark.parametrize("when", [Stop.STORY, Stop.CYCLE])
async def test_a_stop_while_pausing_does_not_send_the_batch_on(stage: Stage, when: Stop):
    """What waits at the gate stays there, though the stop itself would only come after the story or the cycle."""
    stage.puppets.plan(REVIEW, waits("HIGHEST SEVERITY: HIGH"))
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(PauseBatch())
        await stands(stage, "pausing")
        await control.ask(StopBatch(when=when))
        await stands(stage, "stopping")
        await stage.puppets.let_go(REVIEW)
        assert (await control.ended()).status == "stopped"
    assert stage.puppets.commands == [REVIEW]


# Stop and resume


@pytest.mark.parametrize(
    ("when", "commands"),
    [(Stop.COMMAND, ["code-review-1"]), (Stop.STORY, ["code-review-1", "code-review-2"])],
    ids=["command", "story"],
)
async def test_a_stop_waits_for_what_it_was_told_to(stage: Stage, when: Stop, commands: list[str]):
    stage.puppets.plan(REVIEW, waits("HIGHEST SEVERITY: HIGH"))
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await control.ask(StopBatch(when=when, reason="enough"))
        await stands(stage, "stopping")
        await stage.puppets.let_go(REVIEW)
        assert await control.ended() == Ended(batch_id=1, status="stopped", reason="enough")
    assert stage.puppets.commands == commands


async def test_a_second_stop_may_be_sooner(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        for when in (Stop.CYCLE, Stop.NOW):
            await control.ask(StopBatch(when=when))
        assert (await control.ended()).status == "stopped"
    assert stage.attempts(REVIEW) == ["interrupted"]


async def test_a_later_stop_is_not_announced_while_a_sooner_one_is_under_way(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        for when in (Stop.COMMAND, Stop.CYCLE):
            await control.ask(StopBatch(when=when, reason="enough"))
        await until(lambda: len(stage.payloads("batch:state")) == 2)
        await stage.puppets.let_go(REVIEW)
        await control.ended()
    assert [event["detail"] for event in stage.payloads("batch:state")] == ["enough, after this command"] * 2


async def test_an_interrupted_agent_is_continued_in_its_own_session(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        await until(lambda: bool(stage.query("SELECT 1 FROM commands WHERE status = 'running'")))
        await control.ask(StopBatch(when=Stop.NOW))
        await control.ended()
        assert await control.ask(ResumeBatch()) == 1
        assert (await control.ended()).status == "completed"
    first, second = stage.puppets.runs_of(REVIEW)
    assert (first.resume, second.resume) == (False, True)
    assert first.session_id == second.session_id
    assert stage.attempts(REVIEW) == ["interrupted", "success"]
    assert [event["resumed"] for event in stage.payloads("batch:start")] == [False, True]
    assert [event["status"] for event in stage.payloads("batch:end")] == ["stopped", "completed"]


# Limits and troubles


async def waiting_for_limit(stage: Stage, control: Control, request: Request = ONE) -> int:
    resets_at = (stage.wall() + HOUR_MS) // 1000 * 1000
    stage.puppets.plan(REVIEW, limited(resets_at))
    await control.ask(request)
    await stands(stage, "waiting_limit")
    return resets_at


async def test_a_limit_is_waited_for_and_the_session_goes_on(stage: Stage):
    async with stage.control() as control:
        resets_at = await waiting_for_limit(stage, control)
        assert stage.query("SELECT status, resets_at FROM batches") == [("waiting_limit", resets_at)]
        stage.wall.jump(HOUR_MS - 60_000)
        assert control.state == "waiting_limit"
        stage.wall.jump(60_000)
        assert (await control.ended()).status == "completed"
    assert stage.attempts(REVIEW) == ["limit", "success"]
    first, second = stage.puppets.runs_of(REVIEW)
    assert second.resume
    assert first.session_id == second.session_id
    assert [event["state"] for event in stage.payloads("batch:state")] == ["waiting_limit", "running"]


async def test_a_batch_goes_on_a_little_after_the_limit_has_reset(stage: Stage):
    # Up to a tenth of the wait: not all runners of an account may come back in the same second.
    stage.chances = [0.0, 0.1]
    stage.puppets.plan(REVIEW, limited(stage.wall() + 60_000))
    async with stage.control() as control:
        await control.ask(ONE)
        await until(lambda: "limit-timer" in task_names())
        await wait_all_tasks_blocked()
        (event,) = stage.payloads("batch:state")
        stage.wall.jump(60_000)
        await stands(stage, "running")
        assert stage.wall() - event["resets_at"] >= 500


async def test_the_operator_may_go_on_before_a_limit_resets(stage: Stage):
    async with stage.control() as control:
        await waiting_for_limit(stage, control)
        await control.ask(ResumeBatch())
        assert (await control.ended()).status == "completed"


async def test_a_batch_that_was_paused_while_it_waited_stays_paused_after_the_limit(stage: Stage):
    async with stage.control() as control:
        await waiting_for_limit(stage, control)
        await control.ask(PauseBatch(reason="lunch"))
        await stands(stage, "paused")
        stage.wall.jump(2 * HOUR_MS)
        await until(lambda: "limit-timer" not in task_names())
        assert control.state == "paused"
        assert stage.puppets.commands == [REVIEW]


async def test_a_stop_while_waiting_keeps_the_timer_for_the_resume(stage: Stage):
    async with stage.control() as control:
        resets_at = await waiting_for_limit(stage, control)
        await control.ask(StopBatch())
        assert (await control.ended()).status == "stopped"
        assert stage.query("SELECT status, resets_at, resumable FROM batches") == [("stopped", resets_at, 1)]
        await control.ask(ResumeBatch())
        await stands(stage, "waiting_limit")
        assert stage.puppets.commands == [REVIEW]
        stage.wall.jump(HOUR_MS)
        assert (await control.ended()).status == "completed"


async def test_two_commands_that_meet_the_same_limit_wait_once(tmp_path: Path):
    stage = Stage(tmp_path, {"1-1-one": "backlog"})
    resets_at = (stage.wall() + HOUR_MS) // 1000 * 1000
    for command in ("create-story", "story-discovery"):
        stage.puppets.plan(command, limited(resets_at))
    async with stage.control() as control:
        await control.ask(ONE)
        await until(lambda: stage.attempts("create-story") == stage.attempts("story-discovery") == ["limit"])
        await stands(stage, "waiting_limit")
        await control.ask(StopBatch())
        await control.ended()
    assert [event["state"] for event in stage.payloads("batch:state")] == ["waiting_limit", "stopping"]


async def test_a_batch_that_crashes_while_it_waits_for_a_limit_waits_on(stage: Stage):
    # The first random number is for the command's back-off, the second for the timer.
    stage.chances = [0.0, RuntimeError("a mistake in the runner")]
    async with stage.control() as control:
        await waiting_for_limit(stage, control)
        await until(lambda: len(stage.payloads("batch:state")) == 2)
        assert [crash.reason for crash in stage.crashes] == ["RuntimeError: a mistake in the runner"]
        assert control.state == "waiting_limit"
        stage.wall.jump(HOUR_MS)
        assert (await control.ended()).status == "completed"
    assert stage.attempts(REVIEW) == ["limit", "success"]
    assert [event["state"] for event in stage.payloads("batch:state")] == ["waiting_limit"] * 2 + ["running"]


async def test_what_no_waiting_cures_pauses_a_batch_that_is_attended(stage: Stage):
    stage.puppets.plan(REVIEW, unpaid())
    async with stage.control() as control:
        await control.ask(ATTENDED)
        await stands(stage, "paused")
        (reason,) = stage.query("SELECT reason FROM batches")[0]
        assert "Credit balance is too low" in reason
        await control.ask(ResumeBatch())
        assert (await control.ended()).status == "completed"
    assert stage.attempts(REVIEW) == ["error", "success"]


async def test_what_no_waiting_cures_stops_a_batch_that_nobody_attends(stage: Stage):
    stage.puppets.plan(REVIEW, unpaid())
    async with stage.control() as control:
        await control.ask(ONE)
        ended = await control.ended()
    assert ended.status == "stopped"
    assert "Credit balance is too low" in ended.reason
    assert stage.query("SELECT resumable FROM batches") == [(1,)]


# Failures and crashes


async def test_a_command_that_fails_is_tried_again_and_blocks_its_story_in_the_end(stage: Stage):
    stage.puppets.plan(REVIEW, *[fails(f"no {number}") for number in range(3)])
    async with stage.control() as control:
        await control.ask(ONE)
        assert (await control.ended()).status == "completed"
    assert stage.attempts(REVIEW) == ["error"] * 3
    assert stage.status_of("1-1-one") == "blocked"
    assert stage.puppets.commands == [REVIEW] * 3


async def test_a_crash_restarts_the_batch_and_repeats_nothing(tmp_path: Path):
    stage = Stage(tmp_path, {"1-1-one": "review", "1-2-two": "review"})
    stage.puppets.plan(REVIEW, says("ZERO ISSUES"), crashes(RuntimeError("a mistake in the runner")))
    async with stage.control() as control:
        await control.ask(ONE)
        assert (await control.ended()).status == "completed"
    assert [(crash.child, crash.reason) for crash in stage.crashes] == [
        ("batch", "RuntimeError: a mistake in the runner")
    ]
    assert stage.attempts(REVIEW) == ["success", "interrupted", "success"]
    assert stage.attempts(COMMIT) == ["success"]
    assert len(stage.payloads("batch:start")) == len(stage.payloads("batch:end")) == 1
    assert len(stage.payloads("cycle:start")) == 1


async def test_a_batch_that_crashes_too_often_ends_with_an_error_and_can_be_resumed(stage: Stage):
    stage.puppets.plan(REVIEW, *[crashes(RuntimeError("a mistake in the runner"))] * 4)
    async with stage.control() as control:
        await control.ask(ONE)
        ended = await control.ended()
        assert ended.status == "error"
        assert ended.reason == "batch ended 4 times in 60 s: RuntimeError: a mistake in the runner"
        assert control.state == "idle"
        assert stage.query("SELECT status, resumable FROM batches") == [("error", 1)]
        await control.ask(ResumeBatch())
        assert (await control.ended()).status == "completed"
    assert [event["status"] for event in stage.payloads("batch:end")] == ["error", "completed"]


async def test_a_batch_that_cannot_start_ends_with_its_own_error(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    async def meets_survivors(kit: object) -> int:
        await trio.lowlevel.checkpoint()
        raise BatchFailed("processes are still there", hint="end them")

    async with stage.control() as control:
        await stage.shift()
        monkeypatch.setattr("actors.lifeline.settle_commands", meets_survivors)
        await control.ask(ResumeBatch())
        ended = await control.ended()
    assert (ended.status, ended.reason) == ("error", "processes are still there; end them")


async def test_whoever_waits_for_a_run_hears_of_its_end_whatever_keeps_it_from_being_recorded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    async def finds_no_descriptor(*_: object, **more: object) -> int:
        await trio.lowlevel.checkpoint()
        raise OSError(errno.EBADF, "Bad file descriptor")

    stage.puppets.plan(REVIEW, *[crashes(RuntimeError("a mistake in the runner"))] * 4)
    async with stage.control() as control:
        await control.ask(ONE)
        monkeypatch.setattr("actors.lifeline.settle_commands", finds_no_descriptor)
        with trio.fail_after(30):
            assert (await control.ended()).status == "error"
        assert control.state == "idle"


# A recorder that crashes


async def test_a_crash_of_the_recorder_disturbs_no_agent(stage: Stage):
    """What was committed counts, what waits is recorded by its next life, and those who asked it nothing go on."""
    stage.puppets.plan(REVIEW, waits())
    stage.crash_over = "command:progress"
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.let_go(REVIEW)
        assert (await control.ended()).status == "completed"
    assert [crash.child for crash in stage.crashes][:1] == ["recorder"]
    assert stage.attempts(REVIEW)[-1] == "success"
    assert len(stage.payloads("batch:end")) == 1


async def test_a_batch_whose_question_was_abandoned_goes_on_from_the_journal(stage: Stage):
    stage.crash_over = "command:start"
    async with stage.control() as control:
        await control.ask(ONE)
        assert (await control.ended()).status == "completed"
    # Which of the two supervisors tells first is a matter of scheduling.
    assert sorted(crash.child for crash in stage.crashes) == ["batch", "recorder"]
    assert stage.attempts(REVIEW) == ["interrupted", "success"]
    assert stage.puppets.commands == [REVIEW, COMMIT]


async def test_a_request_that_was_abandoned_is_refused_and_control_goes_on(stage: Stage):
    stage.crash_over = "batch:start"
    async with stage.control() as control:
        with pytest.raises(Abandoned, match="try again"):
            await control.ask(ONE)
        assert control.state == "idle"
        # It was on record already when the recorder crashed.
        assert await control.ask(ResumeBatch()) == 1
        assert (await control.ended()).status == "completed"


async def test_a_recorder_that_crashes_over_the_end_of_a_run_does_not_end_it_twice(stage: Stage):
    stage.crash_over = "batch:end"
    async with stage.control() as control:
        await control.ask(ONE)
        assert (await control.ended()).status == "completed"
    assert [event["status"] for event in stage.payloads("batch:end")] == ["completed"]


# A door that crashes


def crash_once(monkeypatch: pytest.MonkeyPatch, kind: type[Request]) -> None:
    """The door crashes over the next request of this kind."""
    serve, left = Control._serve, [RuntimeError("a mistake in the door")]

    async def crashing(self: Control, request: Request) -> int:
        if isinstance(request, kind) and left:
            raise left.pop()
        return await serve(self, request)

    monkeypatch.setattr(Control, "_serve", crashing)


async def test_a_door_that_crashes_costs_one_request_its_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.puppets.plan(REVIEW, waits())
    crash_once(monkeypatch, PauseBatch)
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        with pytest.raises(Abandoned):
            await control.ask(PauseBatch())
        await control.ask(PauseBatch(reason="lunch"))
        await stands(stage, "pausing")
        await stage.puppets.let_go(REVIEW)
        await stands(stage, "paused")
        await control.ask(ResumeBatch())
        assert (await control.ended()).status == "completed"
    assert [crash.child for crash in stage.crashes] == ["door"]
    assert stage.attempts(REVIEW) == ["success"]


async def test_a_stop_that_the_door_crashes_over_is_carried_out(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.puppets.plan(REVIEW, waits())
    crash_once(monkeypatch, StopBatch)
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        assert await control.ask(StopBatch(reason="enough")) == 1
        await stage.puppets.let_go(REVIEW)
        assert await control.ended() == Ended(batch_id=1, status="stopped", reason="enough")


# What is shown


async def test_the_tree_shows_the_batch_down_to_its_agent(stage: Stage):
    stage.puppets.plan(REVIEW, waits())
    async with stage.control() as control:
        await control.ask(ONE)
        await stage.puppets.at_work(REVIEW)
        shown = {node.id: node for node in stage.nodes()}
        agents = [node for node in shown.values() if node.role is Role.PROCESS]
        assert {
            "door",
            "batch-supervisor",
            "batch",
            "crew",
            "reviews",
            "review-worker-1",
            "cycle-1",
            "story-1-1-one",
        } <= set(shown)
        assert f"command-c1/{REVIEW}/1-1-one" in shown
        assert len(agents) == 1
        assert agents[0].pid
        assert agents[0].deadline
        await stage.puppets.let_go(REVIEW)
        await control.ended()
        assert not any(node.role is Role.PROCESS for node in stage.nodes())


async def test_nothing_is_left_that_should_not_be(stage: Stage):
    stage.puppets.plan(REVIEW, fails(), says("ZERO ISSUES"))
    async with stage.control() as control:
        await control.ask(ONE)
        await control.ended()
    assert [line for line in violations(stage.project) if "commits" not in line] == []


async def test_a_runner_that_is_leaving_begins_nothing_any_more(stage: Stage):
    async with stage.control() as control:
        control.retire()
        with pytest.raises(Refused, match="leaving"):
            await control.ask(StartBatch(max_cycles=1))
    assert stage.query("SELECT count(*) FROM batches") == [(0,)]
