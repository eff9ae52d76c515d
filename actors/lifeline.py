"""The lifeline: what a dead runner has left behind is ended, judged and recorded before anything else happens.

Root runs it once at start; a part of a batch that was restarted asks it for its own commands again. For each
attempt without an end: wait until its guard is gone, sweep its tag, then take what its receipt and its output prove.
Only when these prove nothing is the attempt interrupted, to be continued by the next one. The lifeline starts
nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec
import trio

from actors.kit import Kit, Shift
from actors.ledger import Ledger
from actors.mailbox import Abandoned
from actors.tree import Branch
from actors.verdict import COMMIT, Attempted, aware, conclude, probe_commit, start_failure
from runner.agents.base import Began, Cut, Decoder, Ending, EndingKind, ProcessEnding
from runner.agents.lines import LineTooLong
from runner.domain.errors import BatchFailed
from runner.domain.events import BatchWarning
from runner.guard.receipt import read_receipt
from runner.store import queries
from runner.store.command_log import Conclusion
from runner.store.records import AttemptRow, BatchRow, UnfinishedCommand
from runner.workspace import git
from runner.workspace.atomic import remove_staged
from runner.workspace.claim import Claim
from runner.workspace.leftovers import end_processes, unmark
from runner.workspace.runs import RunFolder, Tail, prune, run_folder, stderr_tail

DEAD = "the runner ended without warning"
PIECE = 1 << 17
"""Bytes decoded without a look at whether the start was called off: of the worst output, some tenths of a second."""
DAY_MS = 24 * 60 * 60 * 1000


class Lifeline:
    """The start-up rescue."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._claim = Claim(kit.reads.path, kit.paths.root)

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rescue, then end."""
        await trio.to_thread.run_sync(self._claim.make)
        await trio.to_thread.run_sync(self._kit.premises.note, (self._kit.paths.state, self._kit.reads.path))
        rescued = await settle_commands(self._kit)
        batches = await self._kit.reads.ask(queries.open_batches)
        # Before a batch is closed: a start that is cut off here too must leave it to the next one to find.
        if rescued or batches:
            await move_locks_aside(self._kit)
        await self._close_runs(batches)
        for beside in (self._kit.paths.status_file, self._kit.paths.implementation / "-"):
            await trio.to_thread.run_sync(remove_staged, beside)
        oldest = self._kit.clock() - self._kit.settings.keep_runs_days * DAY_MS
        await trio.to_thread.run_sync(prune, self._kit.paths.state, oldest)
        task_status.started()

    async def _close_runs(self, batches: Sequence[BatchRow]) -> None:
        """A batch that nobody runs is stopped; it can be resumed, with its timer if it had one."""
        for batch in batches:
            await self._kit.recorder.record(
                lambda journal, id=batch.id: journal.end_batch(id, "stopped", DEAD)  # type: ignore[misc]
            )


async def move_locks_aside(kit: Kit) -> None:
    """Git's locks of agents that were killed would stop every later commit."""
    root, aside = kit.paths.root, kit.paths.state / "moved-locks"
    for lock in await trio.to_thread.run_sync(git.stale_locks, root):
        try:
            place = await trio.to_thread.run_sync(git.move_aside, lock, aside)
        except FileNotFoundError:
            continue  # whoever held it has given it back meanwhile
        message = f"{lock} was left behind by a killed git and was moved to {place}"
        event = BatchWarning(batch_id=0, message=message, warning_type="stale_git_lock")
        await kit.recorder.tell(event)


async def end_run(kit: Kit, batch_id: int, status: str, reason: str) -> tuple[str, str]:
    """Record the end of a run; a stop can tear an attempt between its intent and its process, so settle first.

    Gives what was recorded: a run that leaves processes behind has failed, and ends all the same.
    """
    try:
        await settle_commands(kit)
    except BatchFailed as failure:
        status, reason = "error", str(failure)
    while any(batch.id == batch_id for batch in await kit.reads.ask(queries.open_batches)):
        # A recorder that crashed over it may have committed it all the same: a run has one end.
        with suppress(Abandoned):
            await kit.recorder.record(lambda journal: journal.end_batch(batch_id, status, reason))
    return status, reason


async def take_over(shift: Shift, ours: Callable[[AttemptRow], bool]) -> Shift:
    """For a part of the batch that begins another life: settle what was its own, and look into the journal again."""
    await settle_commands(shift.kit, ours=ours)
    history = await shift.kit.reads.ask(lambda database: queries.history(database, shift.batch_id))
    return replace(shift, ledger=Ledger(history))


async def settle_commands(kit: Kit, *, ours: Callable[[AttemptRow], bool] = lambda _: True) -> int:
    """Bring every attempt that has no end to one, or only `ours` where others live; gives their number."""
    # A batch that is begun again on other premises would be told that there is no such batch.
    await trio.to_thread.run_sync(kit.premises.check)
    # What an earlier life has sent may wait for the database still: an intent that came after the look would be
    # unknown to this life, and its number given twice.
    await kit.recorder.record(lambda _: None)
    rows = await kit.reads.ask(queries.unfinished_commands)
    unfinished = [command for command in rows if ours(command.attempt)]
    for command in unfinished:
        end = await _settle(kit, command)
        await kit.recorder.record(
            lambda journal, id=command.attempt.command_id, end=end: journal.conclude(id, end)  # type: ignore[misc]
        )
    return len(unfinished)


async def _settle(kit: Kit, command: UnfinishedCommand) -> Conclusion:
    """End what is left of an attempt, and judge it by what it has left on the disk."""
    row = command.attempt
    folder = run_folder(kit.paths.state, row.run_id)
    if not await trio.to_thread.run_sync(end_processes, folder.path, row.tag):
        raise BatchFailed(
            f"processes of {row.step_key} are still there", hint="end them, then start the runner again"
        )
    await trio.to_thread.run_sync(unmark, folder.path)
    decoder = kit.provider.decoder()
    began, told = await _hear(folder, decoder)
    return await trio.to_thread.run_sync(_judge, kit, row, decoder, began, told)


def _judge(kit: Kit, row: AttemptRow, decoder: Decoder, began: bool, told: ProcessEnding) -> Conclusion:
    receipt = read_receipt(run_folder(kit.paths.state, row.run_id).path)
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


async def _hear(folder: RunFolder, decoder: Decoder) -> tuple[bool, ProcessEnding]:
    """Read the output; whether the session had begun, and how the process ended as far as that is known."""
    try:
        began = await _read_whole(folder, decoder)
    except OSError:
        return False, ProcessEnding(exit_code=None, cut=Cut.STOPPED)
    except LineTooLong as error:
        return True, ProcessEnding(exit_code=None, cut=Cut.LINE_TOO_LONG, limit=str(error))
    return began, await trio.to_thread.run_sync(_told, folder)


async def _read_whole(folder: RunFolder, decoder: Decoder) -> bool:
    """Feed everything a dead run has written; whether its session had begun. Raises LineTooLong, OSError."""
    tail = await trio.to_thread.run_sync(Tail, folder, decoder)
    try:
        began = False
        # Piece by piece: an agent may have left gigabytes, and a start that is called off must not wait for them.
        while tail.grown():
            signals = await trio.to_thread.run_sync(tail.read, PIECE)
            began = began or any(isinstance(signal, Began) for signal in signals)
        rest = await trio.to_thread.run_sync(tail.finish)
        return began or any(isinstance(signal, Began) for signal in rest)
    finally:
        tail.close()


def _told(folder: RunFolder) -> ProcessEnding:
    receipt, errors = read_receipt(folder.path), stderr_tail(folder)
    by_itself = receipt is not None and receipt.why in ("exit", "cannot-start")
    return ProcessEnding(
        exit_code=receipt.exit_code if receipt else None,
        signal=receipt.signal if receipt else None,
        cut=Cut.NONE if by_itself else Cut.STOPPED,
        cannot_start=start_failure(receipt, errors),
        stderr_tail=errors,
    )


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
