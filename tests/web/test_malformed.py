"""Broken requests, handshakes and frames cost their own connection, and nothing else."""

import pytest

from tests.web.house import House
from tests.web.malformed import BAD_FRAMES, ODDITIES, BadFrames, Oddity
from tests.web.wire import frame


@pytest.mark.parametrize("oddity", ODDITIES, ids=str)
def test_odd_request_is_answered_or_cut_off(home: House, oddity: Oddity):
    with home.wire() as wire:
        wire.send(oddity.bytes_for(home))
        assert wire.reply().status in oddity.answers
    assert home.is_well()


@pytest.mark.parametrize("bad", BAD_FRAMES, ids=str)
def test_bad_frames_end_their_own_websocket(home: House, bad: BadFrames):
    with home.watching() as watcher:
        watcher.next("init")
        watcher.wire.send(bad.data)
        if bad.goes_on:
            end = frame(b"", first=0x80) + frame(b'{"type":"ping"}')
            watcher.wire.send(frame(b'{"type":"ping"}') if b"pieces" not in bad.name.encode() else end)
            watcher.next("pong")
        else:
            assert watcher.closing_code() in bad.codes
    assert home.is_well()


def test_handshake_that_is_refused_by_the_library_keeps_no_connection(home: House):
    """Nobody would end it: it has asked for something, and its application was never called."""
    with home.wire() as wire:
        wire.send(home.handshake(headers={"Sec-WebSocket-Version": "12"}))
        assert wire.reply().status == 400
        assert wire.more() == b""
