"""The gate: who passes, who waits, who is turned back. Virtual clock; a gate knows no time but for `sleep`."""

import itertools
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.gate import Gate, Stop


@dataclass(frozen=True)
class Case:
    """A gate, and what it says at the boundary of a command, a story and a cycle."""

    stop: Stop | None
    held: bool
    admits: str


CASES = [
    Case(None, held=False, admits="command story cycle"),
    Case(Stop.CYCLE, held=False, admits="command story"),
    Case(Stop.STORY, held=False, admits="command"),
    Case(Stop.COMMAND, held=False, admits=""),
    Case(Stop.NOW, held=False, admits=""),
    # A stop that comes while nothing may pass has nothing to wait for.
    *(Case(stop, held=True, admits="") for stop in Stop),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.stop!r}-{case.held}")
async def test_who_is_admitted(case: Case):
    gate = Gate()
    if case.held:
        gate.hold()
    if case.stop is not None:
        gate.stop(case.stop)
    boundaries = (Stop.COMMAND, Stop.STORY, Stop.CYCLE)
    with trio.fail_after(1):
        admitted = [boundary.name.lower() for boundary in boundaries if await gate.admit(boundary)]
    assert " ".join(admitted) == case.admits


async def test_a_held_gate_makes_wait_until_it_is_released(nursery: trio.Nursery):
    gate, admitted = Gate(), list[bool]()

    async def wait() -> None:
        admitted.append(await gate.admit())

    gate.hold()
    for _ in range(3):
        nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    assert (gate.held, admitted) == (True, [])
    gate.release()
    await wait_all_tasks_blocked()
    assert (gate.held, admitted) == (False, [True] * 3)


@pytest.mark.parametrize("stop", Stop)
async def test_any_stop_turns_back_what_waits_at_a_held_gate(stop: Stop, nursery: trio.Nursery):
    gate, admitted = Gate(), list[bool]()

    async def wait() -> None:
        admitted.append(await gate.admit())

    gate.hold()
    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    gate.stop(stop)
    await wait_all_tasks_blocked()
    assert admitted == [False]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(Stop, Stop)))
def test_a_second_stop_can_only_be_sooner(first: Stop, second: Stop):
    gate = Gate()
    gate.stop(first)
    gate.stop(second)
    assert gate.stopping is min(first, second)


async def test_admission_is_a_checkpoint():
    with trio.CancelScope() as scope:
        scope.cancel()
        await Gate().admit()
    assert scope.cancelled_caught


async def test_sleep_takes_its_time(autojump_clock: MockClock):
    gate, began = Gate(), trio.current_time()
    gate.stop(Stop.STORY)
    await gate.sleep(40)
    assert trio.current_time() - began == 40


@pytest.mark.parametrize("stop", [Stop.NOW, Stop.COMMAND])
async def test_sleep_ends_when_a_stop_is_asked_for(stop: Stop, autojump_clock: MockClock, nursery: trio.Nursery):
    gate, woke = Gate(), list[float]()

    async def sleep() -> None:
        await gate.sleep(40)
        woke.append(trio.current_time())

    nursery.start_soon(sleep)
    await trio.sleep(10)
    gate.hold()  # no reason to wake up
    await trio.sleep(10)
    stopped = trio.current_time()
    gate.stop(stop)
    await wait_all_tasks_blocked()
    assert woke == [stopped]


async def test_change_tells_of_all_that_may_matter(nursery: trio.Nursery):
    gate, seen = Gate(), list[int]()

    async def watch() -> None:
        while True:
            await gate.change()
            seen.append(gate.inside)

    async def look() -> list[int]:
        await wait_all_tasks_blocked()
        told, seen[:] = list(seen), []
        return told

    nursery.start_soon(watch)
    await wait_all_tasks_blocked()
    with gate.running():
        assert await look() == [1]
        with gate.running():
            assert await look() == [2]
        assert await look() == [1]
        for change in (gate.hold, gate.release, lambda: gate.stop(Stop.CYCLE)):
            change()
            assert await look() == [1]
    assert await look() == [0]


async def test_a_command_that_crashes_inside_is_out():
    gate = Gate()
    with pytest.raises(LookupError), gate.running():
        raise LookupError
    assert gate.inside == 0
