"""The supervisor on the virtual clock: a test of minutes takes milliseconds, and every second in it is exact.

`notes` are the play: `+a` when a child's life begins, `-a` when it ends, each behind its second. The supervisor
under test is `act`ed to its end, or cancelled from outside after some seconds.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.child import ChildSpec
from actors.mailbox import Abandoned
from actors.supervisor import REPORT_SECONDS, Backoff, Crash, Escalated, Intensity, Restart, Strategy, Supervisor
from actors.tree import NodeState, Role
from runner.domain.errors import DatabaseError
from tests.actors.troupe import Part, TaskStatus, Troupe, crashes_after, ends_after, stops_in, up, up_after

AT_ONCE = Backoff(first=0, jitter=0)
PATIENT = Intensity(restarts=1000, period=1.0)


@pytest.fixture
async def troupe() -> Troupe:
    return Troupe()


async def act(troupe: Troupe, *children: ChildSpec, cancel_at: float | None = None, **rules: Any) -> None:
    """Run the children under a supervisor until it ends by itself, or is cancelled at that second."""
    rules = {"report": troupe.report, "backoff": AT_ONCE, **rules}
    supervisor = Supervisor(children, **rules)
    with trio.fail_after(10_000), trio.CancelScope() as scope:
        if cancel_at is not None:
            scope.deadline = trio.current_time() + cancel_at
        await supervisor.run(troupe.root)


# Starting


async def test_children_start_in_order_each_when_the_one_before_is_up(
    autojump_clock: MockClock, troupe: Troupe, nursery: trio.Nursery
):
    children = [troupe.child("a", up_after(2)), troupe.child("b", up_after(1)), troupe.child("c")]
    await nursery.start(Supervisor(children).run, troupe.root)
    assert troupe.notes == ["0 +a", "2 +b", "3 +c"]
    assert troupe.second == 3


async def test_a_child_that_ends_before_it_is_up_holds_up_nobody(
    autojump_clock: MockClock, troupe: Troupe, nursery: trio.Nursery
):
    rescue = troupe.child("rescue", ends_after(1, up=False), restart=Restart.TRANSIENT)
    await nursery.start(Supervisor([rescue, troupe.child("b")]).run, troupe.root)
    assert troupe.notes == ["0 +rescue", "1 -rescue", "1 +b"]


async def test_supervisor_ends_when_all_children_have_ended_for_good(autojump_clock: MockClock, troupe: Troupe):
    await act(
        troupe,
        troupe.child("a", ends_after(2), restart=Restart.TRANSIENT),
        troupe.child("b", ends_after(1), restart=Restart.TEMPORARY),
    )
    assert troupe.notes == ["0 +a", "0 +b", "1 -b", "2 -a"]


async def test_a_child_that_cannot_start_and_says_why_fails_the_supervisor_with_its_own_error(
    autojump_clock: MockClock, troupe: Troupe
):
    async def finds_the_disk_full(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        await trio.sleep(1)
        raise DatabaseError("the disk is full")

    with pytest.raises(DatabaseError, match="the disk is full"):
        await act(troupe, troupe.child("a"), troupe.child("b"), troupe.child("c", finds_the_disk_full))
    assert troupe.notes == ["0 +a", "0 +b", "0 +c", "1 -c", "1 -b", "1 -a"]
    assert troupe.crashes == []


async def test_a_child_that_cannot_start_over_the_crash_of_another_is_started_again(
    autojump_clock: MockClock, troupe: Troupe
):
    async def asks_one_that_dies(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        raise Abandoned("a part of the runner crashed over this")

    await act(troupe, troupe.child("a", asks_one_that_dies, up), troupe.child("b"), cancel_at=2)
    assert troupe.notes[:4] == ["0 +a", "0 -a", "0 +a", "0 +b"]


async def test_a_mistake_in_the_start_of_a_child_is_a_crash_like_any_other(autojump_clock: MockClock, troupe: Troupe):
    await act(troupe, troupe.child("a", crashes_after(1, up=False), up), troupe.child("b"), cancel_at=2)
    assert troupe.notes[:4] == ["0 +a", "1 -a", "1 +a", "1 +b"]
    assert [crash.reason for crash in troupe.crashes] == ["ValueError: a is broken"]


async def test_a_crash_in_the_start_of_a_later_life_is_a_crash_like_any_other(
    autojump_clock: MockClock, troupe: Troupe
):
    child = troupe.child("a", crashes_after(1), crashes_after(0, up=False), up)
    await act(troupe, child, cancel_at=5)
    assert troupe.notes == ["0 +a", "1 -a", "1 +a", "1 -a", "1 +a", "5 -a"]
    assert [crash.restarts for crash in troupe.crashes] == [1, 2]


async def test_a_child_that_waits_for_a_crashed_one_in_its_start_is_no_deadlock(
    autojump_clock: MockClock, troupe: Troupe
):
    answers = trio.Event()

    async def answers_in_its_second_life(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        answers.set()
        await up(troupe, id, task_status)

    async def asks_before_it_is_up(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        await answers.wait()
        await up(troupe, id, task_status)

    asked = troupe.child("asked", crashes_after(2), answers_in_its_second_life)
    asker = troupe.child("asker", asks_before_it_is_up)
    await act(troupe, asked, asker, strategy=Strategy.REST_FOR_ONE, cancel_at=3)
    assert troupe.notes == [
        *("0 +asked", "0 +asker"),
        *("2 -asked", "2 -asker", "2 +asked", "2 +asker"),
        *("3 -asker", "3 -asked"),
    ]


# Restarting: kinds and exits


async def _is_cancelled(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
    """Ends by a cancellation of its own making: that is a normal end."""
    task_status.started()
    with trio.CancelScope() as scope:
        scope.cancel()
        await trio.sleep_forever()


@dataclass(frozen=True)
class Exit:
    part: Part
    permanent: int = 2
    transient: int = 1
    temporary: int = 1
    """Lives that the child has, when the second of them goes on."""


EXITS = {
    "normal": Exit(ends_after(1)),
    "error": Exit(crashes_after(1), transient=2),
    "cancelled by itself": Exit(_is_cancelled),
    "cancelled by the supervisor": Exit(up, permanent=1),
}


@pytest.mark.parametrize("kind", Restart)
@pytest.mark.parametrize("exit", EXITS.values(), ids=EXITS)
async def test_restart_kinds(autojump_clock: MockClock, troupe: Troupe, kind: Restart, exit: Exit):
    await act(troupe, troupe.child("a", exit.part, up, restart=kind), cancel_at=5)
    assert len(troupe.starts("a")) == getattr(exit, kind)
    assert len(troupe.crashes) == getattr(exit, kind) - 1


async def test_a_temporary_child_that_crashes_is_told_of_in_the_log(
    autojump_clock: MockClock, troupe: Troupe, logs: list[dict[str, Any]]
):
    await act(troupe, troupe.child("a", crashes_after(1), restart=Restart.TEMPORARY))
    assert [(line["event"], line["child"], line["reason"]) for line in logs] == [
        ("crashed", "a", "ValueError: a is broken")
    ]
    assert isinstance(logs[0]["exc_info"], ValueError)


async def test_a_foreseen_error_is_logged_without_a_traceback(
    autojump_clock: MockClock, troupe: Troupe, logs: list[dict[str, Any]]
):
    async def meets_a_full_disk(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        task_status.started()
        raise DatabaseError("the disk is full", hint="free some space")

    await act(troupe, troupe.child("a", meets_a_full_disk, up), cancel_at=1)
    assert troupe.crashes[0].reason == "the disk is full; free some space"
    assert logs[0]["exc_info"] is None


# Restarting: strategies


@dataclass(frozen=True)
class Plan:
    """What follows the crash of `b`, the second of four."""

    strategy: Strategy
    notes: str


PLANS = (
    Plan(Strategy.ONE_FOR_ONE, "+b"),
    Plan(Strategy.REST_FOR_ONE, "-d -c +b +c +d"),
    Plan(Strategy.ONE_FOR_ALL, "-d -c -a +a +b +c +d"),
)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.strategy)
async def test_strategies(autojump_clock: MockClock, troupe: Troupe, plan: Plan):
    children = [troupe.child("a"), troupe.child("b", crashes_after(1), up), troupe.child("c"), troupe.child("d")]
    await act(troupe, *children, strategy=plan.strategy, cancel_at=2)
    assert troupe.notes[4] == "1 -b"
    assert [text.removeprefix("1 ") for text in troupe.notes[5:-4]] == plan.notes.split()
    assert troupe.notes[-4:] == ["2 -d", "2 -c", "2 -b", "2 -a"]


async def test_a_group_restart_leaves_out_temporary_children_and_repeats_transient_ones(
    autojump_clock: MockClock, troupe: Troupe
):
    await act(
        troupe,
        troupe.child("a", crashes_after(1), up),
        troupe.child("once", restart=Restart.TEMPORARY),
        troupe.child("rescue", ends_after(0), restart=Restart.TRANSIENT),
        strategy=Strategy.REST_FOR_ONE,
        cancel_at=2,
    )
    assert troupe.starts("once") == [0]
    assert troupe.starts("rescue") == [0, 1]


async def test_a_temporary_child_that_has_not_begun_yet_is_not_forgotten_in_a_group_restart(
    autojump_clock: MockClock, troupe: Troupe
):
    await act(
        troupe,
        troupe.child("a", crashes_after(1), up),
        troupe.child("b", up_after(2)),
        troupe.child("once", restart=Restart.TEMPORARY),
        strategy=Strategy.REST_FOR_ONE,
        cancel_at=5,
    )
    assert troupe.starts("once") == [3]


async def test_a_group_waits_for_its_members_to_be_up_one_after_the_other(autojump_clock: MockClock, troupe: Troupe):
    children = [
        troupe.child("a", crashes_after(1), up_after(3)),
        troupe.child("b", up, up_after(2)),
        troupe.child("c"),
    ]
    await act(troupe, *children, strategy=Strategy.REST_FOR_ONE, cancel_at=10)
    assert troupe.starts("a") == [0, 1]
    assert troupe.starts("b") == [0, 4]
    assert troupe.starts("c") == [0, 6]


# Intensity, back-off, escalation


async def test_as_many_crashes_as_the_intensity_allows_are_restarted(autojump_clock: MockClock, troupe: Troupe):
    child = troupe.child("a", *[crashes_after(1)] * 3, up)
    await act(troupe, child, intensity=Intensity(restarts=3, period=60), cancel_at=30)
    assert troupe.starts("a") == [0, 1, 2, 3]


async def test_one_crash_too_many_escalates_with_the_last_error_as_its_cause(
    autojump_clock: MockClock, troupe: Troupe
):
    with pytest.raises(Escalated, match=r"^b ended 4 times in 60 s: ValueError: b is broken$") as escalation:
        await act(troupe, troupe.child("a"), troupe.child("b", crashes_after(1)), troupe.child("c"))
    assert isinstance(escalation.value.__cause__, ValueError)
    assert troupe.notes[-3:] == ["4 -b", "4 -c", "4 -a"]
    assert [(crash.restarts, crash.escalated) for crash in troupe.crashes] == [
        *((1, False), (2, False), (3, False)),
        (4, True),
    ]


async def test_crashes_beyond_the_period_do_not_add_up(autojump_clock: MockClock, troupe: Troupe):
    child = troupe.child("a", crashes_after(21))
    await act(troupe, child, intensity=Intensity(restarts=3, period=60), cancel_at=1000)
    assert len(troupe.starts("a")) == 48


async def test_crashes_of_all_children_count_together(autojump_clock: MockClock, troupe: Troupe):
    children = [troupe.child(id, crashes_after(1)) for id in ("a", "b")]
    with pytest.raises(Escalated):
        await act(troupe, *children, intensity=Intensity(restarts=3, period=60))
    assert troupe.second == 2


@pytest.mark.parametrize(
    ("random", "starts"),
    [(0.0, [0, 2, 5, 9, 13]), (1.0, [0, 2.5, 6.5, 12.0, 17.5])],
    ids=["no jitter", "full jitter"],
)
async def test_backoff_doubles_up_to_its_limit(
    autojump_clock: MockClock, troupe: Troupe, random: float, starts: list[float]
):
    backoff = Backoff(first=1, limit=3, jitter=0.5)
    child = troupe.child("a", crashes_after(1))
    intensity = Intensity(restarts=10, period=60)
    await act(troupe, child, backoff=backoff, random=lambda: random, intensity=intensity, cancel_at=starts[-1] + 0.5)
    assert troupe.starts("a") == starts


async def test_an_escalation_is_an_ordinary_crash_to_the_supervisor_above(autojump_clock: MockClock, troupe: Troupe):
    inner = Supervisor([troupe.child("a", crashes_after(1))], intensity=Intensity(restarts=1), backoff=AT_ONCE)
    spec = ChildSpec(id="inner", start=inner.run, role=Role.SUPERVISOR)
    with pytest.raises(Escalated, match="inner ended 3 times in 60 s: a ended 2 times"):
        await act(troupe, spec, intensity=Intensity(restarts=2))
    # Each life of the inner one counts afresh: it restarts its child once before it gives up again.
    assert troupe.starts("a") == [0, 1, 2, 3, 4, 5]


# Crashes at inconvenient moments


async def test_a_crash_during_the_backoff_of_another_is_seen_at_once(autojump_clock: MockClock, troupe: Troupe):
    backoff = Backoff(first=10, limit=10, jitter=0)
    children = [troupe.child("a", crashes_after(1), up), troupe.child("b", crashes_after(3), up)]
    await act(troupe, *children, backoff=backoff, cancel_at=20)
    assert [crash.child for crash in troupe.crashes] == ["a", "b"]
    assert troupe.starts("a") == [0, 11]
    assert troupe.starts("b") == [0, 13]


async def test_a_crash_of_an_earlier_child_during_the_backoff_takes_the_later_ones_along(
    autojump_clock: MockClock, troupe: Troupe
):
    backoff = Backoff(first=10, limit=10, jitter=0)
    children = [troupe.child("a", crashes_after(3), up), troupe.child("b", crashes_after(1), up)]
    await act(troupe, *children, strategy=Strategy.REST_FOR_ONE, backoff=backoff, cancel_at=20)
    assert troupe.starts("a") == [0, 13]
    assert troupe.starts("b") == [0, 13]


async def test_one_for_one_restarts_a_child_while_another_takes_long_to_start(
    autojump_clock: MockClock, troupe: Troupe
):
    children = [troupe.child("a", crashes_after(1), up_after(100)), troupe.child("b", crashes_after(2), up)]
    await act(troupe, *children, cancel_at=10)
    assert troupe.starts("b") == [0, 2]


async def test_a_member_that_crashes_while_its_group_stops_is_not_counted(autojump_clock: MockClock, troupe: Troupe):
    children = [
        troupe.child("a", crashes_after(1), up),
        troupe.child("b", crashes_after(1.5), up),
        troupe.child("c", stops_in(1), up),
    ]
    await act(troupe, *children, strategy=Strategy.REST_FOR_ONE, cancel_at=5)
    assert troupe.notes[3:9] == ["1 -a", "1.5 -b", "2 -c", "2 +a", "2 +b", "2 +c"]
    assert [crash.child for crash in troupe.crashes] == ["a"]


async def test_a_child_that_crashes_while_it_is_stopped_for_a_restart_shows_why(
    autojump_clock: MockClock, troupe: Troupe
):
    """Its nursery holds the cancellation and the crash together; only the crash is told."""

    async def crashes_when_cancelled(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stops_in(0, then=KeyError("in the clean-up")), troupe, "", trio.TASK_STATUS_IGNORED)
            await up(troupe, id, task_status)

    children = [troupe.child("a", crashes_after(1), up), troupe.child("b", crashes_when_cancelled, up)]
    supervisor = Supervisor(children, strategy=Strategy.REST_FOR_ONE, report=troupe.report, backoff=AT_ONCE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run, troupe.root)
        await trio.sleep(2)
        shown = troupe.root.snapshot().children[1]
        nursery.cancel_scope.cancel()
    assert (shown.id, shown.restarts, shown.last_error) == ("b", 1, "KeyError: 'in the clean-up'")
    assert len(troupe.crashes) == 1


async def test_a_crash_in_a_childs_nursery_beside_cancelled_tasks_is_a_crash(
    autojump_clock: MockClock, troupe: Troupe
):
    async def crashes_as_it_is_cancelled(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        task_status.started()
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.sleep_forever()
            except trio.Cancelled as cancelled:
                mixed = [ValueError("first"), cancelled]
        raise BaseExceptionGroup("mixed", mixed)

    await act(troupe, troupe.child("a", crashes_as_it_is_cancelled, up), cancel_at=5)
    assert [crash.reason for crash in troupe.crashes] == ["ValueError: first"]


async def test_what_is_no_ordinary_exception_passes_through(autojump_clock: MockClock, troupe: Troupe):
    class Interrupt(BaseException):
        pass

    async def is_interrupted(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        task_status.started()
        await trio.sleep(1)
        raise Interrupt

    with pytest.raises(BaseExceptionGroup) as group:
        await act(troupe, troupe.child("a"), troupe.child("b", is_interrupted))
    assert group.group_contains(Interrupt)
    assert troupe.alive == []


# Stopping


async def test_children_stop_in_reverse_order_each_when_the_one_after_it_has_ended(
    autojump_clock: MockClock, troupe: Troupe
):
    await act(troupe, troupe.child("a", stops_in(1)), troupe.child("b", stops_in(2)), troupe.child("c"), cancel_at=10)
    assert troupe.notes[3:] == ["10 -c", "12 -b", "13 -a"]


async def test_a_cancellation_during_the_start_stops_what_was_started_and_starts_no_more(
    autojump_clock: MockClock, troupe: Troupe
):
    await act(troupe, troupe.child("a"), troupe.child("b", up_after(10)), troupe.child("c"), cancel_at=5)
    assert troupe.notes == ["0 +a", "0 +b", "5 -b", "5 -a"]


async def test_a_cancellation_during_the_backoff_stops_at_once(autojump_clock: MockClock, troupe: Troupe):
    children = [troupe.child("a"), troupe.child("b", crashes_after(1))]
    await act(troupe, *children, backoff=Backoff(first=60, limit=60), cancel_at=5)
    assert troupe.notes == ["0 +a", "0 +b", "1 -b", "5 -a"]


async def test_a_cancellation_during_a_group_stop_keeps_the_order(autojump_clock: MockClock, troupe: Troupe):
    children = [troupe.child("a"), troupe.child("b", crashes_after(1)), troupe.child("c", stops_in(3))]
    await act(troupe, *children, strategy=Strategy.REST_FOR_ONE, cancel_at=2)
    assert troupe.notes[3:] == ["1 -b", "4 -c", "4 -a"]


async def test_a_crash_while_another_child_stops_does_not_disturb_the_stop(
    autojump_clock: MockClock, troupe: Troupe, logs: list[dict[str, Any]]
):
    children = [troupe.child("a"), troupe.child("b", crashes_after(6)), troupe.child("c", stops_in(3))]
    await act(troupe, *children, cancel_at=5)
    assert troupe.notes[3:] == ["6 -b", "8 -c", "8 -a"]
    assert troupe.crashes == []
    assert [line["child"] for line in logs] == ["b"]


async def test_a_child_that_will_not_stop_is_passed_over_and_reported(autojump_clock: MockClock, troupe: Troupe):
    stubborn = troupe.child("stubborn", stops_in(100), shutdown=2)
    await act(troupe, troupe.child("a"), stubborn, troupe.child("c"), cancel_at=10)
    # The others have their end in time; the supervisor itself cannot end before its last child.
    assert troupe.notes[3:] == ["10 -c", "12 -a", "110 -stubborn"]
    assert troupe.crashes == [Crash(child="stubborn", restarts=0, reason="did not stop within 2 s", escalated=False)]


async def test_a_child_that_will_not_stop_is_not_started_beside_itself(autojump_clock: MockClock, troupe: Troupe):
    children = [troupe.child("a", crashes_after(1), up), troupe.child("stubborn", stops_in(9), up, shutdown=2)]
    await act(troupe, *children, strategy=Strategy.REST_FOR_ONE, cancel_at=30)
    assert troupe.starts("a") == [0, 3]
    assert troupe.starts("stubborn") == [0, 10]
    assert [crash.reason for crash in troupe.crashes] == ["ValueError: a is broken", "did not stop within 2 s"]


async def test_every_child_gets_its_own_time_to_stop(autojump_clock: MockClock, troupe: Troupe):
    patient = [troupe.child(id, stops_in(4), shutdown=5) for id in "abc"]
    await act(troupe, *patient, cancel_at=1)
    assert troupe.notes[3:] == ["5 -c", "9 -b", "13 -a"]


# What the world is told


async def test_reports_tell_who_ended_and_why(autojump_clock: MockClock, troupe: Troupe):
    children = [troupe.child("a", crashes_after(1), up), troupe.child("b", ends_after(2), up)]
    await act(troupe, *children, cancel_at=5)
    assert troupe.crashes == [
        Crash(child="a", restarts=1, reason="ValueError: a is broken", escalated=False),
        Crash(child="b", restarts=2, reason="ended", escalated=False),
    ]


async def test_a_report_that_hangs_holds_up_a_restart_for_a_moment_only(autojump_clock: MockClock, troupe: Troupe):
    async def never_comes_back(crash: Crash) -> None:
        await trio.sleep_forever()

    await act(troupe, troupe.child("a", crashes_after(1), up), report=never_comes_back, cancel_at=5)
    assert troupe.starts("a") == [0, 1 + REPORT_SECONDS]


async def test_a_report_that_fails_fails_the_supervisor(autojump_clock: MockClock, troupe: Troupe):
    async def fails(crash: Crash) -> None:
        await trio.lowlevel.checkpoint()
        raise OSError("nobody listens")

    with pytest.raises(ExceptionGroup) as group:
        await act(troupe, troupe.child("a"), troupe.child("b", crashes_after(1)), report=fails)
    assert group.group_contains(OSError)
    assert troupe.notes[-1] == "1 -a"


async def test_the_tree_shows_what_is_alive_and_what_it_is_doing(autojump_clock: MockClock, troupe: Troupe):
    seen: list[tuple[float, NodeState, list[tuple[str, NodeState, int, str | None]]]] = []

    async def look_every(seconds: float) -> None:
        while True:
            await trio.sleep(seconds)
            node = troupe.root.snapshot()
            children = [(child.id, child.state, child.restarts, child.last_error) for child in node.children]
            seen.append((troupe.second, node.state, children))

    broken = troupe.child("a", crashes_after(3), up_after(1))
    supervisor = Supervisor([broken, troupe.child("b", up_after(1), stops_in(2))], backoff=Backoff(first=2, jitter=0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_every, 0.5)
        with trio.move_on_after(7.25):
            await supervisor.run(troupe.root)
        nursery.cancel_scope.cancel()
    starting, running, restarting = NodeState.STARTING, NodeState.RUNNING, NodeState.RESTARTING
    b = ("b", running, 0, None)
    shown = {second: (state, children) for second, state, children in seen}
    assert shown[0.5] == (starting, [("a", running, 0, None), ("b", starting, 0, None)])
    assert shown[1.5] == (running, [("a", running, 0, None), b])
    # A child that is not alive is not in the tree, whatever is planned for it.
    assert shown[3.5] == (restarting, [b])
    assert shown[5.5] == (restarting, [b, ("a", starting, 1, "ValueError: a is broken")])
    assert shown[6.5] == (running, [b, ("a", running, 1, "ValueError: a is broken")])
    assert troupe.root.snapshot().max_restarts == 3
    assert troupe.branches() == []


async def test_a_child_is_shown_stopping_while_it_takes_its_time(autojump_clock: MockClock, troupe: Troupe):
    async with trio.open_nursery() as nursery:
        await nursery.start(Supervisor([troupe.child("a", stops_in(3))]).run, troupe.root)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        node = troupe.root.snapshot()
    assert (node.state, node.children[0].state) == (NodeState.STOPPING, NodeState.STOPPING)


# Whatever happens

SECONDS = st.sampled_from([0.0, 0.5, 1.0, 2.5])
PARTS = st.one_of(
    st.just(up),
    st.builds(up_after, SECONDS),
    st.builds(ends_after, SECONDS),
    st.builds(crashes_after, SECONDS, up=st.booleans()),
    st.builds(stops_in, SECONDS, then=st.sampled_from([None, ValueError("late")])),
)
SPECS = st.tuples(st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(Restart), st.sampled_from([0.0, 1.0, 5.0]))


@settings(deadline=None)
@given(
    specs=st.lists(SPECS, min_size=1, max_size=4),
    strategy=st.sampled_from(Strategy),
    cancel_at=st.sampled_from([0.0, 0.1, 1.0, 3.0, 7.5]),
)
def test_whatever_happens_no_child_is_doubled_lost_or_left_behind(
    specs: Sequence[tuple[list[Part], Restart, float]], strategy: Strategy, cancel_at: float
):
    async def play() -> None:
        troupe = Troupe()
        children = [
            troupe.child(f"c{index}", *parts, restart=restart, shutdown=shutdown)
            for index, (parts, restart, shutdown) in enumerate(specs)
        ]
        backoff = Backoff(first=0.25, limit=1)
        with suppress(ValueError, Escalated):
            await act(troupe, *children, strategy=strategy, backoff=backoff, intensity=PATIENT, cancel_at=cancel_at)
        assert troupe.alive == []
        assert troupe.branches() == []
        assert troupe.second <= cancel_at + sum(max(shutdown, 2.5) + REPORT_SECONDS for *_, shutdown in specs)

    trio.run(play, clock=MockClock(autojump_threshold=0))
