"""What a command costs beyond its agent: the intent, the guard, the tail, the receipt, the conclusion.

The same agent is started bare and through the command actor, in turns, on a real database.
"""

import os
import statistics
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import trio

from actors.attempt import Errand
from actors.briefing import Briefing
from actors.command import run_errand
from actors.gate import Gate
from actors.kit import Shift
from actors.ledger import Ledger
from actors.mailbox import Mailbox
from actors.tree import Branch
from benchmarks.measure import REPEATS, Row
from runner.agents.base import LaunchRequest
from runner.app import Outfit, build
from runner.domain.steps import RunCommand
from runner.outfit import Options, outfit
from runner.store.records import History
from runner.workspace.place import project_lock
from tests.support.project import make_project, write_scenario

BOUND_MS = 80.0
RULES = [{"actions": [{"say": "done"}]}]


async def _measure(folder: Path) -> tuple[float, float]:
    project = make_project(folder / "project", {"1-1-one": "backlog"})
    options = Options(project=project, agent="scripted", scenario=write_scenario(folder, RULES))
    with project_lock(options.where) as lock:
        return await _measure_in(project, outfit(options, dict(os.environ), lock))


async def _measure_in(project: Path, prepared: Outfit) -> tuple[float, float]:
    parts = build(prepared)
    runner, recorder = parts.runner, parts.recorder
    guarded: list[float] = []
    bare: list[float] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run, runner.branch)
        batch_id = await recorder.record(lambda journal: journal.create_batch(1, "scripted"))
        shift = Shift(
            kit=runner.kit,
            batch_id=batch_id,
            gate=Gate(),
            ledger=Ledger(History(steps={}, attempts={})),
            orders=Mailbox(1),
        )
        for number in range(REPEATS + 1):
            bare.append(await trio.to_thread.run_sync(_bare, runner.kit.provider, project))
            guarded.append(await _guarded(shift, number, runner.branch))
        nursery.cancel_scope.cancel()
    # The first of each also pays for cold files.
    return statistics.median(bare[1:]), statistics.median(guarded[1:])


async def _guarded(shift: Shift, number: int, branch: Branch) -> float:
    step = RunCommand(key=f"c1/dev-story.{number}/1-1-one", command="dev-story", stories=("1-1-one",))
    errand = Errand(step=step, briefing=Briefing(epic="1", cycle=1), model="")
    began = time.perf_counter()
    ended = await run_errand(shift, errand, branch)
    assert ended is not None
    assert ended.ok, ended.reason
    return time.perf_counter() - began


def _bare(provider: object, project: Path) -> float:
    request = LaunchRequest(
        session_id=str(uuid.uuid4()), resume=False, model="", permission_mode="bypassPermissions", environment={}
    )
    launch = provider.launch(request)  # type: ignore[attr-defined]
    environment = {
        **os.environ,
        "SPRINT_RUNNER_COMMAND": "dev-story",
        "SPRINT_RUNNER_STORIES": "1-1-one",
        "SPRINT_RUNNER_STATE_DIR": str(project / ".sprint-runner"),
        "SPRINT_RUNNER_STATUS_FILE": str(
            project / "_bmad-output" / "implementation-artifacts" / "sprint-status.yaml"
        ),
    }
    began = time.perf_counter()
    subprocess.run(launch.argv, input=b"do it", cwd=project, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        bare, guarded = trio.run(_measure, Path(folder))
    extra = (guarded - bare) * 1000
    return [
        Row(
            what=f"overhead of a command over its agent started bare ({bare * 1000:.0f} ms)",
            figure=f"{extra:.0f} ms",
            bound=f"≤ {BOUND_MS:g} ms",
            kept=extra <= BOUND_MS,
        )
    ]
