"""`history`: the batches of a project, or one of them with all that happened in it.

The JSON is the body of `GET /api/batches` and of `GET /api/batches/ID`: the records of the store as they are. Read
from the database, also beside a running runner; with `--url` the runner there is asked. Reads only.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.commands.given import Given
from runner.commands.reach import cleaned, reach
from runner.display.tables import table
from runner.display.words import clean, cost, count, duration, moment, named, shorts, tokens, took, usage
from runner.domain.errors import UsageError
from runner.domain.taxonomy import base_name
from runner.settings import load_settings
from runner.store import queries
from runner.store.database import open_reader
from runner.store.records import BatchDetail, BatchSummary, CommandRow, StoryRow
from runner.workspace.holder import find_holder
from runner.workspace.place import database_file, find_paths
from web.answers import Batches
from web.client import Question, ask

if TYPE_CHECKING:
    from runner.workspace.project import Paths

SETTINGS = "settings.json"
CUT_OFF = "cut off"


def show_batch(given: Given, batch: int, environment: Mapping[str, str]) -> list[str]:
    """One batch in words, or as JSON. Raises RunnerError, a UsageError when it is not there."""
    if given.url is not None:
        address = reach(given, environment)
        detail, moments = ask(address, Question(path=f"/api/batches/{batch}"), BatchDetail), _elsewhere()
        shown = cleaned(address, detail)
    else:
        paths = find_paths(given.where)
        shown = detail = _detail(database_file(given.where, paths), batch)
        moments = _moments(paths)
    return [_json(detail)] if given.as_json else batch_in_words(shown, moments)


def show_list(given: Given, limit: int | None, offset: int, environment: Mapping[str, str]) -> list[str]:
    """A page of the batches in words, or as JSON; `limit` None: as the settings say. Raises RunnerError."""
    if given.url is not None:
        address = reach(given, environment)
        page = ask(address, Question(path=_list_path(limit, offset)), Batches)
        batches, total, moments = cleaned(address, page).batches, page.total, _elsewhere()
    else:
        paths = find_paths(given.where)
        usual = load_settings(paths.state / SETTINGS, environment, {}).default_batch_list_limit
        batches, total = _page(database_file(given.where, paths), limit or usual, offset)
        page, moments = Batches(batches=batches, total=total), _moments(paths)
    return [_json(page)] if given.as_json else list_in_words(batches, total, offset, moments)


def _list_path(limit: int | None, offset: int) -> str:
    return f"/api/batches?offset={offset}" + (f"&limit={limit}" if limit is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What the records are measured against: the present, and whether a runner works here."""

    now: int
    alive: bool

    def moment(self, at: int) -> str:
        return moment(at, self.now)

    def status(self, status: str, ended_at: int | None) -> str:
        """As recorded; what has no end and nobody to bring it to one was cut off."""
        return status if self.alive or ended_at is not None else CUT_OFF

    def spent(self, started_at: int, ended_at: int | None, words: Callable[[int], str]) -> str:
        """How long it took, or takes until now; nobody knows of what was cut off."""
        if ended_at is None and not self.alive:
            return "-"
        return words((self.now if ended_at is None else ended_at) - started_at)


def _moments(paths: "Paths") -> Moments:
    return Moments(now=time.time_ns() // 1_000_000, alive=_alive(paths))


def _elsewhere() -> Moments:
    """A runner that has answered is alive."""
    return Moments(now=time.time_ns() // 1_000_000, alive=True)


def _alive(paths: "Paths") -> bool:
    try:
        return find_holder(paths.state) is not None
    except OSError:
        return True  # nobody can tell: say what is recorded


def _page(database: Path, limit: int, offset: int) -> tuple[tuple[BatchSummary, ...], int]:
    if not database.exists():
        return (), 0
    with closing(open_reader(database)) as connection:
        return queries.batches(connection, limit=limit, offset=offset)


def _detail(database: Path, batch_id: int) -> BatchDetail:
    missing = UsageError(f"there is no batch {batch_id}", hint="`history` without a number lists them all")
    if not database.exists():
        raise missing
    with closing(open_reader(database)) as connection:
        detail = queries.batch_detail(connection, batch_id)
    if detail is None:
        raise missing
    return detail


def _json(answer: object) -> str:
    return msgspec.json.encode(answer).decode()


# --- the list -----------------------------------------------------------------------------------------------------


def list_in_words(batches: tuple[BatchSummary, ...], total: int, offset: int, moments: Moments) -> list[str]:
    """A line for each batch, newest first."""
    if not total:
        return ["no batch has run here yet; start one with --cycles N"]
    head = ("batch", "status", "started", "took", "cycles", "stories", "cost")
    rows = [
        (
            str(batch.id),
            moments.status(batch.status, batch.ended_at),
            moments.moment(batch.started_at),
            moments.spent(batch.started_at, batch.ended_at, duration),
            _cycles(batch.cycles_completed, batch.max_cycles),
            str(batch.story_count),
            cost(batch.cost_usd) if batch.cost_usd else "-",
        )
        for batch in batches
    ]
    lines = table(head, rows, right=("batch", "took", "stories", "cost"))
    older = total - offset - len(batches)
    return [*lines, f"{count(older, 'older batch')}: --offset {offset + len(batches)}"] if older > 0 else lines


def _cycles(done: int, wanted: int | None) -> str:
    return f"{done} of all" if wanted is None else f"{done} of {wanted}"


# --- one batch ----------------------------------------------------------------------------------------------------


def batch_in_words(detail: BatchDetail, moments: Moments) -> list[str]:
    """Everything about one batch: its stories, its commands in order, what ran in the background."""
    batch = detail.batch
    reason = f": {clean(batch.reason)}" if batch.reason else ""
    spent = moments.spent(batch.started_at, batch.ended_at, duration)
    used = usage(detail.totals.input_tokens + detail.totals.output_tokens, detail.totals.cost_usd)
    parts = [
        f"{_cycles(batch.cycles_completed, batch.max_cycles)} cycles",
        count(detail.totals.commands, "command"),
        f"started {moments.moment(batch.started_at)}",
        f"took {spent}" if spent != "-" else "",
        used,
    ]
    status = moments.status(batch.status, batch.ended_at)
    lines = [f"batch {batch.id} {status}{reason}", ", ".join(part for part in parts if part)]
    for section in (_stories(detail), _commands(detail, moments), _background(detail, moments)):
        if section:
            lines += ["", *section]
    return lines


def _stories(detail: BatchDetail) -> list[str]:
    rows = [
        (
            named(story.story_key),
            story.status,
            str(_reviews(story) or "-"),
            "-" if story.ended_at is None else duration(story.ended_at - story.started_at),
            clean(story.blocked_reason),
        )
        for story in detail.stories
    ]
    return table(("story", "status", "reviews", "took", "reason"), rows, right=("reviews", "took"))


def _reviews(story: StoryRow) -> int:
    return len({row.command for row in story.commands if base_name(row.command) == "code-review"})


def _commands(detail: BatchDetail, moments: Moments) -> list[str]:
    """Each attempt once, though a pair's commands belong to both its stories."""
    known = {row.id: row for row in detail.commands}
    known.update({row.id: row for story in detail.stories for row in story.commands})
    rows = [_command(known[number], moments) for number in sorted(known)]
    head = ("started", "stories", "command", "try", "model", "status", "took", "tokens", "cost", "reason")
    left_out = detail.totals.commands - len(known)
    note = [f"the first {count(left_out, 'command')} are left out"] if left_out > 0 else []
    return note + table(head, rows, right=("try", "took", "tokens", "cost"))


def _command(row: CommandRow, moments: Moments) -> tuple[str, ...]:
    used = row.input_tokens + row.output_tokens
    return (
        moments.moment(row.started_at),
        shorts(row.story_keys),
        row.command,
        str(row.attempt),
        clean(row.model) or "-",
        moments.status(row.status, row.ended_at),
        moments.spent(row.started_at, row.ended_at, took),
        tokens(used) if used else "-",
        cost(row.cost_usd) if row.cost_usd else "-",
        clean(row.reason),
    )


def _background(detail: BatchDetail, moments: Moments) -> list[str]:
    rows = [
        (
            moments.moment(row.spawned_at),
            shorts(row.story_keys),
            row.task_type,
            moments.status(row.status, row.completed_at),
            moments.spent(row.spawned_at, row.completed_at, took),
            clean(row.reason),
        )
        for row in detail.background
    ]
    return table(("started", "stories", "in the background", "status", "took", "reason"), rows, right=("took",))
