"""Requests made from the served description, right and wrong ones in every mixture.

Whatever comes, the answer is one that the description knows, errors are JSON with an `error`, and nothing starts:
a start that would be right gets something wrong added. `SPRINT_RUNNER_FUZZ_SEED` repeats a run.
"""

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.web.house import START, House, noise
from tests.web.wire import Reply, Wire
from web.control_api import StartBody

SEED = int(os.environ.get("SPRINT_RUNNER_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "QUERY")
REFUSALS = {400, 403, 404, 405, 413, 415, 431}
"""What any request may get before a route sees it, or for a path that is none."""
NUMBERS = (0, 1, 2, -1, 100, 101, 999, 1000, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, 10**30, 1.5, 1e9, -0.0, 1e-9)
TEXTS = (
    *("", " ", "all", "fixed", "now", "command", "story", "cycle", "true", "null", "NaN", "0x10", "1e3", "٣", "１"),
    *(
        "'",
        '"',
        "%",
        "*",
        "a AND b",
        "a OR (",
        "NEAR(a b)",
        'x" OR "',
        "'; DROP TABLE batches; --",
        "\\",
        "../..",
        "-",
    ),
    *("\0", "\x1b[2J", "\u202e", "\ud7ff\ue000", "\U0001f600", "é", "x" * 499, "x" * 501, "x" * 5000, "<script>"),
    *("batch:start", "code-review-1", "1-1-one", "1-1", "{}", "[]", "+1", "-1", "1_0", " 1", "1 ", "haiku", "auto"),
)
KINDS = (
    *("application/json", "application/json; charset=utf-8", "application/json;charset=utf-16", "text/plain", ""),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "*/*", "x" * 300),
)
GARBAGE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}x",
    b"\xff\xfe",
    b"\0",
    b"[" * 9000,
    b'{"a":' * 2000,
    b"1" * 5000,
    b"x" * 17_000,
)
HEADERS: Mapping[str, Sequence[str]] = {
    "Accept": ("*/*", "text/html", "application/xml;q=0", "\xff"),
    "Accept-Encoding": ("gzip", "br, *;q=0", "identity;q=0"),
    "If-None-Match": ('"x"', "*", 'W/"x", "y"', "\xff", '"' * 1000),
    "Range": ("bytes=0-0", "bytes=9-1", "lines=1-", "bytes=" + "0-0," * 500),
    "Expect": ("100-continue", "x"),
    "Content-Encoding": ("gzip", "identity", "x"),
    "Cookie": ("a=b", ";;;=", "sprint_runner_1=x", "\xff=\xfe"),
    "Connection": ("keep-alive", "close", "upgrade", "x, y"),
    "X-HTTP-Method-Override": ("POST", "DELETE"),
    "X-Forwarded-For": ("evil.example",),
    "X-Forwarded-Host": ("evil.example",),
    "Forwarded": ("host=evil.example",),
    "Sec-Fetch-Site": ("none", "same-origin", "cross-site", "x"),
    "Origin": ("null", "http://evil.example"),
    "Authorization": ("Bearer x", "Basic Og==", "x"),
    "Content-Type": KINDS,
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request that was made up."""

    method: str
    path: str
    """As it stands in the description; the real one is `target`."""
    target: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"seed {SEED}: {self.method} {self.target[:300]} {dict(self.headers)} {self.body[:300]!r}"


class Maker:
    """Makes requests from a description."""

    def __init__(self, description: Mapping[str, Any], chance: random.Random) -> None:
        self._description = description
        self._chance = chance
        self._operations = [
            (path, method.upper(), operation)
            for path, operations in description["paths"].items()
            for method, operation in operations.items()
        ]

    def make(self) -> Sent:
        chance = self._chance
        path, method, operation = chance.choice(self._operations)
        target = path
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                value = chance.choice((*range(5), *NUMBERS, *TEXTS))
                target = target.replace(f"{{{parameter['name']}}}", quote(str(value), safe="") or "x")
        if query := "&".join(self._query(operation)):
            target += f"?{query}"
        if chance.random() < 0.1:
            method = chance.choice(METHODS)
        headers, body = self._headers(), self._body(operation, method)
        if body or method in ("POST", "PUT"):
            headers.setdefault("Content-Type", "application/json")
        if path == START and method == "POST" and _starts(headers, body):
            body = b'{"max_cycles":1,"unknown":1}'
        return Sent(method=method, path=path, target=target, headers=headers, body=body)

    def _query(self, operation: Mapping[str, Any]) -> Iterator[str]:
        known = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
        for name in known:
            if self._chance.random() < 0.4:
                yield f"{name}={self._text()}"
        if self._chance.random() < 0.1:
            yield f"{self._text()}={self._text()}"
        if known and self._chance.random() < 0.1:
            yield f"{known[0]}=1&{known[0]}=2"
        if self._chance.random() < 0.05:
            yield self._chance.choice(("&&&", "=", "%", "%zz=%", "a" * 3000, ";", "a=b=c"))

    def _text(self) -> str:
        value = self._chance.choice((*NUMBERS, *TEXTS, *range(20)))
        return quote(str(value), safe=self._chance.choice(("", "'*-+")))

    def _headers(self) -> dict[str, str]:
        names = [name for name in HEADERS if self._chance.random() < 0.06]
        return {name: self._chance.choice(HEADERS[name]) for name in names}

    def _body(self, operation: Mapping[str, Any], method: str) -> bytes:
        if "requestBody" not in operation:
            return self._chance.choice((b"", b"", b"", b"{}", b"x")) if method in ("POST", "PUT") else b""
        if self._chance.random() < 0.2:
            return self._chance.choice(GARBAGE)
        (content,) = operation["requestBody"]["content"].values()
        return json.dumps(self._value(content["schema"]), ensure_ascii=self._chance.random() < 0.5).encode()

    def _value(self, schema: Mapping[str, Any]) -> Any:
        """Something that fits the schema, or nearly, or not at all."""
        if "$ref" in schema:
            schema = self._description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "properties" in schema:
            names = [name for name in schema["properties"] if self._chance.random() < 0.3]
            value = {name: self._value(schema["properties"][name]) for name in names}
            return value | {"unknown": 1} if self._chance.random() < 0.1 else value
        if "enum" in schema and self._chance.random() < 0.6:
            return self._chance.choice(schema["enum"])
        if "anyOf" in schema and self._chance.random() < 0.6:
            return self._value(self._chance.choice(schema["anyOf"]))
        return self._chance.choice((*NUMBERS, *TEXTS, *range(20), None, True, False, [], {}, [1], {"a": [None]}))


def _starts(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a start with this body would be a start."""
    try:
        msgspec.json.decode(body or b"{}", type=StartBody)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    return True


@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.slow)])
def test_made_up_requests_get_an_answer_that_is_described(home: House, count: int):
    description = home.get("/api/openapi.json").json
    home.tell(*noise(50))
    maker = Maker(description, random.Random(SEED))
    seen = dict[int, int]()
    with ExitStack() as stack:
        line = Line(home, stack)
        for _ in range(count):
            sent = maker.make()
            reply = line.exchange(sent)
            seen[reply.status] = seen.get(reply.status, 0) + 1
            _check(description, sent, reply)
    assert not home.batches(), f"seed {SEED}"
    assert not home.crashes()
    assert {200, 400, 403, 404, 405, *((409, 413, 415) if count > 1000 else ())} <= seen.keys(), (
        f"seed {SEED}: {seen}"
    )
    assert home.is_well()


class Line:
    """A connection that is kept for as long as the server keeps it."""

    def __init__(self, home: House, stack: ExitStack) -> None:
        self._home = home
        self._stack = stack
        self._wire = self._new()

    def _new(self) -> Wire:
        self._stack.close()
        return self._stack.enter_context(self._home.wire())

    def exchange(self, sent: Sent) -> Reply:
        data = self._home.request(sent.target, sent.headers, method=sent.method, body=sent.body)
        bodiless = sent.method == "HEAD"
        self._wire.send(data)
        reply = self._wire.reply(bodiless=bodiless)
        if reply.status == 0:
            # It may have been closed just now, after it had waited long enough.
            self._wire = self._new()
            self._wire.send(data)
            reply = self._wire.reply(bodiless=bodiless)
        if reply.status == 100:
            reply = self._wire.reply(bodiless=bodiless)
        if reply["connection"] == "close" or sent.headers.get("Connection") == "close":
            self._wire = self._new()
        return reply


def _check(description: Mapping[str, Any], sent: Sent, reply: Reply) -> None:
    operations = description["paths"][sent.path]
    operation = operations.get("get" if sent.method == "HEAD" else sent.method.lower(), {"responses": {}})
    described = {int(status) for status in operation["responses"]}
    assert 200 <= reply.status < 500, (sent, reply)
    assert reply.status in described | REFUSALS, (sent, reply)
    assert reply["x-content-type-options"] == "nosniff", (sent, reply)
    if sent.method == "HEAD" or reply.status == 304:
        assert not reply.body
    elif reply.status >= 400:
        assert reply["content-type"] == "application/json", (sent, reply)
        assert isinstance(reply.json["error"], str), (sent, reply)
        assert reply.json["error"], (sent, reply)
    else:
        (media,) = operation["responses"]["200"]["content"]
        assert reply["content-type"] == media, (sent, reply)
        if media == "application/json":
            msgspec.json.decode(reply.body)


def test_every_route_that_is_described_answers_as_described(home: House):
    description = home.get("/api/openapi.json").json
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            # A plain request without anything that is not required; a start is wrong on purpose.
            body = b'{"max_cycles":0}' if path == START else b"{}" if "requestBody" in operation else b""
            data = home.request(
                path.replace("{", "").replace("}", "").replace("batch_id", "1").replace("command_id", "1"),
                {"Content-Type": "application/json"} if body else {},
                method=method.upper(),
                body=body,
            )
            reply = home.ask(data)
            assert str(reply.status) in operation["responses"], (method, path, reply)
            for parameter in operation["parameters"]:
                assert parameter["schema"], (method, path, parameter)


def test_every_schema_that_is_named_is_there(home: House):
    description = home.get("/api/openapi.json").json
    named = set[str]()

    def look(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                named.add(value["$ref"].rpartition("/")[2])
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    look(description)
    assert named <= description["components"]["schemas"].keys()
