"""The rules by which a request's head is judged, without a server."""

from dataclasses import dataclass

import pytest

from web.rules import Head, Headers, Rules, body_refusal, has_token, hosts, refusal, type_refusal

PORT = 8765
OWN = "127.0.0.1:8765"
RULES = Rules(hosts=hosts(PORT), port=PORT)
TOKEN = "0123456789abcdefXYZ"


def head(method: str = "GET", path: str = "/api/x", host: str = OWN, **headers: str) -> Head:
    named: Headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Head(method=method, path=path, headers=[(b"host", host.encode()), *named])


@dataclass(frozen=True)
class Case:
    name: str
    head: Head
    status: int = 200

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("an address", head()),
    Case("a name", head(host="localhost:8765")),
    Case("a name in capitals", head(host="LOCALHOST:8765")),
    Case("IPv6", head(host="[::1]:8765")),
    *(
        Case(f"host {host!r}", head(host=host), 421)
        for host in (
            "evil.example:8765",
            "127.0.0.1",
            "127.0.0.1:8766",
            "127.0.0.1:08765",
            "127.0.0.1.nip.io:8765",
            "localhost.:8765",
            "localhost:8765.",
            "localhost:8765:8765",
            "user@127.0.0.1:8765",
            "127.0.0.1:8765@evil.example",
            "127.0.0.1:8765/",
            "127.0.0.1:8765,127.0.0.1:8765",
            "127.1:8765",
            "0.0.0.0:8765",
            "2130706433:8765",
            "0x7f.1:8765",
            "::1:8765",
            "[::ffff:127.0.0.1]:8765",
            "[0:0:0:0:0:0:0:1]:8765",
            "http://127.0.0.1:8765",
            "",
        )
    ),
    Case("no host", Head(method="GET", path="/", headers=[]), 400),
    Case("two hosts", Head(method="GET", path="/", headers=[(b"Host", OWN.encode())] * 2), 400),
    Case("what a proxy is asked for", head(path="http://127.0.0.1:8765/api/x"), 400),
    Case("no path at all", head(path=""), 400),
    Case("own origin", head("POST", origin=f"http://{OWN}")),
    Case("own origin by its other name", head("POST", origin="http://localhost:8765")),
    *(
        Case(f"origin {origin!r}", head("POST", origin=origin), 403)
        for origin in (
            "http://evil.example",
            "http://evil.example:8765",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://127.0.0.2:8765",
            "https://127.0.0.1:8765",
            "null",
            "",
            "file://",
            "http://127.0.0.1:8765.evil.example",
            "http://127.0.0.1:8765 http://evil.example",
        )
    ),
    Case("foreign origin when reading", head(origin="http://evil.example"), 403),
    Case("asked by itself", head("POST", sec_fetch_site="same-origin")),
    Case("typed by the operator", head(sec_fetch_site="none")),
    Case("from another site", head("POST", sec_fetch_site="cross-site"), 403),
    Case("from another port", head("POST", sec_fetch_site="same-site"), 403),
    Case("from another site, in capitals", head("POST", sec_fetch_site="Cross-Site"), 403),
    Case("a link to the dashboard", head(path="/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")),
    Case("a link elsewhere", head(sec_fetch_site="cross-site", sec_fetch_mode="navigate"), 403),
    Case("a form to the dashboard", head("POST", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate"), 403),
    Case("dashboard as a picture", head(path="/", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"), 403),
    Case("a preflight", head("OPTIONS"), 403),
    Case("a WebSocket of a program", head("WEBSOCKET", "/ws")),
    Case("a WebSocket of a page", head("WEBSOCKET", "/ws", origin="http://evil.example"), 403),
    Case("large headers", head(cookie="x" * 16_384), 431),
    Case("many headers", Head(method="GET", path="/", headers=[(b"x", b"")] * 4000), 431),
    Case("large comes before wrong", head(host="evil.example", cookie="x" * 16_384), 431),
    Case("rebinding comes before the origin", head(host="evil.example", origin="http://evil.example"), 421),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_head_is_judged(case: Case):
    found = refusal(case.head, RULES)
    assert (found.status if found else 200) == case.status


def test_what_is_shared_may_be_read_by_pages_of_any_origin_but_not_of_any_host():
    page = {"origin": "http://evil.example", "sec_fetch_site": "cross-site"}
    assert refusal(head(**page), RULES, shared=True) is None
    rebound = refusal(head(host="evil.example:8765", **page), RULES, shared=True)
    assert rebound is not None
    assert rebound.status == 421


@pytest.mark.parametrize(
    ("arguments", "known", "unknown"),
    [
        ({"port": 8765}, "127.0.0.1:8765", "127.0.0.1"),
        ({"port": 80}, "127.0.0.1", "evil.example"),
        ({"port": 8765, "bound": "192.0.2.1"}, "192.0.2.1:8765", "192.0.2.1"),
        ({"port": 8765, "bound": "2001:db8::1"}, "[2001:db8::1]:8765", "2001:db8::1"),
        ({"port": 8765, "allowed": ["Box.example"]}, "box.example:8765", "box.example"),
        ({"port": 8765, "allowed": ["box.example:443"]}, "box.example:443", "box.example:8765"),
        ({"port": 8765, "allowed": ["[2001:db8::1]"]}, "[2001:db8::1]:8765", "[2001:db8::1]"),
        ({"port": 8765, "allowed": ["[2001:db8::1]:443"]}, "[2001:db8::1]:443", "[2001:db8::1]:8765"),
    ],
)
def test_hosts_are_the_loopback_what_is_bound_and_what_is_allowed(arguments: dict, known: str, unknown: str):
    found = hosts(**arguments)
    assert known in found
    assert unknown not in found


@dataclass(frozen=True)
class Shown:
    """What a client shows of a token."""

    headers: tuple[tuple[bytes, bytes], ...]
    passes: bool

    def __str__(self) -> str:
        return repr(self.headers)


def bearer(text: str) -> tuple[bytes, bytes]:
    return b"Authorization", text.encode()


def cookie(text: str) -> tuple[bytes, bytes]:
    return b"Cookie", text.encode()


TOKENS = [
    Shown((), False),
    Shown((bearer(f"Bearer {TOKEN}"),), True),
    Shown((bearer(f"bearer  {TOKEN}"),), True),
    Shown((bearer(f"Bearer {TOKEN}x"),), False),
    Shown((bearer(f"Bearer {TOKEN[:-1]}"),), False),
    Shown((bearer("Bearer "),), False),
    Shown((bearer("Bearer \xff\u1234"),), False),
    Shown((bearer(f"Basic {TOKEN}"),), False),
    Shown((bearer(TOKEN),), False),
    Shown((cookie(f"sprint_runner_8765={TOKEN}"),), True),
    Shown((cookie(f'other={{"a": [1]}}; theme; =; x=y=z; sprint_runner_8765={TOKEN}'),), True),
    Shown((cookie("a=b"), cookie(f"sprint_runner_8765={TOKEN}")), True),
    Shown((cookie(f"sprint_runner_8766={TOKEN}"),), False),
    Shown((cookie(f"sprint_runner_8765={TOKEN.lower()}"),), False),
    Shown((cookie("sprint_runner_8765="),), False),
]


@pytest.mark.parametrize("shown", TOKENS, ids=str)
def test_token_is_asked_for_as_bearer_or_cookie(shown: Shown):
    asked = Head(method="GET", path="/", headers=shown.headers)
    assert has_token(asked, Rules(hosts=hosts(PORT), port=PORT, token=TOKEN)) == shown.passes
    assert has_token(asked, RULES), "no token, none asked for"


@pytest.mark.parametrize(
    ("length", "passes"),
    [("0", True), ("16384", True), ("16385", False), ("9" * 5000, False), ("-1", True), ("x", True), ("", True)],
)
def test_body_is_refused_by_its_announced_length(length: str, passes: bool):
    assert (body_refusal(head("POST", content_length=length)) is None) == passes


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/jsonp", False),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
def test_body_has_a_type_that_no_page_can_send_unasked(kind: str, passes: bool):
    assert (type_refusal(head("POST", content_type=kind)) is None) == passes
