"""The live picture at several widths: what it says, that it fits, and that it keeps its height."""

from io import StringIO

import pytest
from rich.console import Console, Group

from runner.display.board import View, picture, rows_needed
from runner.domain.board import Board, absorb, absorb_all
from runner.domain.events import BackgroundStart, BatchState, BatchWarning
from tests.support.tape import ONE, TWO, Tape, one_cycle

WIDTHS = (40, 80, 120)


def drawn(tape: Tape, width: int = 120, *, height: int = 30, after: float = 0, rows: int = 3) -> str:
    """The picture as it stands on a terminal of this width."""
    board = absorb_all(Board(), tape.events)
    view = View(project="paperback", now=tape.now + int(after * 1000), width=width, height=height, rows=rows)
    console = Console(record=True, width=width, height=height, file=StringIO(), force_terminal=True)
    console.print(Group(*picture(board, view)))
    return console.export_text()


def busy() -> Tape:
    """A pair in its second cycle; a failed first try, a background review, and a chain that waits."""
    tape = one_cycle().cycle(2, ONE, TWO)
    tape.end(tape.begin("dev-story", ONE), "dev-story", ONE, status="error", reason="exit code 1")
    number = tape.begin("dev-story", ONE, attempt=2, model="opus")
    tape.task(number, "dev-story", "tests", "start", "Round trip, sums, both commands")
    tape.begin("story-review-2", ONE, TWO, model="haiku", background=True)
    for task_id, kind in ((1, "story-review-chain"), (2, "tech-spec-review-chain")):
        event = BackgroundStart(background_task_id=task_id, task_type=kind, story_keys=(ONE, TWO), status="running")
        tape.add(event)
    return tape.add(BatchWarning(batch_id=7, message="odd", warning_type="x"))


def test_wide_picture_tells_everything():
    text = drawn(busy(), after=70)
    for words in (
        "paperback · batch 7 · cycle 2 of 2",
        "running · 2:51 · 10.0k tokens, $5.00",
        "2a-1 scanner",
        "create › review › spec › spec review",
        "dev-story",
        "Round trip, sums",
        "try 2",
        "opus",
        "1:11",
        "70 s ago",
        "tech-spec-review-chain",
        "waits in the background",
        "1 cycle done, 10 commands, 1 failed, 1 warning",
        "Ctrl-C stops after what runs now",
    ):
        assert words in text


def test_a_chain_whose_review_runs_does_not_wait():
    text = drawn(busy())
    assert "story-review-2" in text
    assert " story-review-chain" not in text


def test_narrow_picture_keeps_the_essence():
    text = drawn(busy(), 40)
    for words in ("paperback", "cycle 2 of 2", "running", "2a-1", "dev-story", "Ctrl-C stops"):
        assert words in text


@pytest.mark.parametrize("width", [*range(1, 40), *WIDTHS, 200])
def test_no_line_is_wider_than_the_terminal(width: int):
    board = absorb_all(Board(), busy().events)
    view = View(project="a project with a rather long name", now=board.at, width=width, height=30)
    assert all(line.cell_len <= width for line in picture(board, view))


@pytest.mark.parametrize("width", WIDTHS)
def test_last_line_leaves_room_for_the_echo_of_ctrl_c(width: int):
    board = absorb_all(Board(), busy().events)
    *_, last = picture(board, View(project="p", now=board.at, width=width, height=30))
    assert last.cell_len <= width - len("^C^C^C")


@pytest.mark.parametrize("height", [1, 2, 5, 8])
def test_picture_is_never_higher_than_allowed(height: int):
    board = absorb_all(Board(), busy().events)
    assert len(picture(board, View(project="p", now=board.at, width=80, height=height, rows=5))) <= height


@pytest.mark.parametrize("width", WIDTHS)
def test_height_stays_the_same_through_a_cycle(width: int):
    board, heights = Board(), set()
    for event in one_cycle().events:
        board = absorb(board, event)
        if board.cycle:
            heights.add(len(picture(board, View(project="p", now=board.at, width=width, height=30))))
    assert len(heights) == 1


def test_rows_needed_counts_what_runs_and_what_waits():
    assert rows_needed(absorb_all(Board(), busy().events)) == 3


STATES = {
    "running": ("running", "Ctrl-C stops after what runs now"),
    "stopping": ("stopping", "Ctrl-C again interrupts it"),
    "paused": ("paused", "because"),
    "pausing": ("pausing", "because"),
}


@pytest.mark.parametrize(("state", "words"), STATES.items(), ids=STATES)
def test_state_is_said_in_words(state: str, words: tuple[str, str]):
    tape = Tape().start().cycle(1, ONE)
    tape.begin("dev-story", ONE)
    tape.add(BatchState(batch_id=7, state=state, detail="because"))
    text = drawn(tape)
    assert all(word in text for word in words)


def test_limit_names_the_time_and_what_is_left_until_then():
    tape = Tape().start().cycle(1, ONE)
    tape.add(BatchState(batch_id=7, state="waiting_limit", detail="usage limit", resets_at=tape.now + 1_950_000))
    text = drawn(tape)
    assert "waiting for the usage limit until " in text
    assert "(32:30)" in text


def test_before_the_first_cycle_there_is_a_picture_too():
    tape = Tape().start("all")
    tape.begin("generate-project-context")
    text = drawn(tape)
    assert "before the first cycle" in text
    assert "generate-project-context" in text


def test_empty_board_is_drawn():
    assert "idle" in drawn(Tape())


def test_blocked_story_says_why():
    tape = Tape().start().cycle(1, TWO).status(TWO, "review", "blocked", "review limit")
    assert "review limit" in drawn(tape, 80)


def test_hostile_words_do_not_reach_the_terminal():
    tape = Tape().start().cycle(1, ONE)
    number = tape.begin("dev-story", ONE, model="\x1b[2Jmodel")
    tape.task(number, "dev-story", "te\x1b[1Asts", "start", "\x1b]0;owned\x07[bold]hello[/bold]\nworld")
    board = absorb_all(Board(), tape.events)
    lines = picture(board, View(project="p\x1b[2J", now=board.at, width=120, height=30))
    assert not any("\x1b" in line.plain or "\n" in line.plain for line in lines)
    assert "[bold]hello[/bold] world" in drawn(tape)
