"""The catalogue of events against the interface that watchers rely on."""

import dataclasses
import re

import msgspec
import pytest

from runner.domain import events
from runner.domain.events import CATALOGUE, CommandEnd, Event

PAYLOADS = {
    "batch:start": "batch_id max_cycles resumed",
    "batch:end": "batch_id cycles_completed status reason",
    "batch:warning": "batch_id message warning_type",
    "batch:state": "batch_id state detail resets_at",
    "cycle:start": "cycle_number story_keys",
    "cycle:end": "cycle_number completed_stories blocked_stories",
    "story:start": "story_key epic_id",
    "story:status": "story_key old_status new_status reason",
    "command:start": "story_key story_keys command task_id command_id attempt model background",
    "command:progress": "story_key command task_id message command_id kind status metrics",
    "command:end": "story_key command task_id status metrics command_id attempt reason",
    "context:create": "status message",
    "context:refresh": "status message",
    "context:complete": "status message",
    "context:fresh": "status message",
    "context:error": "status message",
    "background:start": "background_task_id task_type story_keys status",
    "background:end": "background_task_id task_type story_keys status reason",
    "supervisor:restart": "child restarts reason",
    "supervisor:escalate": "child restarts reason",
    "error": "type message context",
}


def fields(event: type[Event]) -> list[str]:
    return [field.name for field in dataclasses.fields(event)]


def test_catalogue_has_every_event_once():
    defined = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    assert [*CATALOGUE] == [kind for kind in defined if kind is not Event]


def test_payloads_are_those_of_the_interface():
    assert {event.event_type: " ".join(fields(event)) for event in CATALOGUE} == PAYLOADS


@pytest.mark.parametrize("event", CATALOGUE, ids=lambda event: event.event_type)
def test_type_names_the_event_and_the_docstring_says_when_it_happens(event):
    noun, _, verb = event.event_type.partition(":")
    words = re.findall(r"[A-Z][a-z]+", event.__name__)
    assert [word.lower() for word in words] == [noun, verb or "raised"]
    assert event.__doc__.endswith(".")


@pytest.mark.parametrize("event", CATALOGUE, ids=lambda event: event.event_type)
def test_event_is_a_fact_nobody_changes(event):
    assert event.__dataclass_params__.frozen
    assert not hasattr(event, "__dict__") or "__slots__" in vars(event)


def test_payload_goes_through_json_unchanged():
    ended = CommandEnd(
        story_key="1-1,1-2",
        command="create-story",
        task_id="",
        status="success",
        metrics={"duration_ms": 1200, "cost_usd": 0.25},
        command_id=7,
        attempt=1,
        reason="",
    )
    assert msgspec.json.decode(msgspec.json.encode(ended), type=CommandEnd) == ended
