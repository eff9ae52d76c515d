"""The tree shows what lives and nothing else."""

import itertools
from contextlib import ExitStack

import pytest

from actors.mailbox import Mailbox
from actors.tree import Branch, Load, Node, NodeState, Role


@pytest.fixture
def root() -> Branch:
    """A root whose clock shows one millisecond more each time it is looked at."""
    return Branch("root", Role.SUPERVISOR, clock=itertools.count(1).__next__)


def ids(node: Node) -> list[object]:
    return [node.id, *([ids(child) for child in node.children])]


def test_a_branch_is_shown_for_exactly_as_long_as_it_lives(root: Branch):
    with root.grow("control", Role.ACTOR) as control:
        with control.grow("batch", Role.SUPERVISOR):
            assert ids(root.snapshot()) == ["root", ["control", ["batch"]]]
        assert ids(root.snapshot()) == ["root", ["control"]]
    assert ids(root.snapshot()) == ["root"]


def test_a_branch_that_crashes_is_gone(root: Branch):
    with pytest.raises(LookupError), root.grow("control", Role.ACTOR):
        raise LookupError
    assert root.snapshot().children == ()


def test_siblings_may_have_the_same_name_and_end_in_any_order(root: Branch):
    with ExitStack() as longer:
        with root.grow("worker", Role.WORKER):
            longer.enter_context(root.grow("worker", Role.WORKER)).pid = 42
        assert [child.pid for child in root.snapshot().children] == [42]


def test_since_is_the_time_of_the_last_change_of_state(root: Branch):
    with root.grow("batch", Role.ACTOR) as batch:
        began = batch.snapshot().since
        batch.state = NodeState.RUNNING
        assert batch.snapshot().since == began
        batch.state = NodeState.WAITING
        assert batch.snapshot().since > began


def test_a_snapshot_shows_everything_and_stays_as_it_was(root: Branch):
    mailbox: Mailbox[str] = Mailbox(8)
    mailbox.cast_nowait("hello")
    with root.grow("batch", Role.ACTOR, mailbox=mailbox) as batch:
        batch.restarts, batch.max_restarts, batch.last_error = 2, 3, "ValueError: no"
        batch.deadline, batch.pid = 5000, 77
        before = root.snapshot()
        batch.state = NodeState.STOPPING
    assert before.children == (
        Node(
            id="batch",
            role=Role.ACTOR,
            state=NodeState.RUNNING,
            since=before.children[0].since,
            restarts=2,
            max_restarts=3,
            last_error="ValueError: no",
            mailbox=Load(depth=1, capacity=8),
            deadline=5000,
            pid=77,
            children=(),
        ),
    )


def test_a_branch_without_a_mailbox_shows_none(root: Branch):
    assert root.snapshot().mailbox is None


def test_repr_names_the_branch_and_its_state(root: Branch):
    assert repr(root) == "<Branch root starting>"
