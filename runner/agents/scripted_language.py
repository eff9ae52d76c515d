"""The words of the scenario language, and the check that an action is used as its function wants it.

`scripted_scenario` reads files into these actions. The signature of an action's function is its schema: a field is a
keyword parameter, its type is the annotation, and it is required when it has no default. Nothing here opens a file.
"""

import re
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from runner.agents import scripted_actions as actions
from runner.agents import scripted_builtin as builtin
from runner.agents import scripted_faults as faults
from runner.agents import scripted_strays as strays
from runner.agents.scripted_run import Run, ScenarioError


class Verb(NamedTuple):
    """A word of the scenario language."""

    act: Callable[..., None]
    main: str = ""
    """The field that a value other than a mapping stands for; empty when there is no such short form."""
    one_of: tuple[str, ...] = ()
    """Fields of which exactly one has to be there."""


VERBS: Mapping[str, Verb] = {
    "say": Verb(actions.say, "text"),
    "think": Verb(actions.think, "seconds"),
    "sleep": Verb(actions.sleep, "seconds"),
    "about": Verb(actions.about, "story"),
    "task": Verb(actions.task, "line"),
    "read": Verb(actions.read, "file"),
    "write": Verb(actions.write, one_of=("text", "source")),
    "append": Verb(actions.append),
    "replace": Verb(actions.replace),
    "delete": Verb(actions.delete, "file"),
    "status": Verb(actions.status, "to"),
    "run": Verb(actions.execute, "argv"),
    "commit": Verb(actions.commit, "message"),
    "builtin": Verb(builtin.play, "command"),
    "retry": Verb(faults.retry, "times"),
    "limit": Verb(faults.limit, "seconds"),
    "result": Verb(faults.result, "show"),
    "raw": Verb(faults.raw, "line", one_of=("line", "base64")),
    "flood": Verb(faults.flood, "lines", one_of=("lines", "size")),
    "tick": Verb(faults.tick),
    "long_line": Verb(faults.long_line, "size"),
    "stderr": Verb(faults.stderr, "text", one_of=("text", "base64")),
    "ignore_signals": Verb(faults.ignore_signals, "names"),
    "spawn": Verb(strays.spawn, "kind"),
    "hang": Verb(faults.hang, "seconds"),
    "hang_after_result": Verb(faults.hang_after_result, "seconds"),
    "exit": Verb(faults.leave, "code"),
    "kill_self": Verb(faults.kill_self, "name"),
}


class Action(NamedTuple):
    """One action with its fields, already checked."""

    verb: Verb
    fields: Mapping[str, Any]

    def play(self, run: Run) -> None:
        self.verb.act(run, **{name: _filled(run, value) for name, value in self.fields.items()})


def read_action(place: str, document: object) -> Action:
    """An action from its decoded document; `place` names it in a complaint."""
    if isinstance(document, str):
        document = {document: None}
    if not isinstance(document, dict) or len(document) != 1:
        raise ScenarioError(f"{place}: must be one action, a name with its fields")
    ((name, value),) = document.items()
    verb = VERBS.get(name) if isinstance(name, str) else None
    if verb is None:
        raise ScenarioError(f"{place}: no such action: {name!r:.40} (there are {', '.join(VERBS)})")
    place = f"{place}.{name}"
    if value is None:
        value = {}
    elif not isinstance(value, dict):
        if not verb.main:
            raise ScenarioError(f"{place}: must be a mapping of fields")
        value = {verb.main: value}
    return Action(verb, _fields(place, verb, value))


def read_mapping(place: str, document: object, known: tuple[str, ...]) -> dict[str, Any]:
    """A mapping that has no other keys than the known ones."""
    if not isinstance(document, dict):
        raise ScenarioError(f"{place}: must be a mapping of {', '.join(known)}")
    for key in document:
        if key not in known:
            raise ScenarioError(f"{place}: no such field: {key!r:.40} (there are {', '.join(known)})")
    return document


def check(place: str, value: object, kind: object) -> None:
    """Complain when a value is not what an annotation asks for."""
    if not _fits(value, kind):
        raise ScenarioError(f"{place}: must be {_described(kind)}, not {repr(value)[:60]}")


def _fields(place: str, verb: Verb, document: dict[Any, Any]) -> Mapping[str, Any]:
    annotations = verb.act.__annotations__
    kinds = {name: kind for name, kind in annotations.items() if name not in ("run", "return")}
    fields = read_mapping(place, document, tuple(kinds))
    optional = verb.act.__kwdefaults__ or {}
    for name, kind in kinds.items():
        if name in fields:
            check(f"{place}.{name}", fields[name], kind)
        elif name not in optional:
            raise ScenarioError(f"{place}: needs the field {name!r}")
    if verb.one_of and len(verb.one_of) - len(set(verb.one_of) - set(fields)) != 1:
        raise ScenarioError(f"{place}: needs exactly one of {', '.join(verb.one_of)}")
    return fields


def _is_number(value: object) -> bool:
    # Not below zero, and neither infinite nor "not a number": time.sleep takes none of these.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _is_count(value: object) -> bool:
    return isinstance(value, int) and _is_number(value)


def _matches(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_KINDS: Mapping[object, tuple[Callable[[object], bool], str]] = {
    str: (lambda value: isinstance(value, str), "a text"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    float: (_is_number, "a number, 0 or more"),
    int: (_is_count, "a whole number, 0 or more"),
    NoneType: (lambda value: value is None, "nothing"),
    actions.Seconds: (_is_number, "a number, 0 or more"),
    actions.TaskLine: (_matches(r"\S+ (start|end) .*\S"), "'<task> start|end <message>'"),
    faults.Count: (_is_count, "a whole number, 0 or more"),
    faults.Base64: (_matches(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"), "base64"),
}


def _fits(value: object, kind: object) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is list:
        return isinstance(value, list) and bool(value) and all(_fits(item, inner[0]) for item in value)
    return _KINDS[kind][0](value)


def _described(kind: object) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_described(each) for each in inner)
    if origin is Literal:
        return " or ".join(inner)
    if origin is list:
        return f"a list (each: {_described(inner[0])})"
    return _KINDS[kind][1]


def _filled(run: Run, value: Any) -> Any:
    if isinstance(value, str):
        return run.fill(value)
    if isinstance(value, list):
        return [_filled(run, item) for item in value]
    return value
