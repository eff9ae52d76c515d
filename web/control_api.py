"""The routes that control the sprint and tell what goes on; the WebSocket's actions go the same way."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from runner.domain.overview import Node, Overview
from runner.settings import Settings
from web.answers import Cycles, Started, Told
from web.ports import Door, Lookout
from web.routes import Asked, Problem, Route


class StartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a batch is; nothing said: as the settings say."""

    batch_size: Cycles | None = None
    max_cycles: Cycles | None = None
    mode: Literal["fixed", "all"] | None = None
    new: bool = False
    """Close an unfinished batch first, for good."""


class StopBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the stop takes effect."""

    after: Literal["command", "story", "cycle", "now"] = "command"


class EmptyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing has to be said."""


class ControlApi:
    """Control over HTTP."""

    def __init__(self, door: Door, lookout: Lookout, settings: Callable[[], Awaitable[Settings]]) -> None:
        self._door = door
        self._lookout = lookout
        self._settings = settings

    def routes(self) -> list[Route]:
        return [
            _order("start", "Start a batch", lambda asked: self.start(asked.body), StartBody, Started),
            _order("stop", "Stop the batch that runs", lambda asked: self.stop(asked.body), StopBody, Told),
            _order("pause", "Let nothing start until resumed", lambda asked: self.pause(), EmptyBody, Told),
            _order(
                "resume",
                "Go on with a batch that is paused, waits for a limit, or is unfinished",
                lambda asked: self.resume(),
                EmptyBody,
                Told,
            ),
            Route(
                method="GET",
                path="/api/orchestrator/status",
                summary="What goes on now",
                handle=self.status,
                answer=Overview,
                tagged=True,
            ),
            Route(
                method="GET",
                path="/api/supervision",
                summary="The supervision tree, as it lives",
                handle=self.supervision,
                answer=Node,
                tagged=True,
                errors=(503,),
            ),
        ]

    async def start(self, body: StartBody) -> Started:
        cycles = await self._cycles(body)
        batch_id = await self._door.start(None if cycles == "all" else cycles, new=body.new)
        return Started(batch_id=batch_id, max_cycles=cycles)

    async def _cycles(self, body: StartBody) -> Cycles:
        if "all" in (body.mode, body.batch_size, body.max_cycles):
            return "all"
        return body.max_cycles or body.batch_size or (await self._settings()).default_max_cycles

    async def stop(self, body: StopBody) -> Told:
        return Told(status="stopping", batch_id=await self._door.stop(body.after))

    async def pause(self) -> Told:
        return Told(status="pausing", batch_id=await self._door.pause())

    async def resume(self) -> Told:
        return Told(status="resuming", batch_id=await self._door.resume())

    async def status(self, asked: Asked) -> Overview:
        return await self._lookout.overview()

    async def supervision(self, asked: Asked) -> Node:
        tree = (await self._lookout.overview()).supervision
        if tree is None:
            raise Problem(503, "the supervision tree cannot be seen at this moment")
        return tree


def _order(
    name: str,
    summary: str,
    handle: Callable[[Asked], Awaitable[object]],
    body: type[msgspec.Struct],
    answer: type[msgspec.Struct],
) -> Route:
    """A route that control carries out, or refuses."""
    return Route(
        method="POST",
        path=f"/api/orchestrator/{name}",
        summary=summary,
        handle=handle,
        body=body,
        answer=answer,
        errors=(409, 503),
    )
