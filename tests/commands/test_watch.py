"""`watch`: against a server that plays every trick, and the command itself beside real runners.

The first half has the follower and a server in one event loop, so that what is told, cut off and kept back is decided
word by word. Whatever the server does, each event comes out once and in its place, or it is said that it is missing.
"""

import base64
import hashlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from wsproto.connection import Connection, ConnectionType
from wsproto.events import Ping, TextMessage

from runner.commands import follow
from runner.commands.follow import Follower, Item
from runner.commands.given import Given
from runner.commands.reach import Whereabouts
from runner.commands.watch import Lag
from runner.domain.errors import RunnerError
from runner.domain.events import BatchStart
from tests.commands.conftest import Call
from tests.support.runs import environment, wait_until
from tests.web.house import House, house, noise
from web import client_live, frames

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE_SECONDS = 20.0
LINGER_SECONDS = 1.0
PAGE = "/api/events"


def event(seq: int, type_: str = "batch:warning", **payload: Any) -> bytes:
    told = {"batch_id": 1, "message": f"m{seq}", "warning_type": "w", **payload}
    return json.dumps({"seq": seq, "type": type_, "timestamp": 1_790_000_000_000, "payload": told}).encode()


def init(seq: int, events: Iterable[int] = (), **payload: Any) -> bytes:
    recent = [json.loads(event(number)) for number in events]
    return json.dumps({"type": "init", "payload": {"seq": seq, "events": recent, **payload}}).encode()


END = event(3, "batch:end", cycles_completed=1, status="completed", reason="done")


class Peer:
    """A connection, as the server has it."""

    def __init__(self, stream: trio.SocketStream, after: int) -> None:
        self.after = after
        self._stream = stream
        self._wire = Connection(ConnectionType.SERVER)

    async def hears(self) -> AsyncIterator[str]:
        """What the client says; its pings are answered."""
        while data := await self._stream.receive_some(65536):
            self._wire.receive_data(data)
            for heard in self._wire.events():
                if isinstance(heard, Ping):
                    await self._stream.send_all(self._wire.send(heard.response()))
                elif isinstance(heard, TextMessage):
                    yield heard.data

    async def say(self, *messages: bytes) -> None:
        for message in messages:
            await self._stream.send_all(frames.text(message))

    async def goodbye(self) -> None:
        await self._stream.send_all(frames.close(frames.GOING_AWAY))


Visit = Callable[[Peer], Awaitable[None]]


def tells(*messages: bytes) -> Visit:
    """Says this, then cuts the connection off."""

    async def visit(peer: Peer) -> None:
        await peer.say(*messages)

    return visit


async def stays(peer: Peer) -> None:
    await trio.sleep_forever()


@dataclass(kw_only=True)
class Station:
    """A server: one visit after the other as told, and a record of events."""

    visits: list[Visit]
    record: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    over: trio.Event = field(default_factory=trio.Event)
    """Set when all visits have ended."""
    listening: trio.CancelScope = field(default_factory=trio.CancelScope)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        (listener,) = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        with self.listening:
            task_status.started()
            await trio.serve_listeners(self._serve, [listener])

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += await stream.receive_some(65536)
            path = head.split()[1].decode()
            self.asked.append(path)
            if path.startswith(PAGE):
                await stream.send_all(self._page(int(path.partition("after=")[2].partition("&")[0])))
            else:
                await self._upgrade(stream, head)

    def _page(self, after: int) -> bytes:
        events = [message for message in self.record if json.loads(message)["seq"] > after][:100]
        body = b'{"events":[%s]}' % b",".join(events)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    async def _upgrade(self, stream: trio.SocketStream, head: bytes) -> None:
        key = next(line[19:] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: "))
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        lines = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept
        await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n\r\n")
        visit = self.visits.pop(0) if self.visits else stays
        after = head.split()[1].partition(b"after=")[2]
        await visit(Peer(stream, int(after or 0)))
        if not self.visits:
            self.over.set()
        # Closed over what the client has said, a connection would take our last words with it.
        with suppress(trio.BrokenResourceError), trio.move_on_after(LINGER_SECONDS):
            await stream.send_eof()
            while await stream.receive_some():
                pass


@dataclass(kw_only=True)
class Heard:
    """What came of following."""

    items: list[Item] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    code: int = 0

    @property
    def seqs(self) -> list[int]:
        """Events as a program gets them, one a line."""
        return [json.loads(item.text)["seq"] for item in self.items if "seq" in json.loads(item.text)]

    @property
    def shown(self) -> list[int]:
        """Events as people are shown them."""
        return [event.seq for item in self.items for event in item.events]


@asynccontextmanager
async def station(*visits: Visit, record: Iterable[bytes] = ()) -> AsyncIterator[Station]:
    here = Station(visits=list(visits), record=list(record))
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(here.run)
            yield here
            nursery.cancel_scope.cancel()


def follower(here: Station, heard: Heard, after: int | None, room: int = 1000) -> tuple[Follower, Any]:
    out, items = trio.open_memory_channel[Item](room)
    whereabouts = Whereabouts(given=Given(url=f"http://127.0.0.1:{here.port}"), environment={})
    return Follower(whereabouts, out, say=heard.said.append, after=after, random=random.random), items


async def follow_all(
    *visits: Visit, after: int | None = None, record: Iterable[bytes] = (), until: int | None = None
) -> Heard:
    """Follow until an event has come, or else until the follower ends by itself: the server is gone in the end."""
    heard = Heard()
    async with station(*visits, record=record) as here:
        following, items = follower(here, heard, after)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(following.run)
            async for item in items:
                heard.items.append(item)
                if until is not None and item.seq == until:
                    break
                if until is None and not here.visits:
                    await here.over.wait()
                    here.listening.cancel()
            nursery.cancel_scope.cancel()
        heard.asked, heard.code = here.asked, following.course.code
    return heard


# --- one connection after the other -------------------------------------------------------------------------------


async def test_connections_are_joined_without_a_gap_or_a_repetition():
    cut = [tells(init(1, [1]), event(2)), tells(event(2), event(3)), tells(), tells(event(4), event(4), event(5))]
    heard = await follow_all(*cut, until=5)
    assert heard.seqs == [2, 3, 4, 5]
    assert heard.shown == [1, 2, 3, 4, 5]
    assert heard.asked == ["/ws", "/ws?after=2", "/ws?after=3", "/ws?after=3"]


async def test_what_is_asked_for_is_what_comes_after():
    heard = await follow_all(tells(event(8), event(9)), after=7, until=9)
    assert (heard.asked, heard.seqs) == (["/ws?after=7"], [8, 9])


async def test_event_that_is_left_out_is_asked_for_again():
    heard = await follow_all(tells(init(1), event(3)), tells(event(2), event(3)), until=3)
    assert heard.seqs == [2, 3]
    assert heard.asked[-1] == "/ws?after=1"


async def test_event_that_cannot_be_had_is_said_to_be_missing():
    heard = await follow_all(tells(init(1), event(4)), tells(event(4)), until=4)
    assert heard.seqs == [4]
    assert any("events 2 to 3 are missing" in said for said in heard.said)


async def test_what_was_missed_for_too_long_is_read_from_the_record():
    record = [event(seq) for seq in range(1, 451)]
    visits = [tells(init(1), event(2)), tells(init(450, [449, 450])), tells(event(451))]
    heard = await follow_all(*visits, record=record, until=451)
    assert heard.seqs == list(range(2, 452))
    assert heard.shown == list(range(2, 452))
    assert any("events 3 to 450 are too many to be told again" in said for said in heard.said)
    kinds = [json.loads(item.text)["type"] for item in heard.items]
    assert [place for place, kind in enumerate(kinds) if kind == "init"] == [0, 450]


async def test_record_that_has_lost_something_too_is_passed_over():
    record = [event(seq) for seq in (3, 4, 6)]
    visits = [tells(init(1), event(2)), tells(init(6, [5, 6])), tells(event(7))]
    heard = await follow_all(*visits, record=record, until=7)
    assert heard.seqs == [2, 3, 4, 7]
    assert heard.shown == [2, 3, 4, 5, 6, 7]
    assert any("events 5 to 6 are missing" in said for said in heard.said)


async def test_database_that_is_a_new_one_is_followed_from_its_end():
    heard = await follow_all(tells(init(9)), tells(init(2, [1, 2])), tells(event(3)), until=3)
    assert heard.shown == [1, 2, 3]
    assert any("there is no event 9: the record ends with 2" in said for said in heard.said)


async def test_loss_and_return_are_said_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "FIRST_DELAY", 0.01)
    start = event(2, "batch:start", max_cycles=1, resumed=False)
    heard = await follow_all(tells(init(1), start), tells(event(3)), until=3)
    lost, back = heard.said
    assert lost.startswith("connection lost at ")
    assert lost.endswith("(cut off); waiting for the runner")
    assert back.startswith("connected again after 0.")


async def test_runner_is_told_what_was_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_live, "ACK_SECONDS", 0.02)
    heard, told = Heard(), list[Any]()

    async def listens(peer: Peer) -> None:
        await peer.say(init(4))
        await peer._stream.send_all(frames.PING)
        async for message in peer.hears():
            told.append(json.loads(message))
            if told[-1]["seq"] == 7:
                await peer.say(event(5))

    async with station(listens) as here:
        following, items = follower(here, heard, None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(following.run)
            await items.receive()
            await trio.sleep(0.1)
            following.handled = 7
            assert (await items.receive()).seq == 5
            nursery.cancel_scope.cancel()
    assert {message["type"] for message in told} == {"ack"}
    assert [message["seq"] for message in told] == sorted(message["seq"] for message in told)


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("error", 1), ("stopped", 4)])
async def test_runner_that_goes_after_its_batch_is_the_end(status: str, code: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "GONE_SECONDS", 0.2)
    end = event(3, "batch:end", cycles_completed=1, status=status, reason="so")
    heard = await follow_all(tells(init(1), event(2, "batch:start", max_cycles=1, resumed=False), end))
    assert (heard.seqs, heard.code, heard.said) == ([2, 3], code, [])


async def test_runner_that_says_goodbye_is_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "GONE_SECONDS", 0.2)

    async def leaves(peer: Peer) -> None:
        await peer.say(init(2, batch={"id": 1, "status": "running"}))
        await peer.goodbye()

    assert (await follow_all(leaves)).code == 0


async def test_batch_that_nobody_watched_has_no_say_in_the_exit_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "GONE_SECONDS", 0.2)
    old = json.loads(event(2, "batch:end", cycles_completed=1, status="error", reason="so"))
    payload = {"seq": 2, "events": [old], "batch": {"id": 1, "status": "error"}}
    heard = await follow_all(tells(json.dumps({"type": "init", "payload": payload}).encode()))
    assert (heard.shown, heard.code) == ([2], 0)


async def test_runner_that_dies_in_its_batch_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "GONE_SECONDS", 0.1)
    monkeypatch.setattr(follow, "LONGEST_DELAY", 0.2)
    heard = Heard()
    async with station(tells(init(1, batch={"id": 1, "status": "running"}))) as here:
        following, items = follower(here, heard, None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(following.run)
            heard.items.append(await items.receive())
            here.listening.cancel()
            with trio.move_on_after(1.0):
                async for item in items:
                    pytest.fail(f"nobody can have said {item}")
                pytest.fail("it has given up")
            again = Station(port=here.port, visits=[tells(event(2), END)])
            await nursery.start(again.run)
            assert [(await items.receive()).seq for _ in range(2)] == [2, 3]
            nursery.cancel_scope.cancel()


# --- servers that are none, and readers that do not read ----------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b"hello",
        b"[]",
        b'{"type":"init","payload":{}}',
        b'{"type":"init","payload":{"seq":-1}}',
        b'{"seq":"x"}',
        b"[" * 9999,
    ],
    ids=["no JSON", "another shape", "no seq", "no number", "no type", "too deep"],
)
async def test_who_is_no_runner_is_left_at_once(message: bytes):
    with pytest.raises(ExceptionGroup) as failed:
        await follow_all(tells(message))
    (error,) = failed.value.exceptions
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert isinstance(error, RunnerError)
    assert "is not a runner of ours" in str(error)


async def test_message_may_be_written_in_several_lines():
    spread = b'{"seq": 2,\r\n "type": "batch:warning", "timestamp": 1, "payload": {\n}}'
    heard = await follow_all(tells(init(1), spread), until=2)
    assert heard.items[-1].text.splitlines() == [heard.items[-1].text]


async def test_reader_that_does_not_read_costs_the_connection_and_no_event(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "ROOM_SECONDS", 0.1)
    heard, over = Heard(), trio.Event()

    async def floods(peer: Peer) -> None:
        try:
            await peer.say(*map(event, range(1, 100_000)))
        except trio.BrokenResourceError:
            over.set()

    async def replays(peer: Peer) -> None:
        await peer.say(*map(event, range(peer.after + 1, 200)))
        await trio.sleep_forever()

    async with station(floods, *[replays] * 50) as here:
        following, items = follower(here, heard, 0, room=3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(following.run)
            await over.wait()  # nobody has read anything: it gave the connection up
            assert items.statistics().current_buffer_used == 3
            async for item in items:
                heard.items.append(item)
                if item.seq == 199:
                    break
            nursery.cancel_scope.cancel()
    assert heard.seqs == list(range(1, 200))
    assert here.asked[:2] == ["/ws?after=0", "/ws?after=4"]
    assert [said for said in heard.said if "not read as fast" in said] == heard.said[:1]


def test_lag_is_that_of_events_that_happened_while_connected():
    lag = Lag()
    assert str(lag) == "0 events"
    for seq in range(1, 101):
        heard = json.loads(event(seq))
        old = follow.Message(type="t", seq=seq, timestamp=heard["timestamp"]).event
        lag.note(Item(text="", events=(old,), seq=seq, live=seq > 50), heard["timestamp"] + seq)
    assert str(lag) == "100 events, lag 76/100/100 ms (p50/p99/max)"


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path):
    with house(tmp_path) as here:
        yield here


def watching(home: House, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "runner", "watch", "--project", str(home.project), *arguments],
        env=environment(),
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )


def clients(home: House) -> int:
    return int(home.get("/api/orchestrator/status").json["fanout"]["clients"])


def test_idle_runner_is_waited_for_until_ctrl_c(home: House):
    with watching(home, "--json") as process:
        wait_until(lambda: clients(home) == 1)
        home.tell(*noise(3))
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(4)]
        # What was printed a moment ago may not have been counted yet.
        home.tell(*noise(1))
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert [line["type"] for line in lines] == ["init", *["batch:warning"] * 3]
    assert (process.returncode, out) == (0, "")
    assert re.match("sprint-runner: [34] events, lag ", err)


def test_events_come_in_plain_lines_that_do_nothing_to_the_terminal(home: House):
    words = "\x1b[2J\u202ered\x07"
    with watching(home) as process:
        wait_until(lambda: clients(home) == 1)
        home.tell(*noise(1, size=5), BatchStart(batch_id=1, max_cycles=2, resumed=False))
        home.tell(*[type(noise(1)[0])(batch_id=1, message=words, warning_type="w")])
        assert process.stdout is not None
        lines = [process.stdout.readline()[10:] for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert lines == ["warning: xxxxx\n", "batch 1 started, 2 cycles\n", "warning: red\n"]


def test_pipe_that_is_full_loses_nothing_and_holds_up_nobody(home: House):
    home.tell(*noise(200, size=2000))
    with watching(home, "--json", "--after", "0") as process:
        wait_until(lambda: clients(home) == 1)
        for _ in range(20):
            home.tell(*noise(200, size=2000))
        assert home.is_well(0.5)
        last = home.get("/api/orchestrator/status").json["last_seq"]
        assert process.stdout is not None
        seqs = []
        for line in process.stdout:
            seqs.append(json.loads(line)["seq"])
            if seqs[-1] == last:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert seqs == list(range(1, last + 1))
    assert process.returncode == 0


def test_reader_that_goes_away_ends_it(home: House):
    with watching(home) as process:
        wait_until(lambda: clients(home) == 1)
        assert process.stdout is not None
        process.stdout.close()
        home.tell(*noise(1))
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_nobody_there_is_no_reason_to_wait(call: Call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    called = call("watch", "--url", f"http://127.0.0.1:{port}")
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
