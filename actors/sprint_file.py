"""The sprint file as the actors of a batch see it: read when it is whole, written by compare-and-set.

Batch, story and command actors call these; every reading is compared with the last one, so that each change of a
status becomes one event, whoever made it. A file that stays invalid pauses the batch instead of failing it.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import trio

from actors.kit import Shift
from actors.orders import NeedsOperator
from runner.domain.errors import SprintFileError
from runner.domain.model import Status, read_status
from runner.domain.sprint import Sprint
from runner.domain.steps import Marked, MarkStory
from runner.store.journal import Journal
from runner.workspace.sprint_file import MarkKind, compare_and_set, read_sprint

TRIES = 4
PAUSE_SECONDS = 0.1
"""Agents and people write the file too: what is half written now is whole a moment later."""


async def read_settled(path: Path) -> Sprint:
    """The sprint; raises SprintFileError when the file is not valid for longer than a moment."""
    for _ in range(TRIES - 1):
        try:
            return await trio.to_thread.run_sync(read_sprint, path)
        except SprintFileError:
            await trio.sleep(PAUSE_SECONDS)
    return await trio.to_thread.run_sync(read_sprint, path)


async def look(shift: Shift, *, reason: str = "sprint file changed") -> Sprint | None:
    """Read the file and record what has changed; None when the batch was stopped while the file was invalid."""
    while True:
        try:
            sprint = await read_settled(shift.kit.paths.status_file)
        except SprintFileError as error:
            await shift.report(NeedsOperator(reason=str(error)))
            if not await shift.gate.admit():
                return None
            continue
        await _observe(shift, sprint.written, reason)
        return sprint


async def _observe(shift: Shift, written: Mapping[str, str], reason: str) -> None:
    changed = await shift.kit.recorder.record(lambda journal: journal.observe(shift.batch_id, written, reason=reason))
    await _warn_of_unexpected(shift, {key: written[key] for key in changed})


async def _warn_of_unexpected(shift: Shift, written: Mapping[str, str]) -> None:
    for key, text in written.items():
        if read_status(text) is None:
            await shift.warn("unexpected_status", f"{key} has the unexpected status {text!r} in the sprint file")


async def write_mark(shift: Shift, step: MarkStory) -> Marked | None:
    """Carry out a mark; None when the batch was stopped while the file was invalid."""
    path = shift.kit.paths.status_file
    while True:
        try:
            mark = await trio.to_thread.run_sync(
                partial(compare_and_set, path, step.story, expected=step.expected, new=step.new)
            )
        except SprintFileError as error:
            await shift.report(NeedsOperator(reason=str(error)))
            if not await shift.gate.admit():
                return None
            continue
        if mark.kind is MarkKind.CONFLICT:
            await _report_conflict(shift, step, mark.found)
            return Marked(found=mark.found, conflict=True)
        await _record_mark(shift, step)
        return Marked(found=str(step.new))


async def _report_conflict(shift: Shift, step: MarkStory, found: str) -> None:
    kept = f"{found!r} was kept" if found else "it is not in the file any more"
    await shift.warn("status_conflict", f"{step.story} was not set to {step.new}: {kept}")
    if found:
        await _observe(shift, {step.story: found}, "sprint file changed")


async def _record_mark(shift: Shift, step: MarkStory) -> None:
    def change(journal: Journal) -> None:
        journal.observe(shift.batch_id, {step.story: str(step.new)}, reason=step.reason or "set by the runner")
        if step.new is Status.BLOCKED:
            journal.note_blocked(shift.batch_id, step.story, step.reason)

    await shift.kit.recorder.record(change)
