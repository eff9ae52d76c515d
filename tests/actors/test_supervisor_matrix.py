"""Every restart kind, every way to end and every strategy: 27 plays, each with what it must come to.

Three children are up. The second, of the kind in question, ends after one second in the way in question; in its next
life, if it gets one, it stays. Its neighbours are permanent. After ten seconds the supervisor is cancelled.
"""

from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock

from actors.rules import Backoff, Strategy
from actors.supervisor import Restart, Supervisor
from tests.actors.troupe import Part, TaskStatus, Troupe, crashes_after, ends_after, up

WAITS = Backoff(first=1, jitter=0)


async def cancels_itself(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
    task_status.started()
    with trio.move_on_after(1):
        await trio.sleep_forever()


EXITS: dict[str, Part] = {"normal": ends_after(1), "error": crashes_after(1), "cancelled": cancels_itself}

NOTHING = "-c -a"
ALONE = "+b | -c -b -a"
REST = "-c +b +c | -c -b -a"
ALL = "-c -a +a +b +c | -c -b -a"


@dataclass(frozen=True)
class Row:
    """What follows the end of `b`: its group at once, then its next lives; after the bar the supervisor stops."""

    kind: Restart
    exit: str
    one_for_one: str
    rest_for_one: str
    one_for_all: str


ROWS = [
    Row(Restart.PERMANENT, "normal", ALONE, REST, ALL),
    Row(Restart.PERMANENT, "error", ALONE, REST, ALL),
    Row(Restart.PERMANENT, "cancelled", ALONE, REST, ALL),
    Row(Restart.TRANSIENT, "normal", NOTHING, NOTHING, NOTHING),
    Row(Restart.TRANSIENT, "error", ALONE, REST, ALL),
    Row(Restart.TRANSIENT, "cancelled", NOTHING, NOTHING, NOTHING),
    Row(Restart.TEMPORARY, "normal", NOTHING, NOTHING, NOTHING),
    Row(Restart.TEMPORARY, "error", NOTHING, NOTHING, NOTHING),
    Row(Restart.TEMPORARY, "cancelled", NOTHING, NOTHING, NOTHING),
]


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{row.exit}")
async def test_the_matrix(autojump_clock: MockClock, row: Row, strategy: Strategy):
    troupe = Troupe()
    children = [troupe.child("a"), troupe.child("b", EXITS[row.exit], up, restart=row.kind), troupe.child("c")]
    supervisor = Supervisor(children, strategy=strategy, backoff=WAITS, report=troupe.report)
    with trio.move_on_after(10):
        await supervisor.run(troupe.root)
    assert troupe.notes[:4] == ["0 +a", "0 +b", "0 +c", "1 -b"]
    follows = [note.split()[1] for note in troupe.notes[4:]]
    assert follows == getattr(row, strategy).replace("| ", "").split()
    is_restarted = "|" in getattr(row, strategy)
    assert [(crash.child, crash.restarts) for crash in troupe.crashes] == [("b", 1)] * is_restarted
    assert troupe.starts("b")[1:] == [2.0] * is_restarted
    assert (troupe.alive, troupe.branches()) == ([], [])
