"""The live picture: a board drawn as a few lines of text for the bottom of a terminal.

`live` asks for it once a second and whenever something happened. Pure: time, width and height are arguments, and
the same board gives the same lines. Every line is at most `width` wide, and there are never more than fit; the
number of lines stays the same while a cycle runs, so that nothing jumps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from runner.display.columns import Cell, row
from runner.display.words import ago, clean, count, duration, moment, named, short, shorts, usage
from runner.domain.board import PHASES, Board, Chain, Running, StoryCard
from runner.domain.taxonomy import base_name

STORY_ROWS = 2
ROWS = 3
"""Room for running commands that is always there: two together, and one in the background."""
SILENT_MS = 120_000
"""An agent that was not heard of for so long is worth a second look."""
WIDE = 110
"""From this width on, phases are words; below they are dots."""
NARROW = 60
ECHO = 6
"""Columns free at the very end: a terminal echoes Ctrl-C there, and a line that wraps would shift the picture."""

STATUS_STYLES: Mapping[str, str] = {
    "done": "green",
    "blocked": "bold red",
    "in-progress": "cyan",
    "review": "cyan",
}
_STATUS_MARKS: Mapping[str, str] = {"done": "✓", "blocked": "✗", "in-progress": "▸", "review": "▸"}
_STATE_STYLES: Mapping[str, str] = {"running": "bold green", "completed": "bold green", "error": "bold red"}
_PHASE_WORDS: Mapping[str, str] = {
    "create-story": "create",
    "story-review": "review",
    "create-tech-spec": "spec",
    "tech-spec-review": "spec review",
    "dev-story": "dev",
    "code-review": "code review",
}
_CHAIN_COMMANDS: Mapping[str, str] = {
    "story-review-chain": "story-review",
    "tech-spec-review-chain": "tech-spec-review",
    "project-context-refresh": "generate-project-context",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a picture is drawn for. `rows` is how many running commands there is room for."""

    project: str
    now: int
    """Epoch milliseconds."""
    width: int
    height: int
    rows: int = ROWS


def picture(board: Board, view: View) -> list[Text]:
    """The lines of the picture, top to bottom."""
    lines = [*_headline(board, view), *_stories(board, view), *_activity(board, view), _footer(board, view)]
    return lines[: max(1, view.height)]


def rows_needed(board: Board) -> int:
    """How many lines the running commands and the waiting chains take now."""
    return len(board.running) + len(_waiting(board))


def state_words(board: Board, now: int) -> str:
    """The state for people: `waiting for the usage limit until 14:05`."""
    match board.state:
        case "waiting_limit" if board.resets_at is not None:
            left = duration(board.resets_at - now)
            return f"waiting for the usage limit until {moment(board.resets_at, now)} ({left})"
        case "waiting_limit":
            return "waiting for the usage limit"
        case "stopping":
            return "stopping" if board.running else "stopping now"
        case state:
            return state


def cycle_words(board: Board) -> str:
    """`cycle 2 of 5`."""
    of = "" if board.max_cycles is None else f" of {board.max_cycles}"
    return f"cycle {board.cycle}{of}" if board.cycle else "before the first cycle"


# --- head and foot ------------------------------------------------------------------------------------------------


def _headline(board: Board, view: View) -> list[Text]:
    left = Text(f"{clean(view.project)} ", style="bold", no_wrap=True)
    if board.batch_id is not None:
        left.append(f"· batch {board.batch_id} · {cycle_words(board)} ", style="not bold")
    right = Text(" ", no_wrap=True)
    right.append(state_words(board, view.now), style=_STATE_STYLES.get(board.state, "bold yellow"))
    right.append(f" · {duration(board.elapsed_ms(view.now))}")
    if used := usage(board.tokens, board.cost_usd):
        right.append(f" · {used}")
    line = Text("── ", style="dim", no_wrap=True)
    fill = view.width - line.cell_len - left.cell_len - right.cell_len - 3
    if fill < 1:
        first, second = line + left, Text("  ", no_wrap=True) + right
        return [_cut(first, view.width), _cut(second, view.width)]
    return [line + left + Text("─" * fill, style="dim") + right + Text(" ──", style="dim")]


def _footer(board: Board, view: View) -> Text:
    counts = [f"{count(board.cycles_completed, 'cycle')} done", count(board.commands, "command")]
    if board.failures:
        counts.append(f"{board.failures} failed")
    if board.warnings:
        counts.append(count(board.warnings, "warning"))
    style = "yellow" if board.failures or board.warnings else "dim"
    tally, advice = ", ".join(counts), _advice(board)
    cells = (
        Cell(text=advice, width=max(1, len(advice)), style="dim" if board.state == "running" else "yellow"),
        Cell(text="", rank=1, least=0),
        Cell(text=tally, width=len(tally), style=style, rank=1),
    )
    return row(cells, max(1, view.width - ECHO))


def _advice(board: Board) -> str:
    match board.state:
        case "running" | "idle":
            return "Ctrl-C stops after what runs now"
        case "stopping" if board.running:
            return "waiting for what runs now; Ctrl-C again interrupts it"
        case _:
            return clean(board.detail)


# --- the stories of the cycle -------------------------------------------------------------------------------------


def _stories(board: Board, view: View) -> list[Text]:
    cards = [board.stories[key] for key in board.cycle_keys if key in board.stories]
    lines = [_story(board, card, view) for card in cards]
    return lines + [Text("")] * (STORY_ROWS - len(lines))


def _story(board: Board, card: StoryCard, view: View) -> Text:
    style = STATUS_STYLES.get(card.status, "")
    wide = view.width >= WIDE
    cells = (
        Cell(text=_STATUS_MARKS.get(card.status, "·"), width=1, style=style),
        Cell(text=_name(card.key), width=28 if wide else 20, style="bold"),
        Cell(text=card.status, width=13, style=style, rank=1),
        Cell(text=_phases(board, card, words=wide)),
    )
    return row(cells, view.width)


def _name(key: str) -> Text:
    return Text(short(key)).append(f" {named(key).removeprefix(short(key)).strip()}".rstrip(), style="not bold")


def _phases(board: Board, card: StoryCard, *, words: bool) -> Text:
    """Where the story stands: what is behind it, what it is in, what may come."""
    here = card.phases[-1] if card.phases and not card.settled else ""
    at_work = any(card.key in running.story_keys and not running.background for running in board.running.values())
    line = Text()
    for phase in PHASES:
        passed, style = phase in card.phases, "dim"
        if phase == here:
            style = "bold cyan" if at_work else "cyan"
        elif passed:
            style = "green"
        if words:
            line.append(" › " if line else "", style="dim")
            line.append(_phase_words(phase, card), style=style)
        else:
            line.append("●" if passed else "○", style=style)
    if not words:
        line.append(f" {_standing(card, here)}".rstrip(), style="cyan")
    return line


def _standing(card: StoryCard, here: str) -> str:
    if card.settled:
        return clean(card.reason) if card.status == "blocked" else ""
    return _phase_words(here, card) if here else ""


def _phase_words(phase: str, card: StoryCard) -> str:
    reviewed = phase == "code-review" and card.reviews
    return f"{_PHASE_WORDS[phase]} {card.reviews}" if reviewed else _PHASE_WORDS[phase]


# --- what runs ----------------------------------------------------------------------------------------------------


def _activity(board: Board, view: View) -> list[Text]:
    running = sorted(board.running.values(), key=lambda attempt: (attempt.background, attempt.command_id))
    lines = [_attempt(attempt, view) for attempt in running]
    lines += [_chain(chain, view) for chain in _waiting(board)]
    return lines + [Text("")] * (view.rows - len(lines))


def _attempt(attempt: Running, view: View) -> Text:
    silent = view.now - attempt.last_at
    stories, command = shorts(attempt.story_keys), clean(attempt.command)
    tries = f"try {attempt.attempt}" if attempt.attempt > 1 else ""
    style = "magenta" if attempt.background else "cyan"
    # Columns line up where there is room for them.
    story_width, command_width = (len(stories), 1) if view.width < NARROW else (9, 18)
    cells = (
        Cell(text="∘" if attempt.background else "•", width=1, style=style),
        Cell(text=stories, width=max(len(stories), story_width), rank=1),
        Cell(text=command, width=max(len(command), command_width), style=style),
        Cell(text=clean(attempt.task), width=9, rank=3),
        Cell(text=clean(attempt.doing), style="dim", rank=5),
        *([Cell(text=tries, width=len(tries), style="yellow", rank=2)] if tries else []),
        Cell(text=clean(attempt.model), width=8, style="dim", rank=6),
        Cell(text=duration(view.now - attempt.started_at), width=7, right=True),
        Cell(text=ago(silent), width=9, style="yellow" if silent > SILENT_MS else "dim", rank=4, right=True),
    )
    return row(cells, view.width)


def _chain(chain: Chain, view: View) -> Text:
    cells = (
        Cell(text="∘", width=1, style="dim"),
        Cell(text=shorts(chain.story_keys), width=9, rank=1),
        Cell(text=chain.task_type, width=23, style="dim"),
        Cell(text="waits in the background", style="dim", rank=2),
    )
    return row(cells, view.width)


def _waiting(board: Board) -> list[Chain]:
    """Background chains of which nothing runs at this moment."""
    at_work = {(base_name(attempt.command), attempt.story_keys) for attempt in board.running.values()}
    return [
        chain
        for chain in board.background.values()
        if (_CHAIN_COMMANDS.get(chain.task_type, ""), chain.story_keys) not in at_work
    ]


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line
