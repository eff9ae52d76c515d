"""The routes that a page draws itself from: a batch at one instant, and what would run next.

What comes after that instant the page hears over the WebSocket.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import msgspec
import trio

from runner.domain.board import Board
from runner.domain.errors import SprintFileError, SprintFileMissing
from runner.domain.plan import Plan, PlannedStep, plan
from runner.settings import Settings
from runner.store.board import AttemptBar, Boards, BoardView, ChainBar
from runner.workspace.artifacts import cycle_story
from runner.workspace.project import Paths
from runner.workspace.sprint_file import read_sprint
from web.ports import Reads
from web.routes import LARGEST, Asked, Problem, Route

PLANNED_CYCLES = 2


class BoardQuery(msgspec.Struct, frozen=True):
    batch: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] | None = None
    """None: the present one."""


class Wait(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """A time in which the batch was paused or waited for a usage limit; `to` null: it still does."""

    begin: int
    end: int | None
    state: str


class BoardAnswer(msgspec.Struct, frozen=True):
    """A batch at one instant: all events up to `seq` are in it."""

    seq: int
    server_time: int
    project: str
    idle_minutes: int
    """After so long without a word from its agent a command is ended; 0: never."""
    board: Board
    attempts: tuple[AttemptBar, ...]
    chains: tuple[ChainBar, ...]
    waits: tuple[Wait, ...]


class NextCycle(msgspec.Struct, frozen=True):
    number: int
    story_keys: tuple[str, ...]
    steps: tuple[PlannedStep, ...]


class NextCycles(msgspec.Struct, frozen=True):
    """What would run next, as far as it is decided, and the open stories that it does not reach."""

    cycles: tuple[NextCycle, ...]
    left: tuple[str, ...]


class BoardApi:
    """The page's beginning over HTTP."""

    def __init__(
        self,
        reads: Reads,
        paths: Paths,
        settings: Callable[[], Awaitable[Settings]],
        clock: Callable[[], int],
    ) -> None:
        self._reads = reads
        self._paths = paths
        self._settings = settings
        self._clock = clock
        self._boards = Boards()
        self._limiter = trio.CapacityLimiter(1)

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/api/board",
                summary="A batch at one instant, for a page that then follows the events",
                handle=self.board,
                query=BoardQuery,
                answer=BoardAnswer,
                errors=(404, 503),
            ),
            Route(
                method="GET",
                path="/api/plan",
                summary="What would run next",
                handle=self.plan,
                answer=NextCycles,
                errors=(404, 409, 422),
            ),
        ]

    async def board(self, asked: Asked) -> BoardAnswer:
        wanted: int | None = asked.query.batch
        view: BoardView | None = await self._reads.ask(lambda database: self._boards.read(database, wanted))
        if view is None:
            raise Problem(404, f"there is no batch {wanted}")
        return BoardAnswer(
            seq=view.seq,
            server_time=self._clock(),
            project=self._paths.root.name,
            idle_minutes=(await self._settings()).command_idle_timeout_minutes,
            board=view.board,
            attempts=view.attempts,
            chains=view.chains,
            waits=tuple(Wait(one.begin, one.end, one.state) for one in view.waits),
        )

    async def plan(self, asked: Asked) -> NextCycles:
        settings = await self._settings()
        try:
            planned = await trio.to_thread.run_sync(
                self._planned, settings.max_code_review_attempts, limiter=self._limiter, abandon_on_cancel=True
            )
        except SprintFileMissing as error:
            raise Problem(404, error.message, error.hint) from None
        except SprintFileError as error:
            raise Problem(422, error.message, error.hint) from None
        return _told(planned)

    def _planned(self, review_limit: int) -> Plan:
        sprint = read_sprint(self._paths.status_file)
        return plan(sprint, partial(cycle_story, self._paths), cycles=PLANNED_CYCLES, review_limit=review_limit)


def _told(planned: Plan) -> NextCycles:
    cycles = tuple(
        NextCycle(
            number=cycle.number,
            story_keys=tuple(story.key for story in cycle.stories),
            steps=cycle.steps,
        )
        for cycle in planned.cycles
    )
    return NextCycles(cycles=cycles, left=planned.left)
