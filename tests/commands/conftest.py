"""The command line in this process, and a project with a small real database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from runner.cli import run
from runner.domain.phases import CycleStory, Selection
from runner.domain.steps import step_key
from runner.store.command_log import Conclusion, Intent, Place
from runner.store.database import open_writer
from runner.store.journal import Journal

SPRINT = "development_status:\n  1-1-one: in-progress\n  1-2-two: backlog\n  1-3-three: done\n"
START = 1_790_000_000_000


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call of the command line."""

    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line as a process would."""

    def called(*arguments: object) -> Called:
        monkeypatch.setattr(sys, "argv", ["sprint-runner", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Called(code if isinstance(code, int) else 0, out, err)

    return called


@pytest.fixture
def project(tmp_path: Path) -> Path:
    artifacts = tmp_path / "_bmad-output" / "implementation-artifacts"
    artifacts.mkdir(parents=True)
    (tmp_path / "_bmad-output" / "planning-artifacts").mkdir()
    (artifacts / "sprint-status.yaml").write_text(SPRINT)
    return tmp_path


@pytest.fixture
def database(project: Path) -> Path:
    state = project / ".sprint-runner"
    state.mkdir(mode=0o700)
    return state / "sprint-runner.db"


class Clerk:
    """Writes a history as the recorder would."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.attempts = 0

    def batch(self, max_cycles: int | None = 2) -> int:
        return self.journal.create_batch(max_cycles, "scripted")

    def cycle(self, batch_id: int, number: int, *keys: str) -> None:
        stories = tuple(CycleStory(key=key, short=key[:3], epic="1", written="backlog") for key in keys)
        selection = msgspec.json.encode(Selection(number=number, stories=stories))
        self.journal.begin_cycle(batch_id, number, selection, [(key, "1", "backlog") for key in keys])
        self.journal.record_step(batch_id, step_key(number, "select"), "selection", selection)

    def begin(self, batch_id: int, command: str, *keys: str, background: int | None = None, tag: int = 0) -> int:
        self.attempts += 1
        place = Place(
            batch_id=batch_id,
            step_key=f"c1/{command}/{','.join(keys)}/{self.attempts}",
            command=command,
            stories=keys,
            cycle=1,
            background_task_id=background,
        )
        intent = Intent(
            place=place,
            attempt=1,
            agent="scripted",
            model="",
            session_id="s",
            continued=False,
            run_id=str(self.attempts),
            tag=tag,
            before={},
        )
        return self.journal.intend(intent)

    def end(self, command_id: int, status: str = "success", reason: str = "") -> None:
        end = Conclusion(status=status, reason=reason, input_tokens=900, output_tokens=100, cost_usd=0.25)
        self.journal.conclude(command_id, end)


@pytest.fixture
def clerk(database: Path) -> Iterator[Clerk]:
    ticks = iter(range(START, START + 10**9, 1000))
    with closing(open_writer(database)) as connection:
        yield Clerk(Journal(connection, clock=lambda: next(ticks), redact=str))
