"""The other end of the API: asks a running runner over HTTP, for the commands that are its clients.

One question is one connection; it blocks. Whatever answers may be anything: its answer is bounded in size and in
time, has to be of the shape that was agreed, and becomes typed values or a RunnerError. It is for the caller to clean
texts before a terminal gets them. Nothing of the server is loaded here.
"""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import h11
import msgspec

from runner.domain.errors import Refused, RunnerError, UsageError
from web.answers import Fault

Shape = TypeVar("Shape")

HTTP_PORT = 80
ANSWER_BYTES = 16 << 20
"""Most of an answer's body: a page of events with all their texts."""
_HEAD_BYTES = 64 * 1024
_WORDS = 500
"""Most letters of what a server says about an error."""
_UNAUTHORIZED = 401
_TOKEN_HINT = "put it into SPRINT_RUNNER_TOKEN, or give the address as the runner printed it, with its ?token="


class Unanswered(RunnerError):
    """Somebody is there, but gives no answer that a runner gives."""


class NoRunner(Unanswered):
    """Nobody is there."""


class Stranger(Unanswered):
    """What is there is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a runner is, and what opens it."""

    host: str
    """Without brackets."""
    port: int
    token: str = ""
    """Empty: none is asked for."""

    def __str__(self) -> str:
        return f"http://{self._bracketed}:{self.port}"

    def __repr__(self) -> str:
        return f"<Address {self}{' with a token' if self.token else ''}>"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """What a `Host` header says."""
        return self._bracketed if self.port == HTTP_PORT else f"{self._bracketed}:{self.port}"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What opens the server to us."""
        return [(b"Authorization", f"Bearer {self.token}".encode())] if self.token else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request, and how long and how large its answer may be."""

    path: str
    method: str = "GET"
    body: object = None
    """None: no body at all."""
    seconds: float = 10.0


def read_address(url: str) -> Address:
    """The address that a URL like `http://127.0.0.1:8765/?token=…` means. Raises UsageError."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise _no_address(url) from None
    plain = parts.scheme == "http" and "@" not in parts.netloc and parts.path in ("", "/")
    token = parse_qs(parts.query).get("token", [""])[0]
    if not (plain and host and port != 0 and is_header_text(token)):
        raise _no_address(url)
    return Address(host=host, port=port or HTTP_PORT, token=token)


def _no_address(url: str) -> UsageError:
    return UsageError(f"{url[:200]!r} is not the address of a runner", hint="it looks like http://127.0.0.1:8765")


def is_header_text(text: str) -> bool:
    """Whether it may stand in a header, and is one word."""
    return text.isascii() and text.isprintable() and " " not in text


def ask(address: Address, question: Question, shape: type[Shape]) -> Shape:
    """The answer, of that shape. Raises NoRunner, Unanswered, and Refused with the server's own words."""
    status, body = exchange(address, question)
    if status != 200:
        raise refusal(address, status, body)
    return decoded(address, body, shape)


def decoded(address: Address, body: bytes, shape: type[Shape]) -> Shape:
    """The body as a value of that shape, which can be encoded again. Raises Unanswered."""
    try:
        answer = msgspec.json.decode(body, type=shape)
        msgspec.json.encode(answer)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise strange(address, str(error)) from None
    return answer


def refusal(address: Address, status: int, body: bytes) -> RunnerError:
    """What an answer that is an error says: the server's words, when they are a runner's."""
    try:
        fault = msgspec.json.decode(body, type=Fault)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return strange(address, f"HTTP status {status}")
    hint = _TOKEN_HINT if status == _UNAUTHORIZED else fault.hint[:_WORDS]
    return Refused(fault.error[:_WORDS], hint=hint)


def strange(address: Address, detail: str) -> Stranger:
    """What is there has said what no runner says."""
    return Stranger(
        f"what answers at {address} is not a runner of ours ({detail[:_WORDS]})",
        hint="the runner prints its address when it starts",
    )


def silent(address: Address, seconds: float) -> Unanswered:
    """Nothing was heard in time."""
    return Unanswered(
        f"{address} does not answer within {seconds:g} s", hint="the runner there may be stuck, or stopped by SIGSTOP"
    )


def absent(address: Address, error: OSError) -> NoRunner:
    """Nobody listens, or there is no way there."""
    return NoRunner(
        f"no runner answers at {address}: {error.strerror or error}",
        hint="start one, or look at the address that it printed",
    )


def exchange(address: Address, question: Question) -> tuple[int, bytes]:
    """Status and body of the answer. Raises NoRunner and Unanswered."""
    end = time.monotonic() + question.seconds
    try:
        try:
            sock = socket.create_connection((address.host, address.port), timeout=question.seconds)
        except TimeoutError:
            raise
        except OSError as error:
            raise absent(address, error) from None
        with sock:
            return _converse(_Wire(sock, end), address, question)
    except TimeoutError:
        raise silent(address, question.seconds) from None
    except h11.RemoteProtocolError as error:
        raise strange(address, str(error)) from None
    except OSError as error:
        raise Unanswered(f"{address} broke off: {error.strerror or error}", hint="ask again") from None


class _Wire:
    """A connection that speaks HTTP, until a given time."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock = sock
        self._end = end
        self._is_over = False
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)

    def send(self, *events: h11.Event) -> None:
        data = b"".join(self._http.send(event) or b"" for event in events)
        self._wait()
        self._sock.sendall(data)

    def events(self) -> Iterator[h11.Event]:
        """What comes, up to the end of the answer."""
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                self._wait()
                data = self._sock.recv(1 << 16)
                self._is_over = not data
                self._http.receive_data(data)
                continue
            if isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)) or event is h11.PAUSED:
                return
            assert not isinstance(event, type)
            yield event

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError:
            # A runner that was killed over its answer is a runner all the same.
            if self._is_over:
                raise ConnectionError("the answer has no end") from None
            raise

    def _wait(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)


def _converse(wire: _Wire, address: Address, question: Question) -> tuple[int, bytes]:
    _put(wire, address, question)
    status, body = 0, bytearray()
    for event in wire.events():
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += event.data
                if len(body) > ANSWER_BYTES:
                    raise strange(address, "its answer has no end")
            case _:
                pass  # a server may say that it is still thinking
    if not status:
        raise ConnectionError("there is no answer")
    return status, bytes(body)


def _put(wire: _Wire, address: Address, question: Question) -> None:
    body = b"" if question.body is None else msgspec.json.encode(question.body)
    headers = [(b"Host", address.authority.encode()), (b"Connection", b"close"), *address.headers]
    if body:
        headers += [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())]
    elif question.method != "GET":
        headers.append((b"Content-Length", b"0"))
    request = h11.Request(method=question.method, target=question.path, headers=headers)
    content = [h11.Data(data=body)] if body else []
    wire.send(request, *content, h11.EndOfMessage())
