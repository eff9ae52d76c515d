"""The last words of a run."""

import pytest

from runner.display.lines import Tone
from runner.display.summary import Places, summary
from runner.domain.board import Board, absorb_all
from tests.support.tape import ONE, Tape, one_cycle

PLACES = Places(again="sprint-runner --project x", database="/x/runner.db", runs="/x/runs")


def told(tape: Tape, width: int = 120) -> str:
    return "\n".join(text for _, text in summary(absorb_all(Board(), tape.events), PLACES, width))


def test_every_story_is_told_with_what_it_took():
    text = told(one_cycle().finish())
    assert "1 of 2 cycles, 1 story done, 1 blocked, 9 commands, 1:30, 9.0k tokens, $4.50" in text
    assert "story         status   reviews  took  tokens   cost" in text
    assert "2a-1 scanner  done           2  1:10    6.0k  $3.00" in text
    assert "2a-2 parser   blocked        -  1:20    3.0k  $1.50\n  repeated error pattern" in text
    assert "/x/runner.db" in text
    assert "/x/runs" in text


NEXT = {
    "completed": (
        "all stories done",
        1,
        ["next cycles  sprint-runner --project x --cycles N", "set the story's status back"],
    ),
    "stopped": ("stopped by SIGINT", 0, ["go on        sprint-runner --project x --resume"]),
    "error": ("damaged", 0, ["what failed  sprint-runner --project x history 7", "--resume"]),
}


@pytest.mark.parametrize("status", NEXT)
def test_next_steps(status: str):
    reason, cycles, advice = NEXT[status]
    text = told(one_cycle().finish(status, reason, cycles=cycles))
    assert all(words in text for words in advice)


def test_finished_sprint_needs_no_next_step():
    tape = Tape().start("all").cycle(1, ONE).status(ONE, "review", "done").end_cycle(1, (ONE,))
    text = told(tape.finish(reason="all stories done or blocked"))
    assert "--resume" not in text
    assert "--cycles" not in text


def test_cut_off_story_is_called_unfinished():
    text = told(Tape().start().cycle(1, ONE).finish("stopped", "stopped by SIGTERM", cycles=0))
    assert "unfinished" in text


def test_narrow_summary_leaves_numbers_out():
    lines = told(one_cycle().finish(), 40).splitlines()
    table = [line for line in lines if line.startswith(("story", "2a-"))]
    assert table == ["story         status   took", "2a-1 scanner  done     1:10", "2a-2 parser   blocked  1:20"]


def test_tone_follows_the_outcome():
    tones = {
        status: summary(absorb_all(Board(), Tape().start().finish(status).events), PLACES, 80)[1][0]
        for status in ("completed", "stopped", "error")
    }
    assert tones == {"completed": Tone.GOOD, "stopped": Tone.WARNING, "error": Tone.BAD}


def test_batch_that_was_not_seen_to_end_has_no_summary():
    assert told(one_cycle()) == ""
