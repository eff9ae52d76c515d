"""The original's fan-out, literally: aiohttp, a task per event, `json.dumps` per event, a gather over all clients."""

import asyncio
import json
from typing import Any

from aiohttp import web

from benchmarks.fan.asyncio_side import BACKLOG, HOST, OnAsyncio
from benchmarks.fan.desk import Drive


class Gather(OnAsyncio):
    """Broadcasts as the original did."""

    def __init__(self) -> None:
        super().__init__(0)
        self._clients: set[web.WebSocketResponse] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        self._clients.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._clients.discard(socket)
        return socket

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        # The loop keeps weak references only.
        task = asyncio.create_task(self._broadcast(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if patient:
            # One at a time is what it is fastest with; on time there is no limit, as in the original.
            await task

    async def _broadcast(self, event: dict[str, Any]) -> None:
        text = json.dumps(event)
        await asyncio.gather(*(socket.send_str(text) for socket in self._clients), return_exceptions=True)


async def _serve(drive: Drive) -> None:
    server = Gather()
    application = web.Application()
    application.router.add_get(server.path, server.accept)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, backlog=BACKLOG).start()
    server.port = runner.addresses[0][1]
    await drive(server)
    await runner.cleanup()


def run(drive: Drive) -> None:
    asyncio.run(_serve(drive))
