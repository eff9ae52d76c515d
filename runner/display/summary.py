"""The last words of a run: what came of the batch, story by story, what to do next and where everything lies.

Both the live picture and the plain lines end with it. Pure; made from the board, in lines with a tone each.
"""

from dataclasses import dataclass

from runner.display.lines import Tone
from runner.display.tables import table
from runner.display.words import clean, cost, count, duration, short, title, tokens, usage
from runner.domain.board import Board, StoryCard
from runner.domain.model import Status

Words = tuple[Tone, str]
NARROW = 64
_STORY_WIDTH = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the summary refers to."""

    again: str
    """The command line that runs this project, without what it should do."""
    database: str
    runs: str
    """The folder with the agents' prompts and raw output."""


def summary(board: Board, places: Places, width: int) -> list[Words]:
    """The lines; none for a batch that was not seen to end."""
    if board.ended_at is None:
        return []
    tone = {"completed": Tone.GOOD, "error": Tone.BAD}.get(board.state, Tone.WARNING)
    lines: list[Words] = [
        (Tone.PLAIN, ""),
        (tone, _totals(board)),
        *_table(board, width),
        (Tone.PLAIN, ""),
    ]
    lines += [(Tone.HEADING, f"{label:<11}  {text}") for label, text in _advice(board, places)]
    lines.append((Tone.QUIET, f"{'database':<11}  {places.database}"))
    lines.append((Tone.QUIET, f"{'transcripts':<11}  {places.runs}"))
    return lines


def _totals(board: Board) -> str:
    done = sum(card.status == Status.DONE for card in board.stories.values())
    blocked = sum(card.status == Status.BLOCKED for card in board.stories.values())
    of = "" if board.max_cycles is None else f" of {board.max_cycles}"
    parts = [
        f"{board.cycles_completed}{of} cycles",
        f"{count(done, 'story')} done",
        f"{blocked} blocked" if blocked else "",
        f"{count(board.commands, 'command')}" + (f" ({board.failures} failed)" if board.failures else ""),
        duration(board.elapsed_ms(board.at)),
        usage(board.tokens, board.cost_usd),
    ]
    return ", ".join(part for part in parts if part)


def _table(board: Board, width: int) -> list[Words]:
    if not board.stories:
        return []
    narrow = width < NARROW
    rows = [_columns(card, board, narrow=narrow) for card in board.stories.values()]
    head = ("story", "status", "took") if narrow else ("story", "status", "reviews", "took", "tokens", "cost")
    head_line, *lines = table(head, rows, right=("reviews", "took", "tokens", "cost"))
    told: list[Words] = [(Tone.PLAIN, ""), (Tone.QUIET, head_line)]
    for card, line in zip(board.stories.values(), lines, strict=True):
        tone = {"done": Tone.GOOD, "blocked": Tone.BAD}.get(card.status, Tone.PLAIN)
        told.append((tone, line))
        if card.reason:
            told.append((Tone.WARNING, f"  {clean(card.reason)}"))
    return told


def _columns(card: StoryCard, board: Board, *, narrow: bool) -> tuple[str, ...]:
    took = duration((card.ended_at or board.at) - card.started_at)
    room = 18 if narrow else _STORY_WIDTH
    name = f"{short(card.key)} {title(card.key)}".strip()
    name = name if len(name) <= room else name[: room - 1] + "…"
    status = card.status or "unfinished"
    if narrow:
        return name, status, took
    known_cost = cost(card.cost_usd) if card.cost_usd else "-"
    return name, status, str(card.reviews or "-"), took, tokens(card.tokens) if card.tokens else "-", known_cost


def _advice(board: Board, places: Places) -> list[tuple[str, str]]:
    """What can be done next, and by which command."""
    blocked = any(card.status == Status.BLOCKED for card in board.stories.values())
    advice = []
    if blocked:
        advice.append(("blocked", "mend the cause, then set the story's status back in sprint-status.yaml"))
    if board.state == "error":
        advice.append(("what failed", f"{places.again} history {board.batch_id}"))
    if board.state != "completed":
        advice.append(("go on", f"{places.again} --resume"))
    elif blocked or (board.max_cycles is not None and board.cycles_completed >= board.max_cycles):
        advice.append(("next cycles", f"{places.again} --cycles N"))
    return advice
