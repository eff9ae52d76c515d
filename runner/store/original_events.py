"""The payloads of the original tool's events, rebuilt in today's shapes.

Called by `original` for every old event. The original stored task reports and little else; its earlier versions
kept no type and no payload, only columns. What the columns do not tell gets the neutral value of its field, so a
reader of events need not know that there ever were others.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldEvent:
    """One row of the original's `events`; times and ids are already ours."""

    id: int
    batch_id: int | None
    story_id: int | None
    command_id: int | None
    timestamp: int
    event_type: str
    epic_id: str
    story_key: str
    command: str
    task_id: str
    status: str
    message: str
    payload_json: str

    @classmethod
    def from_row(cls, row: tuple[object, ...]) -> "OldEvent":
        """Read a row in the order of the fields; a NULL text is an empty one."""
        numbers = dict(zip(("id", "batch_id", "story_id", "command_id", "timestamp"), row[:5], strict=True))
        names = ("event_type", "epic_id", "story_key", "command", "task_id", "status", "message", "payload_json")
        texts = {name: _text(value) for name, value in zip(names, row[5:], strict=True)}
        return cls(**numbers, **texts)  # type: ignore[arg-type]


def type_of(event: OldEvent) -> str:
    """The event's type; one that was stored without is told by its columns."""
    if event.event_type:
        return event.event_type
    if event.task_id == "context":
        return "context:refresh" if event.status == "refresh" else "context:create"
    if event.status in ("start", "progress"):
        return f"command:{event.status}"
    return "command:end"


def payload_of(event: OldEvent) -> str:
    """The event's payload as JSON: what was stored, completed and put into today's words."""
    rebuild = _REBUILD.get(type_of(event), _plain)
    return json.dumps(rebuild(event, _stored(event)), separators=(",", ":"))


def _command_start(event: OldEvent, stored: Payload) -> Payload:
    rest = {"attempt": 1, "model": "", "background": False}
    return {**_command(event), "story_keys": _story_keys(event, stored), **rest, **stored}


def _command_progress(event: OldEvent, stored: Payload) -> Payload:
    rest: Payload = {"message": event.message, "kind": "task", "status": None, "metrics": {}}
    return {**_command(event), **rest, **stored}


def _command_end(event: OldEvent, stored: Payload) -> Payload:
    metrics = stored.get("metrics") or {}
    status = _END_STATUS.get(str(stored.get("status", event.status)), "success")
    rest = {"attempt": 1, "reason": ""}
    return {**_command(event), **rest, **stored, "metrics": metrics, "status": status}


def _command(event: OldEvent) -> dict[str, object]:
    """What all events of a command share; the message is no field of today's, but all that was told then."""
    payload: dict[str, object] = {
        "story_key": event.story_key,
        "command": event.command,
        "task_id": event.task_id,
        "command_id": event.command_id or 0,
    }
    return {**payload, "message": event.message} if event.message else payload


def _story_keys(event: OldEvent, stored: Payload) -> list[str]:
    text = _text(stored.get("story_key", event.story_key))
    return [key.strip() for key in text.split(",") if key.strip()]


def _context(event: OldEvent, stored: Payload) -> Payload:
    status = {"create": "starting", "refresh": "started"}.get(event.status, event.status)
    return {"status": status, "message": event.message, **stored}


def _batch_start(event: OldEvent, stored: Payload) -> Payload:
    cycles = stored.get("max_cycles")
    return {
        "batch_id": event.batch_id,
        **stored,
        "max_cycles": "all" if cycles in (None, 999) else cycles,
        "resumed": False,
    }


def _batch_end(event: OldEvent, stored: Payload) -> Payload:
    status = stored.get("status", event.status)
    said = {"batch_id": event.batch_id, "cycles_completed": 0, "reason": "", **stored, "status": status}
    return {**said, "status": "completed", "reason": "all_done"} if status == "all_done" else said


def _plain(event: OldEvent, stored: Payload) -> Payload:
    """Any other type: its payload, or else the columns that hold something, and the fields that came later."""
    names = ("story_key", "epic_id", "command", "task_id", "status", "message")
    columns = {name: getattr(event, name) for name in names if getattr(event, name)}
    return {**_LATER_FIELDS.get(type_of(event), {}), **(stored or columns)}


def _stored(event: OldEvent) -> Payload:
    """The payload as the original stored it; empty when there is none or it cannot be read."""
    try:
        # NaN is no JSON to a browser.
        payload = json.loads(event.payload_json, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


_END_STATUS = {"error": "error", "failed": "error", "interrupted": "interrupted", "stopped": "interrupted"}
"""The original wrote the word of the task report, and took every word but `start` for an end."""
_LATER_FIELDS: Mapping[str, Payload] = {"cycle:end": {"blocked_stories": []}, "story:status": {"reason": ""}}
_REBUILD: Mapping[str, Callable[[OldEvent, Payload], Payload]] = {
    "command:start": _command_start,
    "command:progress": _command_progress,
    "command:end": _command_end,
    "context:create": _context,
    "context:refresh": _context,
    "batch:start": _batch_start,
    "batch:end": _batch_end,
}
