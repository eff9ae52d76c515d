"""The tree for people: everything that is known, in lines that fit."""

from dataclasses import replace

import pytest

from runner.display.tree import ICONS, tree_lines
from runner.domain.overview import Load, Node, NodeState, Role

NOW = 1_790_000_000_000


def node(id: str, *children: Node, role: Role = Role.ACTOR, state: NodeState = NodeState.RUNNING, **more) -> Node:
    plain = Node(
        id=id,
        role=role,
        state=state,
        since=NOW - 61_000,
        restarts=0,
        max_restarts=None,
        last_error=None,
        mailbox=None,
        deadline=None,
        pid=None,
        children=children,
    )
    return replace(plain, **more)


AGENT = node("agent-5f0c1d2e", role=Role.PROCESS, pid=4_194_303, deadline=NOW + 3_600_000)
COMMAND = node("command-c2/dev-story/2a-1-scanner", AGENT)
WAITING = node("command-c2/dev-story/2a-2-rules", state=NodeState.WAITING, since=NOW - 4000, deadline=NOW + 12_000)
STORIES = (node("story-2a-1-scanner", COMMAND), node("story-2a-2-rules", WAITING))
BATCH = node("batch", node("cycle-2", *STORIES), mailbox=Load(depth=16, capacity=16), restarts=1, max_restarts=3)
TREE = node("root", node("batch-supervisor", BATCH, role=Role.SUPERVISOR), node("display"), role=Role.SUPERVISOR)


def plain(tree: Node, width: int = 100) -> list[str]:
    return [line.plain for line in tree_lines(tree, now=NOW, width=width)]


def test_every_branch_has_its_line_below_its_parent():
    names = [line.split("running")[0].split("waiting")[0].rstrip() for line in plain(TREE)]
    assert names == [
        "● root",
        "├ ● batch-supervisor",
        "│ └ ● batch",
        "│   └ ● cycle-2",
        "│     ├ ● story 2a-1",
        "│     │ └ ● dev-story 2a-1",
        "│     │   └ ● agent-5f0c1d2e",
        "│     └ ● story 2a-2",
        "│       └ ○ dev-story 2a-2",
        "└ ● display",
    ]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("agent", ("running", "1:01", "pid 4194303", "ends by", "(1:00:00)")),
        ("○ dev-story", ("waiting", "0:04", "goes on at", "(0:12)")),
        ("● batch ", ("mailbox 16/16", "restarts 1/3")),
    ],
)
def test_line_tells_what_is_known(named: str, words: tuple[str, ...]):
    (line,) = (line for line in plain(TREE) if named in line)
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 160])
def test_no_line_is_wider_than_asked_for(width: int):
    assert all(line.cell_len <= width for line in tree_lines(TREE, now=NOW, width=width))


def test_what_a_narrow_line_has_no_room_for_stands_below_it():
    text = "\n".join(plain(TREE, 80))
    assert "(1:00:00)" in text
    assert "mailbox 16/16" in text
    assert len(plain(TREE, 80)) > len(plain(TREE, 160))


def test_last_error_has_a_line_of_its_own():
    lines = plain(node("root", node("recorder", last_error="DatabaseError: the disk is full")))
    assert lines[2].strip() == "DatabaseError: the disk is full"


def test_what_agents_say_does_nothing_to_the_terminal():
    hostile = node("story-\x1b[2Jx\ny", last_error="\x1b]0;title\x07\x9b31mred\r\nline")
    assert all(line.isprintable() for line in plain(node("root", hostile)))


@pytest.mark.parametrize("state", NodeState)
def test_every_state_has_an_icon_and_its_word(state: NodeState):
    (line,) = plain(node("root", state=state))
    assert line.startswith(ICONS[state][0])
    assert state in line


def test_a_tree_of_any_depth_is_drawn():
    tree = node("leaf")
    for _ in range(2000):
        tree = node("branch", tree)
    assert len(plain(tree, 80)) == 2001
