"""Children that are added to a running supervisor: how they start, end, are forgotten, restarted and stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.rules import Backoff, Escalated, Intensity, Strategy
from actors.supervisor import Restart, Supervisor
from tests.actors.troupe import Troupe, crashes_after, ends_after, stops_in, up, up_after

AT_ONCE = Backoff(first=0, jitter=0)


@pytest.fixture
async def troupe() -> Troupe:
    return Troupe()


@asynccontextmanager
async def running(troupe: Troupe, *names: str, **rules: Any) -> AsyncIterator[Supervisor]:
    """A supervisor with children that stay, for the length of the block."""
    children = [troupe.child(name) for name in names]
    supervisor = Supervisor(children, **{"report": troupe.report, "backoff": AT_ONCE, **rules})
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run, troupe.root)
        yield supervisor
        nursery.cancel_scope.cancel()


async def test_a_child_is_up_when_its_addition_returns(autojump_clock: MockClock, troupe: Troupe):
    async with running(troupe, "a") as supervisor:
        await supervisor.start_child(troupe.child("b", up_after(3)))
        assert (troupe.second, troupe.branches()) == (3, ["a", "b"])


async def test_a_supervisor_without_children_of_its_own_waits_for_some(autojump_clock: MockClock, troupe: Troupe):
    async with running(troupe) as supervisor:
        await supervisor.start_child(troupe.child("b", ends_after(1), restart=Restart.TEMPORARY))
        await supervisor.wait_child("b")
        await trio.sleep(100)
        await supervisor.start_child(troupe.child("c"))
        assert troupe.branches() == ["c"]


@pytest.mark.parametrize("part", [ends_after(1), crashes_after(1)], ids=["end", "crash"])
async def test_a_temporary_child_is_forgotten_when_it_has_ended(autojump_clock: MockClock, troupe: Troupe, part: Any):
    async with running(troupe, "a") as supervisor:
        for _ in range(3):
            await supervisor.start_child(troupe.child("b", part, restart=Restart.TEMPORARY))
            await supervisor.wait_child("b")
            assert troupe.branches() == ["a"]
    assert (troupe.starts("b"), troupe.crashes) == ([0, 1, 2], [])


async def test_a_transient_child_is_restarted_after_a_crash_and_forgotten_after_its_end(
    autojump_clock: MockClock, troupe: Troupe
):
    async with running(troupe, "a") as supervisor:
        child = troupe.child("b", crashes_after(1), ends_after(1), restart=Restart.TRANSIENT)
        await supervisor.start_child(child)
        await supervisor.wait_child("b")
        assert (troupe.second, troupe.starts("b"), troupe.branches()) == (2, [0, 1], ["a"])


async def test_a_child_that_cannot_start_fails_whoever_added_it_and_nobody_else(
    autojump_clock: MockClock, troupe: Troupe
):
    async with running(troupe, "a") as supervisor:
        with pytest.raises(ValueError, match="b is broken"):
            await supervisor.start_child(troupe.child("b", crashes_after(1, up=False)))
        await supervisor.start_child(troupe.child("b"))
        assert troupe.branches() == ["a", "b"]
    assert troupe.crashes == []


async def test_a_name_is_given_once(autojump_clock: MockClock, troupe: Troupe):
    async with running(troupe, "a") as supervisor:
        for name in ("a", "b"):
            if name == "b":
                await supervisor.start_child(troupe.child("b"))
            with pytest.raises(RuntimeError, match=f"no place for {name}"):
                await supervisor.start_child(troupe.child(name))


async def test_nothing_is_added_before_the_start_and_after_the_end(autojump_clock: MockClock, troupe: Troupe):
    supervisor = Supervisor([troupe.child("a")])
    with pytest.raises(RuntimeError):
        await supervisor.start_child(troupe.child("b"))
    with trio.move_on_after(1):
        await supervisor.run(troupe.root)
    with pytest.raises(RuntimeError):
        await supervisor.start_child(troupe.child("b"))


async def test_whoever_waits_for_a_child_is_let_go_when_the_supervisor_stops(
    autojump_clock: MockClock, troupe: Troupe, nursery: trio.Nursery
):
    async with running(troupe, "a") as supervisor:
        nursery.start_soon(supervisor.start_child, troupe.child("slow", up_after(1000)))
        nursery.start_soon(supervisor.wait_child, "slow")
        await wait_all_tasks_blocked()
    assert troupe.alive == []


async def test_added_children_are_stopped_together_before_the_others(autojump_clock: MockClock, troupe: Troupe):
    async with running(troupe, "a", "b") as supervisor:
        for name, seconds in (("x", 3), ("y", 2)):
            await supervisor.start_child(troupe.child(name, stops_in(seconds)))
    assert troupe.notes[4:] == ["2 -y", "3 -x", "3 -b", "3 -a"]


async def test_a_slow_child_holds_up_no_other(autojump_clock: MockClock, troupe: Troupe, nursery: trio.Nursery):
    async with running(troupe, "a") as supervisor:
        nursery.start_soon(supervisor.start_child, troupe.child("slow", up_after(100)))
        await wait_all_tasks_blocked()
        await supervisor.start_child(troupe.child("b"))
        assert troupe.second == 0


async def test_a_group_restart_takes_added_children_along_but_for_temporary_ones(
    autojump_clock: MockClock, troupe: Troupe
):
    children = [troupe.child("a", crashes_after(2), up)]
    supervisor = Supervisor(children, strategy=Strategy.ONE_FOR_ALL, report=troupe.report, backoff=AT_ONCE)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run, troupe.root)
        await supervisor.start_child(troupe.child("b"))
        await supervisor.start_child(troupe.child("once", restart=Restart.TEMPORARY))
        await trio.sleep(5)
        assert troupe.branches() == ["a", "b"]
        nursery.cancel_scope.cancel()
    assert (troupe.starts("b"), troupe.starts("once")) == ([0, 2], [0])


async def test_who_gives_up_over_a_child_tells_it(autojump_clock: MockClock, troupe: Troupe):
    given_up = []
    children = [
        troupe.child("a", give_up=lambda: given_up.append("a")),
        troupe.child("b", crashes_after(1), give_up=lambda: given_up.append("b")),
    ]
    with pytest.raises(Escalated):
        await Supervisor(children, intensity=Intensity(restarts=2), backoff=AT_ONCE).run(troupe.root)
    assert given_up == ["b"]


async def test_the_backoff_begins_afresh_after_a_quiet_period(autojump_clock: MockClock, troupe: Troupe):
    child = troupe.child("a", crashes_after(1), crashes_after(1), crashes_after(100), crashes_after(1), up)
    rules = {"backoff": Backoff(first=1, jitter=0), "intensity": Intensity(restarts=3, period=60)}
    with trio.move_on_after(500):
        await Supervisor([child], **rules).run(troupe.root)
    assert troupe.starts("a") == [0, 2, 5, 106, 109]
