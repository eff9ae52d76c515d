"""From signals to progress events; the clock is a number that the test moves."""

from collections.abc import Sequence

import pytest

from actors.progress import BURST, LINES_PER_SECOND, TOOL_NAMES, UNKNOWN_TASKS, Progress
from runner.agents.base import Began, Finished, Noted, Said, Signal, ToolEnded, ToolStarted
from runner.domain.events import CommandProgress


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(command="dev-story", stories=("1-1-one", "1-2-two"), command_id=7, now=clock)


def line(task: str, status: str = "start", message: str = "On it", *, second: int = 1_790_000_000) -> str:
    return f'{second},1,1-1,dev-story,{task},{status},"{message}"'


def shell(command: str) -> ToolStarted:
    return ToolStarted(tool_id="t1", name="Bash", summary=command, shell_command=command)


def brief(events: Sequence[CommandProgress]) -> list[tuple[str, str, str, str | None]]:
    return [(event.kind, event.task_id, event.message, event.status) for event in events]


def test_every_event_says_whose_it_is(progress: Progress):
    (event,) = progress.events([Said(text="Hello")])
    assert (event.story_key, event.command, event.command_id) == ("1-1-one,1-2-two", "dev-story", 7)


CASES: dict[str, tuple[Signal, tuple[str, str, str | None]]] = {
    "text": (Said(text="Hello\nworld"), ("text", "Hello\nworld", None)),
    "tool": (
        ToolStarted(tool_id="a", name="Read", summary="README.md", shell_command=None),
        ("tool", "Read README.md", "start"),
    ),
    "tool without a summary": (
        ToolStarted(tool_id="a", name="Think", summary="", shell_command=None),
        ("tool", "Think", "start"),
    ),
    "end of an unknown tool": (ToolEnded(tool_id="?", is_error=False, text="ok"), ("tool", "tool", "end")),
    "failed tool": (
        ToolEnded(tool_id="?", is_error=True, text="\n no such file\nat line 1"),
        ("tool", "tool failed: no such file", "end"),
    ),
    "note": (Noted(kind="retry", text="in 5 s"), ("note", "retry: in 5 s", None)),
}


@pytest.mark.parametrize(("signal", "told"), CASES.values(), ids=CASES)
def test_what_is_told_of_a_signal(progress: Progress, signal: Signal, told: tuple[str, str, str | None]):
    (event,) = progress.events([signal])
    assert (event.kind, event.message, event.status) == told


@pytest.mark.parametrize("signal", [Began(session_id="s", model="m", version="1"), Finished(is_error=False)])
def test_begin_and_end_are_told_by_others(progress: Progress, signal: Signal):
    assert list(progress.events([signal])) == []


def test_the_end_of_a_tool_names_it(progress: Progress):
    started = ToolStarted(tool_id="a", name="Edit", summary="x.py", shell_command=None)
    told = progress.events([started, ToolEnded(tool_id="a", is_error=False, text="done")])
    assert [event.message for event in told] == ["Edit x.py", "Edit"]


def test_a_task_is_recognised_in_a_text_and_stays_the_present_one(progress: Progress):
    told = progress.events([Said(text=line("implement")), Said(text="Still at it")])
    assert brief(list(told)) == [
        ("task", "implement", "On it", "start"),
        ("text", "implement", "Still at it", None),
    ]


def test_an_end_message_brings_its_metrics(progress: Progress):
    (event,) = progress.events([Said(text=line("tests", "end", "Green (files:3, tests:12/12 passed)"))])
    assert (event.status, event.metrics) == ("end", {"files": "3", "tests": "12/12 passed"})


def test_a_report_and_its_echo_count_once(progress: Progress):
    call = shell('./orchestrator.sh 1 1-1 dev-story setup start "Looking around"')
    echo = ToolEnded(tool_id="t1", is_error=False, text=line("setup", message="Looking around"))
    told = progress.events([call, echo, Said(text=f"I have logged:\n{line('setup', message='Looking around')}")])
    assert [event.kind for event in told] == ["task", "tool", "tool", "text"]


def test_a_text_that_quotes_reports_is_told_without_them(progress: Progress):
    told = progress.events([Said(text=f"I log:\n{line('setup')}\n{line('tests')}\nand go on.")])
    assert [event.kind for event in told] == ["task", "task", "text"]
    (event,) = progress.events([Said(text=f"As I said: {line('setup')}")])
    assert event.message == "As I said:"


def test_unknown_tasks_are_told_and_remembered(progress: Progress):
    told = list(progress.events([Said(text=line("dancing")), Said(text=line("setup"))]))
    assert [event.task_id for event in told if event.kind == "task"] == ["dancing", "setup"]
    assert progress.unknown_tasks == {"dancing"}


def test_an_agent_that_invents_tasks_gives_a_bounded_number_of_warnings(progress: Progress):
    for number in range(10 * UNKNOWN_TASKS):
        list(progress.events([Said(text=line(f"task-{number}"))]))
    assert len(progress.unknown_tasks) == UNKNOWN_TASKS


# Floods


def flood(count: int) -> list[Signal]:
    return [Said(text=str(number)) for number in range(count)]


def test_a_burst_is_let_through_whole(progress: Progress):
    assert len(list(progress.events(flood(int(BURST))))) == BURST
    assert list(progress.rest()) == []


def test_what_is_beyond_the_rate_is_counted_and_told_at_the_end(progress: Progress):
    assert len(list(progress.events(flood(int(BURST) + 41)))) == BURST
    assert brief(list(progress.rest())) == [("note", "", "41 lines left out: see the transcript", None)]
    assert list(progress.rest()) == []


def test_when_there_is_room_again_what_was_left_out_is_told_first(progress: Progress, clock: Clock):
    list(progress.events(flood(int(BURST) + 7)))
    clock.now += 1
    messages = [event.message for event in progress.events([Said(text="calm again")])]
    assert messages == ["7 lines left out: see the transcript", "calm again"]


def test_a_lasting_flood_is_cut_to_the_rate(progress: Progress, clock: Clock):
    list(progress.events(flood(int(BURST))))
    told = 0
    for _ in range(100):
        clock.now += 0.1
        told += sum(event.kind == "text" for event in progress.events(flood(1000)))
    assert told == pytest.approx(10 * LINES_PER_SECOND, abs=100)


def test_a_pause_saves_up_no_more_than_a_burst(progress: Progress, clock: Clock):
    clock.now += 10_000
    assert len(list(progress.events(flood(5 * int(BURST))))) == BURST


def test_open_tools_are_remembered_up_to_a_bound(progress: Progress, clock: Clock):
    for number in range(2 * TOOL_NAMES):
        clock.now += 1
        list(progress.events([ToolStarted(tool_id=str(number), name="Read", summary="", shell_command=None)]))
    ends = [ToolEnded(tool_id=str(number), is_error=False, text="") for number in (0, 2 * TOOL_NAMES - 1)]
    assert [event.message for event in progress.events(ends)] == ["Read", "tool"]
