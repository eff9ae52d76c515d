"""The limit timer: waits until a usage limit has reset, by the clock of the runner.

The batch actor runs one for each reset time it is told. It decides nothing: what its end means is the batch's to say.
"""

import trio

from actors.kit import Kit
from actors.tree import Branch, NodeState, Role

LOOK_SECONDS = 1.0
JITTER_SECONDS = 30.0


async def wait_for_reset(kit: Kit, resets_at: int, branch: Branch) -> None:
    """Return a little after `resets_at`, in epoch milliseconds; at once when that has passed."""
    with branch.grow("limit-timer", Role.ACTOR) as own:
        own.state, own.deadline = NodeState.WAITING, resets_at
        wait = max(0, resets_at - kit.clock()) / 1000
        late = kit.random() * min(JITTER_SECONDS, wait / 10)
        # Looked at again and again: the clock goes on while the machine is suspended, a sleep of Trio does not.
        while (left := resets_at - kit.clock()) > 0:  # noqa: ASYNC110 - nothing announces the end of a suspension
            await trio.sleep(min(left / 1000, LOOK_SECONDS))
        own.due_in(late)
        await trio.sleep(late)
