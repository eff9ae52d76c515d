"""Ours: the dashboard's server as it is, on Quart-Trio and Hypercorn with its bounded outboxes.

Everything from the fan-out to the socket is the real thing: database, greeting, delivery, heartbeat, access control.
Events are published where the recorder would publish them.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import trio

from actors.fanout import Fanout
from actors.kit import Reads
from actors.recorder import GROUP_LIMIT
from actors.tree import Branch, Role
from benchmarks.fan.desk import Drive
from runner.app import now_ms
from runner.domain.events import Envelope
from runner.store.database import open_writer
from runner.workspace.project import Paths
from web.listening import listen
from web.offer import Offer
from web.preferences import Preferences
from web.rules import Rules, hosts
from web.site import Site, Surroundings, build

if TYPE_CHECKING:
    from web.ports import Door, Lookout

MOST_CLIENTS = 10_000
FULL = 64 * 1024
"""Bytes waiting for one client that end a saturated server's run ahead, as for the others."""


class Ours:
    """Publishes through the fan-out; see `desk.Server`."""

    path = "/ws"

    def __init__(self, port: int, fanout: Fanout, site: Site) -> None:
        self.port = port
        self._fanout = fanout
        self._site = site

    async def emit(self, event: dict[str, Any], *, patient: bool) -> None:
        """Publish one event; when patient, run ahead of delivery no further than the recorder would."""
        seq, payload = event["seq"], msgspec.json.encode(event["payload"])
        if seq == 1:
            await self._gather()
        self._fanout.publish([Envelope(seq=seq, type=event["type"], timestamp=event["timestamp"], payload=payload)])
        delivery = self._site.delivery
        while patient and (seq - delivery.seq > GROUP_LIMIT or delivery.longest > FULL):
            await trio.lowlevel.checkpoint()

    async def _gather(self) -> None:
        """Wait until all who have come are taken in: what is published here is in no database to be read again."""
        clients = -1
        while clients != self._site.delivery.clients:
            clients = self._site.delivery.clients
            await trio.sleep(0.5)

    def evicted_ms(self) -> list[float]:
        """The age at which each slow client was reset, of the oldest event its kernel had not taken."""
        return [age * 1000 for age in self._site.delivery.eviction_ages]

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def read_order(self) -> str:
        return await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)


async def _serve(drive: Drive, folder: Path) -> None:
    database, fanout = folder / "sprint-runner.db", Fanout(now_ms)
    with closing(open_writer(database)):
        sockets, port = listen("127.0.0.1", 0)
        offer = Offer(
            rules=Rules(hosts=hosts(port), port=port), sockets=sockets, most_websockets=MOST_CLIENTS, heartbeat=30
        )
        around = Surroundings(
            # Nobody asks for these here.
            door=cast("Door", None),
            lookout=cast("Lookout", None),
            feed=fanout,
            reads=Reads(database),
            stored=Reads(database),
            preferences=Preferences(folder / "settings.json", {}, {}),
            paths=Paths(root=folder, state=folder, status_file=folder / "s", implementation=folder, planning=folder),
            database=database,
            redact=str,
            clock=now_ms,
            version="",
        )
        site, branch = build(around, offer), Branch("benchmark", Role.SUPERVISOR, clock=now_ms)
        async with trio.open_nursery() as nursery:
            for actor in (site.delivery, site.pulse, site.server):
                await nursery.start(actor.run, branch)
            await drive(Ours(port, fanout, site))
            nursery.cancel_scope.cancel()


def run(drive: Drive) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_serve, drive, Path(folder))
