"""How fast the decoder turns 300-byte lines into signals, beside plain msgspec decoding of the same lines."""

import msgspec

from benchmarks.measure import Row, interleaved
from runner.agents.claude_stream import ClaudeDecoder

BOUND = 0.4
LINES = 20_000


class _Block(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    id: str
    model: str
    content: list[_Block]


class _Line(msgspec.Struct):
    type: str
    message: _Message
    session_id: str
    uuid: str
    parent_tool_use_id: str | None = None


def _line(number: int) -> bytes:
    text = f"Line {number}: " + "the session store is read once and kept " * 2
    line = {
        "type": "assistant",
        "message": {"id": "msg_1", "model": "some-model", "content": [{"type": "text", "text": text}]},
        "parent_tool_use_id": None,
        "session_id": "11111111-1111-4111-8111-111111111111",
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
    }
    return msgspec.json.encode(line)


def measure() -> list[Row]:
    lines = [_line(number) for number in range(LINES)]
    plain = msgspec.json.Decoder(_Line).decode

    def decode_plainly() -> None:
        for line in lines:
            plain(line)

    def decode_signals() -> None:
        feed = ClaudeDecoder().feed
        for line in lines:
            feed(line)

    bare, signals = interleaved(decode_plainly, decode_signals)
    ratio = bare / signals
    return [
        Row(
            what=f"decoding lines of {len(lines[0])} bytes into signals ({LINES / signals:,.0f} lines/s), "
            "as a share of plain msgspec struct decoding",
            figure=f"{ratio:.2f} ×",
            bound=f"≥ {BOUND:g} ×",
            kept=ratio >= BOUND,
        )
    ]
