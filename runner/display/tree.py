"""The supervision tree for people: one line for each branch, what is worth knowing of it in columns.

`status` prints it below the batch. Pure: time and width are arguments, and no line is wider than `width`. Where a
branch has more to tell than its line has room for, it goes on below it; what was said by agents is cleaned.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.text import Text

from runner.display.words import clean, duration, moment, short, shorts
from runner.domain.overview import Node, NodeState, Role

GAP = "  "
LEAST_NAME = 16
DETAIL_SHARE = 30
"""Columns that names leave for the details, where the terminal is wide enough for both."""

ICONS: Mapping[NodeState, tuple[str, str]] = {
    NodeState.STARTING: ("◌", "cyan"),
    NodeState.RUNNING: ("●", "green"),
    NodeState.WAITING: ("○", "cyan"),
    NodeState.RESTARTING: ("↻", "yellow"),
    NodeState.STOPPING: ("◐", "yellow"),
    NodeState.STOPPED: ("◼", "dim"),
    NodeState.FAILED: ("✗", "bold red"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A branch and the lines that join it to the others: in front of itself, and of what stands below it."""

    node: Node
    guide: str
    below: str

    @property
    def label(self) -> str:
        return f"{self.guide}{ICONS[self.node.state][0]} {_name(self.node)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What all lines have in common: the time, and the columns they keep to."""

    now: int
    width: int
    name: int
    state: int
    age: int


def tree_lines(tree: Node, *, now: int, width: int) -> list[Text]:
    """The tree from the root down, at most `width` columns wide."""
    rows = list(_rows(tree))
    state = max(len(row.node.state) for row in rows)
    age = max(len(duration(now - row.node.since)) for row in rows)
    room = max(LEAST_NAME, width - state - age - 2 * len(GAP) - DETAIL_SHARE)
    name = min(room, max(len(row.label) for row in rows))
    frame = _Frame(now=now, width=width, name=name, state=state, age=age)
    return [line for row in rows for line in _lines(row, frame)]


def _rows(tree: Node) -> Iterator[_Row]:
    waiting = [_Row(node=tree, guide="", below="")]
    while waiting:
        row = waiting.pop()
        yield row
        children = [_child(row, child, last=child is row.node.children[-1]) for child in row.node.children]
        waiting.extend(reversed(children))


def _child(parent: _Row, node: Node, *, last: bool) -> _Row:
    return _Row(
        node=node, guide=parent.below + ("└ " if last else "├ "), below=parent.below + ("  " if last else "│ ")
    )


def _lines(row: _Row, frame: _Frame) -> Iterator[Text]:
    node, width = row.node, frame.width
    line = _label(row, frame.name)
    line.append(f"{GAP}{node.state:<{frame.state}}", style=ICONS[node.state][1])
    line.append(f"{GAP}{duration(frame.now - node.since):>{frame.age}}", style="dim")
    under = Text().append(row.below + ("│ " if node.children else "  ") + "  ", style="dim")
    pieces = list(_details(node, frame.now))
    while pieces and line.cell_len + len(GAP) + pieces[0].cell_len <= width:
        line.append(GAP).append_text(pieces.pop(0))
    yield _cut(line, width)
    rest = Text(GAP).join(pieces)
    if rest:
        yield _cut(under + rest, width)
    if node.last_error:
        yield _cut(under + Text(clean(node.last_error), style="red"), width)


def _label(row: _Row, column: int) -> Text:
    icon, style = ICONS[row.node.state]
    label = Text().append(row.guide, style="dim")
    label.append(f"{icon} ", style=style)
    label.append(_name(row.node), style="bold" if row.node.role is Role.SUPERVISOR else "")
    label.truncate(column, overflow="ellipsis", pad=True)
    return label


def _details(node: Node, now: int) -> Iterator[Text]:
    """What is known of the branch, the most telling first."""
    if node.pid is not None:
        yield Text(f"pid {node.pid}")
    if node.deadline is not None:
        left = duration(node.deadline - now)
        words = "goes on at" if node.state is NodeState.WAITING else "ends by"
        yield Text(f"{words} {moment(node.deadline, now)} ({left})", style="cyan")
    if node.mailbox is not None:
        full = node.mailbox.depth >= node.mailbox.capacity
        yield Text(f"mailbox {node.mailbox.depth}/{node.mailbox.capacity}", style="bold red" if full else "dim")
    if node.restarts or node.max_restarts is not None:
        most = "" if node.max_restarts is None else f"/{node.max_restarts}"
        yield Text(f"restarts {node.restarts}{most}", style="yellow" if node.restarts else "dim")


def _name(node: Node) -> str:
    """`command-c2/dev-story/2a-1-scanner` -> `dev-story 2a-1`: where it stands tells the rest."""
    name = clean(node.id)
    if name.startswith("story-"):
        return f"story {short(name.removeprefix('story-'))}"
    if not name.startswith("command-"):
        return name
    _, _, place = name.partition("/")
    command, _, stories = place.partition("/")
    return f"{command} {shorts(stories.split(','))}" if stories else command or name


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    line.rstrip()
    return line
