"""`start`, `stop`, `pause` and `resume`: orders for a running runner, given over HTTP.

The runner decides; what it refuses is said in its own words. Each prints one line, or the body of the answer.
"""

from collections.abc import Mapping

import msgspec

from runner.commands.given import Given
from runner.commands.reach import reach
from runner.commands.start import read_cycles
from runner.display.words import count
from web.answers import Started, Told
from web.client import Question, Shape, ask

BASE = "/api/orchestrator"
ORDER_SECONDS = 30.0
"""A start reads the sprint and opens a batch before it is answered."""
_STOPS = {
    "command": "after the running command",
    "story": "after the running story",
    "cycle": "after the running cycle",
    "now": "now",
}


def start(given: Given, environment: Mapping[str, str]) -> str:
    """Have a batch started; without a number of cycles as the settings say. Raises RunnerError."""
    body: dict[str, object] = {"new": given.new}
    if given.cycles is not None:
        body["max_cycles"] = read_cycles(given.cycles) or "all"
    started = _order(given, environment, "start", body, Started)
    cycles = started.max_cycles
    length = count(cycles, "cycle") if isinstance(cycles, int) else "until no story is left"
    return _told(given, started, f"batch {started.batch_id} started, {length}")


def stop(given: Given, after: str, environment: Mapping[str, str]) -> str:
    """Have the batch stopped: after the `command`, `story` or `cycle` that runs, or `now`. Raises RunnerError."""
    told = _order(given, environment, "stop", {"after": after}, Told)
    return _told(given, told, f"batch {told.batch_id} stops {_STOPS[after]}; `status` shows it")


def pause(given: Given, environment: Mapping[str, str]) -> str:
    """Have nothing new begun. Raises RunnerError."""
    told = _order(given, environment, "pause", {}, Told)
    return _told(given, told, f"batch {told.batch_id} pauses after the running command; `resume` lets it go on")


def resume(given: Given, environment: Mapping[str, str]) -> str:
    """Have a batch go on. Raises RunnerError."""
    told = _order(given, environment, "resume", {}, Told)
    return _told(given, told, f"batch {told.batch_id} goes on; `status` shows it")


def _order(
    given: Given, environment: Mapping[str, str], what: str, body: Mapping[str, object], shape: type[Shape]
) -> Shape:
    question = Question(method="POST", path=f"{BASE}/{what}", body=body, seconds=ORDER_SECONDS)
    return ask(reach(given, environment), question, shape)


def _told(given: Given, answer: object, words: str) -> str:
    return msgspec.json.encode(answer).decode() if given.as_json else words
