"""Access: one wrapper around the application that every request passes before anything of it is looked at.

It applies `rules` in their order, asks the kernel whose socket it is, sees to the token, reads the body within its
limits of size and time, and puts the security headers on every answer. What it refuses never reaches a route.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
import trio
from hypercorn.typing import ASGIFramework

from web import sock_diag
from web.peers import Address, is_foreign, is_stranger
from web.rules import (
    BODY_BYTES,
    READING,
    WRITING,
    Head,
    Refusal,
    Rules,
    body_refusal,
    has_token,
    refusal,
    type_refusal,
)
from web.transport import outbox_of

log = structlog.get_logger("web")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]

BODY_SECONDS = 8.0
"""The connection is over within ten: a refused client is heard out for a while."""
OWNER_THREADS = 1

SECURITY_HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        b" font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class Access:
    """The ASGI application that is served."""

    def __init__(
        self, app: ASGIFramework, rules: Rules, *, owners: bool, cors: frozenset[str], most_websockets: int
    ) -> None:
        """`owners`: look whose sockets they are. `cors`: paths that pages of any origin may read."""
        self._app = app
        self._rules = rules
        self._owners = owners
        self._cors = cors
        self._most_websockets = most_websockets
        self._websockets = 0
        self._limiter = trio.CapacityLimiter(OWNER_THREADS)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, or refuse."""
        try:
            match scope["type"]:
                case "lifespan":
                    await self._app(scope, receive, send)
                case "http":
                    await self._http(scope, receive, _sealed(send, shared=self._is_shared(scope)))
                case "websocket":
                    await self._websocket(scope, receive, _sealed(send))
        except Exception as error:
            # Hypercorn answers 500, and says nothing to anybody.
            log.error("a request failed", path=scope.get("path"), exc_info=error)
            raise

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head(method="WEBSOCKET", path=scope["path"], headers=scope["headers"])
        refused = await self._refused(scope, head)
        if refused is None and self._websockets >= self._most_websockets:
            refused = Refusal(status=503, error="too many browsers watch", hint="close some, or raise max_websockets")
        if refused is not None:
            return await _refuse(send, refused, prefix="websocket.http.response")
        self._websockets += 1
        try:
            await self._app(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._websockets -= 1

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head(method=scope["method"], path=scope["path"], headers=scope["headers"])
        if (cookie := self._new_cookie(scope, head)) and refusal(head, self._rules) is None:
            return await _redirect(send, cookie)
        refused = await self._refused(scope, head) or body_refusal(head)
        body = b"" if refused else await _read(receive)
        if isinstance(body, Refusal):
            refused = body
        elif body and refused is None:
            refused = type_refusal(head) if head.method in WRITING else None
        if refused is not None:
            return await _refuse(send, refused)
        await self._app(scope, _replay(body if isinstance(body, bytes) else b"", receive), send)  # type: ignore[arg-type]

    async def _refused(self, scope: Scope, head: Head) -> Refusal | None:
        if (refused := refusal(head, self._rules, shared=self._is_shared(scope))) is not None:
            return refused
        if self._owners and await self._is_stranger(scope):
            return Refusal(
                status=403,
                error="another user of this machine may not do this",
                hint="the runner's operator can allow it with --any-user",
            )
        if not has_token(head, self._rules):
            return Refusal(
                status=401,
                error="the token is missing or wrong",
                hint="open the address that the runner printed at its start, or send it as a bearer",
            )
        return None

    async def _is_stranger(self, scope: Scope) -> bool:
        """Looked up once for each connection: its two ends stay who they are."""
        outbox = outbox_of(scope["state"])
        if outbox.is_stranger is None:
            outbox.is_stranger = await self._look_up(scope["client"], scope["server"])
        return bool(outbox.is_stranger)

    async def _look_up(self, client: Address, server: Address) -> bool:
        try:
            return is_foreign(sock_diag.owner(client, server))
        except OSError:
            # The list takes milliseconds: not in the event loop.
            return await trio.to_thread.run_sync(
                is_stranger, client, server, limiter=self._limiter, abandon_on_cancel=True
            )

    def _new_cookie(self, scope: Scope, head: Head) -> bytes:
        """The cookie for whoever opens the address with the right token in it; empty for all others."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        asked = head.method == "GET" and head.path == "/" and given and self._rules.token
        bearer = Head(method="GET", path="/", headers=[(b"authorization", f"Bearer {given}".encode())])
        if not asked or not has_token(bearer, self._rules):
            return b""
        return f"{self._rules.cookie}={given}; HttpOnly; SameSite=Strict; Path=/".encode()

    def _is_shared(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["path"] in self._cors and scope["method"] in READING


def _sealed(send: Send, *, shared: bool = False) -> Send:
    """Answers with the security headers; only what is shared, and is there, may be read by other origins."""

    async def sealed(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            more = dict(SECURITY_HEADERS)
            if shared and message["status"] == 200:
                more[b"access-control-allow-origin"] = b"*"
                more[b"cross-origin-resource-policy"] = b"cross-origin"
            message = {**message, "headers": [*message.get("headers", ()), *more.items()]}
        await send(message)

    return sealed


async def _read(receive: Receive) -> bytes | Refusal:
    """The whole body, within its limits."""
    body = bytearray()
    with trio.move_on_after(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                # Half a request must not be taken for one that says nothing.
                return Refusal(status=400, error="the body did not come whole")
            body += message.get("body", b"")
            if len(body) > BODY_BYTES:
                return Refusal(status=413, error=f"the body is larger than {BODY_BYTES} bytes")
            if not message.get("more_body", False):
                return bytes(body)
    return Refusal(status=408, error="the body did not come in time")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body that has been read, then what comes after it: that the client has gone."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


async def _refuse(send: Send, refused: Refusal, *, prefix: str = "http.response") -> None:
    body = msgspec.json.encode({"error": refused.error, "hint": refused.hint})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        # What a refused client still sends is not listened to.
        (b"connection", b"close"),
    ]
    await send({"type": f"{prefix}.start", "status": refused.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body, "more_body": False})


async def _redirect(send: Send, cookie: bytes) -> None:
    """To the same page without the token, so that it stays in no history."""
    headers = [
        (b"location", b"/"),
        (b"set-cookie", cookie),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
