"""Hardened YAML reading: a small tree of texts with positions, out of files that anybody may have written.

Shared by the project's configuration and the sprint file. PyYAML scans; the tree is built from its events,
so that an alias bomb or deep nesting ends at the first event that goes too far, within milliseconds. Every
scalar stays the text it is (`012`, `yes`, `5:30`); a key that stands twice is an error and not a silent last
word. Never builds objects, never resolves types.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

SIZE_LIMIT: Final = 1024 * 1024
"""Bytes; the largest real sprint file seen has 14 kB."""
DEPTH_LIMIT: Final = 12
BOM: Final = "\ufeff"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB_INDENT = re.compile(r" *\t")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadYaml(ValueError):
    """The text is not YAML that we accept. Callers turn it into an error with the file's name."""

    def __init__(self, problem: str, *, line: int) -> None:
        super().__init__(f"line {line}: {problem}")
        self.problem = problem
        self.line = line
        """Counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text of the document and where it stands."""

    text: str
    line: int
    start: int
    """Character position of its first character in the text (without byte order mark), quotes included."""
    end: int
    style: str
    """`""` plain, `'`, `"`, or the block styles `|` and `>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A sequence."""

    line: int
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, in file order; every key is a scalar and stands once."""

    line: int
    pairs: tuple[tuple[Scalar, "Node"], ...]

    def get(self, key: str) -> "Node | None":
        return next((node for name, node in self.pairs if name.text == key), None)


Node = Scalar | Items | Table


def decode(data: bytes) -> str:
    """The text of a file, its byte order mark still in front. BadYaml when it is not plain UTF-8 text."""
    if len(data) > SIZE_LIMIT:
        raise BadYaml(f"larger than {SIZE_LIMIT // 1024} KiB", line=1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadYaml("not UTF-8 text", line=data.count(b"\n", 0, error.start) + 1) from None
    if unfit := _NOT_TEXT.search(text):
        line = text.count("\n", 0, unfit.start()) + 1
        raise BadYaml(f"control character {unfit[0]!r}", line=line)
    return text


def load_table(text: str) -> Table:
    """The mapping that a whole document is. BadYaml when it is anything else."""
    try:
        root = _document(yaml.parse(text.removeprefix(BOM), Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(text, error) from None
    except yaml.YAMLError as error:
        raise BadYaml(" ".join(str(error).split()), line=1) from None
    if root is None:
        raise BadYaml("the file is empty", line=1)
    if not isinstance(root, Table):
        kind = "a list" if isinstance(root, Items) else "a single text"
        raise BadYaml(f"the file holds {kind} instead of `key: value` lines", line=root.line)
    return root


def _not_yaml(text: str, error: yaml.MarkedYAMLError) -> BadYaml:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if _TAB_INDENT.match("".join(text.splitlines()[line - 1 : line])):
        return BadYaml("a tab in the indentation; YAML wants spaces there", line=line)
    parts = [" ".join(part.split()) for part in (error.context, error.problem) if part]
    return BadYaml("not valid YAML: " + ", ".join(parts), line=line)


def _document(events: Iterator[yaml.Event]) -> Node | None:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise BadYaml("more than one document (a second `---`)", line=_line(event))
            root = _node(next(events), events, depth=1)
    return root


def _node(event: yaml.Event, events: Iterator[yaml.Event], *, depth: int) -> Node:
    if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
        raise BadYaml("anchors (&) and aliases (*) are not allowed", line=_line(event))
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        raise BadYaml("tags (!) are not allowed", line=_line(event))
    if depth > DEPTH_LIMIT:
        raise BadYaml(f"nested deeper than {DEPTH_LIMIT} levels", line=_line(event))
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        return Items(line=_line(event), nodes=tuple(_nodes(events, depth=depth + 1)))
    return _table(event, events, depth=depth + 1)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    # Escapes in double quotes can spell what the file itself may not contain.
    if unfit := _NOT_TEXT.search(event.value):
        raise BadYaml(f"control character {unfit[0]!r}", line=_line(event))
    return Scalar(
        text=event.value,
        line=_line(event),
        start=0 if event.start_mark is None else event.start_mark.index,
        end=0 if event.end_mark is None else event.end_mark.index,
        style=event.style or "",
    )


def _nodes(events: Iterator[yaml.Event], *, depth: int) -> Iterator[Node]:
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield _node(event, events, depth=depth)


def _table(start: yaml.Event, events: Iterator[yaml.Event], *, depth: int) -> Table:
    pairs: dict[str, tuple[Scalar, Node]] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        key = _node(event, events, depth=depth)
        if not isinstance(key, Scalar):
            raise BadYaml("a key has to be a plain text", line=key.line)
        if earlier := pairs.get(key.text):
            raise BadYaml(f"key {short(key.text)} stands already in line {earlier[0].line}", line=key.line)
        pairs[key.text] = (key, _node(next(events), events, depth=depth))
    return Table(line=_line(start), pairs=tuple(pairs.values()))


def short(text: str) -> str:
    """A text of the file as it may be shown in an error: quoted, escaped, cut."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _line(event: yaml.Event) -> int:
    # The parser marks every event; only events made by hand have no marks.
    return 1 if event.start_mark is None else event.start_mark.line + 1
