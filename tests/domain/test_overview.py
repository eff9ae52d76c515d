"""The database's answer joined with the tree."""

import msgspec

from runner.domain.overview import Current, Node, NodeState, Overview, Role, nodes, process_ids, with_tree


def node(id: str, *children: Node, role: Role = Role.ACTOR, pid: int | None = None) -> Node:
    return Node(
        id=id,
        role=role,
        state=NodeState.RUNNING,
        since=1,
        restarts=0,
        max_restarts=None,
        last_error=None,
        mailbox=None,
        deadline=None,
        pid=pid,
        children=children,
    )


def agent(pid: int | None) -> Node:
    return node("agent-1", role=Role.PROCESS, pid=pid)


def running(pid: int | None) -> Current:
    return Current(story_keys=("1-1",), command="dev-story", task_id="", attempt=1, started_at=1, pid=pid)


STEP = "c1/dev-story/1-1"


def test_nodes_come_from_the_top_down():
    tree = node("a", node("b", node("c")), node("d"))
    assert [each.id for each in nodes(tree)] == ["a", "b", "c", "d"]


def test_processes_are_known_by_the_step_they_work_on():
    tree = node("root", node(f"command-{STEP}", agent(7)), node("command-c1/other/1-2", agent(None)), node("idle"))
    assert process_ids(tree) == {STEP: 7}


def test_a_process_that_has_ended_since_is_not_shown():
    tree = node("root", node(f"command-{STEP}", agent(8)))
    told = with_tree(Overview(current=(running(7), running(8), running(None))), tree, state="running")
    assert [row.pid for row in told.current] == [None, 8, None]
    assert (told.status, told.supervision) == ("running", tree)


def test_body_has_the_fields_of_the_interface():
    body = msgspec.to_builtins(Overview(current=(running(7),), supervision=node("root")))
    assert set(body) == {
        *("status", "batch_id", "max_cycles", "cycles_completed", "cycle", "current", "background"),
        *("resumable", "limit", "supervision", "fanout", "last_seq"),
    }
    assert set(body["current"][0]) == {"story_keys", "command", "task_id", "attempt", "started_at", "pid"}
    assert set(body["supervision"]) == {
        *("id", "role", "state", "since", "restarts", "max_restarts", "last_error", "mailbox", "deadline", "pid"),
        "children",
    }
