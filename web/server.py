"""The server: the actor that serves the dashboard, on sockets that outlive it."""

import socket
from collections.abc import Sequence

import trio
from hypercorn.typing import ASGIFramework

from web.delivery import Delivery
from web.ports import Branch
from web.transport import serve

FAREWELL_SECONDS = 0.3
"""At the end, for clients that read to hear of it."""


class Server:
    """The actor; a crash of it costs the connections, which come again, and nothing else."""

    def __init__(self, app: ASGIFramework, sockets: Sequence[socket.socket], delivery: Delivery) -> None:
        self._app = app
        self._sockets = sockets
        self._delivery = delivery

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; over within a second then, whatever the clients do."""
        async with trio.open_nursery() as nursery:
            # The connections live until the farewell is said: cancelled from outside they would be gone before.
            shield = trio.CancelScope(shield=True)
            nursery.start_soon(self._serve, shield, task_status)
            try:
                await trio.sleep_forever()
            finally:
                shield.deadline = trio.current_time() + FAREWELL_SECONDS
                with trio.CancelScope(shield=True, deadline=shield.deadline):
                    await self._delivery.farewell()
                shield.cancel()

    async def _serve(self, shield: trio.CancelScope, task_status: trio.TaskStatus[None]) -> None:
        with shield:
            await serve(self._app, self._sockets, task_status=task_status)
