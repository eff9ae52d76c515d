"""Events as they go over the wire, and as they come back from it or from the database.

Whoever sends an event takes `message`; the board and the displays read events through `read_event`. Nothing here
raises: an event of a newer version, or one of the original tool that lacks a field, is simply not understood.
"""

from collections.abc import Mapping

import msgspec

from runner.domain.events import CATALOGUE, Envelope, Event

_DECODERS: Mapping[str, msgspec.json.Decoder[Event]] = {
    kind.event_type: msgspec.json.Decoder(kind) for kind in CATALOGUE
}


def read_event(envelope: Envelope) -> Event | None:
    """The event in an envelope; None when its type or its payload is not one we know."""
    decoder = _DECODERS.get(envelope.type)
    if decoder is None:
        return None
    try:
        return decoder.decode(envelope.payload)
    except msgspec.MsgspecError:
        return None


def message(envelope: Envelope) -> bytes:
    """One WebSocket message, or one line of `--json`."""
    return b'{"seq":%d,"type":"%s","timestamp":%d,"payload":%s}' % (
        envelope.seq,
        envelope.type.encode(),
        envelope.timestamp,
        envelope.payload,
    )
