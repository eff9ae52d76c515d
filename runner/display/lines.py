"""An event as a line of text: for pipes, logs and what scrolls above the live picture.

`describe` says what there is to say of an event and how grave it is; `line` is its plain form in fixed columns, which
`grep` and `cut` can rely on. Tool calls and texts of agents are no lines: they are in the transcript.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from runner.display.words import clean, clock, count, named, short, shorts, took, usage
from runner.domain import events as facts
from runner.domain.events import Envelope, Event
from runner.domain.taxonomy import display
from runner.domain.wire import read_event

STORY_WIDTH, COMMAND_WIDTH, TASK_WIDTH, STATUS_WIDTH = 9, 18, 9, 7


class Tone(StrEnum):
    """How grave a line is; the live picture gives it a colour."""

    QUIET = "quiet"
    PLAIN = "plain"
    HEADING = "heading"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What an event says: in columns when it concerns a story or a command, else as a sentence."""

    at: int
    text: str = ""
    tone: Tone = Tone.PLAIN
    story: str = ""
    command: str = ""
    task: str = ""
    status: str = ""


def line(event: Envelope) -> str:
    """`HH:MM:SS  story  command  task  status  message`; empty for what is not worth a line."""
    told = describe(event)
    return "" if told is None else f"{clock(told.at)}  {columns(told)}".rstrip()


def columns(told: Line) -> str:
    """A line without its time; an over-long command takes the room of a task that is not there."""
    text = display(clean(told.text))
    if not told.story:
        return text
    if not told.command:
        return f"{told.story:<{STORY_WIDTH}}  {text}"
    command = f"{told.command:<{COMMAND_WIDTH}}  {told.task}"
    width = COMMAND_WIDTH + 2 + TASK_WIDTH
    return f"{told.story:<{STORY_WIDTH}}  {command:<{width}}  {told.status:<{STATUS_WIDTH}}  {text}"


def describe(event: Envelope) -> Line | None:
    """What an event says; None for what is not worth a line."""
    fact = read_event(event)
    return None if fact is None else _told(fact, event.timestamp)


def _told(event: Event, at: int) -> Line | None:
    match event:
        case facts.CommandStart() | facts.CommandProgress() | facts.CommandEnd():
            return _command(event, at)
        case facts.BatchStart() | facts.BatchState() | facts.BatchEnd():
            return _batch(event, at)
        case facts.CycleStart(cycle_number=number, story_keys=keys):
            return Line(at=at, text=f"cycle {number}: {_listed(keys)}", tone=Tone.HEADING)
        case facts.CycleEnd():
            return _cycle_end(event, at)
        case facts.StoryStatus():
            return _story_status(event, at)
        case facts.BackgroundStart() | facts.BackgroundEnd():
            return _background(event, at)
        case _:
            return _remark(event, at)


def _batch(event: facts.BatchStart | facts.BatchState | facts.BatchEnd, at: int) -> Line:
    name = f"batch {event.batch_id}"
    match event:
        case facts.BatchStart(resumed=resumed, max_cycles=cycles):
            length = count(cycles, "cycle") if isinstance(cycles, int) else "until no story is left"
            text = f"{name} {'resumed' if resumed else 'started'}, {length}"
            return Line(at=at, text=text, tone=Tone.HEADING)
        case facts.BatchState(state=state, detail=detail):
            tone = Tone.PLAIN if state == "running" else Tone.WARNING
            words = state.replace("_", " for ")
            return Line(at=at, text=f"{name} {words}: {detail}" if detail else f"{name} {words}", tone=tone)
        case facts.BatchEnd(status=status, reason=reason):
            tone = {"completed": Tone.GOOD, "error": Tone.BAD}.get(status, Tone.WARNING)
            return Line(at=at, text=f"{name} {status}: {reason}", tone=tone)


def _cycle_end(event: facts.CycleEnd, at: int) -> Line:
    done, blocked = event.completed_stories, event.blocked_stories
    text = f"cycle {event.cycle_number} ended, done: {_listed(done) or 'none'}"
    if blocked:
        return Line(at=at, text=f"{text}, blocked: {_listed(blocked)}", tone=Tone.WARNING)
    return Line(at=at, text=text, tone=Tone.GOOD)


def _story_status(event: facts.StoryStatus, at: int) -> Line:
    tone = {"done": Tone.GOOD, "blocked": Tone.BAD}.get(event.new_status, Tone.PLAIN)
    text = f"{event.old_status} -> {event.new_status}  ({event.reason})"
    return Line(at=at, story=short(event.story_key), text=text, tone=tone)


def _command(event: facts.CommandStart | facts.CommandProgress | facts.CommandEnd, at: int) -> Line | None:
    story, command = shorts(_keys(event.story_key)), clean(event.command)
    match event:
        case facts.CommandStart():
            more = [f"attempt {event.attempt}"] if event.attempt > 1 else []
            more += [clean(event.model)] if event.model else []
            more += ["in the background"] if event.background else []
            return Line(at=at, story=story, command=command, status="start", text=", ".join(more))
        case facts.CommandProgress(kind="task", task_id=task, status=status, message=message):
            return Line(
                at=at,
                story=story,
                command=command,
                task=clean(task),
                status=status or "",
                text=message,
                tone=Tone.QUIET,
            )
        case facts.CommandEnd():
            return _command_end(event, at, story, command)
        case _:
            return None


def _command_end(event: facts.CommandEnd, at: int, story: str, command: str) -> Line:
    metrics = event.metrics
    text = took(int(metrics.get("duration_ms", 0)))
    if used := usage(int(metrics.get("tokens", 0)), metrics.get("cost_usd", 0.0)):
        text = f"{text}, {used}"
    tone = {"success": Tone.GOOD, "error": Tone.BAD}.get(event.status, Tone.WARNING)
    if event.reason:
        text = f"{event.reason} ({text})"
    return Line(at=at, story=story, command=command, status=event.status, text=text, tone=tone)


def _background(event: facts.BackgroundStart | facts.BackgroundEnd, at: int) -> Line:
    if isinstance(event, facts.BackgroundStart):
        status, tone, text = "start", Tone.PLAIN, "in the background"
    else:
        tone = {"completed": Tone.GOOD, "failed": Tone.BAD}.get(event.status, Tone.WARNING)
        status, text = event.status, event.reason
    return Line(at=at, story=shorts(event.story_keys), command=event.task_type, status=status, text=text, tone=tone)


def _remark(event: Event, at: int) -> Line | None:
    match event:
        case facts.BatchWarning(message=message):
            return Line(at=at, text=f"warning: {message}", tone=Tone.WARNING)
        case facts.ErrorRaised(message=message):
            return Line(at=at, text=f"error: {message}", tone=Tone.BAD)
        case facts.ContextCreate(status="starting") | facts.ContextRefresh():
            return Line(at=at, text=f"project context: {event.message or event.status}")
        case facts.ContextCreate(status="failed", message=message) | facts.ContextError(message=message):
            return Line(at=at, text=f"project context failed: {message}", tone=Tone.WARNING)
        case facts.ContextComplete():
            return Line(at=at, text="project context is ready", tone=Tone.GOOD)
        case facts.ContextFresh():
            return Line(at=at, text="project context is fresh", tone=Tone.QUIET)
        case facts.SupervisorRestart(child=child, restarts=number, reason=reason):
            return Line(at=at, text=f"{child} crashed and was restarted ({number}): {reason}", tone=Tone.WARNING)
        case facts.SupervisorEscalate(child=child, restarts=number, reason=reason):
            return Line(at=at, text=f"{child} gave up after {number} restarts: {reason}", tone=Tone.BAD)
        case _:
            return None


def _keys(story_key: str) -> list[str]:
    return [key for key in story_key.split(",") if key]


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(named(key) for key in keys)
