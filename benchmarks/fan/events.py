"""The event that is fanned out: a `command:progress` of 300 bytes that carries the time it was meant for."""

import json
import time
from typing import Any

EVENT_BYTES = 300
"""As compact JSON; `json.dumps` as it comes adds a blank after each comma and colon."""
FILL = "The session store is read once and kept. " * 8


def make_event(seq: int, intended_ns: int) -> dict[str, Any]:
    """The event number `seq`; 0 is the time of an event that nobody counts."""
    event = _event(seq, intended_ns, "")
    event["payload"]["message"] = FILL[: _ROOM - len(str(seq)) - len(str(intended_ns))]
    return event


def _event(seq: int, intended_ns: int, message: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "type": "command:progress",
        "timestamp": time.time_ns() // 1_000_000,
        "payload": {
            "t": intended_ns,
            "story_key": "2a-1-scanner",
            "command": "dev-story",
            "task_id": "implement",
            "message": message,
            "command_id": 7,
            "kind": "text",
            "status": None,
            "metrics": {},
        },
    }


_ROOM = EVENT_BYTES - len(json.dumps(_event(0, 0, ""), separators=(",", ":"))) + 2
"""For the message, beside the digits of `seq` and `t`."""
