"""What a dead runner has left behind: rows, run folders, guards, agents, locks of git.

The dead runner is played by rows and files that it would have left, and by real guards whose control pipe is closed,
which is what a guard sees when its runner is gone.
"""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.child import ChildSpec, Restart
from actors.kit import Reads
from actors.lifeline import DEAD, Lifeline, end_run, settle_commands
from actors.supervisor import Supervisor
from actors.verdict import commit_subject, story_keys
from runner.agents.lines import MAX_LINE
from runner.domain.errors import DatabaseError
from runner.guard import tags
from runner.guard.receipt import guard_command
from runner.store.command_log import Intent, Place
from runner.store.journal import Journal
from runner.workspace.atomic import staged
from runner.workspace.runs import prepare, run_folder
from tests.actors.stage import HOUR_MS, Stage, began, result, text, until
from tests.support.project import git

STORY = "1-1-one"
SESSION = "11111111-1111-4111-8111-111111111111"
RUN = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, {STORY: "review"})


def intent(
    batch_id: int, command: str = "dev-story", *, tag: int = 0, before: Mapping[str, str] | None = None
) -> Intent:
    return Intent(
        place=Place(batch_id=batch_id, step_key=f"c1/{command}/{STORY}", command=command, stories=(STORY,)),
        attempt=1,
        agent="puppets",
        model="",
        session_id=SESSION,
        continued=False,
        run_id=RUN,
        tag=tag,
        before=before or {},
    )


async def begun(stage: Stage, command: str = "dev-story", **more: Any) -> int:
    """A batch whose runner died during its first command; the batch's id."""
    shift = await stage.shift()
    await stage.kit.recorder.record(lambda journal: journal.intend(intent(shift.batch_id, command, **more)))
    return shift.batch_id


async def rescue(stage: Stage) -> None:
    await Lifeline(stage.kit).run(stage.root)


def leave_output(stage: Stage, lines: Sequence[Mapping[str, Any]], *, tail: bytes = b"") -> None:
    folder = run_folder(stage.kit.paths.state, RUN)
    prepare(folder, "Do it.")
    output = "".join(json.dumps(line) + "\n" for line in lines)
    folder.stdout.write_bytes(output.encode() + tail)


def leave_receipt(stage: Stage, why: str, **fields: Any) -> None:
    receipt = {"v": 1, "why": why, "exit_code": 0, "signal": None, "error": None, "leftovers": 0, "swept": 0}
    receipt |= {"clean": True, "started_at": 1, "ended_at": 2, **fields}
    (run_folder(stage.kit.paths.state, RUN).path / "exit.json").write_text(json.dumps(receipt))


# What the disk proves


@dataclass(frozen=True)
class Case:
    """What was left of a command, and what is recorded of it."""

    lines: tuple[dict[str, Any], ...]
    status: str
    reason: str = ""
    charged: int = 0
    session: str = ""
    receipt: dict[str, Any] | None = field(default_factory=lambda: {"why": "exit"})
    tail: bytes = b""


GOOD = (began(), text("Done."), result())
CASES = {
    "receipt and result": Case(GOOD, "success", session=SESSION),
    "result without a receipt": Case(GOOD, "success", session=SESSION, receipt=None),
    "result, then the runner was gone": Case(GOOD, "success", session=SESSION, receipt={"why": "runner-gone"}),
    "result without its newline": Case(
        GOOD[:2], "success", session=SESSION, receipt=None, tail=json.dumps(result()).encode()
    ),
    "bad result": Case((began(), result(is_error=True, result="it broke")), "error", "it broke", 1),
    "no result": Case(
        (began(),), "error", "ended without a result (exit 3)", 1, receipt={"why": "exit", "exit_code": 3}
    ),
    "usage limit": Case(
        (began(), result(is_error=True, result="usage limit reached")), "limit", "usage limit reached", 0, SESSION
    ),
    "cut off": Case((began(),), "interrupted", DEAD, 0, SESSION, receipt={"why": "runner-gone", "exit_code": None}),
    "cut off without a receipt": Case((began(), text("I was")), "interrupted", DEAD, 0, SESSION, receipt=None),
    "cut off in a line": Case((began(),), "interrupted", DEAD, 0, SESSION, receipt=None, tail=b'{"type":"resu'),
    "cut off before it began": Case((), "interrupted", DEAD, receipt={"why": "never-started", "exit_code": None}),
    "torn receipt": Case((), "interrupted", DEAD, receipt={"why": "no such word"}),
    "agent that is not there": Case(
        (), "error", "ENOENT", 1, receipt={"why": "cannot-start", "exit_code": 127, "error": "ENOENT"}
    ),
    "endless line": Case((began(),), "error", "a line is longer than", 1, receipt=None, tail=bytes(MAX_LINE + 1)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_command_without_an_end_gets_the_one_that_the_disk_proves(stage: Stage, case: Case):
    async with stage.recording():
        await begun(stage)
        leave_output(stage, case.lines, tail=case.tail)
        if case.receipt is not None:
            leave_receipt(stage, **case.receipt)
        await rescue(stage)
    ((status, reason, charged, session),) = stage.query("SELECT status, reason, charged, session_id FROM commands")
    assert (status, charged, session) == (case.status, case.charged, case.session)
    assert case.reason in reason
    assert [event["status"] for event in stage.payloads("command:end")] == [case.status]


async def test_a_command_of_which_nothing_is_left_was_interrupted(stage: Stage):
    async with stage.recording():
        await begun(stage)
        await rescue(stage)
    assert stage.query("SELECT status, reason, session_id FROM commands") == [("interrupted", DEAD, "")]


async def test_a_start_that_is_called_off_does_not_wait_for_all_that_was_left(stage: Stage):
    async with stage.recording():
        await begun(stage)
        # Ten seconds' worth of reading.
        leave_output(stage, (began(),), tail=b"{garbled}\n" * 5_000_000)
        began_at = trio.current_time()
        with trio.move_on_after(0.1):
            await rescue(stage)
        assert trio.current_time() - began_at < 3
    assert stage.query("SELECT status FROM commands") == [("running",)]


async def test_what_a_finished_command_cost_and_decided_is_kept(stage: Stage):
    lines = (began(), text("HIGHEST SEVERITY: LOW"), result(total_cost_usd=0.5, num_turns=4))
    async with stage.recording():
        await begun(stage, "code-review-1")
        leave_output(stage, lines)
        leave_receipt(stage, "exit", leftovers=3)
        await rescue(stage)
    ((cost, turns, exit_code, verdict),) = stage.query(
        "SELECT cost_usd, num_turns, exit_code, verdict_json FROM commands"
    )
    assert (cost, turns, exit_code) == (0.5, 4, 0)
    assert json.loads(verdict)["review"]["severity"] == "LOW"
    assert stage.payloads("command:end")[0]["metrics"]["leftovers"] == 3


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_that_was_made_counts_though_nobody_lived_to_say_so(stage: Stage, committed: bool):
    subject = commit_subject("1", story_keys([STORY]))
    before = {"head": git(stage.project, "rev-parse", "HEAD").strip(), "subject": subject}
    async with stage.recording():
        await begun(stage, "batch-commit", before=before)
        leave_output(stage, (began(),))
        if committed:
            git(stage.project, "commit", "--quiet", "--allow-empty", "--message", subject)
        await rescue(stage)
    ((status, reason),) = stage.query("SELECT status, reason FROM commands")
    assert (status, reason) == (
        ("success", f"the commit was found in git; {DEAD}") if committed else ("interrupted", DEAD)
    )


# Processes


SPAWNING = 'setsid sleep 300 </dev/null & echo "$!"; exec sleep 300'


@contextmanager
def orphaned_guard(stage: Stage, tag: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A guard whose agent has a child in another session; and the pipe whose end means that the runner died."""
    folder = run_folder(stage.kit.paths.state, RUN)
    prepare(folder, "Do it.")
    reading, control = os.pipe()
    lock = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command = guard_command(
        run_dir=folder.path, control_fd=reading, lock_fd=lock, tag=tag, grace=5, command=["sh", "-c", SPAWNING]
    )
    with folder.stdout.open("ab") as output, folder.prompt.open() as prompt:
        guard = subprocess.Popen(
            command, stdin=prompt, stdout=output, stderr=output, pass_fds=(reading, lock), start_new_session=True
        )
    os.close(reading)
    os.close(lock)
    try:
        yield guard, control
    finally:
        guard.kill()
        guard.wait()
        tags.sweep(tag, 5)


async def test_a_guard_that_still_works_is_waited_for(stage: Stage):
    tag = tags.new_tag()
    with orphaned_guard(stage, tag) as (guard, control):
        async with stage.recording():
            await begun(stage, tag=tag)
            await until(lambda: len(tags.tagged(tag)) == 2)
            os.close(control)
            await rescue(stage)
            assert tags.tagged(tag) == []
        assert guard.wait(5) is not None
    assert stage.query("SELECT status FROM commands") == [("interrupted",)]


async def test_what_a_killed_guard_left_alive_is_swept(stage: Stage):
    tag = tags.new_tag()
    with orphaned_guard(stage, tag) as (guard, control):
        async with stage.recording():
            await begun(stage, tag=tag)
            await until(lambda: len(tags.tagged(tag)) == 2)
            guard.kill()
            guard.wait()
            os.close(control)
            assert len(tags.tagged(tag)) >= 1
            await rescue(stage)
            assert tags.tagged(tag) == []
    assert stage.query("SELECT status FROM commands") == [("interrupted",)]


@pytest.mark.slow
async def test_a_frozen_guard_is_ended_with_all_that_it_guards(stage: Stage):
    tag = tags.new_tag()
    with orphaned_guard(stage, tag) as (guard, control):
        async with stage.recording(patience=60):
            await begun(stage, tag=tag)
            await until(lambda: len(tags.tagged(tag)) == 2)
            guard.send_signal(signal.SIGSTOP)
            os.close(control)
            await rescue(stage)
            assert tags.tagged(tag) == []
        assert guard.wait(5) == -signal.SIGKILL
    assert stage.query("SELECT status FROM commands") == [("interrupted",)]


async def test_the_end_of_a_run_settles_what_never_had_a_process(stage: Stage):
    async with stage.recording():
        batch_id = await begun(stage)
        assert await end_run(stage.kit, batch_id, "stopped", "enough") == ("stopped", "enough")
    assert stage.query("SELECT status FROM commands") == [("interrupted",)]
    assert stage.query("SELECT status, reason, resumable FROM batches") == [("stopped", "enough", 1)]


# Batches and the project


async def test_batches_that_nobody_runs_are_stopped_and_can_be_resumed(stage: Stage):
    resets_at = stage.wall() + HOUR_MS
    async with stage.recording():
        running, waiting = (await stage.shift()).batch_id, (await stage.shift()).batch_id
        await stage.kit.recorder.record(
            lambda journal: journal.set_batch_state(waiting, "waiting_limit", resets_at=resets_at)
        )
        await rescue(stage)
    assert stage.query("SELECT id, status, reason, resets_at, resumable FROM batches") == [
        (running, "stopped", DEAD, None, 1),
        (waiting, "stopped", DEAD, resets_at, 1),
    ]
    assert [event["batch_id"] for event in stage.payloads("batch:end")] == [running, waiting]


async def test_batches_that_ended_are_left_alone(stage: Stage):
    async with stage.recording():
        batch_id = (await stage.shift()).batch_id
        await stage.kit.recorder.record(lambda journal: journal.end_batch(batch_id, "completed", "1 cycle completed"))
        await rescue(stage)
    assert stage.query("SELECT status, reason FROM batches") == [("completed", "1 cycle completed")]
    assert len(stage.payloads("batch:end")) == 1


async def test_background_tasks_of_a_dead_run_are_interrupted(stage: Stage):
    async with stage.recording():
        shift = await stage.shift()
        await stage.kit.recorder.record(
            lambda journal: journal.spawn_background(shift.batch_id, "story-review-chain", (STORY,), "c1/chain", None)
        )
        await rescue(stage)
    assert stage.query("SELECT status FROM background_tasks") == [("interrupted",)]


async def test_locks_of_a_killed_git_are_moved_aside_and_told(stage: Stage):
    lock = stage.project / ".git" / "index.lock"
    lock.write_text("")
    async with stage.recording():
        await begun(stage)
        await rescue(stage)
    assert not lock.exists()
    assert [path.name for path in (stage.kit.paths.state / "moved-locks").iterdir()] == ["index.lock.1"]
    (warning,) = stage.payloads("batch:warning")
    assert warning["warning_type"] == "stale_git_lock"
    assert str(lock) in warning["message"]


async def test_locks_are_moved_aside_when_an_earlier_rescue_was_cut_off(stage: Stage):
    lock = stage.project / ".git" / "index.lock"
    lock.write_text("")
    async with stage.recording():
        await begun(stage)
        await settle_commands(stage.kit)  # as far as it came
        await rescue(stage)
    assert not lock.exists()


async def test_locks_are_none_of_our_business_when_no_command_was_cut_off(stage: Stage):
    lock = stage.project / ".git" / "index.lock"
    lock.write_text("")
    async with stage.recording():
        await rescue(stage)
    assert lock.exists()


async def test_half_a_replacement_of_the_sprint_file_is_removed_before_an_agent_commits_it(stage: Stage):
    file = stage.kit.paths.status_file
    before = sorted(file.parent.iterdir())
    with staged(file, b"half"):
        (half,) = set(file.parent.iterdir()) - set(before)
        os.link(half, half.with_name(f".sprint-runner-killed{half.suffix}"))  # what a kill leaves
    assert sorted(file.parent.iterdir()) != before
    async with stage.recording():
        await rescue(stage)
    assert sorted(file.parent.iterdir()) == before


async def test_nothing_in_the_database_of_another_project_is_rescued(stage: Stage, tmp_path: Path):
    theirs = tmp_path / "other" / ".sprint-runner" / "sprint-runner.db"
    lifeline = Lifeline(replace(stage.kit, reads=Reads(theirs)))
    with pytest.raises(DatabaseError, match="is the database of"):
        await lifeline.run(stage.root)


async def test_a_second_rescue_finds_nothing(stage: Stage):
    async with stage.recording():
        await begun(stage)
        await rescue(stage)
        told = len(stage.events)
        await rescue(stage)
        assert len(stage.events) == told


async def test_a_rescue_begins_again_when_the_recorder_crashes_over_it(stage: Stage):
    stage.crash_over = "command:end"
    async with stage.recording():
        batch_id = await begun(stage)
        spec = ChildSpec(id="lifeline", start=Lifeline(stage.kit).run, restart=Restart.TRANSIENT)
        await Supervisor([spec]).run(stage.root)
        assert stage.crashes
        assert stage.query("SELECT status FROM commands") == [("interrupted",)]
        assert stage.query("SELECT id, status FROM batches") == [(batch_id, "stopped")]


async def test_an_intent_that_waits_for_the_database_is_settled_too(stage: Stage):
    def begin_late(journal: Journal) -> None:
        time.sleep(0.2)
        journal.intend(intent(1))

    async with stage.recording():
        await stage.shift()
        await stage.kit.recorder.note(begin_late)
        await rescue(stage)
        assert stage.query("SELECT status FROM commands") == [("interrupted",)]


async def test_it_is_up_when_the_rescue_is_over(stage: Stage):
    async with stage.recording() as nursery:
        await begun(stage)
        await nursery.start(Lifeline(stage.kit).run, stage.root)
        assert stage.query("SELECT status FROM commands") == [("interrupted",)]


async def test_output_of_long_ago_is_removed(stage: Stage):
    leave_output(stage, GOOD)
    async with stage.recording():
        await rescue(stage)
        assert run_folder(stage.kit.paths.state, RUN).path.exists()
        stage.wall.jump((stage.kit.settings.keep_runs_days + 1) * 24 * HOUR_MS)
        await rescue(stage)
    assert not run_folder(stage.kit.paths.state, RUN).path.exists()
