"""Control: the only door to the sprint. Start, stop, pause, resume, and the question what is going on.

The command line and the web ask; control refuses what is not possible now, with words an operator understands. It
runs at most one batch, under a supervisor that restarts it from the journal; a batch that cannot go on at all ends
with status `error`, and control is idle again.

Control is itself a supervisor. Its door takes the requests, the batch is beside it: a crash of the door costs one
request its answer, and the batch goes on.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog
import trio

from actors import lifeline
from actors.batch import Batch, BatchOrder
from actors.child import in_words
from actors.faults import Endurance
from actors.gate import Stop
from actors.kit import Kit
from actors.mailbox import Abandoned, Mailbox, Question, Reply
from actors.orders import PauseOrder, ResumeOrder, StopOrder
from actors.supervisor import ChildSpec, Intensity, Report, Restart, Supervisor
from actors.tree import Branch, Role
from runner.domain.errors import Refused, RunnerError
from runner.guard.probe import obstacle
from runner.settings import Settings
from runner.store import queries
from runner.store.journal import Journal
from runner.store.records import BatchRow
from runner.workspace.sprint_file import read_sprint

MAILBOX_CAPACITY = 16
BATCH_INTENSITY = Intensity(restarts=3, period=60.0)
BATCH_SHUTDOWN_SECONDS = 130.0
"""A batch that is cancelled ends its agents within their grace, at most 120 s, and records their ends."""
LAST_WORD_SECONDS = 30.0

log = structlog.get_logger("control")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBatch:
    """Open a batch; `new` closes an unfinished one first."""

    max_cycles: int | None
    new: bool = False
    attended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeBatch:
    """Go on with the batch that is paused or waits, or with an unfinished one."""

    attended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopBatch:
    when: Stop = Stop.COMMAND
    reason: str = "stopped by the operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBatch:
    reason: str = "paused by the operator"


Request = StartBatch | ResumeBatch | StopBatch | PauseBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of a batch ended."""

    batch_id: int
    status: str
    reason: str
    unasked: bool = False
    """Whether it stopped without having been told to: the reason is for the operator, and may stand nowhere else."""


class Control:
    """The actor; `ask` is for everybody."""

    def __init__(self, kit: Kit, report: Report, settings: Callable[[], Awaitable[Settings]] | None = None) -> None:
        """`settings` loads what is set at the start of each batch; without it, the kit's own are kept."""
        self._kit = kit
        self._report = report
        self._load_settings = settings
        self.mailbox: Mailbox[Question[Request, int]] = Mailbox(MAILBOX_CAPACITY)
        self._batch: Batch | None = None
        self._order: BatchOrder | None = None
        self._ended: Reply[Ended] = Reply()
        self._is_stopping = False
        self._is_retired = False
        self.last: Ended | None = None
        """How the run that ended last did."""
        door = ChildSpec(id="door", start=self._open_door, mailbox=self.mailbox)
        self._supervisor = Supervisor([door], report=report, random=kit.random)

    async def ask(self, request: Request) -> int:
        """Have a request carried out; the batch's id. Raises RunnerError when it is refused.

        Abandoned means that the door crashed over it, and nobody knows how far it came. A stop is asked for again.
        """
        while True:
            reply: Reply[int] = Reply()
            await self.mailbox.cast(Question(request, reply))
            try:
                return await reply.wait()
            except Abandoned:
                if not isinstance(request, StopBatch):
                    raise

    def retire(self) -> None:
        """Begin no batch any more: the runner is leaving."""
        self._is_retired = True

    async def start(self, max_cycles: int | None, *, new: bool) -> int:
        """Begin a batch that somebody watches; None: until no story is left."""
        return await self.ask(StartBatch(max_cycles=max_cycles, new=new, attended=True))

    async def stop(self, after: str) -> int:
        """Stop after the `command`, `story` or `cycle` that runs, or `now`."""
        return await self.ask(StopBatch(when=Stop[after.upper()]))

    async def pause(self) -> int:
        """Let nothing start until resumed."""
        return await self.ask(PauseBatch())

    async def resume(self) -> int:
        """Go on with a batch that is paused, that waits, or that is unfinished."""
        return await self.ask(ResumeBatch(attended=True))

    async def ended(self) -> Ended:
        """Wait for the end of the batch that was started last."""
        return await self._ended.wait()

    @property
    def state(self) -> str:
        """idle, or what the running batch is doing."""
        return self._batch.state if self._batch else "idle"

    @property
    def batch_id(self) -> int | None:
        return self._order.batch_id if self._batch and self._order else None

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve requests until cancelled."""
        await self._supervisor.run(branch, task_status=task_status)

    async def _open_door(
        self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        task_status.started()
        while True:
            question = await self.mailbox.receive()
            with question as request:
                try:
                    question.reply.answer(await self._serve(request))
                except RunnerError as error:
                    question.reply.refuse(error)

    async def _serve(self, request: Request) -> int:
        match request:
            case StartBatch() if self._batch is not None:
                raise Refused("a batch is already running", hint="stop it first")
            case StartBatch():
                kit = await self._kit_for_batch()
                return await self._run_batch(await self._open(request), kit)
            case ResumeBatch() if self._batch is None:
                kit = await self._kit_for_batch()
                return await self._run_batch(await self._reopen(request), kit)
            case ResumeBatch():
                return await self._pass_on(ResumeOrder(), possible=("paused", "pausing", "waiting_limit"))
            case StopBatch(when=when, reason=reason):
                self._is_stopping = True
                if when is Stop.NOW:
                    self._kit.recorder.hurry()
                return await self._pass_on(StopOrder(when=when, reason=reason))
            case PauseBatch(reason=reason):
                return await self._pass_on(PauseOrder(reason=reason), possible=("running", "waiting_limit"))

    async def _pass_on(self, order: StopOrder | PauseOrder | ResumeOrder, *, possible: tuple[str, ...] = ()) -> int:
        if self._batch is None or self._order is None:
            raise Refused("nothing runs", hint="start a batch first")
        if possible and self._batch.state not in possible:
            raise Refused(f"not possible while the batch is {self._batch.state}")
        await self._batch.mailbox.cast(order)
        return self._order.batch_id

    async def _kit_for_batch(self) -> Kit:
        """The kit with the settings as they are now. Raises RunnerError when they, or the sprint, are no good."""
        if self._is_retired:
            raise Refused("the runner is leaving", hint="start it again")
        await trio.to_thread.run_sync(read_sprint, self._kit.paths.status_file)
        if self._load_settings is None:
            return self._kit
        settings = await self._load_settings()
        if reason := await trio.to_thread.run_sync(obstacle, settings.isolation):
            raise Refused(f"isolation by {settings.isolation} is not to be had here: {reason}", hint="set it to auto")
        return replace(self._kit, settings=settings)

    async def _open(self, request: StartBatch) -> BatchOrder:
        unfinished = await self._kit.reads.ask(queries.resumable_batch)
        if unfinished is not None and not request.new:
            raise Refused(
                f"batch {unfinished.id} is unfinished ({_words(unfinished)})",
                hint="--resume continues it, --new closes it and starts afresh",
            )
        batch_id = await self._kit.recorder.record(partial(self._create, request.max_cycles, unfinished))
        return BatchOrder(batch_id=batch_id, max_cycles=request.max_cycles, attended=request.attended)

    def _create(self, max_cycles: int | None, unfinished: BatchRow | None, journal: Journal) -> int:
        if unfinished is not None:
            journal.close_batch(unfinished.id)
        return journal.create_batch(max_cycles, self._kit.provider.name)

    async def _reopen(self, request: ResumeBatch) -> BatchOrder:
        unfinished = await self._kit.reads.ask(queries.resumable_batch)
        if unfinished is None:
            raise Refused("there is no unfinished batch to resume", hint="start one with --cycles")
        await self._kit.recorder.record(lambda journal: journal.resume_batch(unfinished.id))
        return BatchOrder(batch_id=unfinished.id, max_cycles=unfinished.max_cycles, attended=request.attended)

    async def _run_batch(self, order: BatchOrder, kit: Kit) -> int:
        spec = ChildSpec(
            id="batch-supervisor",
            start=partial(self._supervise, order, kit),
            restart=Restart.TEMPORARY,
            shutdown=BATCH_SHUTDOWN_SECONDS + LAST_WORD_SECONDS,
            role=Role.SUPERVISOR,
        )
        await self._supervisor.start_child(spec)
        return order.batch_id

    async def _supervise(
        self,
        order: BatchOrder,
        kit: Kit,
        branch: Branch,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep the batch alive; when it is over, be idle again."""
        batch = self._batch = Batch(kit, order, self._report)
        self._order, self._ended, self._is_stopping = order, Reply(), False
        self._kit.recorder.take_time()
        # A batch that cannot start is one that has begun and ended: it has its end, and a reason, on record.
        task_status.started()
        endurance = Endurance(kit, batch, order.batch_id)
        spec = ChildSpec(
            id="batch",
            start=endurance.run,
            restart=Restart.TRANSIENT,
            shutdown=BATCH_SHUTDOWN_SECONDS,
            mailbox=batch.mailbox,
        )
        supervisor = Supervisor([spec], intensity=BATCH_INTENSITY, report=self._report, random=self._kit.random)
        result = "stopped", "the runner is stopping"
        try:
            await supervisor.run(branch)
        except* Exception as failure:
            # It crashed too often, or could not even start.
            result = "error", in_words(failure)
        finally:
            status, reason = batch.result or await self._record_end(order.batch_id, *result)
            unasked = bool(endurance.fault) or (status == "stopped" and not self._is_stopping)
            ended = Ended(batch_id=order.batch_id, status=status, reason=reason, unasked=unasked)
            self._batch, self.last = None, ended
            self._ended.answer(ended)

    async def _record_end(self, batch_id: int, status: str, reason: str) -> tuple[str, str]:
        """Bring the end of a run on record that did not do so itself; the database may be what failed."""
        shield = trio.CancelScope(shield=True, deadline=trio.current_time() + LAST_WORD_SECONDS)
        try:
            with shield:
                return await lifeline.end_run(self._kit, batch_id, status, reason)
        except Exception as error:
            # Whatever it was: who waits for the end of the run has to hear of it, or waits for ever.
            log.error("the end of the batch is not on record", batch=batch_id, reason=in_words(error))
        return status, reason


def _words(batch: BatchRow) -> str:
    cycles = "all" if batch.max_cycles is None else str(batch.max_cycles)
    return f"{batch.status}, {batch.cycles_completed} of {cycles} cycles done"
