"""WebSocket frames as bytes, made once and written to everybody.

A frame from a server is not masked, so the same bytes are right for every client. Everything the runner says over a
WebSocket is framed here; what clients say is read by Hypercorn. Never compresses: a compressor for each client would
cost a quarter of a megabyte and the same work once for each.
"""

from runner.domain.events import Envelope
from runner.domain.wire import message

PING = b"\x89\x00"
GOING_AWAY = 1001
POLICY = 1008
UNABLE = 1011
_TEXT = 0x81
_CLOSE = 0x88
_SHORT = 126
_MEDIUM = 1 << 16


def text(payload: bytes) -> bytes:
    """A whole text message."""
    return _head(_TEXT, len(payload)) + payload


def close(code: int, reason: str = "") -> bytes:
    """The end of the conversation; the reason has to fit 123 bytes."""
    body = code.to_bytes(2, "big") + reason.encode()
    return _head(_CLOSE, len(body)) + body


def event(envelope: Envelope) -> bytes:
    """An event as one text message."""
    return text(message(envelope))


def _head(kind: int, length: int) -> bytes:
    if length < _SHORT:
        return bytes((kind, length))
    if length < _MEDIUM:
        return bytes((kind, 126)) + length.to_bytes(2, "big")
    return bytes((kind, 127)) + length.to_bytes(8, "big")
