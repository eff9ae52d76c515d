"""The lives of one project's runner: begun, killed, begun again, until its batch is over.

A life is a forked child that becomes the runner, command line and all. It saves the half second of imports, so that
hundreds of lives fit into minutes; everything else is what an operator starts.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.guard import receipt, strays, tags
from tests.support import trap
from tests.support.checker import violations
from tests.support.project import make_project, write_scenario
from tests.support.runs import query, successes
from tests.support.trap import Trap

WHOLE = {"1-1-one": "backlog", "2-1-two": "ready-for-dev", "2-2-three": "review"}
"""Two cycles with every phase, parallel commands and a pair."""
SHORT = {"1-1-one": "ready-for-dev", "2-1-two": "review"}
"""Two cycles without what runs beside another command of the same step."""
RULES = [
    {"command": "story-review-[12]", "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}]},
    {"command": "tech-spec-review-[12]", "actions": [{"say": "CRITICAL ISSUES FOUND: 1"}]},
    {
        "command": "dev-story",
        "actions": [
            {"spawn": {"kind": "setsid", "seconds": 600}},
            {"spawn": {"kind": "daemon", "seconds": 600}},
            "builtin",
        ],
    },
]
"""Every review-1 begins a background chain, and development leaves processes behind."""
CYCLES = 2
GONE_SECONDS = 1.0
"""What guards may take to end everything when their runner is gone."""
LIFE_SECONDS = 120.0
OLD = 1_600_000_000
"""The project context is of 2020: it is refreshed in the background."""


@dataclass
class Sprint:
    """A project, its scenario, and how many lives its runner has had."""

    folder: Path
    first: Sequence[str] = ("--cycles", str(CYCLES))
    """What its first life is told."""
    lives: int = 0
    alive_after_kill: list[str] = field(default_factory=list)

    @classmethod
    def make(
        cls,
        folder: Path,
        stories: Mapping[str, str] = WHOLE,
        rules: Sequence[Mapping[str, object]] = RULES,
        *,
        context: bool = True,
    ) -> "Sprint":
        """A fresh project in a new folder; its project context is old, or missing."""
        folder.mkdir(parents=True)
        project = make_project(folder / "project", stories, context=context)
        if context:
            os.utime(project / "_bmad-output/planning-artifacts/project-context.md", (OLD, OLD))
        write_scenario(folder, rules)
        return cls(folder)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def trace(self) -> Path:
        return self.folder / f"trace-{self.lives}"

    def order(self) -> Sequence[str] | None:
        """What the next life is told; None when the batch is complete."""
        if not query(self.project, "SELECT id FROM batches"):
            return self.first
        return ("--resume",) if query(self.project, "SELECT id FROM batches WHERE resumable = 1") else None

    def live(self, *, at: int = 0, victims: str = "runner", seconds: float | None = None) -> bool:
        """One life, with a trap at one of its points or a `kill -9` after some seconds; whether it was killed."""
        order = self.order()
        if order is None:
            return False
        runner = self.begin(order, at=at, victims=victims)
        status = wait(runner, LIFE_SECONDS if seconds is None else seconds)
        if status is None:
            if victims == "both":
                for guard in trap.guards(self.trace):
                    trap.kill(guard)
            trap.kill(runner)
            status = os.waitpid(runner, 0)[1]
        killed = os.WIFSIGNALED(status)
        if killed and victims == "runner":
            self._look_for_survivors()
        return killed

    def begin(self, order: Sequence[str], *, at: int = 0, victims: str = "runner", **settings: object) -> int:
        """The process of a new life, with settings of its own."""
        self.lives += 1
        runner = os.fork()
        if runner == 0:
            os.environ.update({f"SPRINT_RUNNER_{name.upper()}": str(value) for name, value in settings.items()})
            self._become_runner(order, Trap(self.trace, at, victims))
        return runner

    def end(self) -> list[str]:
        """Resume until the batch is complete; what is wrong with what is left."""
        for _ in range(2):
            if self.order() is not None and self.live(seconds=LIFE_SECONDS):
                return [f"life {self.lives} did not end by itself"]
        if self.order() is not None:
            return [f"the batch is not complete after life {self.lives}", *self._told()]
        return [*self.alive_after_kill, *violations(self.project), *self._overdone(), *self._strangers()]

    def successes(self) -> list[str]:
        return sorted(successes(self.project))

    def _told(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()[-3:]

    def _overdone(self) -> list[str]:
        """A step is run again at most once for each life after the first."""
        rows = query(self.project, "SELECT step_key, count(*) FROM commands GROUP BY batch_id, step_key")
        return [f"{count} attempts of {key} in {self.lives} lives" for key, count in rows if int(count) > self.lives]

    def _look_for_survivors(self) -> None:
        """The runner is dead and its guards are not: they end all agents within moments."""
        end = time.monotonic() + GONE_SECONDS
        while (alive := self._tagged() + self._strangers()) and time.monotonic() < end:
            time.sleep(0.02)
        self.alive_after_kill += [f"{GONE_SECONDS:g} s after life {self.lives}: {line}" for line in alive]

    def _tagged(self) -> list[str]:
        rows = query(self.project, "SELECT step_key, tag FROM commands WHERE tag <> 0")
        return [f"process {pid} of {key} is alive" for key, tag in rows for pid in tags.tagged(int(str(tag)))]

    def _strangers(self) -> list[str]:
        """Processes that work in the project, whatever they carry: all that agents start does."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                where, state = os.readlink(f"/proc/{pid}/cwd"), Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            if where.startswith(str(self.project)) and state.rpartition(")")[2].split()[0] not in "ZX":
                found.append(f"process {pid} works in the project")
        return found

    def _become_runner(self, order: Sequence[str], set_trap: Trap) -> None:
        """The child's side of the fork. Never returns."""
        code = 70
        try:
            os.setsid()
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for descriptor, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
                os.dup2(descriptor, target)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.environ.setdefault("SPRINT_RUNNER_RETRY_BACKOFF_SECONDS", "0")
            os.environ.update(set_trap.environment())
            receipt.GUARD_SCRIPT = strays.GUARD_SCRIPT = trap.GUARD  # type: ignore[misc]
            trap.set_by_environment()
            scenario = self.folder / "scenario.json"
            sys.argv = ["sprint-runner", "--project", str(self.project), "--agent", "scripted"]
            sys.argv += ["--scenario", str(scenario), "--no-server", "--json", *order]
            code = _main()
        finally:
            os._exit(code)


def load_the_runner() -> None:
    """Each life is a fork of this process: what it needs is loaded once."""
    import runner.app
    import runner.cli
    import runner.commands.start
    import runner.display.streams
    import runner.outfit  # noqa: F401


def _main() -> int:
    from runner.__main__ import main

    try:
        main()
    except SystemExit as leaving:
        sys.stdout.flush()
        return leaving.code if isinstance(leaving.code, int) else 1
    return 0


def wait(pid: int, seconds: float) -> int | None:
    """The wait status of a child; None when it has not ended in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.005)
    return None
