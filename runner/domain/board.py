"""The board: what is going on in a batch, folded from its events.

`absorb(board, envelope) -> board` is a pure reducer over the stored events, in `seq` order. The terminal's live
picture and its closing summary are drawn from a board; so may be anything else that shows a batch. Values are
frozen, mappings are never changed in place. Events that do not concern the board only move its `seq`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from runner.domain.events import (
    BackgroundEnd,
    BackgroundStart,
    BatchEnd,
    BatchStart,
    BatchState,
    BatchWarning,
    CommandEnd,
    CommandProgress,
    CommandStart,
    CycleEnd,
    CycleStart,
    Envelope,
    Event,
    StoryStart,
    StoryStatus,
)
from runner.domain.model import Status
from runner.domain.taxonomy import base_name, review_number
from runner.domain.wire import read_event

Item = TypeVar("Item")

PHASES = ("create-story", "story-review", "create-tech-spec", "tech-spec-review", "dev-story", "code-review")
"""A story's way through its cycle, as the base names of commands; `batch-commit` belongs to the cycle."""
_SAME_PHASE: Mapping[str, str] = {"story-discovery": "create-story"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An attempt of a command that has not ended. Times are epoch milliseconds."""

    command_id: int
    command: str
    story_keys: tuple[str, ...]
    attempt: int
    model: str
    """Empty: the agent CLI's own default."""
    background: bool
    started_at: int
    last_at: int
    """When the agent was last heard of."""
    task: str = ""
    doing: str = ""
    """What the agent said of its task, or what it did last while it has reported none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryCard:
    """A story of the batch."""

    key: str
    status: str = ""
    """As the sprint file has it; empty until the first change is seen."""
    phases: tuple[str, ...] = ()
    """Those of `PHASES` that it has entered, in order; the last one is where it stands."""
    reviews: int = 0
    """Code reviews begun."""
    started_at: int
    ended_at: int | None = None
    """When it was done or blocked."""
    reason: str = ""
    """Why it is blocked."""
    tokens: int = 0
    cost_usd: float = 0.0
    """Of its own commands, and its share of those it had together with another story."""

    @property
    def settled(self) -> bool:
        return self.ended_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A background chain or context refresh that has not ended."""

    task_type: str
    story_keys: tuple[str, ...]
    started_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A batch as its events tell it; the empty board knows of none."""

    seq: int = 0
    at: int = 0
    """Time of the last event."""
    batch_id: int | None = None
    max_cycles: int | None = None
    """None: until no story is left."""
    state: str = "idle"
    """idle, running, pausing, paused, waiting_limit, stopping; at the end completed, stopped or error."""
    detail: str = ""
    resets_at: int | None = None
    """When the usage limit that is waited for resets."""
    started_at: int = 0
    """Beginning of the present run."""
    ended_at: int | None = None
    worked_ms: int = 0
    """Length of the earlier runs."""
    cycle: int = 0
    """The cycle begun last."""
    cycle_keys: tuple[str, ...] = ()
    cycles_completed: int = 0
    stories: Mapping[str, StoryCard] = field(default_factory=dict)
    running: Mapping[int, Running] = field(default_factory=dict)
    background: Mapping[int, Chain] = field(default_factory=dict)
    commands: int = 0
    """Attempts that have ended."""
    failures: int = 0
    """Attempts that have ended with an error."""
    warnings: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def elapsed_ms(self, now: int) -> int:
        """How long the batch has been worked on, all runs together."""
        return self.worked_ms + max(0, (now if self.ended_at is None else self.ended_at) - self.started_at)


def absorb(board: Board, envelope: Envelope) -> Board:
    """The board after this event."""
    event = read_event(envelope)
    after = board if event is None else _absorb(board, event, envelope.timestamp)
    return replace(after, seq=envelope.seq, at=envelope.timestamp)


def absorb_all(board: Board, envelopes: Sequence[Envelope]) -> Board:
    """The board after these events."""
    for envelope in envelopes:
        board = absorb(board, envelope)
    return board


def _absorb(board: Board, event: Event, at: int) -> Board:
    match event:
        case BatchStart() | BatchState() | BatchEnd():
            return _batch(board, event, at)
        case CycleStart() | CycleEnd():
            return _cycle(board, event, at)
        case StoryStart(story_key=key):
            return _with_card(board, _card(board, key, at))
        case StoryStatus():
            return _story_status(board, event, at)
        case CommandStart():
            return _command_start(board, event, at)
        case CommandProgress():
            return _progress(board, event, at)
        case CommandEnd():
            return _command_end(board, event)
        case BackgroundStart(background_task_id=task_id):
            chain = Chain(task_type=event.task_type, story_keys=event.story_keys, started_at=at)
            return replace(board, background={**board.background, task_id: chain})
        case BackgroundEnd(background_task_id=task_id):
            return replace(board, background=_without(board.background, task_id))
        case BatchWarning():
            return replace(board, warnings=board.warnings + 1)
        case _:
            return board


def _batch(board: Board, event: BatchStart | BatchState | BatchEnd, at: int) -> Board:
    match event:
        case BatchStart(resumed=True) if board.batch_id == event.batch_id:
            return _resumed(board, at)
        case BatchStart(max_cycles=cycles):
            number = cycles if isinstance(cycles, int) else None
            return Board(batch_id=event.batch_id, max_cycles=number, state="running", started_at=at)
        case BatchState():
            return replace(board, state=event.state, detail=event.detail, resets_at=event.resets_at)
        case BatchEnd():
            ended = replace(board, state=event.status, detail=event.reason, resets_at=None, ended_at=at)
            return replace(ended, cycles_completed=event.cycles_completed, running={}, background={})


def _resumed(board: Board, at: int) -> Board:
    """Another run of the same batch: the time in between is nobody's."""
    # A run that was killed has no end: what is known of its length is its last event.
    gap = at - (board.at if board.ended_at is None else board.ended_at)
    stories = {
        key: card if card.settled else replace(card, started_at=card.started_at + gap)
        for key, card in board.stories.items()
    }
    board = replace(board, worked_ms=board.elapsed_ms(board.at), stories=stories, running={}, background={})
    return replace(board, state="running", detail="", resets_at=None, started_at=at, ended_at=None)


def _cycle(board: Board, event: CycleStart | CycleEnd, at: int) -> Board:
    if isinstance(event, CycleStart):
        return replace(board, cycle=event.cycle_number, cycle_keys=event.story_keys)
    for keys, status in ((event.completed_stories, Status.DONE), (event.blocked_stories, Status.BLOCKED)):
        for key in keys:
            card = _card(board, key, at)
            board = _with_card(board, replace(card, status=str(status), ended_at=card.ended_at or at))
    return replace(board, cycles_completed=board.cycles_completed + 1)


def _story_status(board: Board, event: StoryStatus, at: int) -> Board:
    """A story that the batch has not taken yet may change too: the sprint file is everybody's."""
    if event.story_key not in board.stories:
        return board
    card = board.stories[event.story_key]
    blocked = event.new_status == Status.BLOCKED
    over = at if blocked or event.new_status == Status.DONE else None
    reason = event.reason if blocked else ""
    return _with_card(board, replace(card, status=event.new_status, ended_at=over, reason=reason))


def _command_start(board: Board, event: CommandStart, at: int) -> Board:
    attempt = Running(
        command_id=event.command_id,
        command=event.command,
        story_keys=event.story_keys,
        attempt=event.attempt,
        model=event.model,
        background=event.background,
        started_at=at,
        last_at=at,
    )
    board = replace(board, running={**board.running, event.command_id: attempt})
    if event.background:
        return board
    for key in event.story_keys:
        board = _with_card(board, _entered(_card(board, key, at), event.command))
    return board


def _entered(card: StoryCard, command: str) -> StoryCard:
    """The card of a story that this command was started for."""
    base = base_name(command)
    phase = _SAME_PHASE.get(base, base)
    phases = card.phases
    if phase in PHASES:
        # At the end even if it was there before: the last one is where the story stands.
        phases = (*(name for name in phases if name != phase), phase)
    reviews = review_number(command) or 1 if base == "code-review" else 0
    return replace(card, phases=phases, reviews=max(card.reviews, reviews))


def _progress(board: Board, event: CommandProgress, at: int) -> Board:
    attempt = board.running.get(event.command_id)
    if attempt is None:
        return board
    attempt = replace(attempt, last_at=at)
    if event.kind == "task":
        attempt = replace(attempt, task=event.task_id, doing=event.message)
    elif not attempt.task:
        attempt = replace(attempt, doing=event.message)
    return replace(board, running={**board.running, event.command_id: attempt})


def _command_end(board: Board, event: CommandEnd) -> Board:
    tokens, cost = int(event.metrics.get("tokens", 0)), event.metrics.get("cost_usd", 0.0)
    ended = board.running.get(event.command_id)
    keys = ended.story_keys if ended else tuple(key for key in event.story_key.split(",") if key)
    for key in keys:
        if card := board.stories.get(key):
            shared = replace(
                card, tokens=card.tokens + tokens // len(keys), cost_usd=card.cost_usd + cost / len(keys)
            )
            board = _with_card(board, shared)
    return replace(
        board,
        running=_without(board.running, event.command_id),
        commands=board.commands + 1,
        failures=board.failures + (event.status == "error"),
        tokens=board.tokens + tokens,
        cost_usd=board.cost_usd + cost,
    )


def _card(board: Board, key: str, at: int) -> StoryCard:
    """A story's card; a new one for a story that nobody has mentioned."""
    return board.stories.get(key) or StoryCard(key=key, started_at=at)


def _with_card(board: Board, card: StoryCard) -> Board:
    return replace(board, stories={**board.stories, card.key: card})


def _without(items: Mapping[int, Item], key: int) -> Mapping[int, Item]:
    return {number: item for number, item in items.items() if number != key}
