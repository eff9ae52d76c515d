"""The lifeline: what a dead runner has left behind is ended, judged and recorded before anything else happens.

Root runs it once at start; a batch that was restarted asks it for its own commands again. For each attempt without
an end: wait until its guard is gone, sweep its tag, then take what its receipt and its output prove. Only when
these prove nothing is the attempt interrupted, to be continued by the next one. The lifeline starts nothing.
"""

import msgspec
import trio

from actors.kit import Kit
from actors.tree import Branch
from actors.verdict import COMMIT, Attempted, aware, conclude, probe_commit, start_failure
from runner.agents.base import Cut, Decoder, Ending, EndingKind, ProcessEnding
from runner.agents.lines import LineTooLong
from runner.domain.errors import BatchFailed
from runner.domain.events import BatchWarning
from runner.guard import tags
from runner.guard.receipt import Receipt, await_guard, read_receipt
from runner.guard.strays import kill_guard
from runner.store import queries
from runner.store.command_log import Conclusion
from runner.store.records import AttemptRow, UnfinishedCommand
from runner.workspace import git
from runner.workspace.runs import RunFolder, prune, read_whole, run_folder, stderr_tail

GUARD_SECONDS = 10.0
"""An orphaned guard gives its agent half a second; it is long gone when this has passed."""
SWEEP_SECONDS = 5.0
DEAD = "the runner ended without warning"
DAY_MS = 24 * 60 * 60 * 1000


class Lifeline:
    """The start-up rescue."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rescue, then end."""
        rescued = await settle_commands(self._kit)
        await self._close_runs()
        if rescued:
            await self._move_locks_aside()
        oldest = self._kit.clock() - self._kit.settings.keep_runs_days * DAY_MS
        await trio.to_thread.run_sync(prune, self._kit.paths.state, oldest)
        task_status.started()

    async def _close_runs(self) -> None:
        """A batch that nobody runs is stopped; it can be resumed, with its timer if it had one."""
        batches = await self._kit.reads.ask(queries.open_batches)
        for batch in batches:
            await self._kit.recorder.record(
                lambda journal, id=batch.id: journal.end_batch(id, "stopped", DEAD)  # type: ignore[misc]
            )

    async def _move_locks_aside(self) -> None:
        """Git's locks of agents that were killed would stop every later commit."""
        root, aside = self._kit.paths.root, self._kit.paths.state / "moved-locks"
        for lock in await trio.to_thread.run_sync(git.stale_locks, root):
            place = await trio.to_thread.run_sync(git.move_aside, lock, aside)
            message = f"{lock} was left behind by a killed git and was moved to {place}"
            event = BatchWarning(batch_id=0, message=message, warning_type="stale_git_lock")
            await self._kit.recorder.tell(event)


async def end_run(kit: Kit, batch_id: int, status: str, reason: str) -> tuple[str, str]:
    """Record the end of a run; a stop can tear an attempt between its intent and its process, so settle first.

    Gives what was recorded: a run that leaves processes behind has failed, and ends all the same.
    """
    try:
        await settle_commands(kit)
    except BatchFailed as failure:
        status, reason = "error", str(failure)
    await kit.recorder.record(lambda journal: journal.end_batch(batch_id, status, reason))
    return status, reason


async def settle_commands(kit: Kit, *, torn: bool = False) -> int:
    """Bring every attempt that has no end to one; gives their number.

    `torn`: only those that never had a process. To read what the others have said may take longer than a stop has.
    """
    unfinished = await kit.reads.ask(queries.unfinished_commands)
    for command in unfinished:
        if torn and run_folder(kit.paths.state, command.attempt.run_id).stdout.exists():
            continue
        end = await trio.to_thread.run_sync(_settle, kit, command)
        await kit.recorder.record(
            lambda journal, id=command.attempt.command_id, end=end: journal.conclude(id, end)  # type: ignore[misc]
        )
    return len(unfinished)


def _settle(kit: Kit, command: UnfinishedCommand) -> Conclusion:
    """End what is left of an attempt, and judge it by what it has left on the disk; in a thread."""
    row = command.attempt
    folder = run_folder(kit.paths.state, row.run_id)
    answered = await_guard(folder.path, GUARD_SECONDS)
    clean = tags.sweep(row.tag, SWEEP_SECONDS)[1]
    if not answered:
        kill_guard(folder.path)
        answered = await_guard(folder.path, GUARD_SECONDS)
    if not (answered and clean):
        raise BatchFailed(
            f"processes of {row.step_key} are still there", hint="end them, then start the runner again"
        )
    return _judge(kit, command, folder)


def _judge(kit: Kit, command: UnfinishedCommand, folder: RunFolder) -> Conclusion:
    row, receipt = command.attempt, read_receipt(folder.path)
    decoder = kit.provider.decoder()
    began, told = _hear(folder, decoder, receipt)
    ending = decoder.ending(told, now=aware(kit.clock()))
    attempted = Attempted(
        command=row.command,
        stories=_stories(row.step_key),
        session_id=row.session_id if began else "",
        continued=row.continued,
    )
    committed = ending.kind is not EndingKind.SUCCESS and _committed(kit, row)
    end, _ = conclude(
        _explained(ending),
        attempted,
        exit_code=receipt.exit_code if receipt else None,
        leftovers=receipt.leftovers if receipt else 0,
        committed=committed,
    )
    return end


def _hear(folder: RunFolder, decoder: Decoder, receipt: Receipt | None) -> tuple[bool, ProcessEnding]:
    """Read the output; whether the session had begun, and how the process ended as far as that is known."""
    try:
        began = read_whole(folder, decoder)
    except OSError:
        return False, ProcessEnding(exit_code=None, cut=Cut.STOPPED)
    except LineTooLong as error:
        return True, ProcessEnding(exit_code=None, cut=Cut.LINE_TOO_LONG, limit=str(error))
    by_itself = receipt is not None and receipt.why in ("exit", "cannot-start")
    errors = stderr_tail(folder)
    told = ProcessEnding(
        exit_code=receipt.exit_code if receipt else None,
        signal=receipt.signal if receipt else None,
        cut=Cut.NONE if by_itself else Cut.STOPPED,
        cannot_start=start_failure(receipt, errors),
        stderr_tail=errors,
    )
    return began, told


def _committed(kit: Kit, row: AttemptRow) -> bool:
    return row.command == COMMIT and probe_commit(
        kit.paths.root, msgspec.json.decode(row.before_json, type=dict[str, str])
    )


def _explained(ending: Ending) -> Ending:
    if ending.kind is not EndingKind.INTERRUPTED:
        return ending
    return Ending(kind=ending.kind, reason=DEAD, usage=ending.usage, text=ending.text)


def _stories(step_key: str) -> tuple[str, ...]:
    """The stories a step is for: the last part of its key, where it has one."""
    _, _, stories = step_key.partition("/")[2].partition("/")
    return tuple(stories.split(",")) if stories else ()
