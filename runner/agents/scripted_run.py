"""One run of the scripted agent: where it stands in the sprint, and what it has said and done so far.

`scripted_child` makes one `Run` and hands it to every action. The actions print through its stream, find their
files through it, and note here how the run is to end. It reads no scenario and decides nothing.
"""

import os
import re
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from runner.agents.scripted_stream import Ending, Stream, Usage

_TEMPLATE = re.compile(
    r"(\{)?\{(story|short|epic|command|attempt|cycle|stories|shorts|number"
    r"|python|project|artifacts|planning)\}(?(1)\})"
)


class ScenarioError(Exception):
    """The scenario is malformed; the message names the place, and the file once it has left the loader."""


class Leave(Exception):
    """The run is over before its actions are: print the result, then exit with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Situation(NamedTuple):
    """What the runner says about the command in the environment."""

    command: str
    stories: tuple[str, ...]
    """Full keys."""
    epic: str
    cycle: str
    attempt: str
    project: str
    artifacts: str
    planning: str
    status_file: str
    state_dir: str
    """Empty: the runner named none, no session is remembered."""

    @classmethod
    def read(cls, environment: Mapping[str, str], project: str) -> "Situation":
        def told(name: str, otherwise: str) -> str:
            return environment.get(f"SPRINT_RUNNER_{name}") or otherwise

        output = os.path.join(project, "_bmad-output")
        artifacts = told("ARTIFACTS", os.path.join(output, "implementation-artifacts"))
        return cls(
            command=told("COMMAND", ""),
            stories=tuple(key for key in told("STORIES", "").split(",") if key),
            epic=told("EPIC", ""),
            cycle=told("CYCLE", "1"),
            attempt=told("ATTEMPT", "1"),
            project=project,
            artifacts=artifacts,
            planning=told("PLANNING", os.path.join(output, "planning-artifacts")),
            status_file=told("STATUS_FILE", os.path.join(artifacts, "sprint-status.yaml")),
            state_dir=told("STATE_DIR", ""),
        )

    def short(self, key: str) -> str:
        """`2-1` for `2-1-track-pages`: the epic and one part more, so the grammar of keys stays elsewhere."""
        if not self.epic or not key.startswith(f"{self.epic}-"):
            return key
        return "-".join(key.split("-")[: self.epic.count("-") + 2])

    def story(self, name: str) -> str:
        """The full key for a full or short one; a name that is none of ours is given back as it is."""
        return next((key for key in self.stories if name in (key, self.short(key))), name)


class Defaults(NamedTuple):
    """What a scenario sets for all its runs."""

    model: str = "scripted"
    pause: float = 0.0
    cost: float = 0.01
    input_tokens: int = 1000
    output_tokens: int = 200


class Run:
    """The state of a run that its actions share."""

    def __init__(
        self, *, situation: Situation, stream: Stream, defaults: Defaults, speed: float, folder: str
    ) -> None:
        self.situation = situation
        self.stream = stream
        self.folder = folder
        """Where the scenario file lies: sources of files are found from here."""
        self.about = situation.stories[0] if situation.stories else ""
        """Full key of the story that templates and task reports speak of."""
        self.usage = Usage(defaults.input_tokens, defaults.output_tokens, 0, 0, defaults.cost)
        self.ending = Ending(self.usage)
        self.ending_text: str | None = None
        """None: the last text that was said."""
        self.synthetic_error = ""
        self.times_shown = 1
        self._pause = defaults.pause
        self._speed = speed

    def finish(self) -> None:
        """Print the result as often as the scenario wants it: once, as a rule."""
        text = self.stream.last_text if self.ending_text is None else self.ending_text
        if self.synthetic_error:
            self.stream.api_error(text, self.synthetic_error)
        for _ in range(self.times_shown):
            self.stream.result(self.ending._replace(text=text))
        self.times_shown = 0

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self._speed)

    def rest(self) -> None:
        """The short pause after each action that one can see."""
        if self._pause:
            self.sleep(self._pause)

    def hang(self, seconds: float | None) -> None:
        """Be silent for real (unscaled) seconds; for ever when there is no number."""
        if seconds is None:
            _sleep_for_ever()
        time.sleep(seconds)

    def path(self, name: str) -> str:
        return os.path.join(self.situation.project, name)

    def fill(self, text: str) -> str:
        """Put values for `{story}` and the other templates; `{{story}}` stands for the bare word in braces."""
        return _TEMPLATE.sub(self._filled, text)

    def _filled(self, match: re.Match[str]) -> str:
        name = match[2]
        if match[1]:
            return f"{{{name}}}"
        here = self.situation
        if name == "story":
            return self.about
        if name == "short":
            return here.short(self.about)
        if name == "stories":
            return ",".join(here.stories)
        if name == "shorts":
            return ", ".join(here.short(key) for key in here.stories)
        if name == "number":
            last = here.command.rpartition("-")[2]
            return last if last.isdigit() else "1"
        if name == "python":
            return sys.executable
        return str(getattr(here, name))


def _sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)
