"""The routes about the project's own files: the sprint, its stories, the original's log, and the files themselves.

Files are read in threads, a few at a time. What they say is the agents' and other people's work: it is passed on as
text and decides nothing here.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
import trio

from runner.domain.errors import SprintFileError, SprintFileMissing
from runner.domain.redaction import Redact, redact_all
from runner.store import queries
from runner.workspace.activities import Activities, read_activities
from runner.workspace.data_files import CONTENT_TYPES, open_data_file
from runner.workspace.project import Paths
from runner.workspace.sprint_view import read_sprint_text, sprint_view
from runner.workspace.story_files import StoryFiles
from web.ports import Reads
from web.routes import Answer, Asked, Problem, Route

Result = TypeVar("Result")

THREADS = 2
"""That read files at the same time."""


class SprintApi:
    """The project's files over HTTP."""

    def __init__(self, reads: Reads, paths: Paths, redact: Redact) -> None:
        """`redact`: agents write these files, and pages of other origins may read some."""
        self._reads = reads
        self._paths = paths
        self._redact = redact
        self._files = StoryFiles(paths.implementation)
        self._limiter = trio.CapacityLimiter(THREADS)

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/api/sprint-status",
                summary="The sprint file, with epics and stories as the runner reads them",
                handle=self.sprint,
                answer=dict,
                errors=(404, 422, 503),
                tagged=True,
            ),
            Route(
                method="GET",
                path="/api/orchestrator-status",
                summary="The original tool's activity log; empty when there is none",
                handle=self.activities,
                answer=Activities,
                tagged=True,
            ),
            Route(
                method="GET",
                path="/story-descriptions.json",
                summary="A short description of each story that has a file",
                handle=self.descriptions,
                answer=dict[str, str],
                tagged=True,
            ),
            *(self._file(name, media) for name, media in CONTENT_TYPES.items()),
        ]

    def _file(self, name: str, media: str) -> Route:
        async def handle(asked: Asked) -> Answer:
            file = await self._in_thread(partial(open_data_file, self._paths, name))
            if file is None:
                raise Problem(404, f"there is no {name} that can be shown")
            # Bytes that are no text go through as they are.
            text = self._redact(file.data.decode("utf-8", "surrogateescape"))
            return Answer(body=text.encode("utf-8", "surrogateescape"), media=file.content_type)

        return Route(
            method="GET",
            path=f"/{name}",
            summary=f"{name} as it is",
            handle=handle,
            answer=str,
            media=media,
            errors=(404,),
            tagged=True,
        )

    async def sprint(self, asked: Asked) -> object:
        try:
            text = await self._in_thread(partial(read_sprint_text, self._paths.status_file, self._files))
        except SprintFileMissing as error:
            raise Problem(404, error.message, error.hint) from None
        except SprintFileError as error:
            raise Problem(422, error.message, error.hint) from None
        times = await self._reads.ask(lambda database: queries.story_times(database, text.keys))
        return self._shown(sprint_view(text, times))

    async def activities(self, asked: Asked) -> object:
        return self._shown(await self._in_thread(partial(read_activities, self._paths)))

    async def descriptions(self, asked: Asked) -> object:
        return self._shown(await self._in_thread(self._files.descriptions))

    def _shown(self, answer: object) -> object:
        return redact_all(msgspec.to_builtins(answer), self._redact)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        # Abandoned when the browser goes: a disk that does not answer is not waited for.
        return await trio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)
