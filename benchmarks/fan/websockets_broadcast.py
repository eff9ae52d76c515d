"""The `websockets` package: its asyncio server with its defaults, and its `broadcast()`."""

import asyncio
import json
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.fan.asyncio_side import BACKLOG, HOST, OnAsyncio
from benchmarks.fan.desk import Drive

FULL = 64 * 1024
"""Bytes waiting for one client that end a saturated server's run ahead: asyncio's own high-water mark."""


class Broadcast(OnAsyncio):
    """Broadcasts as the package's documentation tells."""

    def __init__(self) -> None:
        super().__init__(0)
        self._clients: set[ServerConnection] = set()

    async def accept(self, connection: ServerConnection) -> None:
        self._clients.add(connection)
        try:
            async for _ in connection:
                pass
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(connection)

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        broadcast(self._clients, json.dumps(event))
        while patient and any(client.transport.get_write_buffer_size() > FULL for client in self._clients):
            await self.sleep(0)


async def _serve(drive: Drive) -> None:
    server = Broadcast()
    async with serve(server.accept, HOST, 0, backlog=BACKLOG) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        await drive(server)


def run(drive: Drive) -> None:
    asyncio.run(_serve(drive))
