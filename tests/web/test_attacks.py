"""What pages of other sites, other users of the machine and broken clients try, and what they get.

Row by row, as bytes on real connections. The sprint has stories to do, so a start
that is let through does start: no batch may exist afterwards.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runner.dashboard import TOKEN_VARIABLE, Serving, open_dashboard
from runner.domain.errors import UsageError
from runner.settings import Settings
from tests.web.house import START, STATUS, House, house
from tests.web.wire import Reply, frame
from web.access import SECURITY_HEADERS

EVIL = "http://evil.example"
WANTED_HEADERS = {name.decode(): value.decode() for name, value in SECURITY_HEADERS.items()}


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A request with something wrong, and its answer. `PORT` stands for the port, in the headers too."""

    name: str
    status: int
    method: str = "GET"
    path: str = STATUS
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return self.name

    def bytes_for(self, home: House) -> bytes:
        headers = {name: value.replace("PORT", str(home.port)) for name, value in self.headers.items()}
        if self.method == "WEBSOCKET":
            return home.handshake(self.path, headers)
        return home.request(self.path, headers, method=self.method, body=self.body)


def rebinding() -> Iterator[Attack]:
    hosts = {
        "rebound": "evil.example:PORT",
        "address of a name service": "127.0.0.1.nip.io:PORT",
        "without port": "127.0.0.1",
        "another port": "127.0.0.1:1",
        "with user": "x@127.0.0.1:PORT",
        "trailing dot": "localhost.:PORT",
        "dot after the port": "localhost:PORT.",
        "bare IPv6": "::1:PORT",
        "mapped": "[::ffff:127.0.0.1]:PORT",
        "short": "127.1:PORT",
        "any address": "0.0.0.0:PORT",
    }
    for name, host in hosts.items():
        for method, path in (("GET", STATUS), ("POST", START), ("GET", "/"), ("WEBSOCKET", "/ws")):
            origin = {"Origin": f"http://{host}"}
            yield Attack(
                name=f"{name} {method} {path}",
                method=method,
                path=path,
                headers={"Host": host, **origin},
                status=421,
            )
    yield Attack(name="rebound data file", path="/sprint-status.yaml", headers={"Host": "evil.example"}, status=421)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PLAIN = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}


def forgery() -> Iterator[Attack]:
    origins = {
        "other site": EVIL,
        "null": "null",
        "other port": "http://localhost:3000",
        "our host without port": "http://127.0.0.1",
        "other address": "http://192.0.2.1:PORT",
        "https": "https://127.0.0.1:PORT",
        "two": f"http://127.0.0.1:PORT, {EVIL}",
    }
    for name, origin in origins.items():
        for kind in (FORM, PLAIN, JSON):
            for body in (b'{"max_cycles":1}', b""):
                yield Attack(
                    name=f"POST from {name} as {kind['Content-Type']} {len(body)}",
                    method="POST",
                    path=START,
                    headers={"Origin": origin, **kind},
                    body=body,
                    status=403,
                )
        yield Attack(name=f"reading from {name}", headers={"Origin": origin}, status=403)
        yield Attack(
            name=f"WebSocket from {name}", method="WEBSOCKET", path="/ws", headers={"Origin": origin}, status=403
        )
        yield Attack(
            name=f"setting from {name}", method="PUT", path="/api/settings", headers={"Origin": origin}, status=403
        )
    for site in ("cross-site", "same-site"):
        fetched = {"Sec-Fetch-Site": site}
        yield Attack(name=f"{site} read", headers=fetched, status=403)
        yield Attack(name=f"{site} start", method="POST", path=START, headers=fetched, status=403)
        yield Attack(name=f"{site} WebSocket", method="WEBSOCKET", path="/ws", headers=fetched, status=403)
        yield Attack(name=f"{site} picture", path="/", headers={**fetched, "Sec-Fetch-Mode": "no-cors"}, status=403)
        navigated = {**fetched, "Sec-Fetch-Mode": "navigate"}
        yield Attack(name=f"{site} link to the API", headers=navigated, status=403)
        yield Attack(name=f"{site} form", method="POST", path=START, headers=navigated, status=403)
    for kind in (FORM, PLAIN, {"Content-Type": "multipart/form-data; boundary=x"}, {}):
        yield Attack(
            name=f"POST without origin as {kind or 'nothing'}",
            method="POST",
            path=START,
            headers=kind,
            body=b'{"max_cycles":1}',
            status=415,
        )
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    for path in (START, "/ws", "/", "/sprint-status.yaml", "*"):
        wanted = 400 if path == "*" else 403
        yield Attack(name=f"preflight {path}", method="OPTIONS", path=path, headers=preflight, status=wanted)
    yield Attack(name="preflight without origin", method="OPTIONS", path=START, status=403)
    for method, wanted in (("GET", 405), ("DELETE", 405), ("PATCH", 405), ("TRACE", 405), ("start", 405)):
        yield Attack(name=f"{method} start", method=method, path=START, status=wanted)
    override = {"X-HTTP-Method-Override": "POST"}
    yield Attack(name="overridden method", path=f"{START}?_method=POST", headers=override, status=405)


def traversal() -> Iterator[Attack]:
    paths = (
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%252e%252e/etc/passwd",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/etc/passwd%00.html",
        "/..%5c..%5cetc%5cpasswd",
        "/.sprint-runner/lock",
        "/.sprint-runner/sprint-runner.db",
        "/_bmad-output/implementation-artifacts/sprint-status.yaml",
        "/sprint-status.yaml/..",
        "/sprint-status.yaml%00",
        "/sprint-status.yaml/",
        "/SPRINT-STATUS.YAML",
        "/./sprint-status.yaml",
        "/static/../access.py",
        "/js/../../access.py",
        "/api/batches/../settings",
        "/api/batches/-1",
        "/api/batches/1e3",
        "/api/batches/%31%30x",
        "/api/commands/..%2f..%2fetc%2fpasswd",
        "/api/commands/99999999999999999999",
        "/;/api",
        "/api//orchestrator/status",
        "/api/orchestrator//status",
        "/api/orchestrator/status/",
        "/api/orchestrator/status;x",
    )
    for path in paths:
        yield Attack(name=f"path {path}", path=path, status=404)


def bodies() -> Iterator[Attack]:
    cases = {
        "20 kB": (b'{"max_cycles":%s1}' % (b" " * 20_000), 413),
        "15,000 brackets": (b"[" * 15_000, 400),
        "15,000 objects": (b'{"a":' * 3_000, 400),
        "NaN": (b'{"max_cycles":NaN}', 400),
        "infinity": (b'{"max_cycles":Infinity}', 400),
        "true": (b'{"max_cycles":true}', 400),
        "1e9": (b'{"max_cycles":1e9}', 400),
        "1e400": (b'{"max_cycles":1e400}', 400),
        "1.5": (b'{"max_cycles":1.5}', 400),
        "bad UTF-8": (b'{"mode":"\xff\xfe"}', 400),
        "lone surrogate": (rb'{"mode":"\ud800"}', 400),
        "5,000 digits": (b'{"max_cycles":%s}' % (b"9" * 5_000), 400),
        "zero": (b'{"max_cycles":0}', 400),
        "negative": (b'{"max_cycles":-1}', 400),
        "a thousand": (b'{"max_cycles":1000}', 400),
        "text": (b'{"max_cycles":"3"}', 400),
        "null byte": (b'{"mode":"all\\u0000"}', 400),
        "unknown field": (b'{"cycles":1}', 400),
        "list": (b"[1]", 400),
        "number": (b"1", 400),
        "null": (b"null", 400),
        "two values": (b"{}{}", 400),
        "UTF-16": ('{"max_cycles":1}'.encode("utf-16"), 400),
        "with a mark": (b"\xef\xbb\xbf{}", 400),
        "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 400),
        "a form": (b"max_cycles=1", 400),
    }
    for name, (body, status) in cases.items():
        yield Attack(name=f"body {name}", method="POST", path=START, headers=JSON, body=body, status=status)
    packed = {**JSON, "Content-Encoding": "gzip"}
    yield Attack(name="bomb", method="POST", path=START, headers=packed, body=b"\x1f\x8b" + bytes(999), status=400)


def heads() -> Iterator[Attack]:
    yield Attack(name="20 kB header", headers={"X": "x" * 20_000}, status=431)
    yield Attack(
        name="20 kB of cookies on a WebSocket",
        method="WEBSOCKET",
        path="/ws",
        headers={"Cookie": "x" * 20_000},
        status=431,
    )
    yield Attack(name="10,000 headers", headers={f"x{number}": "" for number in range(10_000)}, status=431)
    yield Attack(name="3,000 headers", headers={f"x{number}": "" for number in range(3_000)}, status=431)
    yield Attack(name="200 kB header", headers={"X": "x" * 200_000}, status=431)


ATTACKS = [*rebinding(), *forgery(), *traversal(), *bodies(), *heads()]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack_gets_its_answer_and_starts_nothing(home: House, attack: Attack):
    reply = home.ask(attack.bytes_for(home))
    assert reply.status == attack.status
    assert not reply["access-control-allow-origin"]
    assert not home.batches()


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request that is as it should be."""

    name: str
    status: int
    method: str = "GET"
    path: str = STATUS
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


OWN = {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"}
VISITS = [
    Visit(name="a command-line client", status=200),
    Visit(name="our page", headers=OWN, status=200),
    Visit(name="our page by name", headers={"Host": "localhost:PORT", "Origin": "http://localhost:PORT"}, status=200),
    Visit(name="a host in capitals", headers={"Host": "LocalHost:PORT"}, status=200),
    Visit(name="typed", headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, status=200),
    Visit(name="our page pauses", method="POST", path="/api/orchestrator/pause", headers=OWN, status=409),
    Visit(name="a WebSocket of a program", method="WEBSOCKET", path="/ws", status=101),
    Visit(name="a WebSocket of our page", method="WEBSOCKET", path="/ws", headers=OWN, status=101),
]


@pytest.mark.parametrize("visit", VISITS, ids=str)
def test_what_is_meant_to_work_does(home: House, visit: Visit):
    attack = Attack(name="", method=visit.method, path=visit.path, headers=visit.headers, status=visit.status)
    assert home.ask(attack.bytes_for(home)).status == visit.status


def test_link_from_elsewhere_opens_the_dashboard_and_no_frame(home: House):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    reply = home.get("/", link)
    assert reply.status != 403
    assert "frame-ancestors 'none'" in reply["content-security-policy"]
    assert reply["x-frame-options"] == "DENY"


# Hosts that no ordinary request has


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nhost: evil.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("POST /api/orchestrator/start HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: evil.example:PORT\r\n\r\n", 421),
        ("GET http://evil.example/api/settings HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
        ("GET http://127.0.0.1:PORT/api/settings HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
        ("GET http://[ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
        ("GET ?x HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
        ("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 400),
    ],
    ids=lambda value: value.encode("unicode-escape").decode()[:90] if isinstance(value, str) else None,
)
def test_request_for_no_host_or_another(home: House, head: str, status: int):
    assert home.ask(head.replace("PORT", str(home.port)).encode()).status == status


# Bodies that come in pieces


def chunked(home: House, *chunks: bytes) -> bytes:
    head = home.request(START, {**JSON, "Transfer-Encoding": "chunked"})
    return head.replace(b"GET ", b"POST ", 1) + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def test_chunked_body_is_refused_as_soon_as_it_is_too_large(home: House):
    assert home.ask(chunked(home, b" " * 10_000, b" " * 10_000)).status == 413
    assert home.ask(chunked(home, *[b" " * 9] * 2_000, b"")).status == 413


def test_many_small_chunks_are_a_body(home: House):
    assert home.ask(chunked(home, *[b"["] * 1_000, b"")).status == 400


def test_announced_body_is_refused_before_it_comes(home: House):
    with home.wire() as wire:
        wire.send(home.request(START, {**JSON, "Content-Length": "99999999999"}, method="POST"))
        assert wire.reply().status == 413
        assert wire.is_over()


def test_refused_body_is_no_further_request(home: House):
    """A page can put a request into a body: it must not be read as the next one, nor spoil the answer."""
    inner = home.request("/api/orchestrator/pause", {"Origin": f"http://{home.host}"}, method="POST")
    for _ in range(50):
        with home.wire() as wire:
            wire.send(home.request(START, {"Origin": EVIL, **PLAIN}, method="POST", body=inner) + inner)
            reply = wire.reply()
            assert (reply.status, bool(reply.json["error"])) == (403, True)
            assert wire.rest() == b""


# Other users


STRANGER = """
import os, socket, struct, sys
host, port, manner = sys.argv[1], int(sys.argv[2]), sys.argv[3]
data = sys.stdin.buffer.read()
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for _ in range(1 if manner == "waits" else 20):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.settimeout(20)
    sock.connect((host, port))
    sock.sendall(data)
    if manner == "waits":
        print(sock.recv(4096).split()[1].decode())
    if manner == "resets":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
"""
"""A program that becomes another user and sends what it is given."""


def as_stranger(home: House, data: bytes, *, host: str = "127.0.0.1", manner: str = "waits") -> str:
    """What another user of the machine is answered."""
    argv = [sys.executable, "-I", "-S", "-c", STRANGER, host, str(home.port), manner]
    return subprocess.run(argv, input=data, capture_output=True, check=True, timeout=30).stdout.decode().strip()


needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root, to act as another user"
)


@needs_root
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("kind", ["start", "read", "watch"])
def test_other_user_of_the_machine_is_refused(home: House, host: str, kind: str):
    asked = {"start": home.request(START, method="POST"), "read": home.request(STATUS), "watch": home.handshake()}
    assert as_stranger(home, asked[kind], host=host) == "403"


@needs_root
@pytest.mark.parametrize("manner", ["closes", "resets"])
def test_other_user_who_does_not_wait_for_the_answer_starts_nothing(home: House, manner: str):
    """A socket that its process has closed is nobody's: the kernel says root's, or nothing."""
    as_stranger(home, home.request(START, method="POST"), manner=manner)
    assert home.is_well(1.0)
    assert not home.batches()


@needs_root
def test_any_user_may_when_the_operator_says_so(tmp_path: Path):
    with house(tmp_path, any_user=True) as here:
        assert as_stranger(here, here.request(STATUS)) == "200"


# What every answer carries


@pytest.mark.parametrize(
    ("path", "status"),
    [(STATUS, 200), ("/metrics", 200), ("/nothing", 404), (START, 405), ("/api/batches?limit=x", 400)],
)
def test_every_answer_has_the_security_headers(home: House, path: str, status: int):
    reply = home.get(path)
    assert reply.status == status
    assert WANTED_HEADERS.items() <= dict(reply.headers).items()
    assert not reply["server"]


@pytest.mark.parametrize(
    "attack",
    [
        Attack(name="rebinding", headers={"Host": "evil.example"}, status=421),
        Attack(name="WebSocket", method="WEBSOCKET", path="/ws", headers={"Origin": EVIL}, status=403),
        Attack(name="body", method="POST", path=START, body=b"x", status=415),
        Attack(name="head", headers={"X": "x" * 20_000}, status=431),
    ],
    ids=str,
)
def test_every_refusal_has_the_security_headers_and_ends_the_connection(home: House, attack: Attack):
    with home.wire() as wire:
        wire.send(attack.bytes_for(home))
        reply = wire.reply()
        assert reply.status == attack.status
        assert WANTED_HEADERS.items() <= dict(reply.headers).items()
        assert reply.json["error"]
        assert reply["connection"] == "close"
        assert wire.is_over()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ws", 400),
        ("WEBSOCKET", STATUS, 400),
        ("WEBSOCKET", "/api/ws", 404),
        ("GET", "/no", 404),
        ("PUT", "/", 405),
        ("PUT", "/no", 404),
    ],
)
def test_error_of_the_framework_is_json_too(home: House, method: str, path: str, status: int):
    reply = home.ask(Attack(name="", method=method, path=path, status=status).bytes_for(home))
    assert (reply.status, reply["content-type"]) == (status, "application/json")
    assert reply.json["error"]


def test_answer_names_no_header_that_a_client_has_sent(home: House):
    reply = home.get("/api/batches?limit=1%0d%0aSet-Cookie:%20x=y", {"If-None-Match": "x"})
    assert reply.status == 400
    assert not reply["set-cookie"]


# WebSocket


def test_message_beyond_64_kib_closes_with_1009(home: House):
    with home.watching() as watcher:
        watcher.send(b"x" * 200_000)
        assert watcher.closing_code() == 1009


def test_message_in_many_frames_is_measured_whole(home: House):
    with home.watching() as watcher:
        watcher.wire.send(frame(b"x" * 1_000, first=1) + frame(b"x" * 1_000, first=0) * 99)
        assert watcher.closing_code() == 1009


def test_more_websockets_than_allowed_are_refused(tmp_path: Path):
    with house(tmp_path, settings={"max_websockets": 2}) as here:
        with here.watching(), here.watching():
            reply = here.ask(here.handshake())
            assert (reply.status, bool(reply.json["hint"])) == (503, True)
            assert here.get(STATUS).status == 200
        # Their places are free again as soon as the server has noticed.
        assert any(here.ask(here.handshake()).status == 101 for _ in range(100))


# Beyond the loopback

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN_VARIABLE, TOKEN)
        with house(tmp_path_factory.mktemp("public"), host="0.0.0.0", unsafe_bind=True) as here:
            yield here
            assert not here.batches()


def bare(
    public: House, path: str = STATUS, headers: Mapping[str, str] | None = None, *, method: str = "GET"
) -> Reply:
    """Asked without a token."""
    return public.ask(public.request(path, {"Authorization": "", **(headers or {})}, method=method))


@pytest.mark.parametrize(
    "path", ["/", STATUS, "/healthz", "/metrics", "/api/openapi.json", "/sprint-status.yaml", "/no"]
)
def test_nothing_is_told_without_the_token(public: House, path: str):
    reply = bare(public, path)
    assert reply.status == 401
    assert TOKEN.encode() not in reply.body


@pytest.mark.parametrize(
    "path",
    [f"/?token={TOKEN[:-1]}", "/?token=", f"/?Token={TOKEN}", f"{STATUS}?token={TOKEN}", f"/?token=x&token={TOKEN}"],
)
def test_address_with_a_wrong_token_opens_nothing(public: House, path: str):
    assert bare(public, path).status == 401


def test_start_and_websocket_need_the_token(public: House):
    assert bare(public, START, method="POST").status == 401
    assert public.ask(public.handshake(headers={"Authorization": "Bearer x"})).status == 401
    assert public.ask(public.handshake()).status == 101


def test_token_opens_as_bearer_and_as_cookie(public: House):
    assert public.get(STATUS).status == 200
    assert bare(public, headers={"Cookie": f"sprint_runner_{public.port}={TOKEN}"}).status == 200
    assert bare(public, headers={"Cookie": f"sprint_runner_1={TOKEN}"}).status == 401


def test_address_with_the_token_becomes_a_cookie_that_scripts_cannot_read(public: House):
    reply = bare(public, f"/?token={TOKEN}")
    assert (reply.status, reply["location"]) == (303, "/")
    name, *marks = reply["set-cookie"].split("; ")
    assert name == f"sprint_runner_{public.port}={TOKEN}"
    assert set(marks) == {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert bare(public, headers={"Cookie": name}).status == 200


def test_page_of_another_site_cannot_use_the_cookie(public: House):
    cookie = {"Cookie": f"sprint_runner_{public.port}={TOKEN}"}
    assert bare(public, START, {**cookie, "Origin": EVIL}, method="POST").status == 403
    assert bare(public, STATUS, {**cookie, "Host": f"evil.example:{public.port}"}).status == 421


def test_tokens_are_compared_in_constant_time(public: House, monkeypatch: pytest.MonkeyPatch):
    compared = list[tuple[bytes, bytes]]()

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return True

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert bare(public, headers={"Authorization": "Bearer wrong"}).status == 200
    assert compared == [(b"wrong", TOKEN.encode())]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.example", "", "127.0.0.1.nip.io", "127.1"])
def test_binding_beyond_the_loopback_has_to_be_meant(host: str):
    with pytest.raises(UsageError, match="other machines") as refused:
        open_dashboard(Serving(host=host, port=0), Settings(), {})
    assert "--unsafe-bind" in refused.value.hint


def test_loopback_is_not_reached_by_other_addresses_of_this_machine(home: House):
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells by which address this machine would
        address = probe.getsockname()[0]
    with (
        pytest.raises(OSError, match=r"refused|unreachable"),
        closing(socket.create_connection((address, home.port), 5)),
    ):
        pass
