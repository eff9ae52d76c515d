"""Golden histories: what real runs have left on record, kept so that later versions can be held to them.

`python -m tests.golden.record` makes them; README.md tells the format.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from runner.domain.replay import Position, Recorded, Recording

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One history, and where a batch with it goes on."""

    about: str
    recording: Recording
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    key: str
    kind: str
    outcome: msgspec.Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    about: str
    due: tuple[str, ...]
    beside: tuple[str, ...]
    begun: tuple[str, ...]
    steps: tuple[_Step, ...]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Golden:
    file = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=_File)
    steps = tuple(Recorded(key=step.key, kind=step.kind, outcome=bytes(step.outcome).decode()) for step in file.steps)
    return Golden(
        about=file.about,
        recording=Recording(steps=steps, begun=file.begun),
        position=Position(steps=file.due, background=file.beside),
    )


def save(name: str, golden: Golden) -> None:
    """One step a line, so that a difference between two versions can be read."""
    kept = golden.recording
    steps = (_Step(key=step.key, kind=step.kind, outcome=msgspec.Raw(step.outcome.encode())) for step in kept.steps)
    head = {
        "about": golden.about,
        "due": golden.position.steps,
        "beside": golden.position.background,
        "begun": kept.begun,
    }
    fields = [f'"{field}": {msgspec.json.encode(value).decode()}' for field, value in head.items()]
    lines = ",\n".join(msgspec.json.encode(step).decode() for step in steps)
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(fields) + f',\n"steps": [\n{lines}\n]\n}}\n')
