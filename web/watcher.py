"""A client's wish to see what goes on: while it has it, it is sent the panorama whenever that has changed."""

from contextlib import suppress

import trio

from runner.domain.errors import RunnerError
from web.delivery import Delivery
from web.outbox import Outbox
from web.panorama import EVERY_SECONDS, Panorama


class Watcher:
    """One client's; lives as long as its connection."""

    def __init__(self, outbox: Outbox, delivery: Delivery, panorama: Panorama) -> None:
        self._outbox = outbox
        self._delivery = delivery
        self._panorama = panorama
        self._watching: trio.CancelScope | None = None

    def watch(self, wanted: bool) -> None:
        """Begin or end it; said twice is said once."""
        if wanted and self._watching is None:
            self._watching = trio.CancelScope()
            self._outbox.alongside(self._follow, self._watching)
        elif not wanted and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _follow(self, scope: trio.CancelScope) -> None:
        sent = b""
        with scope:
            while True:
                # While the database cannot be read there is nothing to see; the next look may find it again.
                with suppress(RunnerError):
                    seen = await self._panorama.message()
                    if seen is not sent:
                        self._delivery.send(self._outbox, seen)
                        sent = seen
                await trio.sleep(EVERY_SECONDS)
