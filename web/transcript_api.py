"""The route that tells what an agent said and did, in pages straight from the file of its run."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import trio

from runner.store import queries
from runner.workspace.runs import run_folder
from runner.workspace.transcripts import ENTRY_LIMIT, TranscriptPage, read_page
from web.ports import Reads
from web.routes import LARGEST, Asked, Problem, Route

USUAL_ENTRIES = 100
THREADS = 2
"""That read run files at the same time; a page may mean to look through megabytes."""


class TranscriptQuery(msgspec.Struct, frozen=True):
    after: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] = 0
    """`next` of the page before."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=ENTRY_LIMIT)] = USUAL_ENTRIES


class TranscriptApi:
    """Transcripts over HTTP."""

    def __init__(self, reads: Reads, state: Path, redact: Callable[[str], str]) -> None:
        self._reads = reads
        self._state = state
        self._redact = redact
        self._limiter = trio.CapacityLimiter(THREADS)

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/api/commands/{command_id}/transcript",
                summary="A page of what the agent said and did",
                handle=self.transcript,
                query=TranscriptQuery,
                answer=TranscriptPage,
                errors=(404, 503),
            )
        ]

    async def transcript(self, asked: Asked) -> TranscriptPage:
        command_id = asked.path["command_id"]
        row = await self._reads.ask(lambda database: queries.command(database, command_id))
        if row is None:
            raise Problem(404, f"there is no command {command_id}")
        page = partial(
            read_page,
            run_folder(self._state, row.run_id),
            asked.query.after,
            asked.query.limit,
            ended=row.ended_at is not None,
            redact=self._redact,
        )
        return await trio.to_thread.run_sync(page, limiter=self._limiter, abandon_on_cancel=True)
