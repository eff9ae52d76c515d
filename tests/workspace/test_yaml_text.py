"""The hardened loader: texts stay texts, and everything odd ends in one line with a line number.

Each test runs with libyaml and with PyYAML's own parser: an installation may lack the first.
"""

import time
from dataclasses import dataclass

import pytest
import yaml

from runner.workspace import yaml_text
from runner.workspace.yaml_text import BadYaml, Items, Node, Scalar, Table, decode, load_table

LOADERS = [loader for name in ("CSafeLoader", "SafeLoader") if (loader := getattr(yaml, name, None))]


@pytest.fixture(autouse=True, params=LOADERS, ids=lambda loader: loader.__name__)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_text, "_LOADER", request.param)


def load(data: bytes) -> Table:
    return load_table(decode(data))


def text_of(node: Node | None) -> str:
    assert isinstance(node, Scalar)
    return node.text


def bomb() -> bytes:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        lines.append(b"a%d: &a%d [%s]" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 10)))
    return b"\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    data: bytes
    line: int
    problem: str


REFUSED = {
    "empty": Refused(data=b"", line=1, problem="the file is empty"),
    "comments only": Refused(data=b"# a\n\n# b\n", line=1, problem="the file is empty"),
    "list": Refused(data=b"# a\n- b\n", line=2, problem="the file holds a list"),
    "single text": Refused(data=b"half a sentence\n", line=1, problem="the file holds a single text"),
    "duplicate key": Refused(data=b"a: 1\nb: 2\n'a': 3\n", line=3, problem="key 'a' stands already in line 1"),
    "nested duplicate": Refused(data=b"a:\n  b: 1\n  b: 1\n", line=3, problem="stands already in line 2"),
    "key that is a list": Refused(data=b"a: 1\n? [b]\n: c\n", line=2, problem="a key has to be a plain text"),
    "tab": Refused(data=b"a:\n\tb: 1\n", line=2, problem="a tab in the indentation"),
    "unclosed": Refused(data=b"a: [1,\n", line=2, problem="not valid YAML"),
    "two colons": Refused(data=b"ok: 1\na: b: c\n", line=2, problem="not valid YAML"),
    "second document": Refused(data=b"a: 1\n---\na: 2\n", line=2, problem="more than one document"),
    "text after the end": Refused(data=b"a: 1\n...\nmore\n", line=3, problem="not valid YAML"),
    "anchor": Refused(data=b"a: 1\nb: &x 2\n", line=2, problem="anchors"),
    "alias": Refused(data=b"a: *x\n", line=1, problem="anchors"),
    "bomb": Refused(data=bomb(), line=1, problem="anchors"),
    "tag": Refused(data=b"a: !!python/object/apply:os.system [id]\n", line=1, problem="tags"),
    "NUL": Refused(data=b"a: 1\nb: \0\n", line=2, problem=r"control character '\x00'"),
    "escape character": Refused(data=b"a: \x1b[2J\n", line=1, problem=r"control character '\x1b'"),
    "escaped NUL": Refused(data=b'a: "\\0"\n', line=1, problem=r"control character '\x00'"),
    "not UTF-8": Refused(data=b"a: 1\nb: \xff\n", line=2, problem="not UTF-8 text"),
    "UTF-16": Refused(data="a: 1\n".encode("utf-16"), line=1, problem="not UTF-8 text"),
    "too large": Refused(data=b"a: " + b"x" * 1024 * 1024, line=1, problem="larger than 1024 KiB"),
    "too deep": Refused(data=b"[" * 13, line=1, problem="nested deeper than 12 levels"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_bad_text_is_refused_with_line_and_reason(case: Refused):
    with pytest.raises(BadYaml) as caught:
        load(case.data)
    assert caught.value.line == case.line
    assert case.problem in caught.value.problem


def test_a_lone_surrogate_never_gets_through():
    with pytest.raises(BadYaml):
        load(b'a: "\\ud800"\n')


@pytest.mark.parametrize("data", [bomb(), b"{a: " * 5000, b"- " * 5000], ids=["bomb", "flow", "block"])
def test_hostile_nesting_fails_within_milliseconds(data: bytes):
    began = time.perf_counter()
    with pytest.raises(BadYaml):
        load(data)
    # The parsed bomb would have ten billion items; the margin is for a busy machine.
    assert time.perf_counter() - began < 0.25


def test_twelve_levels_are_accepted():
    load(b"a: " + b"[" * 11 + b"]" * 11)


@pytest.mark.parametrize("word", ["012", "yes", "5:30", "1e3", "null", "~", "2026-01-22", "0x1F", "=", "<<"])
def test_every_scalar_stays_the_text_it_is(word: str):
    table = load(f"{word}: {word}\n".encode())
    assert [(key.text, text_of(node)) for key, node in table.pairs] == [(word, word)]


def test_lists_and_tables_are_read_in_order():
    table = load(b"z: [1, {b: 2, a: 3}]\na:\n  - x\n")
    items = table.get("z")
    assert isinstance(items, Items)
    inner = items.nodes[1]
    assert isinstance(inner, Table)
    assert [key.text for key, _ in inner.pairs] == ["b", "a"]
    assert [key.text for key, _ in table.pairs] == ["z", "a"]
    assert table.get("nothing") is None


@pytest.mark.parametrize("prefix", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_positions_count_characters_behind_the_byte_order_mark(prefix: str, end: str):
    text = f"{prefix}# \U0001f600 é{end}k: 'wörd' # c{end}e:{end}"
    table = load(text.encode())
    body = text.removeprefix("\ufeff")
    value, empty = table.get("k"), table.get("e")
    assert isinstance(value, Scalar)
    assert isinstance(empty, Scalar)
    assert (body[value.start : value.end], value.style, value.line) == ("'wörd'", "'", 2)
    assert (empty.start, empty.end, empty.line) == (body.index("e:") + 2, body.index("e:") + 2, 3)
