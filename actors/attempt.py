"""One attempt of a command: on record as an intent, run under its guard, on record with its end.

The command actor calls `make_attempt`. However the attempt ends, by itself, by a limit, by a stop or by a crash of
something else in the runner, its conclusion is committed, and never before its processes are proven gone.
"""

import math
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import trio

from actors.briefing import Briefing, agent_environment, prompt_text
from actors.kit import Shift
from actors.ledger import Success
from actors.lifeline import move_locks_aside
from actors.process import AgentProcess, Job, Limits
from actors.progress import Progress
from actors.recorder import RECORD_SECONDS
from actors.tree import Branch
from actors.verdict import COMMIT, Attempted, aware, commit_subject, conclude, probe_commit, story_keys
from runner.agents.base import Began, Cut, Decoder, Ending, EndingKind, LaunchRequest, ProcessEnding, Signal
from runner.domain.attempts import ALLOWED_FAILURES, Attempt, AttemptStatus, RunAgain
from runner.domain.errors import BatchFailed
from runner.domain.events import CommandProgress
from runner.domain.steps import RunCommand
from runner.guard import tags
from runner.settings import Settings
from runner.store.command_log import Conclusion, Intent, Place
from runner.workspace import git
from runner.workspace.leftovers import mark, unmark
from runner.workspace.machine import refusal, shortage
from runner.workspace.runs import prepare, run_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A step and how it is to be carried out."""

    step: RunCommand
    briefing: Briefing
    model: str
    watched: tuple[str, ...] = ()
    """Stories whose statuses are looked at afterwards; none for what runs beside the cycle."""
    allowed_failures: int = ALLOWED_FAILURES
    background_task_id: int | None = None


async def make_attempt(shift: Shift, errand: Errand, move: RunAgain, branch: Branch) -> Ending:
    """Start the agent once and bring its end on record; raises BatchFailed when its processes cannot be ended."""
    with shift.gate.running():
        intent = await _intent(shift, errand, move)
        command_id = await shift.kit.recorder.record(lambda journal: journal.intend(intent))
        attempt = Attempt(number=move.attempt, status=AttemptStatus.RUNNING, session_id=intent.session_id)
        shift.ledger.started(errand.step.key, attempt, intent.before)
        return await _Attempt(shift, errand, intent, command_id, branch).carry_out()


async def _intent(shift: Shift, errand: Errand, move: RunAgain) -> Intent:
    kit, step = shift.kit, errand.step
    return Intent(
        place=Place(
            batch_id=shift.batch_id,
            step_key=step.key,
            command=step.command,
            stories=step.stories,
            cycle=errand.briefing.cycle,
            background_task_id=errand.background_task_id,
        ),
        attempt=move.attempt,
        agent=kit.provider.name,
        model=errand.model,
        session_id=move.session_id or kit.new_id(),
        continued=bool(move.session_id),
        run_id=kit.new_id(),
        tag=tags.new_tag(),
        before=await _before(shift, errand),
    )


async def _before(shift: Shift, errand: Errand) -> Mapping[str, str]:
    """What has to be known of the time before the first attempt, to recognise the effect of any attempt."""
    if errand.step.command != COMMIT:
        return {}
    if recorded := shift.ledger.before(errand.step.key):
        return recorded
    head = await trio.to_thread.run_sync(git.head, shift.kit.paths.root)
    subject = commit_subject(errand.briefing.epic, story_keys(errand.step.stories))
    return {"head": head or "", "subject": subject}


class _Attempt:
    """The attempt whose intent is on record."""

    def __init__(self, shift: Shift, errand: Errand, intent: Intent, command_id: int, branch: Branch) -> None:
        self._shift = shift
        self._kit = shift.kit
        self._errand = errand
        self._intent = intent
        self._command_id = command_id
        self._branch = branch
        self._folder = run_folder(shift.kit.paths.state, intent.run_id)
        self._disks = (self._folder.path.parent, shift.kit.paths.root)
        self._began = False
        self._progress = Progress(
            command=errand.step.command,
            stories=errand.step.stories,
            command_id=command_id,
            now=trio.current_time,
        )

    async def carry_out(self) -> Ending:
        if lack := await trio.to_thread.run_sync(shortage, *self._disks):
            return await self._not_begun(lack)
        try:
            await trio.to_thread.run_sync(self._make_folder, self._prompt())
        except OSError as error:
            await self._see_to_premises()
            reason = f"cannot write the run folder {self._folder.path}: {refusal(error)}"
            return await self._not_begun(reason)
        return await self._run()

    async def _not_begun(self, reason: str) -> Ending:
        """The machine is in no state to run an agent."""
        ending = Ending(kind=EndingKind.OPERATOR, reason=reason)
        await self._put_on_record(ending, exit_code=None, leftovers=0)
        return ending

    def _make_folder(self, prompt: str) -> None:
        prepare(self._folder, prompt)
        # Not in the database alone: the next start must find the processes, whichever database it is given.
        mark(self._folder.path, self._intent.tag)

    async def _see_to_premises(self) -> None:
        """Raise BatchFailed when what the run stands on is gone: nothing can be put on record any more."""
        await trio.to_thread.run_sync(self._kit.premises.check)

    async def _run(self) -> Ending:
        decoder = self._kit.provider.decoder()
        process = AgentProcess(self._job(), decoder, self._branch, clock=self._kit.clock)
        can_look = True
        try:
            await process.run(self._listen)
        except OSError:
            # No file can be opened any more, perhaps: what the agent has left is for the next start to judge.
            can_look = False
            raise
        finally:
            # A stop must not lose what the agent has done: the record is made even now, within a deadline.
            with trio.CancelScope(shield=True, deadline=trio.current_time() + RECORD_SECONDS) as shield:
                if can_look:
                    ending = await self._conclude(decoder, process)
        if shield.cancelled_caught:
            raise BatchFailed(f"the end of {self._errand.step.key} could not be recorded", hint="--resume settles it")
        for task in sorted(self._progress.unknown_tasks):
            await self._shift.warn("unknown_task", f"{self._errand.step.command} reported unknown task {task!r}")
        return ending

    async def _listen(self, signals: Sequence[Signal]) -> None:
        self._began = self._began or any(isinstance(signal, Began) for signal in signals)
        for event in self._progress.events(signals):
            await self._tell(event)

    async def _tell(self, event: CommandProgress) -> None:
        at, batch_id = self._kit.clock(), self._shift.batch_id
        await self._kit.recorder.note(lambda journal: journal.progress(batch_id, event, at))

    async def _conclude(self, decoder: Decoder, process: AgentProcess) -> Ending:
        for event in self._progress.rest():
            await self._tell(event)
        if not process.clean:
            raise BatchFailed(
                f"processes of {self._errand.step.key} could not be ended",
                hint="look for them with `python -m runner doctor`, end them, then resume",
            )
        await trio.to_thread.run_sync(unmark, self._folder.path)
        await self._see_to_premises()
        if not process.heard_all:
            # Its result may stand in what there was no time to read: the attempt stays open for the lifeline.
            return Ending(kind=EndingKind.INTERRUPTED, reason="its output was not read to the end")
        told = await trio.to_thread.run_sync(process.ending)
        ending = decoder.ending(told, now=aware(self._kit.clock()))
        if ending.kind is EndingKind.FAILURE:
            ending = await self._blamed(ending, told, process)
        await self._put_on_record(ending, exit_code=told.exit_code, leftovers=process.leftovers)
        if process.leftovers and told.cut is Cut.NONE:
            await self._warn_of_leftovers(process.leftovers)
        if told.exit_code is None and self._shift.gate.inside == 1:
            # It was killed, and its git with it: the next attempt would find the way to a commit barred. While other
            # agents work, a lock may be taken again by one of theirs.
            await move_locks_aside(self._kit)
        return ending

    async def _blamed(self, ending: Ending, told: ProcessEnding, process: AgentProcess) -> Ending:
        """A failure, and what the machine has to do with it: what it is to blame for is not charged."""
        lack = ending.reason if process.refused else await trio.to_thread.run_sync(shortage, *self._disks)
        if lack:
            return replace(ending, kind=EndingKind.OPERATOR, reason=lack)
        if told.signal == signal.SIGKILL and told.cut is Cut.NONE:
            return replace(ending, reason=f"{ending.reason}; the system may have run out of memory")
        return ending

    async def _warn_of_leftovers(self, count: int) -> None:
        """An agent that ended by itself has left processes: whoever relies on them has to know that they are gone."""
        what = "a process" if count == 1 else f"{count} processes"
        await self._shift.warn("leftovers", f"{self._errand.step.key} left {what} behind, ended by the guard")

    async def _put_on_record(self, ending: Ending, *, exit_code: int | None, leftovers: int) -> None:
        attempted = Attempted(
            command=self._errand.step.command,
            stories=self._errand.step.stories,
            # A session that never began cannot be continued.
            session_id=self._intent.session_id if self._began else "",
            continued=self._intent.continued,
        )
        committed = ending.kind is not EndingKind.SUCCESS and await trio.to_thread.run_sync(
            probe_commit, self._kit.paths.root, self._intent.before
        )
        end, _ = conclude(ending, attempted, exit_code=exit_code, leftovers=leftovers, committed=committed)
        await self._kit.recorder.record(lambda journal: journal.conclude(self._command_id, end))
        self._note_end(end)

    def _note_end(self, end: Conclusion) -> None:
        attempt = Attempt(
            number=self._intent.attempt,
            status=AttemptStatus(end.status),
            charged=end.charged,
            session_id=end.session_id,
            reason=end.reason,
        )
        success = (
            Success(command_id=self._command_id, verdict_json=end.verdict_json.decode())
            if attempt.status is AttemptStatus.SUCCESS
            else None
        )
        self._shift.ledger.ended(self._errand.step.key, attempt, success)

    def _prompt(self) -> str:
        return prompt_text(self._kit, self._errand.step, self._errand.briefing, continued=self._intent.continued)

    def _job(self) -> Job:
        environment = agent_environment(
            self._kit,
            self._errand.step,
            self._errand.briefing,
            batch_id=self._shift.batch_id,
            attempt=self._intent.attempt,
        )
        request = LaunchRequest(
            session_id=self._intent.session_id,
            resume=self._intent.continued,
            model=self._intent.model,
            permission_mode=self._kit.permission_mode,
            environment=environment,
        )
        return Job(
            folder=self._folder,
            launch=self._kit.provider.launch(request),
            environment=environment,
            cwd=self._kit.paths.root,
            tag=self._intent.tag,
            limits=limits_of(self._kit.settings),
            isolation=self._kit.settings.isolation,
        )


def limits_of(settings: Settings) -> Limits:
    """The time limits in seconds; a setting of 0 switches its limit off."""
    return Limits(
        idle=settings.command_idle_timeout_minutes * 60 or math.inf,
        total=settings.command_timeout_minutes * 60 or math.inf,
        grace=settings.stop_grace_seconds,
    )
