"""Writing commands: an intent before the agent starts, progress while it runs, a conclusion when it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from runner.domain.events import CommandEnd, CommandProgress, CommandStart, ErrorRaised
from runner.store.event_log import EventLog, encode, rowid

SUMMARY_LIMIT = 2000
"""Characters of an agent's last words that are kept with its command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the workflow a command stands."""

    batch_id: int
    step_key: str
    command: str
    stories: tuple[str, ...] = ()
    cycle: int | None = None
    background_task_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An attempt about to be started; recorded before its process exists."""

    place: Place
    attempt: int
    agent: str
    model: str
    session_id: str
    continued: bool
    run_id: str
    tag: int
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How an attempt ended."""

    status: str
    reason: str = ""
    charged: bool = False
    exit_code: int | None = None
    resets_at: int | None = None
    verdict_json: bytes = b"{}"
    summary: str = ""
    session_id: str = ""
    """The session a later attempt may continue; empty when there is none."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    num_turns: int = 0
    leftovers: int = 0


class CommandLog(EventLog):
    """Records attempts of commands; to be used inside a transaction."""

    def intend(self, intent: Intent) -> int:
        """Record that an attempt is about to start; gives its command id."""
        place = intent.place
        story_ids = [self.story_id(place.batch_id, key) for key in place.stories]
        known = [story_id for story_id in story_ids if story_id is not None]
        row = self._db.execute(
            "INSERT INTO commands (story_id, command, started_at, batch_id, cycle_id, background_task_id,"
            " step_key, attempt, agent, model, session_id, continued, run_id, tag, before_json)"
            " VALUES (?,?,?,?,(SELECT id FROM cycles WHERE batch_id = ? AND number = ?),?,?,?,?,?,?,?,?,?,?)",
            (
                *(known[0] if known else None, place.command, self._clock(), place.batch_id),
                *(place.batch_id, place.cycle, place.background_task_id, place.step_key),
                *(intent.attempt, intent.agent, intent.model, intent.session_id, intent.continued),
                *(intent.run_id, intent.tag, encode(intent.before).decode()),
            ),
        )
        command_id = rowid(row)
        self._db.executemany(
            "INSERT INTO command_stories (command_id, story_id) VALUES (?,?)",
            [(command_id, story_id) for story_id in known],
        )
        event = CommandStart(
            story_key=",".join(place.stories),
            story_keys=place.stories,
            command=place.command,
            task_id="",
            command_id=command_id,
            attempt=intent.attempt,
            model=intent.model,
            background=place.background_task_id is not None,
        )
        self.emit(event, batch_id=place.batch_id, story_id=known[0] if known else None, command_id=command_id)
        return command_id

    def progress(self, batch_id: int, event: CommandProgress, at: int) -> None:
        """Record that an agent did something."""
        if event.kind == "task":
            self._db.execute("UPDATE commands SET task_id = ? WHERE id = ?", (event.task_id, event.command_id))
        self.emit(event, batch_id=batch_id, command_id=event.command_id, at=at)

    def conclude(self, command_id: int, end: Conclusion) -> None:
        """Record how an attempt ended, with its cost and its verdict; a charged failure is an `error` too.

        An end that is on record stands: of two that come, from a batch and from a rescue, the second is ignored.
        """
        now = self._clock()
        reason = self._redact(end.reason)
        ended = self._db.execute(
            "UPDATE commands SET status = ?, ended_at = ?, reason = ?, charged = ?, exit_code = ?, resets_at = ?,"
            " verdict_json = ?, output_summary = ?, session_id = ?, input_tokens = ?, output_tokens = ?,"
            " cost_usd = ?, num_turns = ? WHERE id = ? AND status = 'running'",
            (
                *(end.status, now, reason, end.charged, end.exit_code, end.resets_at),
                *(self._redact(end.verdict_json.decode()), self._redact(end.summary)[:SUMMARY_LIMIT]),
                *(end.session_id, end.input_tokens, end.output_tokens, end.cost_usd, end.num_turns),
                command_id,
            ),
        )
        if not ended.rowcount:
            return
        batch_id, story_id, command, task_id, attempt, started_at = self.one(
            "SELECT batch_id, story_id, command, task_id, attempt, started_at FROM commands WHERE id = ?",
            command_id,
        )
        keys = self._keys_of(command_id)
        event = CommandEnd(
            story_key=keys,
            command=command,
            task_id=task_id,
            status=end.status,
            metrics={
                # Of two runs of the program, the wall clock may have been set back in between.
                "duration_ms": max(0, now - started_at),
                "input_tokens": end.input_tokens,
                "output_tokens": end.output_tokens,
                "tokens": end.input_tokens + end.output_tokens,
                "cost_usd": end.cost_usd,
                "num_turns": end.num_turns,
                "leftovers": end.leftovers,
            },
            command_id=command_id,
            attempt=attempt,
            reason=reason,
        )
        self.emit(event, batch_id=batch_id, story_id=story_id, command_id=command_id)
        if end.charged:
            failure = ErrorRaised(
                type="command",
                message=f"{command} failed: {reason}",
                context={"story_key": keys, "command": command, "attempt": str(attempt)},
            )
            self.emit(failure, batch_id=batch_id, story_id=story_id, command_id=command_id)

    def _keys_of(self, command_id: int) -> str:
        """The stories that a command is for, comma-separated."""
        rows = self._db.execute(
            "SELECT story_key FROM command_stories JOIN stories ON stories.id = story_id"
            " WHERE command_id = ? ORDER BY story_id",
            (command_id,),
        )
        return ",".join(key for (key,) in rows)
