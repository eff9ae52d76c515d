"""The routes that tell what is on record: batches, events and commands. What grows without end is paged."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from runner.settings import Settings
from runner.store import queries
from runner.store.records import BatchDetail, CommandRow
from web.answers import Batches
from web.ports import Reads
from web.routes import LARGEST, Asked, Problem, Route

Number = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=queries.PAGE_LIMIT)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
USUAL_EVENTS = 100


class BatchesQuery(msgspec.Struct, frozen=True):
    limit: Limit | None = None
    offset: Number = 0


class EventsQuery(msgspec.Struct, frozen=True):
    """What events have to fit; with `after` the first ones behind it, else the last ones, in front of `before`."""

    after: Number | None = None
    before: Number | None = None
    limit: Limit = USUAL_EVENTS
    batch: Number | None = None
    story: Text | None = None
    command: Number | None = None
    type: Text | None = None
    q: Text | None = None
    """Words that all have to stand in an event's texts."""


class EventMessage(msgspec.Struct, frozen=True):
    """An event, as the WebSocket sends it."""

    seq: int
    type: str
    timestamp: int
    payload: msgspec.Raw


class Events(msgspec.Struct, frozen=True):
    """A page of events, in `seq` order."""

    events: tuple[EventMessage, ...]


class HistoryApi:
    """The past over HTTP."""

    def __init__(self, reads: Reads, settings: Callable[[], Awaitable[Settings]]) -> None:
        self._reads = reads
        self._settings = settings

    def routes(self) -> list[Route]:
        gone = (404, 503)
        return [
            Route(
                method="GET",
                path="/api/batches",
                summary="A page of the batches, newest first",
                handle=self.batches,
                query=BatchesQuery,
                answer=Batches,
                errors=(503,),
                tagged=True,
            ),
            Route(
                method="GET",
                path="/api/batches/{batch_id}",
                summary="One batch with its cycles, stories, commands, attempts and totals",
                handle=self.batch,
                answer=BatchDetail,
                errors=gone,
                tagged=True,
            ),
            Route(
                method="GET",
                path="/api/events",
                summary="A page of stored events",
                handle=self.events,
                query=EventsQuery,
                answer=Events,
                errors=(503,),
            ),
            Route(
                method="GET",
                path="/api/commands/{command_id}",
                summary="One attempt of a command",
                handle=self.command,
                answer=CommandRow,
                errors=gone,
                tagged=True,
            ),
        ]

    async def batches(self, asked: Asked) -> Batches:
        limit = asked.query.limit or (await self._settings()).default_batch_list_limit
        page, total = await self._reads.ask(
            lambda database: queries.batches(database, limit=limit, offset=asked.query.offset)
        )
        return Batches(batches=page, total=total)

    async def batch(self, asked: Asked) -> BatchDetail:
        batch_id = asked.path["batch_id"]
        detail = await self._reads.ask(lambda database: queries.batch_detail(database, batch_id))
        if detail is None:
            raise Problem(404, f"there is no batch {batch_id}")
        return detail

    async def events(self, asked: Asked) -> Events:
        wanted = msgspec.structs.asdict(asked.query)
        rows = await self._reads.ask(lambda database: queries.events_page(database, **wanted))
        return Events(
            events=tuple(
                EventMessage(
                    seq=row.seq, type=row.type, timestamp=row.timestamp, payload=msgspec.Raw(row.payload_json)
                )
                for row in rows
            )
        )

    async def command(self, asked: Asked) -> CommandRow:
        command_id = asked.path["command_id"]
        row = await self._reads.ask(lambda database: queries.command(database, command_id))
        if row is None:
            raise Problem(404, f"there is no command {command_id}")
        return row
