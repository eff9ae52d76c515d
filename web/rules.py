"""Who may talk to the runner: the checks of a request's head, as pure functions of what it says.

The runner listens on the loopback and asks for no password, so every web page that its operator visits can reach it,
and so can every user of the machine. The order of the checks is part of them: the first that fails gives the answer.
`access` applies them; nothing else in the web decides who may do what.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADER_BYTES = 16 * 1024
BODY_BYTES = 16 * 1024
HTTP_PORT = 80
READING = ("GET", "HEAD")
WRITING = ("POST", "PUT")
_CROSS = ("cross-site", "same-site")
"""Another page of this machine, on another port, is `same-site` with us."""

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not served."""

    status: int
    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a request says of itself before its body."""

    method: str
    """`WEBSOCKET` for one."""
    path: str
    headers: Headers

    def values(self, name: bytes) -> list[str]:
        return [value.decode("latin-1").strip() for key, value in self.headers if key.lower() == name]

    def first(self, name: bytes) -> str:
        return next(iter(self.values(name)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this server answers to."""

    hosts: frozenset[str]
    """In lower case, as a `Host` header says them."""
    port: int
    token: str = ""
    """Asked of everybody when it is not empty."""

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(f"http://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """Cookies know no ports: two runners would take each other's."""
        return f"sprint_runner_{self.port}"


def hosts(port: int, *, bound: str = "", allowed: Iterable[str] = ()) -> frozenset[str]:
    """All hosts that mean this server: the loopback's names, the address it is bound to, and what was allowed."""
    names = {*LOOPBACK, f"[{bound}]" if ":" in bound else bound} - {""}
    own = {f"{name}:{port}" for name in names} | (names if port == HTTP_PORT else set())
    forwarded = {name if _has_port(name) else f"{name}:{port}" for name in allowed}
    return frozenset(name.lower() for name in own | forwarded)


def _has_port(host: str) -> bool:
    return host.rpartition("]")[2].count(":") > 0


def refusal(head: Head, rules: Rules, *, shared: bool = False) -> Refusal | None:
    """The first reason not to serve a request with this head; None when there is none.

    `shared`: it asks for something that pages of any origin may read.
    """
    checks = (_size, _target, _host, *(() if shared else (_origin, _site)), _method)
    return next((found for check in checks if (found := check(head, rules)) is not None), None)


def _size(head: Head, rules: Rules) -> Refusal | None:
    if sum(len(name) + len(value) + 4 for name, value in head.headers) > HEADER_BYTES:
        return Refusal(status=431, error="the request's headers are too large")
    return None


def _target(head: Head, rules: Rules) -> Refusal | None:
    """What proxies are asked for: the framework would make a path of it that the checks here have not seen."""
    if not head.path.startswith("/"):
        return Refusal(status=400, error="a request asks for a path, which begins with /")
    return None


def _host(head: Head, rules: Rules) -> Refusal | None:
    """A page whose name was made to point here says its own name: that is what tells rebinding apart."""
    named = head.values(b"host")
    if len(named) != 1:
        return Refusal(status=400, error="a request names exactly one Host")
    if named[0].lower() not in rules.hosts:
        return Refusal(
            status=421,
            error="this server does not answer to that host",
            hint="open it as http://127.0.0.1, or allow the name with --allow-host",
        )
    return None


def _origin(head: Head, rules: Rules) -> Refusal | None:
    named = head.values(b"origin")
    if named and (len(named) > 1 or named[0].lower() not in rules.origins):
        return Refusal(status=403, error="pages of another origin may not do this")
    return None


def _site(head: Head, rules: Rules) -> Refusal | None:
    """A link to the dashboard may be followed from anywhere; nothing else may be asked from elsewhere."""
    navigates = head.method == "GET" and head.path == "/" and head.first(b"sec-fetch-mode") == "navigate"
    if any(value.lower() in _CROSS for value in head.values(b"sec-fetch-site")) and not navigates:
        return Refusal(status=403, error="pages of another site may not do this")
    return None


def _method(head: Head, rules: Rules) -> Refusal | None:
    if head.method == "OPTIONS":
        return Refusal(status=403, error="no other origin is given access")
    return None


def has_token(head: Head, rules: Rules) -> bool:
    """Whether the request carries the token, as a bearer or in its cookie; always, when none is asked for."""
    if not rules.token:
        return True
    scheme, _, bearer = head.first(b"authorization").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else _cookies(head).get(rules.cookie, "")
    return hmac.compare_digest(given.encode(), rules.token.encode())


def _cookies(head: Head) -> dict[str, str]:
    """Those of other programs on this machine come along, and may look like anything."""
    pairs = (pair.partition("=") for line in head.values(b"cookie") for pair in line.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def body_refusal(head: Head) -> Refusal | None:
    """Why a request with a body is not served, by what its head says of it."""
    length = head.first(b"content-length")
    if length.isdigit() and (len(length) > len(str(BODY_BYTES)) or int(length) > BODY_BYTES):
        return Refusal(status=413, error=f"the body is larger than {BODY_BYTES} bytes")
    return None


def type_refusal(head: Head) -> Refusal | None:
    """Why a body that has come is not read: a page can send any other type without being asked."""
    kind = head.first(b"content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refusal(status=415, error="the body has to be application/json")
    return None
