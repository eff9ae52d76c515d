"""Reading a batch's way through the workflow, in the order in which it was recorded, and having it replayed.

The batch actor asks for `own_history` before it goes on with a batch, in a thread: a long one takes some tens of
milliseconds. Writes nothing; what fits is for `runner.domain.replay` to say.
"""

import sqlite3

import msgspec

from runner.domain.events import CycleEnd
from runner.domain.replay import KINDS, Recorded, Recording, replay
from runner.domain.steps import CycleDone, step_key
from runner.store import queries
from runner.store.records import History, snapshot


def own_history(connection: sqlite3.Connection, batch_id: int) -> History:
    """All steps and attempts of a batch that this version could have left; raises NonDeterminism for any other."""
    with snapshot(connection):
        replay(recording(connection, batch_id))
        return queries.history(connection, batch_id)


def recording(connection: sqlite3.Connection, batch_id: int) -> Recording:
    """All steps of a batch with their outcomes, the ends of its cycles among them."""
    steps = "SELECT recorded_at, step_key, kind, outcome_json FROM steps WHERE batch_id = ?"
    # The plus keeps SQLite off the index by batch: of a batch's many events only the cycles' ends are wanted.
    ends = "SELECT timestamp, payload_json FROM events WHERE event_type = 'cycle:end' AND +batch_id = ? ORDER BY id"
    begun = "SELECT step_key FROM commands WHERE batch_id = ? AND step_key <> '' GROUP BY step_key ORDER BY min(id)"
    with snapshot(connection):
        recorded = [
            (at, Recorded(key=key, kind=kind, outcome=text))
            for at, key, kind, text in connection.execute(steps, (batch_id,))
        ]
        recorded += [(at, _end(payload)) for at, payload in connection.execute(ends, (batch_id,))]
        keys = tuple(key for (key,) in connection.execute(begun, (batch_id,)))
    return Recording(steps=tuple(step for _, step in sorted(recorded, key=lambda pair: pair[0])), begun=keys)


def _end(payload: str) -> Recorded:
    told = msgspec.json.decode(payload, type=CycleEnd)
    done = CycleDone(completed=told.completed_stories, blocked=told.blocked_stories)
    return Recorded(
        key=step_key(told.cycle_number, "end"), kind=KINDS[CycleDone], outcome=msgspec.json.encode(done).decode()
    )
