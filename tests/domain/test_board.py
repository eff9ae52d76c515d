"""What a batch looks like after its events."""

import pytest

from runner.domain.board import Board, Chain, absorb, absorb_all
from runner.domain.events import (
    BackgroundEnd,
    BackgroundStart,
    BatchState,
    BatchWarning,
    Envelope,
    ErrorRaised,
    Event,
    StoryStatus,
)
from tests.support.tape import ONE, START, TWO, Tape, envelope, one_cycle


def board(tape: Tape) -> Board:
    return absorb_all(Board(), tape.events)


def test_empty_board_is_idle():
    assert (Board().state, Board().batch_id) == ("idle", None)


def test_start_of_a_batch_wipes_the_board():
    tape = one_cycle()
    fresh = board(tape.start("all"))
    assert fresh == Board(
        seq=len(tape.events), at=tape.now, batch_id=7, max_cycles=None, state="running", started_at=tape.now
    )


def test_a_cycle_is_folded_into_its_stories():
    told = board(one_cycle())
    done, blocked = told.stories[ONE], told.stories[TWO]
    assert (done.status, done.reviews, done.settled, done.reason) == ("done", 2, True, "")
    assert (blocked.status, blocked.reviews, blocked.reason) == ("blocked", 0, "repeated error pattern")
    assert done.phases == (
        "create-story",
        "story-review",
        "create-tech-spec",
        "tech-spec-review",
        "dev-story",
        "code-review",
    )
    assert (told.cycle, told.cycles_completed, told.cycle_keys) == (1, 1, (ONE, TWO))


def test_a_story_ends_when_it_is_done_and_not_when_its_cycle_ends():
    card = board(one_cycle()).stories[ONE]
    assert (card.ended_at or 0) - card.started_at == 70_000


def test_usage_of_a_pair_is_shared_and_adds_up():
    told = board(one_cycle())
    cards = list(told.stories.values())
    assert (cards[0].tokens, cards[1].tokens) == (6000, 3000)
    assert sum(card.tokens for card in cards) == told.tokens == 9000
    assert sum(card.cost_usd for card in cards) == pytest.approx(told.cost_usd) == pytest.approx(4.5)


def test_running_command_knows_its_task_and_when_it_was_heard_of():
    tape = Tape().start().cycle(1, ONE)
    number = tape.begin("dev-story", ONE, attempt=2, model="opus")
    tape.task(number, "dev-story", "tests", "start", "Writing tests", after=3)
    tape.progress(number, "dev-story", "Bash ls", kind="tool", after=4)
    (running,) = board(tape).running.values()
    assert (running.task, running.doing, running.attempt, running.model) == ("tests", "Writing tests", 2, "opus")
    assert (running.last_at - running.started_at, running.background) == (7000, False)


def test_an_agent_that_reports_no_task_is_shown_by_what_it_does():
    tape = Tape().start().cycle(1, ONE)
    tape.progress(tape.begin("batch-commit", ONE), "batch-commit", "Bash git add", kind="tool")
    assert board(tape).running[1].doing == "Bash git add"


def test_background_review_moves_no_story():
    tape = Tape().start().cycle(1, ONE)
    tape.begin("create-tech-spec", ONE)
    tape.begin("story-review-2", ONE, background=True)
    assert board(tape).stories[ONE].phases == ("create-tech-spec",)


def test_background_chain_is_known_until_it_ends():
    tape = Tape().start()
    started = BackgroundStart(
        background_task_id=3, task_type="story-review-chain", story_keys=(ONE,), status="running"
    )
    chain = Chain(task_type="story-review-chain", story_keys=(ONE,), started_at=START)
    assert board(tape.add(started)).background == {3: chain}
    ended = BackgroundEnd(
        background_task_id=3, task_type="story-review-chain", story_keys=(ONE,), status="completed", reason=""
    )
    assert board(tape.add(ended)).background == {}


def test_failed_attempts_are_counted():
    tape = Tape().start().cycle(1, ONE)
    for status in ("error", "limit", "interrupted", "success"):
        tape.end(tape.begin("dev-story", ONE), "dev-story", ONE, status=status)
    assert (board(tape).commands, board(tape).failures) == (4, 1)


@pytest.mark.parametrize("state", ["pausing", "paused", "waiting_limit", "stopping", "running"])
def test_state_of_the_batch_follows_its_events(state: str):
    tape = Tape().start().add(BatchState(batch_id=7, state=state, detail="because", resets_at=START + 1))
    assert (board(tape).state, board(tape).detail, board(tape).resets_at) == (state, "because", START + 1)


def test_end_of_a_batch_leaves_nothing_running():
    tape = Tape().start().cycle(1, ONE)
    tape.begin("dev-story", ONE)
    told = board(tape.finish("stopped", "stopped by SIGINT", cycles=0))
    assert (told.state, told.detail, told.running, told.ended_at) == ("stopped", "stopped by SIGINT", {}, tape.now)


def test_resume_goes_on_with_what_is_known():
    tape = one_cycle().finish("stopped", "stopped by SIGINT")
    before = board(tape)
    after = board(tape.start(resumed=True, after=3600))
    assert (after.state, after.ended_at, after.stories) == ("running", None, before.stories)
    assert (after.tokens, after.cycles_completed, after.cycle) == (before.tokens, 1, 1)


def test_time_between_two_runs_is_not_counted():
    tape = Tape().start().cycle(1, ONE).run("create-story", ONE, after=10).finish("stopped", "stopped")
    tape.start(resumed=True, after=3600).run("dev-story", ONE, after=20)
    told = board(tape)
    assert told.elapsed_ms(tape.now) == 30_000
    assert tape.now - told.stories[ONE].started_at == 30_000


def test_time_of_a_run_that_was_killed_ends_with_its_last_event():
    tape = Tape().start().cycle(1, ONE).run("create-story", ONE, after=10)
    tape.start(resumed=True, after=3600)
    assert board(tape).elapsed_ms(tape.now + 5000) == 15_000


def test_resume_of_an_unknown_batch_begins_an_empty_board():
    told = board(Tape().start(resumed=True))
    assert (told.batch_id, told.stories) == (7, {})


def test_a_story_nobody_introduced_gets_a_card():
    tape = Tape().start(resumed=True)
    tape.begin("code-review-3", ONE)
    assert board(tape).stories[ONE].reviews == 3


def test_reopened_story_is_no_longer_settled():
    tape = one_cycle().status(TWO, "blocked", "in-progress")
    card = board(tape).stories[TWO]
    assert (card.status, card.settled, card.reason) == ("in-progress", False, "")


IGNORED = {
    "status of a story outside of the batch": StoryStatus(
        story_key="9-9", old_status="backlog", new_status="done", reason=""
    ),
    "error": ErrorRaised(type="command", message="dev-story failed"),
}


@pytest.mark.parametrize("event", IGNORED.values(), ids=IGNORED)
def test_other_events_only_move_the_place(event: Event):
    before = board(one_cycle())
    after = absorb(before, envelope(event, seq=99, at=before.at))
    assert after.seq == 99
    assert (after.stories, after.running, after.state) == (before.stories, before.running, before.state)


SPOILT = {
    "unknown type": Envelope(seq=9, type="story:sung", timestamp=START, payload=b"{}"),
    "missing fields": Envelope(seq=9, type="command:start", timestamp=START, payload=b'{"command":"dev-story"}'),
    "not JSON": Envelope(seq=9, type="batch:end", timestamp=START, payload=b"\xff"),
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_event_that_is_not_understood_does_no_harm(spoilt: Envelope):
    assert absorb(Board(), spoilt) == Board(seq=9, at=START)


def test_progress_of_a_command_that_is_over_is_no_news():
    tape = Tape().start().cycle(1, ONE).run("dev-story", ONE)
    before = board(tape)
    assert board(tape.progress(1, "dev-story", "late", after=0)).running == before.running


def test_warnings_are_counted():
    told = board(Tape().start().add(BatchWarning(batch_id=7, message="odd", warning_type="odd_story_key")))
    assert told.warnings == 1


def test_a_board_is_never_changed_in_place():
    tape = one_cycle()
    boards = [Board()]
    for event in tape.events:
        boards.append(absorb(boards[-1], event))
    assert boards == [absorb_all(Board(), tape.events[:number]) for number in range(len(tape.events) + 1)]
