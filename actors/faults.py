"""How a batch ends over a fault of the machine: a full disk, a database that stays locked, no more files to open.

Control runs a batch through an `Endurance`. Such a fault is not cured by starting the batch again at once, as its
supervisor would, and what goes on without a record could not be resumed. So the agents are ended and the run stops
with one reason that names what failed, where, and what to do; it is put on record if that can be done, and the next
start goes on. What is no fault of the machine is a crash like any other.
"""

from contextlib import suppress

import trio

from actors import lifeline
from actors.batch import Batch
from actors.kit import Kit
from actors.recorder import RECORD_SECONDS
from actors.tree import Branch
from runner.domain.errors import DatabaseDamaged, RecordsLost, RunnerError
from runner.workspace.machine import fault_of


class Endurance:
    """A run of a batch that ends, and can be resumed, where it would crash over a fault of the machine."""

    def __init__(self, kit: Kit, batch: Batch, batch_id: int) -> None:
        self._kit = kit
        self._batch = batch
        self._batch_id = batch_id
        self.fault = ""
        """What ended it, for the operator; empty when it was no fault of the machine."""

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the batch; nothing of it goes on when the recorder has given up."""
        fault: RunnerError | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, name="recorder-watch")
                await self._batch.run(branch, task_status=task_status)
                nursery.cancel_scope.cancel()
        except* Exception as crash:
            fault = fault_of(crash)
            if fault is None:
                raise
        finally:
            # Also when a stop came together with it: the reason must not be lost.
            if fault is not None:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + RECORD_SECONDS):
                    await self._end(fault)

    async def _watch(self) -> None:
        raise await self._kit.recorder.failure()

    async def _end(self, fault: RunnerError) -> None:
        """End the run; what cannot be put on record now is found by the lifeline of the next start."""
        self._kit.recorder.hurry()
        try:
            # A database that cannot be read is gone, perhaps: that is the reason then, and there is no record.
            await trio.to_thread.run_sync(self._kit.premises.check)
        except RecordsLost as lost:
            self.fault, self._batch.result = str(lost), ("error", str(lost))
            return
        self.fault = str(fault)
        ended = "error" if isinstance(fault, DatabaseDamaged) else "stopped", self.fault
        self._batch.result = ended
        with suppress(RunnerError, OSError):
            self._batch.result = await lifeline.end_run(self._kit, self._batch_id, *ended)
