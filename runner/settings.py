"""Settings: one table for defaults, bounds, help, file, environment and command line.

Each field of `Settings` carries its bounds and its help; everything that shows or checks a setting reads them from
there. Order of precedence: defaults, then `<project>/.sprint-runner/settings.json`, then `SPRINT_RUNNER_<NAME>` in
the environment, then the command line.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from runner.domain.errors import ProjectError, UsageError
from runner.workspace.atomic import write_atomically
from runner.workspace.reading import read_regular

ENVIRONMENT_PREFIX = "SPRINT_RUNNER_"
_FILE_LIMIT = 64 * 1024
_SHOWN = 200
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,99}\Z")


def _number(default: int, low: int, high: int, help: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "help": help})


def _model(default: str, help: str) -> Any:
    return field(default=default, metadata={"help": help})


def _choice(default: str, *others: str, help: str) -> Any:
    return field(default=default, metadata={"choices": (default, *others), "help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can tune; all values are within their bounds."""

    default_max_cycles: int = _number(2, 1, 999, "cycles of a batch when nothing else is said")
    project_context_max_age_hours: int = _number(24, 0, 8760, "older project context is refreshed")
    max_code_review_attempts: int = _number(10, 1, 50, "reviews after which a story is blocked")
    haiku_after_review: int = _number(2, 1, 50, "the attempt from which reviews use the cheap model")
    cheap_model: str = _model("haiku", "model of later reviews and of diagnoses")
    default_model: str = _model("", "model of everything else; empty: the agent CLI's own default")
    background_review_workers: int = _number(2, 1, 8, "background review chains at the same time")
    command_idle_timeout_minutes: int = _number(30, 0, 1440, "silence after which a command fails; 0: never")
    command_timeout_minutes: int = _number(180, 0, 1440, "length after which a command fails; 0: never")
    stop_grace_seconds: int = _number(5, 0, 120, "what an interrupted agent gets before it is killed")
    isolation: str = _choice(
        "auto",
        "guard",
        "pidns",
        "cgroup",
        help="what agents are shut in beside their guard; auto: guard, nothing more",
    )
    retry_backoff_seconds: int = _number(5, 0, 3600, "first wait after a failed command; doubles, with jitter")
    injection_warning_kb: int = _number(100, 1, 10000, "size of an injected context that gives a warning")
    injection_error_kb: int = _number(300, 1, 10000, "size of a context that is not injected")
    server_port: int = _number(8765, 1, 65535, "port of the dashboard (below 1024 needs root)")
    max_websockets: int = _number(64, 1, 10000, "browsers that may watch at the same time")
    websocket_heartbeat_seconds: int = _number(30, 5, 600, "how often a watching browser is asked for a sign of life")
    default_batch_list_limit: int = _number(20, 1, 100, "batches on a page of the history")
    keep_runs_days: int = _number(30, 1, 3650, "how long the agents' raw output is kept")


_DEFAULTS = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table."""

    name: str
    default: int | str
    low: int | None
    high: int | None
    """Bounds of a number; None for a word."""
    choices: tuple[str, ...]
    """The words it may be; empty for a number and for a model name."""
    help: str


def table() -> Iterator[Setting]:
    """Every setting, in order."""
    for entry in fields(Settings):
        meta = entry.metadata
        default: int | str = getattr(_DEFAULTS, entry.name)
        yield Setting(
            name=entry.name,
            default=default,
            low=meta.get("low"),
            high=meta.get("high"),
            choices=meta.get("choices", ()),
            help=meta["help"],
        )


def load_settings(file: Path, environment: Mapping[str, str], options: Mapping[str, int | str | None]) -> Settings:
    """The settings in force; raises UsageError naming the source of a value that is unknown or out of bounds."""
    values: dict[str, int | str] = {}
    rows = {setting.name: setting for setting in table()}
    for name, value in _read_file(file).items():
        values[name] = _of_known(rows, name, value, str(file))
    for name, row in rows.items():
        variable = ENVIRONMENT_PREFIX + name.upper()
        if variable in environment:
            values[name] = checked(row, environment[variable], f"variable {variable}")
        option = options.get(name)
        if option is not None:
            values[name] = checked(row, option, f"option --{name.replace('_', '-')}")
    return replace(_DEFAULTS, **values)  # type: ignore[arg-type]  # each value was checked against its row


def save_settings(file: Path, changes: Mapping[str, object]) -> None:
    """Write all changes into the settings file, or none; what else stands there and is valid stays.

    To be called in one thread at a time; blocks. Raises UsageError naming everything that is wrong with the changes,
    or the file that cannot be read as it is, and ProjectError when it cannot be written.
    """
    rows = {setting.name: setting for setting in table()}
    values: dict[str, int | str] = {}
    wrong: list[UsageError] = []
    for name, value in changes.items():
        try:
            values[name] = _of_known(rows, name, value, "settings")
        except UsageError as error:
            wrong.append(error)
    if wrong:
        hint = wrong[0].hint if len(wrong) == 1 else "nothing was saved; docs/settings.md lists all settings"
        raise UsageError("; ".join(error.message for error in wrong), hint=hint)
    if values:
        _write(file, {**_valid(rows, _read_file(file)), **values})


def _valid(rows: Mapping[str, Setting], values: Mapping[str, object]) -> dict[str, int | str]:
    valid = {}
    for name, value in values.items():
        with suppress(UsageError):
            valid[name] = _of_known(rows, name, value, "")
    return valid


def _write(file: Path, values: Mapping[str, int | str]) -> None:
    try:
        write_atomically(file, json.dumps(values, indent=2).encode() + b"\n", mode=0o600)
    except OSError as error:
        raise ProjectError(
            f"cannot write {file}: {error.strerror}", hint="check permissions and free space"
        ) from None


def _of_known(rows: Mapping[str, Setting], name: str, value: object, source: str) -> int | str:
    """A value as the setting of that name wants it; raises UsageError, also when there is none."""
    if name not in rows:
        raise UsageError(
            f"{source}: unknown setting {_shown(name)}", hint="remove it; docs/settings.md lists them all"
        )
    return checked(rows[name], value, source)


def checked(setting: Setting, value: object, source: str) -> int | str:
    """A value as its setting wants it; raises UsageError."""
    if setting.choices:
        if value in setting.choices:
            return str(value)
        raise UsageError(
            f"{source}: {setting.name} must be one of {', '.join(setting.choices)}, not {_shown(value)}",
            hint=setting.help,
        )
    if setting.low is None or setting.high is None:
        if isinstance(value, str) and (value == "" or _MODEL_NAME.match(value)):
            return value
        raise UsageError(
            f"{source}: {setting.name} is not a model name: {_shown(value)}", hint="use letters, digits, . _ -"
        )
    number = _whole(value)
    if number is None or not setting.low <= number <= setting.high:
        raise UsageError(
            f"{source}: {setting.name} must be a whole number from {setting.low} to {setting.high},"
            f" not {_shown(value)}",
            hint=setting.help,
        )
    return number


def _shown(value: object) -> str:
    """A value as an error may show it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return "that"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}", value.strip()):
        return int(value)
    return None


def _each_once(pairs: Sequence[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} stands there twice")


def _read_file(file: Path) -> dict[str, Any]:
    try:
        data = read_regular(file, limit=_FILE_LIMIT)
        values = msgspec.json.decode(data, type=dict[str, Any])
        # Of two values for one name the decoder takes the last without a word.
        json.loads(data, object_pairs_hook=_each_once)
        return values
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file}: {problem}", hint="correct the file, or remove it to have the defaults") from None
