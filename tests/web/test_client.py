"""The client side of the API: what it makes of a real runner, and of servers that are none or mean it ill."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest
import trio

from runner.domain.errors import Refused, UsageError
from runner.domain.overview import Overview
from tests.web.house import House
from web import client_live
from web.answers import Batches, Health, Started
from web.client import Address, NoRunner, Question, Unanswered, ask, read_address
from web.client_live import connected

STATUS = Question(path="/api/orchestrator/status")


# --- addresses ----------------------------------------------------------------------------------------------------

GOOD = {
    "http://127.0.0.1:8765": "http://127.0.0.1:8765",
    " http://127.0.0.1:8765/ ": "http://127.0.0.1:8765",
    "http://[::1]:8765/": "http://[::1]:8765",
    "http://Localhost:1": "http://localhost:1",
    "http://there": "http://there:80",
}
BAD = [
    "",
    "8765",
    "127.0.0.1:8765",
    "https://127.0.0.1:8765",
    "http://",
    "http://:8765",
    "http://[::1",
    "http://a..b:1",
    "http://me@there:1",
    "http://there:1/path",
    "http://there:99999",
    "http://there:0",
    "http://there:port",
    "http://there:1/?token=a%0d%0ab",
    "http://there:1/?token=%C3%A9%C3%A9",
]


@pytest.mark.parametrize(("url", "meant"), GOOD.items())
def test_address_is_what_a_browser_takes_it_for(url: str, meant: str):
    assert str(read_address(url)) == meant


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(UsageError, match="is not the address of a runner"):
        read_address(url)


def test_address_as_it_is_printed_has_the_token_and_does_not_show_it():
    address = read_address("http://192.168.0.7:8765/?token=secret-of-sixteen")
    assert address.headers == [(b"Authorization", b"Bearer secret-of-sixteen")]
    assert "secret" not in f"{address} {address!r}"


# --- a real runner ------------------------------------------------------------------------------------------------


def at(home: House) -> Address:
    return Address(host="127.0.0.1", port=home.port)


def test_runner_is_asked(home: House):
    assert ask(at(home), STATUS, Overview).status == "idle"
    assert ask(at(home), Question(path="/healthz"), Health).status == "ok"
    assert ask(at(home), Question(path="/api/batches?limit=1"), Batches).total == 0


@pytest.mark.parametrize("order", ["stop", "pause", "resume"])
def test_what_a_runner_refuses_is_said_in_its_words(home: House, order: str):
    with pytest.raises(Refused) as refused:
        ask(at(home), Question(method="POST", path=f"/api/orchestrator/{order}", body={}), Started)
    assert refused.value.message in ("nothing runs", "there is no unfinished batch to resume")
    assert refused.value.hint


def test_address_that_is_not_there_and_a_body_that_is_wrong_are_refused_too(home: House):
    with pytest.raises(Refused, match="there is nothing here"):
        ask(at(home), Question(path="/api/nothing"), Started)
    with pytest.raises(Refused, match="the body is not what it has to be"):
        ask(at(home), Question(method="POST", path="/api/orchestrator/stop", body={"after": "tea"}), Started)


async def test_websocket_greets(home: House):
    async with connected(at(home), after=None, handled=lambda: 0) as line:
        greeting = msgspec.json.decode(await line.receive())
    assert greeting["type"] == "init"
    assert "seq" in greeting["payload"]


async def test_runner_is_told_how_far_we_are(home: House, monkeypatch: pytest.MonkeyPatch):
    heard: list[int] = []

    def handled() -> int:
        heard.append(7)
        return 7

    monkeypatch.setattr(client_live, "ACK_SECONDS", 0.05)
    with trio.fail_after(10):
        async with connected(at(home), after=None, handled=handled):
            # Each is followed by a ping that was answered.
            while len(heard) < 3:  # noqa: ASYNC110 - it is asked for in the runner's time
                await trio.sleep(0.02)


# --- servers that are none ----------------------------------------------------------------------------------------

Behaviour = Callable[[socket.socket], None]


@contextmanager
def serving(behave: Behaviour) -> Iterator[Address]:
    """A server that does this with everybody who comes."""
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(0.1)
                    with suppress(TimeoutError):
                        connection.recv(65536)
                    connection.settimeout(10)
                    behave(connection)
                    while hanging and not over.wait(0.01):
                        pass

    hanging = getattr(behave, "hangs", False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address(host="127.0.0.1", port=listener.getsockname()[1])
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def says(data: bytes) -> Behaviour:
    return lambda connection: connection.sendall(data)


def hangs(data: bytes = b"") -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(data)

    behave.hangs = True  # type: ignore[attr-defined]
    return behave


def floods(head: bytes, piece: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return behave


def drips(data: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return behave


def answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


CHUNK = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
STRANGE = "is not a runner of ours"
HOSTILE = {
    "garbage": (says(b"\x00\xffSSH-2.0-x\r\n\r\n"), STRANGE),
    "end at once": (says(b""), "broke off"),
    "silence": (hangs(), "does not answer within"),
    "half a head": (hangs(b"HTTP/1.1 200 OK\r\nConte"), "does not answer within"),
    "half a body": (hangs(answer(b"x" * 100)[:-50]), "does not answer within"),
    "cut off": (says(answer(b"x" * 100)[:-50]), "broke off: the answer has no end"),
    "one letter at a time": (drips(answer(b"x" * 1000)), "does not answer within"),
    "no end of heads": (floods(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10_000), STRANGE),
    "no end of a header": (floods(b"HTTP/1.1 200 OK\r\na: ", b"b" * 60_000), STRANGE),
    "no end of a body": (floods(CHUNKED, CHUNK), "its answer has no end"),
    "another server": (says(answer(b"<h1>It works!</h1>", b"404 Not Found")), "HTTP status 404"),
    "no JSON": (says(answer(b"<h1>It works!</h1>")), STRANGE),
    "another shape": (says(answer(b'{"status": 7}')), STRANGE),
    "too deep": (says(answer(b'{"supervision":' + b'{"children":[' * 100_000)), STRANGE),
    "no text": (says(answer(b'{"status": "\xff\xfe"}')), STRANGE),
    "another protocol": (says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), STRANGE),
}


@pytest.mark.parametrize(("behave", "words"), HOSTILE.values(), ids=HOSTILE)
def test_answer_of_no_runner_is_one_line_in_time(behave: Behaviour, words: str):
    began = time.monotonic()
    with serving(behave) as address, pytest.raises(Unanswered, match=words) as failed:
        ask(address, Question(path="/", seconds=1.0 if behave in SLOW else 10.0), Overview)
    assert time.monotonic() - began < 8
    assert "\n" not in str(failed.value)
    assert not isinstance(failed.value, NoRunner)


SLOW = [behave for behave, words in HOSTILE.values() if "within" in words]


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoRunner, match=r"no runner answers at http://127.0.0.1:\d+: Connection refused"):
        ask(Address(host="127.0.0.1", port=port), STATUS, Overview)


def test_server_that_asks_for_a_token_is_told_where_to_get_it():
    body = msgspec.json.encode({"error": "the token is missing or wrong", "hint": "?"})
    with serving(says(answer(body, b"401 Unauthorized"))) as address, pytest.raises(Refused) as refused:
        ask(address, STATUS, Overview)
    assert "SPRINT_RUNNER_TOKEN" in refused.value.hint


# --- and over a WebSocket -----------------------------------------------------------------------------------------

ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
WRONG_KEY = ACCEPT + b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
FAULT = msgspec.json.encode({"error": "too many browsers watch", "hint": "close some"})
REJECTED = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n"
LIVE = {
    "garbage": (says(b"\x00\xffSSH-2.0-x\r\n\r\n"), "Bad HTTP|speaks something else|not a runner"),
    "end at once": (says(b""), "broke off"),
    "silence": (hangs(), "does not answer within"),
    "half a head": (hangs(ACCEPT), "does not answer within"),
    "the wrong key": (hangs(WRONG_KEY), "not a runner"),
    "no key": (hangs(ACCEPT + b"\r\n"), "not a runner"),
    "odd letters": (hangs(ACCEPT + b"Sec-WebSocket-Protocol: \xff\xfe\r\n\r\n"), "not a runner"),
    "no end of a header": (floods(b"HTTP/1.1 101 OK\r\na: ", b"b" * 60_000), "not a runner|without an end|broke off"),
    "no end of a refusal": (floods(REJECTED, CHUNK), "without an end"),
    "another server": (says(answer(b"<h1>It works!</h1>", b"404 Not Found")), "HTTP status 404"),
}


@pytest.mark.parametrize(("behave", "words"), LIVE.values(), ids=LIVE)
async def test_handshake_with_no_runner_is_one_line_in_time(
    behave: Behaviour, words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client_live, "OPENING_SECONDS", 1.0)
    with serving(behave) as address, trio.fail_after(8), pytest.raises(Unanswered, match=words):
        async with connected(address, after=None, handled=lambda: 0):
            pytest.fail("this is no WebSocket")


async def test_refusal_of_a_websocket_is_said_in_its_words():
    with serving(says(answer(FAULT, b"503 No"))) as address, pytest.raises(Refused) as refused:
        async with connected(address, after=None, handled=lambda: 0):
            pytest.fail("it was refused")
    assert str(refused.value) == "too many browsers watch; close some"


async def test_websocket_to_nobody():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoRunner, match="Connection refused"):
        async with connected(Address(host="127.0.0.1", port=port), after=0, handled=lambda: 0):
            pytest.fail("nobody is there")


async def test_error_in_the_block_comes_out_as_it_is(home: House):
    with pytest.raises(ZeroDivisionError):
        async with connected(at(home), after=None, handled=lambda: 0):
            raise ZeroDivisionError


async def test_block_can_be_cancelled(home: House):
    with trio.move_on_after(0.3) as scope:
        async with connected(at(home), after=None, handled=lambda: 0) as line:
            await line.receive()
            await trio.sleep_forever()
    assert scope.cancelled_caught
