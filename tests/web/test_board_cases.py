"""One table of event sequences and their boards, for the projection of the runner and for that of the page."""

import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runner.domain.board import Board, absorb_all
from runner.domain.events import Envelope

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE / "board_cases.json").read_text())
SEQUENCES = 300
DAMAGED = 0.2
"""The share of events that are not what their type says."""
ODD: tuple[Any, ...] = (None, "", "x", 7, 1.5, True, [], [1], ["2-1-three"], {}, {"tokens": "9"}, {"__proto__": 1})
KEYS = ("2-1-three", "2-2-four", "__proto__", "constructor", "<img src=x onerror=alert(1)>")
COMMANDS = (
    "create-story",
    "story-discovery",
    "story-review-2",
    "dev-story",
    "code-review-1",
    "code-review-3",
    "batch-commit",
)


def board_of(events: Sequence[dict[str, Any]]) -> Any:
    envelopes = [
        Envelope(
            seq=event["seq"],
            type=event["type"],
            timestamp=event["timestamp"],
            payload=json.dumps(event["payload"]).encode(),
        )
        for event in events
    ]
    return json.loads(msgspec.json.encode(absorb_all(Board(), envelopes)))


def deviations(cases: Sequence[dict[str, Any]]) -> str:
    """What the page makes of them otherwise."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run the page's reducer with")
    done = subprocess.run(
        [node, str(HERE / "board_check.mjs")], input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_runner_folds_the_table_as_it_says(case: dict[str, Any]):
    assert board_of(case["events"]) == case["board"]


def test_page_folds_the_table_as_it_says():
    assert deviations(CASES) == ""


def test_page_notices_a_board_that_is_another():
    (case,) = [case for case in CASES if case["name"] == "a story is blocked"]
    assert "a story is blocked" in deviations([{**case, "board": {**case["board"], "cycle": 99}}])


def test_page_and_runner_fold_whatever_comes_to_the_same():
    chance = random.Random(5)
    sequences = [_sequence(chance) for _ in range(SEQUENCES)]
    cases = [
        {"name": f"sequence {number}", "events": events, "board": board_of(events)}
        for number, events in enumerate(sequences)
    ]
    assert deviations(cases) == ""


def _sequence(chance: random.Random) -> list[dict[str, Any]]:
    """Events in an order that no runner would send them in."""
    at = 1_790_000_000_000
    events = []
    for seq in range(1, chance.randrange(2, 60)):
        at += chance.randrange(0, 90_000)
        type_, payload = _event(chance)
        damaged = _damaged(payload, chance) if chance.random() < DAMAGED else payload
        events.append({"seq": seq, "type": type_, "timestamp": at, "payload": damaged})
    return events


def _damaged(payload: dict[str, Any], chance: random.Random) -> Any:
    """Without a field, with another value in it, or nothing that has fields."""
    name = chance.choice(list(payload))
    others = {key: value for key, value in payload.items() if key != name}
    return chance.choice([others, {**payload, name: chance.choice(ODD)}, chance.choice(ODD)])


def _event(chance: random.Random) -> tuple[str, dict[str, Any]]:
    keys = chance.sample(KEYS, chance.randrange(1, 3))
    number, command = chance.randrange(1, 6), chance.choice(COMMANDS)
    of_command = {"story_key": ",".join(keys), "command": command, "command_id": number}
    statuses = ("backlog", "ready-for-dev", "in-progress", "review", "done", "blocked")
    metrics = {"tokens": chance.randrange(0, 10_000), "cost_usd": chance.randrange(0, 500) / 100}
    return chance.choice(
        [
            (
                "batch:start",
                {
                    "batch_id": chance.randrange(1, 3),
                    "max_cycles": chance.choice([3, "all"]),
                    "resumed": chance.random() < 0.7,
                },
            ),
            (
                "batch:state",
                {
                    "batch_id": 1,
                    "state": chance.choice(["paused", "running", "waiting_limit"]),
                    "detail": "d",
                    "resets_at": chance.choice([None, 1_790_000_500_000]),
                },
            ),
            (
                "batch:end",
                {
                    "batch_id": 1,
                    "cycles_completed": number,
                    "status": chance.choice(["completed", "stopped", "error"]),
                    "reason": "r",
                },
            ),
            ("batch:warning", {"batch_id": 1, "message": "m", "warning_type": "leftovers"}),
            ("cycle:start", {"cycle_number": number, "story_keys": keys}),
            ("cycle:end", {"cycle_number": number, "completed_stories": keys[:1], "blocked_stories": keys[1:]}),
            ("story:start", {"story_key": keys[0], "epic_id": "2"}),
            (
                "story:status",
                {"story_key": keys[0], "old_status": "backlog", "new_status": chance.choice(statuses), "reason": "r"},
            ),
            (
                "command:start",
                {
                    **of_command,
                    "story_keys": keys,
                    "task_id": "",
                    "attempt": number,
                    "model": "",
                    "background": chance.random() < 0.3,
                },
            ),
            (
                "command:progress",
                {
                    **of_command,
                    "task_id": "t",
                    "message": "m",
                    "kind": chance.choice(["task", "tool", "text"]),
                    "status": None,
                    "metrics": {},
                },
            ),
            (
                "command:end",
                {
                    **of_command,
                    "task_id": "",
                    "status": chance.choice(["success", "error"]),
                    "metrics": chance.choice([{}, metrics]),
                    "attempt": 1,
                    "reason": "",
                },
            ),
            (
                "background:start",
                {
                    "background_task_id": number,
                    "task_type": "story-review-chain",
                    "story_keys": keys,
                    "status": "running",
                },
            ),
            (
                "background:end",
                {
                    "background_task_id": number,
                    "task_type": "story-review-chain",
                    "story_keys": keys,
                    "status": "completed",
                    "reason": "",
                },
            ),
            ("error", {"type": "command", "message": "m", "context": {}}),
        ]
    )
