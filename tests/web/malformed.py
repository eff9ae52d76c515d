"""Requests, handshakes and frames that are not as they should be, and what may come of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.web.house import START, STATUS, House
from tests.web.wire import TEXT, frame

GONE = 0
"""The connection is over without an answer."""


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """Bytes, with `HOST` for the host that is right, and the answers they may get."""

    name: str
    data: bytes
    answers: tuple[int, ...]

    def __str__(self) -> str:
        return self.name

    def bytes_for(self, home: House) -> bytes:
        return self.data.replace(b"HOST", home.host.encode())


def http(first: str, *lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join((first, "Host: HOST", *lines, "", "")).encode("latin-1") + body


GET = f"GET {STATUS} HTTP/1.1"
POST = f"POST {START} HTTP/1.1"
JSON = "Content-Type: application/json"


def requests() -> Iterator[Oddity]:
    """Whatever begins with a request line, or should."""
    settings = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
    yield Oddity(name="h2c, bad settings", data=http(GET, *settings, "HTTP2-Settings: !!!bad"), answers=(200,))
    yield Oddity(name="h2c", data=http(GET, *settings, "HTTP2-Settings: AAMAAABkAARAAAAA"), answers=(200,))
    yield Oddity(name="HTTP/2 preface", data=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), answers=(400,))
    yield Oddity(name="HTTP/2 preface with host", data=http("PRI * HTTP/2.0"), answers=(400,))
    yield Oddity(name="HTTP/3.0", data=http(f"GET {STATUS} HTTP/3.0"), answers=(200, 400))
    yield Oddity(name="HTTP/1.9", data=http(f"GET {STATUS} HTTP/1.9"), answers=(200, 400))
    yield Oddity(name="HTTP/0.9", data=b"GET /\r\n\r\n", answers=(400,))
    yield Oddity(name="TLS", data=bytes.fromhex("16030100c8010000c40303") + bytes(range(200)), answers=(400,))
    yield Oddity(name="SSH", data=b"SSH-2.0-OpenSSH_9.6\r\n\r\n", answers=(400,))
    yield Oddity(name="noise", data=bytes(range(256)) * 8, answers=(400,))
    yield Oddity(name="empty lines first", data=b"\r\n\r\n" + http(GET), answers=(200, 400))
    yield Oddity(name="null bytes", data=bytes(1000) + b"\r\n\r\n", answers=(400,))
    yield Oddity(name="null byte in path", data=http(f"GET {STATUS}\0 HTTP/1.1"), answers=(400,))
    yield Oddity(name="null byte in header", data=http(GET, "X: a\0b"), answers=(400,))
    yield Oddity(name="bare line feeds", data=http(GET).replace(b"\r\n", b"\n"), answers=(200, 400))
    yield Oddity(
        name="bare carriage returns", data=http(GET).replace(b"\r\n", b"\r") + b"\r\n\r\n", answers=(400, GONE)
    )
    yield Oddity(name="folded header", data=http(GET, "X: a", " b"), answers=(200, 400))
    yield Oddity(name="folded host", data=http(GET).replace(b"Host: ", b"Host:\r\n "), answers=(200, 400))
    yield Oddity(name="space before the colon", data=http(GET, "X : a"), answers=(400,))
    yield Oddity(name="header without colon", data=http(GET, "X"), answers=(400,))
    yield Oddity(name="header without name", data=http(GET, ": x"), answers=(400,))
    yield Oddity(name="header of Latin letters", data=http(GET, "X: \xe9\xff"), answers=(200, 400))
    yield Oddity(name="path of Latin letters", data=http("GET /\xe9 HTTP/1.1"), answers=(400,))
    yield Oddity(name="spaces in the path", data=http("GET /a b HTTP/1.1"), answers=(400,))
    yield Oddity(name="lower-case method", data=http(f"get {STATUS} HTTP/1.1"), answers=(200, 405))
    yield Oddity(name="endless method", data=http("A" * 10_000 + " / HTTP/1.1"), answers=(405, 400, 404))
    yield Oddity(name="huge query", data=http(f"GET {STATUS}?{'a=b&' * 12_000} HTTP/1.1"), answers=(400, 414, 431))
    yield Oddity(name="larger query", data=http(f"GET {STATUS}?{'a' * 300_000} HTTP/1.1"), answers=(431, 400))
    yield Oddity(name="bad percents", data=http("GET /%zz%f%?%zz=%f HTTP/1.1"), answers=(404, 400))
    yield Oddity(name="bad UTF-8 in the path", data=http("GET /%ff%fe HTTP/1.1"), answers=(404, 400))
    yield Oddity(name="authority as a target", data=http("CONNECT evil.example:443 HTTP/1.1"), answers=(400, 405))
    yield Oddity(name="asterisk", data=http("OPTIONS * HTTP/1.1"), answers=(400, 403))
    yield Oddity(name="expects nonsense", data=http(GET, "Expect: 200-maybe"), answers=(200, 417))
    yield Oddity(name="ranges", data=http(GET, "Range: bytes=0-0,1-1,2-2,-1"), answers=(200, 206))
    yield Oddity(name="many tags", data=http(GET, f"If-None-Match: {'*,' * 5_000}"), answers=(200, 304))
    yield Oddity(name="unknown upgrade", data=http(GET, "Connection: upgrade", "Upgrade: TLS/1.0"), answers=(200,))


def bodies() -> Iterator[Oddity]:
    """Bodies whose length is not clear."""
    chunks = "Transfer-Encoding: chunked"
    lengths: Mapping[str, str] = {
        "negative": "-1",
        "signed": "+2",
        "of words": "two",
        "hexadecimal": "0x2",
        "with underscore": "1_0",
        "endless": "9" * 400,
        "of two values": "2, 3",
    }
    for name, length in lengths.items():
        data = http(POST, JSON, f"Content-Length: {length}", body=b"{}")
        yield Oddity(name=f"length {name}", data=data, answers=(400, 413))
    twice = http(POST, JSON, "Content-Length: 2", "Content-Length: 3", body=b"{}x")
    yield Oddity(name="two lengths", data=twice, answers=(400,))
    both = http(POST, JSON, "Content-Length: 2", chunks, body=b"3\r\n[1]\r\n0\r\n\r\n")
    yield Oddity(name="length and chunks", data=both, answers=(400,))
    yield Oddity(name="chunks twice", data=http(POST, JSON, chunks, chunks, body=b"0\r\n\r\n"), answers=(400, 501))
    for name, coding in (
        ("gzip", "gzip"),
        ("gzip and chunks", "gzip, chunked"),
        ("tab", "\tchunked"),
        ("x", "xchunked"),
    ):
        data = http(POST, JSON, f"Transfer-Encoding: {coding}", body=b"3\r\n[1]\r\n0\r\n\r\n")
        yield Oddity(name=f"coding {name}", data=data, answers=(400, 501))
    for name, size in (
        ("garbage", b"zz"),
        ("negative", b"-1"),
        ("hexadecimal", b"0x3"),
        ("endless", b"f" * 40),
        ("empty", b""),
        ("extended for ever", b"3;" + b"x" * 100_000),
    ):
        data = http(POST, JSON, chunks, body=size + b"\r\n[1]\r\n0\r\n\r\n")
        yield Oddity(name=f"chunk size {name}", data=data, answers=(400, 413, 431, GONE))
    long = http(POST, JSON, chunks, body=b"3\r\n[1]xxxx\r\n0\r\n\r\n")
    yield Oddity(name="chunk longer than it says", data=long, answers=(400, GONE))
    trailers = http(POST, JSON, chunks, body=b"3\r\n[1]\r\n0\r\nHost: evil.example\r\n\r\n")
    yield Oddity(name="trailers", data=trailers, answers=(400,))
    yield Oddity(name="body of a GET", data=http(GET, "Content-Length: 2", body=b"{}"), answers=(200,))


KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
ASKS = ("Connection: Upgrade", "Upgrade: websocket")
VERSION = "Sec-WebSocket-Version: 13"
WS = "GET /ws HTTP/1.1"


def handshakes() -> Iterator[Oddity]:
    """What asks for a WebSocket in a wrong way."""
    refused = (400, 404, 405, 426)
    yield Oddity(name="no key", data=http(WS, *ASKS, VERSION), answers=refused)
    yield Oddity(name="bad key", data=http(WS, *ASKS, VERSION, "Sec-WebSocket-Key: ?"), answers=(101, *refused))
    yield Oddity(name="two keys", data=http(WS, *ASKS, VERSION, KEY, KEY), answers=(101, *refused))
    yield Oddity(
        name="key of Latin letters", data=http(WS, *ASKS, VERSION, "Sec-WebSocket-Key: \xe9"), answers=(101, *refused)
    )
    yield Oddity(name="version 12", data=http(WS, *ASKS, KEY, "Sec-WebSocket-Version: 12"), answers=refused)
    yield Oddity(name="no version", data=http(WS, *ASKS, KEY), answers=refused)
    yield Oddity(name="no upgrade token", data=http(WS, "Upgrade: websocket", VERSION, KEY), answers=refused)
    yield Oddity(name="no upgrade", data=http(WS, "Connection: Upgrade", VERSION, KEY), answers=refused)
    mixed = ("CONNECTION: keep-alive, uPgRaDe", "UPGRADE: WebSocket")
    yield Oddity(name="mixed case", data=http(WS, *mixed, VERSION, KEY), answers=(101,))
    yield Oddity(
        name="lower-case method", data=http("get /ws HTTP/1.1", *ASKS, VERSION, KEY), answers=(101, *refused)
    )
    yield Oddity(name="posted", data=http("POST /ws HTTP/1.1", *ASKS, VERSION, KEY), answers=refused)
    yield Oddity(name="HTTP/1.0", data=http("GET /ws HTTP/1.0", *ASKS, VERSION, KEY), answers=refused)
    yield Oddity(name="elsewhere", data=http("GET /api/ws HTTP/1.1", *ASKS, VERSION, KEY), answers=(403, 404))
    yield Oddity(
        name="on an API route", data=http(f"GET {STATUS} HTTP/1.1", *ASKS, VERSION, KEY), answers=(403, 404, 405, 400)
    )
    yield Oddity(name="without a path", data=http("GET ?after=1 HTTP/1.1", *ASKS, VERSION, KEY), answers=(400,))
    yield Oddity(name="bad address", data=http("GET http://[ HTTP/1.1", *ASKS, VERSION, KEY), answers=(400,))
    protocols = "Sec-WebSocket-Protocol: \xff, , ,a"
    yield Oddity(name="odd protocols", data=http(WS, *ASKS, VERSION, KEY, protocols), answers=(101, 400, GONE))
    offers = 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99; x="\\"'
    yield Oddity(name="odd extensions", data=http(WS, *ASKS, VERSION, KEY, offers), answers=(101,))
    after = "/ws?after=" + "9" * 5000
    yield Oddity(name="huge after", data=http(f"GET {after} HTTP/1.1", *ASKS, VERSION, KEY), answers=(101,))
    yield Oddity(
        name="odd after", data=http("GET /ws?after=%FF&after=-1 HTTP/1.1", *ASKS, VERSION, KEY), answers=(101,)
    )
    body = http(WS, *ASKS, VERSION, KEY, "Content-Length: 5", body=b"hello")
    yield Oddity(name="with a body", data=body, answers=(101, 400))
    early = http(WS, *ASKS, VERSION, KEY, body=frame(b'{"type":"ping"}'))
    yield Oddity(name="frames at once", data=early, answers=(101, 400))


ODDITIES = (*requests(), *bodies(), *handshakes())


@dataclass(frozen=True, kw_only=True)
class BadFrames:
    """Frames after a good handshake, and the codes with which they may be answered; 0: closed without one."""

    name: str
    data: bytes
    codes: tuple[int, ...] = (0, 1002)
    goes_on: bool = False
    """The connection may stay open."""

    def __str__(self) -> str:
        return self.name


FINAL = 0x80
CONTINUED, BINARY, CLOSE, PING, PONG = 0, 2, 8, 9, 10
BAD_FRAMES = (
    BadFrames(name="unmasked", data=frame(b"{}", masked=False)),
    *(BadFrames(name=f"opcode {code}", data=frame(b"", first=FINAL | code)) for code in (3, 7, 11, 15)),
    *(
        BadFrames(name=f"reserved bit {bit:#x}", data=frame(b"{}", first=FINAL | bit | TEXT))
        for bit in (0x40, 0x20, 0x10)
    ),
    BadFrames(name="ping in pieces", data=frame(b"", first=PING)),
    BadFrames(name="long ping", data=frame(b"x" * 126, first=FINAL | PING)),
    BadFrames(name="continued without a start", data=frame(b"x", first=FINAL | CONTINUED)),
    BadFrames(name="started twice", data=frame(b"{", first=TEXT) + frame(b"}", first=FINAL | TEXT)),
    BadFrames(name="bad UTF-8", data=frame(b"\xff\xfe"), codes=(0, 1007)),
    BadFrames(name="half a letter", data=frame(b"\xe2\x82"), codes=(0, 1007)),
    BadFrames(name="a surrogate", data=frame(b"\xed\xa0\x80"), codes=(0, 1007)),
    BadFrames(name="close without reason", data=frame(b"", first=FINAL | CLOSE), codes=(0, 1000, 1005)),
    BadFrames(name="close with half a code", data=frame(b"\x03", first=FINAL | CLOSE)),
    *(
        BadFrames(
            name=f"close with {code}",
            data=frame(code.to_bytes(2, "big"), first=FINAL | CLOSE),
            codes=(0, code, 1000, 1002),
        )
        for code in (0, 999, 1005, 1006, 1015, 65535)
    ),
    BadFrames(name="close with bad UTF-8", data=frame(b"\x03\xe8\xff", first=FINAL | CLOSE), codes=(0, 1002, 1007)),
    BadFrames(name="length with the top bit", data=b"\x81\xff" + b"\xff" * 8 + bytes(4), codes=(0, 1002, 1009)),
    BadFrames(
        name="length of an exabyte", data=b"\x81\xff\x10" + bytes(7) + bytes(4) + b"x" * 100_000, codes=(0, 1009)
    ),
    BadFrames(name="length in too many bytes", data=b"\x81\xfe\x00\x02" + bytes(4) + b"{}"),
    BadFrames(name="HTTP", data=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    BadFrames(name="noise", data=bytes(range(255, 0, -1)) * 40),
    BadFrames(
        name="after the close", data=frame(b"", first=FINAL | CLOSE) + frame(b"{}") * 100, codes=(0, 1000, 1005)
    ),
    BadFrames(name="not JSON", data=frame(b"{"), goes_on=True),
    BadFrames(name="deep JSON", data=frame(b"[" * 60_000), goes_on=True),
    BadFrames(name="binary", data=frame(b"\xff\x00", first=FINAL | BINARY), goes_on=True),
    BadFrames(name="empty", data=frame(b""), goes_on=True),
    BadFrames(name="empty pieces", data=frame(b"", first=TEXT) + frame(b"", first=CONTINUED) * 10_000, goes_on=True),
    BadFrames(name="numbers too large", data=frame(b'{"type":"ack","seq":%s}' % (b"9" * 5000)), goes_on=True),
    BadFrames(name="unknown action", data=frame(b'{"action":"shutdown"}'), goes_on=True),
    BadFrames(name="start with nonsense", data=frame(b'{"action":"start","max_cycles":-1}'), goes_on=True),
    BadFrames(name="start with true", data=frame(b'{"action":"start","max_cycles":true}'), goes_on=True),
    BadFrames(name="lone surrogate", data=frame(rb'{"action":"stop","id":"\ud800"}'), goes_on=True),
    BadFrames(name="unasked pong", data=frame(b"x", first=FINAL | PONG), goes_on=True),
)
