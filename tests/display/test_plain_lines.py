"""Events as plain lines: what they say, and that they line up."""

import pytest

from runner.display.lines import Tone, describe, line
from runner.domain.events import (
    BackgroundEnd,
    BatchEnd,
    BatchStart,
    BatchState,
    BatchWarning,
    CommandEnd,
    CommandProgress,
    CommandStart,
    ContextComplete,
    ContextCreate,
    ContextFresh,
    CycleEnd,
    CycleStart,
    Envelope,
    ErrorRaised,
    Event,
    StoryStart,
    StoryStatus,
    SupervisorEscalate,
)
from tests.support.tape import ONE, START, TWO, envelope

PAIR = f"{ONE},{TWO}"


def command_start(**more: object) -> CommandStart:
    given = {"story_key": PAIR, "story_keys": (ONE, TWO), "command": "create-story", "attempt": 1, "model": ""}
    return CommandStart(**{**given, "task_id": "", "command_id": 1, "background": False, **more})  # type: ignore[arg-type]


def progress(kind: str, message: str, status: str | None = None, task: str = "") -> CommandProgress:
    return CommandProgress(
        story_key=ONE, command="dev-story", task_id=task, message=message, command_id=1, kind=kind, status=status
    )


def command_end(status: str, reason: str = "") -> CommandEnd:
    metrics = {"duration_ms": 83_000.0, "tokens": 12_300.0, "cost_usd": 0.125}
    return CommandEnd(
        story_key=ONE,
        command="code-review-2",
        task_id="",
        status=status,
        metrics=metrics,
        command_id=1,
        attempt=1,
        reason=reason,
    )


SAID: dict[str, tuple[Event, str, Tone]] = {
    "batch": (BatchStart(batch_id=3, max_cycles=2, resumed=False), "batch 3 started, 2 cycles", Tone.HEADING),
    "all": (
        BatchStart(batch_id=3, max_cycles="all", resumed=True),
        "batch 3 resumed, until no story is left",
        Tone.HEADING,
    ),
    "limit": (
        BatchState(batch_id=3, state="waiting_limit", detail="5-hour limit"),
        "batch 3 waiting for limit: 5-hour limit",
        Tone.WARNING,
    ),
    "stopped": (
        BatchEnd(batch_id=3, cycles_completed=1, status="stopped", reason="stopped by SIGINT"),
        "batch 3 stopped: stopped by SIGINT",
        Tone.WARNING,
    ),
    "failed": (
        BatchEnd(batch_id=3, cycles_completed=1, status="error", reason="database is damaged"),
        "batch 3 error: database is damaged",
        Tone.BAD,
    ),
    "cycle": (CycleStart(cycle_number=2, story_keys=(ONE, TWO)), "cycle 2: 2a-1 scanner, 2a-2 parser", Tone.HEADING),
    "cycle end": (
        CycleEnd(cycle_number=2, completed_stories=(), blocked_stories=(ONE,)),
        "cycle 2 ended, done: none, blocked: 2a-1 scanner",
        Tone.WARNING,
    ),
    "start": (
        command_start(attempt=2, model="haiku", background=True),
        "2a-1,2a-2  create-story                   start    attempt 2, haiku, in the background",
        Tone.PLAIN,
    ),
    "task": (
        progress("task", "All green (tests:3)", "end", "tests"),
        "2a-1       dev-story           tests      end      All green (tests:3)",
        Tone.QUIET,
    ),
    "success": (
        command_end("success"),
        "2a-1       code-review-2                  success  1:23, 12.3k tokens, $0.12",
        Tone.GOOD,
    ),
    "error": (
        command_end("error", "exit code 1"),
        "2a-1       code-review-2                  error    exit code 1 (1:23, 12.3k tokens, $0.12)",
        Tone.BAD,
    ),
    "long name": (
        command_start(story_key="", story_keys=(), command="generate-project-context"),
        "-          generate-project-context       start",
        Tone.PLAIN,
    ),
    "blocked": (
        StoryStatus(story_key=ONE, old_status="review", new_status="blocked", reason="review limit"),
        "2a-1       review -> blocked (review limit)",
        Tone.BAD,
    ),
    "background": (
        BackgroundEnd(
            background_task_id=1,
            task_type="story-review-chain",
            story_keys=(ONE,),
            status="failed",
            reason="too many",
        ),
        "2a-1       story-review-chain             failed   too many",
        Tone.BAD,
    ),
    "warning": (BatchWarning(batch_id=3, message="odd key", warning_type="x"), "warning: odd key", Tone.WARNING),
    "raised": (ErrorRaised(type="command", message="dev-story failed"), "error: dev-story failed", Tone.BAD),
    "context": (
        ContextCreate(status="starting", message="project-context.md is missing"),
        "project context: project-context.md is missing",
        Tone.PLAIN,
    ),
    "context done": (ContextComplete(), "project context is ready", Tone.GOOD),
    "context fresh": (ContextFresh(), "project context is fresh", Tone.QUIET),
    "escalation": (
        SupervisorEscalate(child="batch", restarts=3, reason="boom"),
        "batch gave up after 3 restarts: boom",
        Tone.BAD,
    ),
}


@pytest.mark.parametrize(("event", "said", "tone"), SAID.values(), ids=SAID)
def test_line(event: Event, said: str, tone: Tone):
    time, _, rest = line(envelope(event)).partition("  ")
    assert rest == said
    assert len(time) == len("00:00:00")
    told = describe(envelope(event))
    assert told is not None
    assert told.tone is tone


QUIET: dict[str, Event] = {
    "tool": progress("tool", "Bash ls", "start"),
    "text": progress("text", "I will now think"),
    "note": progress("note", "retry"),
    "story": StoryStart(story_key=ONE, epic_id="2a"),
    "context complete": ContextCreate(status="complete"),
}


@pytest.mark.parametrize("event", QUIET.values(), ids=QUIET)
def test_noise_is_no_line(event: Event):
    assert line(envelope(event)) == ""


def test_unknown_event_is_no_line():
    assert line(Envelope(seq=1, type="story:sung", timestamp=START, payload=b"{}")) == ""


def test_hostile_message_stays_in_its_line():
    hostile = progress("task", "ok\n\x1b[2J12:00:00  2a-1  forged\x1b]52;c;eA==\x07", "end", "tests\x1b[1A")
    text = line(envelope(hostile))
    assert "\n" not in text
    assert "\x1b" not in text
    assert "ok 12:00:00 2a-1 forged" in text


def test_long_message_is_cut():
    assert line(envelope(progress("task", "x" * 4000, "end", "tests"))).endswith("x…")
