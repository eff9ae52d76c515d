"""Reading bodies: whole ones only."""

from typing import Any

import trio

from web.access import _read
from web.rules import BODY_BYTES, Refusal


async def read(*messages: dict[str, Any]) -> bytes | Refusal:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return left.pop(0)

    return await _read(receive)


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_put_together():
    assert await read(part(b"ab", more=True), part(b"", more=True), part(b"c", more=False)) == b"abc"


async def test_a_body_whose_client_has_gone_is_no_empty_one():
    for before in ([], [part(b'{"after":', more=True)]):
        refused = await read(*before, {"type": "http.disconnect"})
        assert isinstance(refused, Refusal)
        assert refused.status == 400


async def test_a_body_that_is_too_large_is_not_read_to_its_end():
    refused = await read(part(bytes(BODY_BYTES), more=True), part(b"x", more=True))
    assert isinstance(refused, Refusal)
    assert refused.status == 413
