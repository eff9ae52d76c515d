"""Choosing a cycle's stories: the sprint file is read afresh, the choice is recorded, and from then on it stands."""

import msgspec
import trio

from actors import sprint_file
from actors.kit import Shift
from runner.domain.cycle import Selection
from runner.domain.model import Status, Story
from runner.domain.sprint import select
from runner.domain.steps import step_key
from runner.store.journal import Journal
from runner.workspace.artifacts import cycle_story


async def select_cycle(shift: Shift, number: int) -> Selection | None:
    """The cycle's recorded selection, made now if there is none; None when the batch stops meanwhile.

    A selection without stories means that none is left; it is not recorded: the next look may find some.
    """
    key = step_key(number, "select")
    recorded = shift.ledger.outcome(key, Selection)
    if recorded is not None:
        return recorded
    sprint = await sprint_file.look(shift)
    if sprint is None:
        return None
    stories = select(sprint)
    selection = await trio.to_thread.run_sync(_with_files, shift, number, stories)
    await _warn(shift, stories, selection)
    if stories:
        await _put_on_record(shift, key, selection)
    return selection


async def _put_on_record(shift: Shift, key: str, selection: Selection) -> None:
    encoded = msgspec.json.encode(selection)
    rows = [(story.key, story.epic, story.written) for story in selection.stories]

    def change(journal: Journal) -> None:
        journal.begin_cycle(shift.batch_id, selection.number, encoded, rows)
        journal.record_step(shift.batch_id, key, "selection", encoded)

    await shift.kit.recorder.record(change)
    shift.ledger.decided(key, encoded)


async def _warn(shift: Shift, stories: tuple[Story, ...], selection: Selection) -> None:
    for story, chosen in zip(stories, selection.stories, strict=True):
        if not story.key.patterned:
            message = f"{story.key} names no epic and number: it runs alone, after all others"
            await shift.warn("odd_story_key", message)
        if story.status is None:
            message = f"{story.key} has the unexpected status {story.written!r} in the sprint file"
            await shift.warn("unexpected_status", message)
        if story.status is Status.READY_FOR_DEV and not (chosen.has_tech_spec or chosen.file_decision):
            message = f"the file of {story.key} carries no tech-spec decision: REQUIRED assumed"
            await shift.warn("missing_marker", message)


def _with_files(shift: Shift, number: int, stories: tuple[Story, ...]) -> Selection:
    """What the stories' files say before the cycle begins; in a thread."""
    paths = shift.kit.paths
    return Selection(
        number=number,
        stories=tuple(cycle_story(paths, story) for story in stories),
        review_limit=shift.kit.settings.max_code_review_attempts,
    )
