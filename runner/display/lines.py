"""An event as one line of plain text: for pipes, logs and the tail of the live picture.

Texts come from agents: control characters are taken out, so that nothing an agent prints can move the cursor, hide
what follows or write into the terminal's clipboard.
"""

import re
import time

import msgspec

from runner.domain.events import Envelope
from runner.domain.taxonomy import display

_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """A text that does nothing to a terminal but show itself, in one line."""
    return _CONTROL.sub(" ", text).strip()


def line(event: Envelope) -> str:
    """`HH:MM:SS story command task status message`; empty for what is not worth a line."""
    payload = msgspec.json.decode(event.payload, type=dict[str, object])
    words = _words(event.type, payload)
    if not words:
        return ""
    at = time.strftime("%H:%M:%S", time.localtime(event.timestamp / 1000))
    return f"{at}  {display(clean(words))}"


def _words(type: str, payload: dict[str, object]) -> str:
    what = f"{payload.get('story_key') or '-'}  {payload.get('command', '')}"
    match type:
        case "batch:start":
            verb = "resumed" if payload["resumed"] else "started"
            return f"batch {payload['batch_id']} {verb}, cycles: {payload['max_cycles']}"
        case "batch:end":
            return f"batch {payload['batch_id']} {payload['status']}: {payload['reason']}"
        case "batch:warning":
            return f"warning: {payload['message']}"
        case "batch:state":
            return (
                f"batch {payload['state']}: {payload['detail']}" if payload["detail"] else f"batch {payload['state']}"
            )
        case "cycle:start":
            return f"cycle {payload['cycle_number']}: {_listed(payload['story_keys'])}"
        case "cycle:end":
            done, blocked = _listed(payload["completed_stories"]), _listed(payload["blocked_stories"])
            return f"cycle {payload['cycle_number']} ended, done: {done or 'none'}" + (
                f", blocked: {blocked}" if blocked else ""
            )
        case "story:status":
            return f"{payload['story_key']}  {payload['old_status']} -> {payload['new_status']}  {payload['reason']}"
        case "command:start":
            return f"{what}  start" + (f"  (attempt {payload['attempt']})" if payload["attempt"] != 1 else "")
        case "command:progress" if payload["kind"] == "task":
            return f"{what}  {payload['task_id']}  {payload['status']}  {payload['message']}"
        case "command:end":
            return f"{what}  {payload['status']}  {payload['reason']}"
        case "background:start" | "background:end":
            return f"{payload['task_type']}  {_listed(payload['story_keys'])}  {payload['status']}"
        case "error":
            return f"error: {payload['message']}"
        case _ if type.startswith(("context:", "supervisor:")):
            return f"{type}  {payload.get('status', payload.get('child', ''))}  {payload.get('message', '')}"
        case _:
            return ""


def _listed(keys: object) -> str:
    return ", ".join(str(key) for key in keys) if isinstance(keys, list) else ""
