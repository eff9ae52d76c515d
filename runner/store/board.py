"""The board of a batch from its stored events, with the bars of its timeline: what a page is shown at first.

What agents say in between is most of all events and moves a board only while its command runs, so of that only the
last words of what runs are read. Everything is of one instant. Reads only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection

from runner.domain.board import Board, absorb
from runner.domain.events import CATALOGUE, BatchState, CommandProgress, Envelope
from runner.domain.wire import read_event
from runner.store import queries
from runner.store.records import EventRow, fetch_all, snapshot

ATTEMPT_LIMIT = 5000
"""Attempts of a batch that are handed out, the newest: a page of 1 MB."""
_BEYOND = 2**63 - 1
WAITS = ("paused", "waiting_limit")
_TELLING = tuple(kind.event_type for kind in CATALOGUE if kind is not CommandProgress)
_MOVES = ("batch:start", "batch:state", "batch:end")
_EVENT = "SELECT id AS seq, event_type AS type, timestamp, payload_json FROM events"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptBar:
    """One attempt of a command, as a bar of the timeline."""

    id: int
    command: str
    story_keys: tuple[str, ...]
    attempt: int
    model: str
    background: bool
    started_at: int
    ended_at: int | None
    status: str
    reason: str
    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBar:
    """A background chain or context refresh, as a bar of the timeline."""

    id: int
    task_type: str
    story_keys: tuple[str, ...]
    started_at: int
    ended_at: int | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitBar:
    """A time in which the batch was paused or waited for a usage limit."""

    begin: int
    end: int | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """A batch as a page shows it."""

    seq: int
    """Of the newest event in the database: what comes after it moves the board on."""
    board: Board
    attempts: tuple[AttemptBar, ...]
    chains: tuple[ChainBar, ...]
    waits: tuple[WaitBar, ...]


class Boards:
    """Reads views of batches. Keeps what it has folded of the present one: every page that opens asks for that."""

    def __init__(self) -> None:
        self._kept = (0, Board())
        """The number of the batch, and its board without what agents said."""

    def read(self, connection: Connection, batch_id: int | None) -> BoardView | None:
        """A batch's view; of the present batch when none is named. None: there is no such batch.

        May be called in several threads at a time.
        """
        with snapshot(connection):
            seq = queries.last_seq(connection)
            if batch_id is None:
                present = queries.present_batch(connection)
                if present is None:
                    return BoardView(seq=seq, board=Board(), attempts=(), chains=(), waits=())
                board = self._folded(connection, present.id, seq)
                self._kept = (present.id, board)
                return _view(connection, present.id, board, seq)
            if not queries.batch_exists(connection, batch_id):
                return None
            return _view(connection, batch_id, self._folded(connection, batch_id, seq), seq)

    def _folded(self, connection: Connection, batch_id: int, seq: int) -> Board:
        kept_id, kept = self._kept
        # Another thread may have come further than this one sees.
        return _folded(connection, batch_id, kept if kept_id == batch_id and kept.seq <= seq else Board())


def _view(connection: Connection, batch_id: int, board: Board, seq: int) -> BoardView:
    return BoardView(
        seq=seq,
        board=_with_progress(connection, batch_id, board),
        attempts=_attempts(connection, batch_id),
        chains=_chains(connection, batch_id),
        waits=tuple(_waits(connection, batch_id)),
    )


def telling_events(
    connection: Connection, batch_id: int, *, after: int = 0, before: int = _BEYOND
) -> Iterator[Envelope]:
    """A batch's events that move a board for good, in order."""
    return (row.envelope for row in _events(connection, batch_id, _TELLING, after=after, before=before))


def _events(
    connection: Connection, batch_id: int, types: Sequence[str], *, after: int = 0, before: int = _BEYOND
) -> Sequence[EventRow]:
    """A batch's events of some types, in order."""
    # One index tells the types, each in order; the batch's own would lead through everything agents said, and
    # without its ends all batches would be read.
    ends = "SELECT min(id), (SELECT max(id) FROM events WHERE batch_id = ?1) FROM events WHERE batch_id = ?1"
    first, last = connection.execute(ends, (batch_id,)).fetchone()
    if first is None:
        return ()
    marks = ", ".join("?" * len(types))
    query = f"{_EVENT} WHERE event_type IN ({marks}) AND id > ? AND id < ? AND +batch_id = ? ORDER BY id"
    low, high = max(after, first - 1), min(before, last + 1)
    return fetch_all(connection, EventRow, query, *types, low, high, batch_id)


def _folded(connection: Connection, batch_id: int, board: Board) -> Board:
    """The board after all that came behind its `seq`, but for what agents said."""
    for event in telling_events(connection, batch_id, after=board.seq):
        if event.type == "batch:start" and board.ended_at is None:
            # A run that was killed ends with the last event before, whatever it was.
            row = connection.execute("SELECT timestamp FROM events WHERE id = ?", (event.seq - 1,)).fetchone()
            board = replace(board, at=row[0] if row else board.at)
        board = absorb(board, event)
    return board


def _with_progress(connection: Connection, batch_id: int, board: Board) -> Board:
    """The board with what the agents of running commands said last."""
    for command_id in board.running:
        for event in _last_words(connection, command_id):
            board = absorb(board, event)
    # Whatever was left out, this is how far the board has come.
    newest = "SELECT id, timestamp FROM events WHERE batch_id = ? ORDER BY id DESC LIMIT 1"
    seq, at = connection.execute(newest, (batch_id,)).fetchone() or (board.seq, board.at)
    return replace(board, seq=seq, at=at)


def _last_words(connection: Connection, command_id: int) -> list[Envelope]:
    """The last task that was reported, and the last that was said, in order."""
    said = f"{_EVENT} WHERE command_id = ? AND event_type = 'command:progress'"
    task = f"{said} AND json_extract(payload_json, '$.kind') = 'task' ORDER BY id DESC LIMIT 1"
    rows = {
        row.seq: row
        for query in (f"{said} ORDER BY id DESC LIMIT 1", task)
        for row in fetch_all(connection, EventRow, query, command_id)
    }
    return [rows[seq].envelope for seq in sorted(rows)]


def _attempts(connection: Connection, batch_id: int) -> tuple[AttemptBar, ...]:
    query = (
        "SELECT id, command, (SELECT group_concat(story_key) FROM command_stories"
        " JOIN stories ON stories.id = story_id WHERE command_id = commands.id) AS story_keys, attempt, model,"
        " background_task_id IS NOT NULL AS background, started_at, ended_at, status, reason,"
        " input_tokens + output_tokens AS tokens, cost_usd"
        " FROM commands WHERE batch_id = ? ORDER BY id DESC LIMIT ?"
    )
    return tuple(reversed(fetch_all(connection, AttemptBar, query, batch_id, ATTEMPT_LIMIT)))


def _chains(connection: Connection, batch_id: int) -> tuple[ChainBar, ...]:
    query = (
        "SELECT id, task_type, story_key AS story_keys, spawned_at AS started_at, completed_at AS ended_at, status"
        " FROM background_tasks WHERE batch_id = ? ORDER BY id"
    )
    return fetch_all(connection, ChainBar, query, batch_id)


def _waits(connection: Connection, batch_id: int) -> Iterator[WaitBar]:
    """Each begins with its state and ends with the next."""
    begun: tuple[int, str] | None = None
    for row in _events(connection, batch_id, _MOVES):
        if begun is not None:
            yield WaitBar(begin=begun[0], end=row.timestamp, state=begun[1])
        event = read_event(row.envelope)
        begun = (row.timestamp, event.state) if isinstance(event, BatchState) and event.state in WAITS else None
    if begun is not None:
        yield WaitBar(begin=begun[0], end=None, state=begun[1])
