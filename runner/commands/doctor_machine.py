"""The doctor's checks of the machine: Python, SQLite, the agent CLI, the guard, the disk.

Called by `doctor` alone. Some start processes: the agent with `--version`, and `true` under a guard.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from runner.__main__ import NEEDED
from runner.agents.base import LaunchRequest
from runner.agents.claude import root_refusal
from runner.commands.case import Case, Check, Finding, State
from runner.guard.probe import ISOLATIONS, obstacle, run_guarded
from runner.guard.receipt import GUARD
from runner.outfit import SETTINGS, check_limits, make_provider
from runner.settings import load_settings

SUPPORTED = (2, 1)
"""Major and minor version of the Claude CLI that the runner was tried with."""
OLDEST_SQLITE = (3, 24, 0)
"""The first with `ON CONFLICT DO UPDATE`."""
LEAST_FREE = 100 * 1024 * 1024
GOOD_FREE = 1024 * 1024 * 1024
"""Bytes: transcripts of an overnight batch take some hundred MB."""
PROCESS_SECONDS = 15
_NO_PERMISSIONS_ASKED = "default"


def check_python(case: Case) -> Finding:
    version = sys.version.split()[0]
    if sys.version_info < NEEDED:
        wanted = ".".join(map(str, NEEDED))
        return Finding(state=State.FAIL, detail=version, remedy=f"use Python {wanted} or newer")
    return Finding(detail=f"{version} at {sys.executable}")


def check_sqlite(case: Case) -> Finding:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        return Finding(state=State.FAIL, detail=sqlite3.sqlite_version, remedy=f"SQLite {wanted} or newer is needed")
    return Finding(detail=sqlite3.sqlite_version)


def check_agent(case: Case) -> Finding:
    """Find the agent's executable by the rules of a start, and ask it for its version."""
    # Whether root may use it is a check of its own.
    provider = make_provider(replace(case.options, permission_mode=_NO_PERMISSIONS_ASKED), case.environment)
    request = LaunchRequest(
        session_id="", resume=False, model="", permission_mode=_NO_PERMISSIONS_ASKED, environment=case.environment
    )
    executable = provider.launch(request).argv[0]
    if provider.name != "claude":
        return Finding(detail=f"{provider.name}, run by {executable}")
    return judge_version(executable, _output_of([executable, "--version"]))


def judge_version(executable: str, output: str | None) -> Finding:
    """Whether this is a Claude CLI that the runner knows, by what it says of its version; None: it does not run."""
    if output is None:
        return Finding(
            state=State.FAIL, detail=f"{executable} --version fails", remedy="run it by hand, and install it anew"
        )
    found = re.match(r"(\d{1,6})\.(\d{1,6})\.\d{1,6}", output)
    known = ".".join(map(str, SUPPORTED))
    if not found or (int(found[1]), int(found[2])) != SUPPORTED:
        says = output.strip().splitlines()[:1] or ["nothing"]
        return Finding(
            state=State.WARN,
            detail=f"{executable} says {says[0][:80]!r}",
            remedy=f"the runner was tried with Claude CLI {known}.x; try a short batch first",
        )
    return Finding(detail=f"{executable}, version {found[0]}")


def check_root(case: Case) -> Finding:
    if case.options.agent != "claude":
        return Finding(detail="not asked by this agent")
    refusal = root_refusal(case.options.permission_mode, case.environment, os.geteuid() == 0)
    if refusal is not None:
        message, _, remedy = refusal.partition("; ")
        return Finding(state=State.FAIL, detail=message, remedy=remedy)
    return Finding(detail=f"{case.options.permission_mode} is possible as {'root' if os.geteuid() == 0 else 'you'}")


def check_guard(case: Case) -> Finding:
    """Run `true` under a guard, as every command of a batch is run. Raises AgentUnavailable."""
    check_limits()
    remedy = "agents cannot be run safely here; report this with your system's name and version"
    try:
        with tempfile.TemporaryDirectory(prefix="sprint-runner-doctor-") as folder:
            receipt = run_guarded(Path(folder), [shutil.which("true") or sys.executable])
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(state=State.FAIL, detail=f"the guard does not run: {error}", remedy=remedy)
    if receipt is None:
        return Finding(state=State.FAIL, detail="the guard left no receipt", remedy=remedy)
    if (receipt.why, receipt.exit_code, receipt.clean) != ("exit", 0, True):
        told = f"{receipt.why}, exit code {receipt.exit_code}, clean {receipt.clean}"
        return Finding(state=State.FAIL, detail=f"a guarded command ended wrongly: {told}", remedy=remedy)
    if sys.platform != "linux":
        weaker = "agents' processes that leave their group may survive"
        return Finding(state=State.WARN, detail=f"works, by process groups only: {weaker}", remedy="prefer Linux")
    return Finding(detail="works: agents and all they start can be ended")


def check_isolation(case: Case) -> Finding:
    """Which isolations are to be had here, and whether the one that is set is among them."""
    file = case.paths.state / SETTINGS if case.paths else Path(os.devnull, SETTINGS)  # one that is not there
    wanted = load_settings(file, case.environment, {}).isolation
    obstacles = {mode: obstacle(mode) for mode in (GUARD, *ISOLATIONS)}
    there = ", ".join(mode for mode, reason in obstacles.items() if not reason)
    missing = "".join(f"; not {mode}: {reason}" for mode, reason in obstacles.items() if reason)
    if obstacles.get(wanted):
        return Finding(
            state=State.FAIL, detail=f"{wanted} is set; available: {there}{missing}", remedy="set `isolation` to auto"
        )
    return Finding(detail=f"{wanted} is set; available: {there}{missing}")


def check_disk(case: Case) -> Finding:
    """Free space where the database and the transcripts lie."""
    place = case.paths.root if case.paths else Path.cwd()
    free = shutil.disk_usage(place).free
    detail = f"{free / 2**30:.1f} GB free"
    if free < LEAST_FREE:
        return Finding(state=State.FAIL, detail=detail, remedy="free some space: a full disk stops a batch")
    if free < GOOD_FREE:
        return Finding(state=State.WARN, detail=detail, remedy="transcripts of a long batch take some hundred MB")
    return Finding(detail=detail)


def _output_of(command: list[str]) -> str | None:
    """What a command prints; None when it fails or hangs."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROCESS_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


MACHINE: tuple[tuple[str, Check], ...] = (
    ("python", check_python),
    ("sqlite", check_sqlite),
    ("agent", check_agent),
    ("permissions", check_root),
    ("guard", check_guard),
    ("isolation", check_isolation),
    ("disk", check_disk),
)
