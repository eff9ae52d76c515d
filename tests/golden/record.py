"""Records golden histories: `python -m tests.golden.record [NAME ...]`, all of them when none is named.

Each is a real run with the scripted agent in a project of its own, some stopped on the way. A history is kept only
if the replay gives the position that the take names, after the whole of it and after every beginning of it.
"""

import os
import signal
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import trio

from actors.control import StartBatch
from runner.demo import SCENARIO, copy_demo
from runner.domain.replay import Position, Recording, replay
from runner.outfit import Options
from runner.store.database import open_reader
from runner.store.recorded import recording
from tests.golden import Golden, save
from tests.golden.takes import TAKES, Take
from tests.support.inside import Interruption, run_inside, scripted
from tests.support.project import make_project, write_scenario
from tests.support.runs import database, running


def main(wanted: list[str]) -> None:
    """Record, and say so."""
    for name in wanted or TAKES:
        golden = record(TAKES[name])
        save(name, golden)
        sys.stdout.write(f"{name}: {len(golden.recording.steps)} steps, due {', '.join(golden.position.steps)}\n")


def record(take: Take) -> Golden:
    """Run a take; what it has left."""
    with tempfile.TemporaryDirectory() as folder:
        kept = run(take, Path(folder))
    position = replay(kept)
    expected = Position(steps=take.due, background=take.beside)
    if position != expected:
        raise SystemExit(f"{take.about}: the replay ends at {position}, not at {expected}")
    for length, step in enumerate(kept.steps):
        due = replay(Recording(steps=kept.steps[:length]))
        if step.key not in (*due.steps, *due.background):
            raise SystemExit(f"{take.about}: {step.key} was recorded while {due} was due; record it again")
    return Golden(about=take.about, recording=kept, position=position)


def run(take: Take, folder: Path) -> Recording:
    options = _options(take, folder)
    project = options.project or folder
    interruption = None
    if take.stop_at:
        at_work = partial(_at_work, project, take.stop_at)
        interruption = Interruption(when=at_work, number=signal.SIGTERM)
    request = StartBatch(max_cycles=take.cycles)
    ended = trio.run(partial(run_inside, options, request, settings=take.settings, interruption=interruption))
    if ended.code != (4 if take.stop_at else 0):
        raise SystemExit(f"{take.about}: the run ended with exit code {ended.code}: {ended.reason}")
    with closing(open_reader(database(project))) as connection:
        return recording(connection, 1)


def _options(take: Take, folder: Path) -> Options:
    if take.demo:
        copy_demo(folder / "project")
        return scripted(folder / "project", SCENARIO)
    project = make_project(folder / "project", take.sprint, context=take.context != "missing")
    if take.context == "expired":
        os.utime(project / "_bmad-output" / "planning-artifacts" / "project-context.md", (1e9, 1e9))
    return scripted(project, write_scenario(folder, take.rules))


def _at_work(project: Path, steps: tuple[str, ...]) -> bool:
    return all(running(project, step) for step in steps)


if __name__ == "__main__":
    main(sys.argv[1:])
