"""What the servers on asyncio have in common."""

import asyncio
import sys

HOST = "127.0.0.1"
BACKLOG = 1024


class OnAsyncio:
    """The half of a `Server` that is the same for each of them."""

    path = "/ws"

    def __init__(self, port: int) -> None:
        self.port = port

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def read_order(self) -> str:
        return await asyncio.to_thread(sys.stdin.readline)

    def evicted_ms(self) -> list[float]:
        return []  # it throws nobody out for being slow
