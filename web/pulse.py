"""The pulse: measures how late the event loop is, by being woken at a time and looking at the clock."""

from collections import deque

import trio

from web.ports import Branch

BEAT_SECONDS = 0.1
KEPT_BEATS = 600
"""The last minute."""


class Pulse:
    """The actor."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=KEPT_BEATS)

    @property
    def worst(self) -> float:
        """Seconds the loop was late at worst within the last minute."""
        return max(self._lags, default=0.0)

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Measure until cancelled."""
        task_status.started()
        while True:
            due = trio.current_time() + BEAT_SECONDS
            await trio.sleep_until(due)
            self._lags.append(trio.current_time() - due)
