"""Nothing survives: the hard kinds of descendants against every way in which a command can end."""

import pytest

from runner.guard import tags
from runner.guard.receipt import await_guard

# What the receipt must say, and what the runner does for it.
ENDINGS = {
    "exit": lambda forest: forest.end(),
    "stop": lambda forest: forest.order(b"T"),
    "kill": lambda forest: forest.order(b"K"),
    "runner-gone": lambda forest: forest.vanish(),
}

# The kinds of descendants in forest.py, and the command line each is known by.
KINDS = {
    "plain": "sleep 301",
    "setsid": "sleep 302",
    "daemon": "sleep 303",
    "deaf": "sleep 304",
    "bare": "sleep 305",
    "closed": "sleep 306",
    "nested": "sleep 307",
    "refork": "refork",
}


@pytest.mark.parametrize("why", ENDINGS)
def test_nothing_survives_the_end_of_a_command(forest, why):
    command = forest(grace=30).grow()
    ENDINGS[why](command)
    command.wait()
    receipt = command.receipt
    assert (receipt.why, receipt.clean, receipt.swept) == (why, True, 0)
    assert receipt.leftovers >= 7
    assert command.alive() == []
    assert tags.sweep(command.tag, 5) == (0, True)


def test_a_sweep_finishes_the_work_of_a_killed_guard(forest):
    command = forest().grow()
    command.process.kill()
    command.wait()
    assert await_guard(command.run_dir, 5)
    assert command.receipt is None
    killed, clean = tags.sweep(command.tag, 10)
    assert killed >= 7
    assert clean
    assert command.alive() == []
    assert tags.sweep(command.tag, 5) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("why", ENDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_descendant_survives_alone(forest, kind, why):
    command = forest(kinds=[kind]).grow([KINDS[kind]])
    ENDINGS[why](command)
    command.wait()
    assert (command.receipt.why, command.receipt.clean, command.receipt.swept) == (why, True, 0)
    assert command.receipt.leftovers >= 1
    assert tags.sweep(command.tag, 5) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("why", ENDINGS)
def test_nothing_survives_on_a_machine_busy_with_forking(forest, why):
    # The sleeper is started last: when it is there, so are both of the others.
    storm = forest(name="storm", kinds=["refork", "refork", "plain"]).grow(["refork", "sleep 301"])
    storm.process.kill()  # init takes its time to reap: the process table grows, and a listing becomes slow
    command = forest().grow()
    ENDINGS[why](command)
    command.wait(seconds=20)
    assert (command.receipt.why, command.receipt.clean, command.receipt.swept) == (why, True, 0)
    assert tags.sweep(command.tag, 5) == (0, True)
    assert tags.sweep(storm.tag, 10)[0] >= 3  # the bystanders were left alone


@pytest.mark.slow
def test_a_sweep_catches_the_reforker_every_time(forest):
    storm = forest(name="storm", kinds=["refork"] * 2).grow(["refork"])
    command = forest(kinds=["refork"]).grow(["refork"])
    command.process.kill()
    command.wait()
    killed, clean = tags.sweep(command.tag, 10)
    assert killed >= 1
    assert clean
    assert tags.sweep(command.tag, 5) == (0, True)
    assert storm.process.poll() is None
