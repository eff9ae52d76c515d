"""The site: everything that serves the dashboard, joined from what the rest of the runner offers.

`runner.app` puts the three actors under a supervisor of their own. Nothing runs here.
"""

import resource
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.workspace.data_files import CONTENT_TYPES
from runner.workspace.project import Paths
from web import assets
from web.access import Access
from web.board_api import BoardApi
from web.control_api import ControlApi
from web.conversation import make_app
from web.delivery import Delivery
from web.history_api import HistoryApi
from web.live import Live
from web.metrics import Sample
from web.offer import Offer
from web.panorama import Panorama
from web.ports import Door, Feed, Lookout, Reads
from web.preferences import Preferences
from web.pulse import Pulse
from web.records import Records
from web.routes import mount
from web.server import Server
from web.service_api import ServiceApi
from web.sprint_api import SprintApi
from web.transcript_api import TranscriptApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The rest of the runner, as the web sees it."""

    door: Door
    feed: Feed
    lookout: Lookout
    reads: Reads
    stored: Reads
    """For the events alone, so that no other question keeps them waiting."""
    preferences: Preferences
    paths: Paths
    database: Path
    redact: Callable[[str], str]
    clock: Callable[[], int]
    """Epoch milliseconds."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The actors, in the order in which they start."""

    delivery: Delivery
    pulse: Pulse
    server: Server


def build(around: Surroundings, offer: Offer) -> Site:
    """Join the parts."""
    records = Records(around.stored, around.clock)
    delivery = Delivery(around.feed, records, heartbeat=offer.heartbeat)
    pulse = Pulse()
    control = ControlApi(around.door, around.lookout, around.preferences.load)
    sample = _sampler(around, delivery, pulse)
    service = ServiceApi(around.lookout, around.preferences, sample, around.version)
    history = HistoryApi(around.reads, around.preferences.latest)
    routes = [
        *control.routes(),
        *SprintApi(around.reads, around.paths, around.redact).routes(),
        *history.routes(),
        *BoardApi(around.reads, around.paths, around.preferences.latest, around.clock).routes(),
        *TranscriptApi(around.reads, around.paths.state, around.redact).routes(),
        *service.routes(),
    ]
    service.describe(routes)
    app = make_app("web")
    mount(app, routes)
    assets.mount(app, assets.load())
    app.add_websocket("/ws", "live", Live(delivery, records, control, Panorama(sample)).handle)
    cors = frozenset(f"/{name}" for name in CONTENT_TYPES) if offer.cors else frozenset[str]()
    access = Access(app, offer.rules, owners=offer.owners, cors=cors, most_websockets=offer.most_websockets)
    return Site(delivery=delivery, pulse=pulse, server=Server(access, offer.sockets, delivery))


def _sampler(around: Surroundings, delivery: Delivery, pulse: Pulse) -> Callable[[], Awaitable[Sample]]:
    async def sample() -> Sample:
        return Sample(
            overview=await around.lookout.overview(),
            loop_lag=pulse.worst,
            commit_delay=max(around.feed.commit_delays, default=0.0),
            client_lag=max(0, delivery.lag),
            queued_bytes=delivery.queued,
            longest_bytes=delivery.longest,
            worst_eviction=delivery.worst_eviction,
            database_bytes=_size(around.database),
            memory_bytes=_memory(),
        )

    return sample


def _size(database: Path) -> int:
    """With its log; 0 for what is not there. A stat of a local file does not wait."""
    return sum(
        path.stat().st_size for path in (database, database.with_name(f"{database.name}-wal")) if path.exists()
    )


def _memory() -> int:
    """What the runner has of the machine's memory; 0 where the system does not tell."""
    with suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
    return 0
