"""Reads a scenario: the rules that say what a scripted agent does for which command.

`scripted_child` loads the file and asks for the actions of its command. A scenario is checked whole before anything
is done. `docs/scripted-agent.md` describes the language; its words are in `scripted_language`.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from runner.agents.scripted_language import VERBS, Action, check, read_action, read_mapping
from runner.agents.scripted_run import Defaults, ScenarioError, Situation

_PATTERNS = ("command", "story", "cycle", "attempt")


class Rule(NamedTuple):
    """Actions, and the commands they are for. Patterns that are not given match everything."""

    patterns: Mapping[str, tuple[str, ...]]
    resumed: bool | None
    actions: tuple[Action, ...]

    def matches(self, situation: Situation, *, resumed: bool) -> bool:
        if self.resumed is not None and self.resumed is not resumed:
            return False
        return all(
            any(fnmatchcase(value, pattern) for value in _values(situation, name) for pattern in patterns)
            for name, patterns in self.patterns.items()
        )


class Scenario(NamedTuple):
    """A whole scenario file."""

    speed: float
    """Multiplies every sleep."""
    defaults: Defaults
    rules: tuple[Rule, ...]

    def actions_for(self, situation: Situation, *, resumed: bool) -> Sequence[Action]:
        """The actions of the first rule that matches; without one, what is built in for the command."""
        for rule in self.rules:
            if rule.matches(situation, resumed=resumed):
                return rule.actions
        return (Action(VERBS["builtin"], {}),)


def load_scenario(path: str) -> Scenario:
    """Read and check a scenario file, JSON or (by its ending `.yaml`, `.yml`) YAML; raises `ScenarioError`."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        document = _parse_yaml(path, text) if path.endswith((".yaml", ".yml")) else json.loads(text)
        return _scenario({"rules": document} if isinstance(document, list) else document)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{path}: not readable: {error}") from None
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None


def _parse_yaml(path: str, text: str) -> object:
    # Imported only here: half of the start-up time of a run, and JSON scenarios go without.
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ScenarioError(f"{place}not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"not valid YAML: {' '.join(str(error).split())}") from None


def _scenario(document: object) -> Scenario:
    whole = read_mapping("the file", document, ("speed", "defaults", "rules"))
    speed = whole.get("speed", 1.0)
    check("speed", speed, float)
    settings = read_mapping("defaults", whole.get("defaults", {}), Defaults._fields)
    for name, value in settings.items():
        check(f"defaults.{name}", value, Defaults.__annotations__[name])
    rules = _listed("rules", whole.get("rules", []))
    return Scenario(
        speed=float(speed),
        defaults=Defaults(**settings),
        rules=tuple(_rule(f"rules[{index}]", rule) for index, rule in enumerate(rules)),
    )


def _rule(place: str, document: object) -> Rule:
    rule = read_mapping(place, document, (*_PATTERNS, "resumed", "actions"))
    resumed = rule.get("resumed")
    check(f"{place}.resumed", resumed, bool | None)
    actions = _listed(f"{place}.actions", rule.get("actions"))
    return Rule(
        patterns={name: _pattern(f"{place}.{name}", rule[name]) for name in _PATTERNS if name in rule},
        resumed=resumed,
        actions=tuple(read_action(f"{place}.actions[{index}]", item) for index, item in enumerate(actions)),
    )


def _listed(place: str, document: object) -> list[object]:
    if not isinstance(document, list):
        raise ScenarioError(f"{place}: must be a list")
    return document


def _pattern(place: str, value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str | int) or isinstance(item, bool):
            raise ScenarioError(f"{place}: must be a pattern, or a list of patterns")
    return tuple(str(item) for item in items)


def _values(situation: Situation, name: str) -> tuple[str, ...]:
    """What the patterns of a field are held against; for a story its full and its short key."""
    if name == "story":
        return situation.stories + tuple(situation.short(key) for key in situation.stories)
    value: str = getattr(situation, name)
    return (value,)
