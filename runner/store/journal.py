"""The writer's side of the database: every change the runner records, one method each.

The recorder actor owns the only Journal and calls it in its own thread, between BEGIN and COMMIT. A change and the
events that tell of it are written by the same call, so they are committed together or not at all. `take_events`
hands out what was written since the last call: the recorder publishes it after the commit, never before. Nothing
here decides anything.
"""

from collections.abc import Mapping, Sequence

from runner.domain.events import (
    BackgroundEnd,
    BackgroundStart,
    BatchEnd,
    BatchStart,
    BatchState,
    CycleEnd,
    CycleStart,
    StoryStart,
    StoryStatus,
)
from runner.domain.model import Status, read_status
from runner.store.command_log import CommandLog
from runner.store.event_log import rowid


class Journal(CommandLog):
    """Records changes on one connection; to be used inside a transaction."""

    def create_batch(self, max_cycles: int | None, agent: str) -> int:
        """Open a batch; `max_cycles` None means until no story is left."""
        row = self._db.execute(
            "INSERT INTO batches (started_at, max_cycles, agent) VALUES (?,?,?)",
            (self._clock(), max_cycles, agent),
        )
        batch_id = rowid(row)
        self._started(batch_id, max_cycles, resumed=False)
        return batch_id

    def resume_batch(self, batch_id: int) -> None:
        """Begin another run of a batch."""
        self._db.execute(
            "UPDATE batches SET status = 'running', ended_at = NULL, reason = '', runs = runs + 1 WHERE id = ?",
            (batch_id,),
        )
        (max_cycles,) = self.one("SELECT max_cycles FROM batches WHERE id = ?", batch_id)
        self._started(batch_id, max_cycles, resumed=True)

    def _started(self, batch_id: int, max_cycles: int | None, *, resumed: bool) -> None:
        cycles = "all" if max_cycles is None else max_cycles
        self.emit(BatchStart(batch_id=batch_id, max_cycles=cycles, resumed=resumed), batch_id=batch_id)

    def set_batch_state(self, batch_id: int, state: str, *, detail: str = "", resets_at: int | None = None) -> None:
        """Note a change of the batch's state; only the lasting ones change its status."""
        if state in ("running", "paused", "waiting_limit"):
            self._db.execute(
                "UPDATE batches SET status = ?, reason = ?, resets_at = ? WHERE id = ?",
                (state, detail, resets_at, batch_id),
            )
        event = BatchState(batch_id=batch_id, state=state, detail=detail, resets_at=resets_at)
        self.emit(event, batch_id=batch_id)

    def end_batch(self, batch_id: int, status: str, reason: str) -> None:
        """End the present run of a batch; anything but `completed` can be resumed."""
        self.interrupt_background(batch_id)
        self._db.execute(
            "UPDATE batches SET status = ?, reason = ?, ended_at = ?, resumable = ?,"
            " resets_at = CASE WHEN ? = 'completed' THEN NULL ELSE resets_at END WHERE id = ?",
            (status, reason, self._clock(), status != "completed", status, batch_id),
        )
        (cycles,) = self.one("SELECT cycles_completed FROM batches WHERE id = ?", batch_id)
        event = BatchEnd(batch_id=batch_id, cycles_completed=cycles, status=status, reason=reason)
        self.emit(event, batch_id=batch_id)

    def close_batch(self, batch_id: int) -> None:
        """Give up an unfinished batch for good: it cannot be resumed any more."""
        self._db.execute("UPDATE batches SET resumable = 0, resets_at = NULL WHERE id = ?", (batch_id,))

    def begin_cycle(
        self, batch_id: int, number: int, selection_json: bytes, stories: Sequence[tuple[str, str, str]]
    ) -> None:
        """Record a cycle's selection; `stories` are (key, epic, status as written)."""
        now = self._clock()
        self._db.execute(
            "INSERT INTO cycles (batch_id, number, selection_json, started_at) VALUES (?,?,?,?)",
            (batch_id, number, selection_json.decode(), now),
        )
        keys = tuple(key for key, _, _ in stories)
        self.emit(CycleStart(cycle_number=number, story_keys=keys), batch_id=batch_id)
        for key, epic, written in stories:
            story_id = self._enter_story(batch_id, key, epic, written, now)
            self.emit(StoryStart(story_key=key, epic_id=epic), batch_id=batch_id, story_id=story_id)

    def _enter_story(self, batch_id: int, key: str, epic: str, written: str, now: int) -> int:
        known = self.story_id(batch_id, key)
        if known is not None:
            self._db.execute(
                "UPDATE stories SET status = ?, ended_at = NULL, blocked_reason = '' WHERE id = ?",
                (written, known),
            )
            return known
        row = self._db.execute(
            "INSERT INTO stories (batch_id, story_key, epic_id, status, started_at) VALUES (?,?,?,?,?)",
            (batch_id, key, epic, written, now),
        )
        return rowid(row)

    def end_cycle(self, batch_id: int, number: int, completed: Sequence[str], blocked: Mapping[str, str]) -> None:
        """Close a cycle and count it; `blocked` maps each story that left to its reason."""
        now = self._clock()
        self._db.execute(
            "UPDATE cycles SET status = 'completed', ended_at = ? WHERE batch_id = ? AND number = ?",
            (now, batch_id, number),
        )
        self._db.execute("UPDATE batches SET cycles_completed = cycles_completed + 1 WHERE id = ?", (batch_id,))
        for key in (*completed, *blocked):
            self._db.execute(
                "UPDATE stories SET ended_at = ?, blocked_reason = ? WHERE batch_id = ? AND story_key = ?",
                (now, blocked.get(key, ""), batch_id, key),
            )
        event = CycleEnd(cycle_number=number, completed_stories=tuple(completed), blocked_stories=tuple(blocked))
        self.emit(event, batch_id=batch_id)

    def record_step(self, batch_id: int, step_key: str, kind: str, outcome_json: bytes) -> None:
        """Record what came of a step; a second record for the same place is an error of ours."""
        self._db.execute(
            "INSERT INTO steps (batch_id, step_key, kind, outcome_json, recorded_at) VALUES (?,?,?,?,?)",
            (batch_id, step_key, kind, outcome_json.decode(), self._clock()),
        )

    def observe(self, batch_id: int, written: Mapping[str, str], *, reason: str) -> list[str]:
        """Compare what the sprint file says with what was seen last: each difference is one `story:status`.

        Gives the keys whose status changed.
        """
        seen = dict(self._db.execute("SELECT story_key, status FROM sprint_seen"))
        now = self._clock()
        changed = {key: text for key, text in written.items() if seen.get(key) != text}
        self._db.executemany(
            "INSERT INTO sprint_seen (story_key, status, seen_at) VALUES (?,?,?)"
            " ON CONFLICT (story_key) DO UPDATE SET status = excluded.status, seen_at = excluded.seen_at",
            [(key, text, now) for key, text in changed.items()],
        )
        for key in changed.keys() & seen.keys():
            self._changed(batch_id, key, seen[key], changed[key], reason)
        return [key for key in changed if key in seen]

    def _changed(self, batch_id: int, key: str, old: str, new: str, reason: str) -> None:
        story_id = self.story_id(batch_id, key)
        if story_id is not None:
            self._db.execute("UPDATE stories SET status = ? WHERE id = ?", (new, story_id))
        shown = [(read_status(text) or text) for text in (old, new)]
        if shown[0] != shown[1]:
            event = StoryStatus(story_key=key, old_status=str(shown[0]), new_status=str(shown[1]), reason=reason)
            self.emit(event, batch_id=batch_id, story_id=story_id)

    def note_blocked(self, batch_id: int, key: str, reason: str) -> None:
        """Remember why the runner blocked a story."""
        self._db.execute(
            "UPDATE stories SET blocked_reason = ?, status = ? WHERE batch_id = ? AND story_key = ?",
            (reason, Status.BLOCKED, batch_id, key),
        )

    def spawn_background(
        self, batch_id: int, task_type: str, stories: tuple[str, ...], step_key: str, cycle: int | None
    ) -> int:
        """Record a background chain or refresh; gives its id."""
        row = self._db.execute(
            "INSERT INTO background_tasks (batch_id, story_key, task_type, spawned_at, step_key, cycle_id)"
            " VALUES (?,?,?,?,?,(SELECT id FROM cycles WHERE batch_id = ? AND number = ?))",
            (batch_id, ",".join(stories), task_type, self._clock(), step_key, batch_id, cycle),
        )
        task_id = rowid(row)
        event = BackgroundStart(background_task_id=task_id, task_type=task_type, story_keys=stories, status="running")
        self.emit(event, batch_id=batch_id)
        return task_id

    def spawn_background_once(
        self, batch_id: int, task_type: str, stories: tuple[str, ...], step_key: str, cycle: int | None
    ) -> int:
        """As `spawn_background`; a task of that step that was cut off runs on under its own id."""
        row = self._db.execute(
            "SELECT id FROM background_tasks WHERE batch_id = ? AND step_key = ?", (batch_id, step_key)
        ).fetchone()
        if row is None:
            return self.spawn_background(batch_id, task_type, stories, step_key, cycle)
        self.reopen_background(row[0])
        return int(row[0])

    def reopen_background(self, task_id: int) -> None:
        """Go on with a background task that was interrupted."""
        self._db.execute(
            "UPDATE background_tasks SET status = 'running', completed_at = NULL, reason = '' WHERE id = ?",
            (task_id,),
        )
        batch_id, story_key, task_type = self.one(
            "SELECT batch_id, story_key, task_type FROM background_tasks WHERE id = ?", task_id
        )
        event = BackgroundStart(
            background_task_id=task_id,
            task_type=task_type,
            story_keys=tuple(story_key.split(",")) if story_key else (),
            status="running",
        )
        self.emit(event, batch_id=batch_id)

    def interrupt_background(self, batch_id: int) -> None:
        """A run of the batch is over: what runs in the background was cut off."""
        rows = self._db.execute(
            "SELECT id FROM background_tasks WHERE batch_id = ? AND status = 'running'", (batch_id,)
        ).fetchall()
        for (task_id,) in rows:
            self.end_background(task_id, "interrupted", "the batch stopped")

    def end_background(self, task_id: int, status: str, reason: str = "") -> None:
        """Record how a background task ended; an end that is on record stands."""
        ended = self._db.execute(
            "UPDATE background_tasks SET status = ?, completed_at = ?, reason = ?"
            " WHERE id = ? AND status = 'running'",
            (status, self._clock(), reason, task_id),
        )
        if not ended.rowcount:
            return
        batch_id, story_key, task_type = self.one(
            "SELECT batch_id, story_key, task_type FROM background_tasks WHERE id = ?", task_id
        )
        event = BackgroundEnd(
            background_task_id=task_id,
            task_type=task_type,
            story_keys=tuple(story_key.split(",")) if story_key else (),
            status=status,
            reason=reason,
        )
        self.emit(event, batch_id=batch_id)
