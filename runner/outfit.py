"""Everything that is checked and decided before a batch may start.

The command line calls `outfit` with its options. The order matters: what only looks comes first, so that bad input
leaves the project untouched; then the state folder, and the lock before anything in it is used.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runner.agents.base import Provider
from runner.app import Outfit
from runner.domain.errors import AgentUnavailable, UsageError
from runner.settings import load_settings
from runner.workspace.lock import ProjectLock
from runner.workspace.place import Where, database_file, find_paths
from runner.workspace.project import make_state_folder
from runner.workspace.prompts import load_prompts
from runner.workspace.sprint_file import read_sprint
from runner.workspace.workflows import installed_workflows

SETTINGS = "settings.json"
DEMO_SIGN = "_bmad/sprint-runner-demo"
"""File that tells a copy of the sample project from any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line was told about the project and its agent."""

    project: Path | None = None
    status_file: Path | None = None
    database: Path | None = None
    agent: str = "claude"
    agent_command: str | None = None
    scenario: Path | None = None
    permission_mode: str = "bypassPermissions"
    demo: bool = False

    @property
    def where(self) -> Where:
        return Where(project=self.project, status_file=self.status_file, database=self.database)


def outfit(options: Options, environment: Mapping[str, str], *, resume: bool = False) -> tuple[Outfit, ProjectLock]:
    """Check the project and the agent, and take the project's lock. Raises RunnerError."""
    paths = find_paths(options.where)
    database = database_file(options.where, paths)
    if resume and not database.exists():
        raise UsageError("there is no unfinished batch to resume", hint="start one with --cycles")
    read_sprint(paths.status_file)
    prompts = load_prompts(paths)
    settings = load_settings(paths.state / SETTINGS, environment, {})
    provider = make_provider(options, environment)
    lock = ProjectLock(make_state_folder(paths.root))
    lock.acquire()
    return Outfit(
        paths=paths,
        database=database,
        settings=settings,
        provider=provider,
        prompts=prompts,
        workflows=installed_workflows(paths.root),
        permission_mode=options.permission_mode,
        environment=environment,
    ), lock


def make_provider(options: Options, environment: Mapping[str, str]) -> Provider:
    """The provider of the chosen agent; its executable exists and may be executed. Runs nothing."""
    if options.agent == "scripted":
        return _scripted(options)
    from runner.agents.claude import ClaudeProvider, root_refusal

    refusal = root_refusal(options.permission_mode, environment, os.geteuid() == 0)
    if refusal is not None:
        raise AgentUnavailable(refusal)
    return ClaudeProvider(_executable(options.agent_command or "claude"))


def _scripted(options: Options) -> Provider:
    from runner.agents import scripted
    from runner.demo import SCENARIO

    scenario = options.scenario or (SCENARIO if options.demo else None)
    if scenario is None:
        raise UsageError("the scripted agent needs a scenario", hint="give one with --scenario FILE")
    if not scenario.is_file():
        raise UsageError(f"scenario {scenario} is not a file", hint="see docs/scripted-agent.md")
    _check_scenario(scenario)
    child = Path(scripted.__file__).with_name("scripted_child.py")
    python = _executable(options.agent_command) if options.agent_command else sys.executable
    return scripted.ScriptedProvider(python=python, child=str(child), scenario=str(scenario.absolute()))


def _check_scenario(scenario: Path) -> None:
    """A mistake in the scenario would fail every attempt of every command: refuse it before there is one."""
    from runner.agents.scripted_run import ScenarioError
    from runner.agents.scripted_scenario import load_scenario

    try:
        load_scenario(str(scenario))
    except ScenarioError as error:
        raise UsageError(str(error), hint="docs/scripted-agent.md has the schema") from None


def _executable(command: str) -> str:
    """The absolute path of an agent's executable."""
    found = shutil.which(command)
    if found is not None:
        return str(Path(found).absolute())
    if os.sep in command and Path(command).exists():
        raise AgentUnavailable(
            f"{command} is not executable", hint="chmod +x it, or name another with --agent-command"
        )
    raise AgentUnavailable(
        f"the agent CLI {command!r} was not found",
        hint="install it (npm install -g @anthropic-ai/claude-code), or name it with --agent-command PATH",
    )


def demo_project(options: Options, say: Callable[[str], None]) -> Options:
    """Copy the sample project, unless it is there already to be resumed; the options to run it with."""
    from runner.demo import SCENARIO, copy_demo

    target = options.project
    if target is None:
        target = Path(tempfile.mkdtemp(prefix="sprint-runner-demo-"))
        say(f"demo project: {target}")
    # Only a copy of the sample is gone on with: the stand-in must never work on a real project.
    if not (target / DEMO_SIGN).is_file():
        copy_demo(target)
    return replace(options, project=target, agent="scripted", scenario=options.scenario or SCENARIO)
