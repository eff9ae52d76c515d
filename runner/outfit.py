"""Everything that is checked and decided before a batch may start.

The command line takes the project's lock, ends what a dead runner has left alive, then calls `outfit` with its
options. The order matters: first comes what only looks, so that bad input leaves the project untouched; the state
folder is made last.
"""

import os
import resource
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from runner.agents.base import Provider
from runner.app import Outfit
from runner.dashboard import Serving, keep_token, open_dashboard
from runner.domain.errors import AgentUnavailable, UsageError
from runner.guard import tags
from runner.guard.probe import obstacle
from runner.settings import load_settings
from runner.workspace.lock import ProjectLock
from runner.workspace.place import Where, database_file, find_paths
from runner.workspace.project import make_state_folder
from runner.workspace.prompts import load_prompts
from runner.workspace.sprint_file import read_sprint
from runner.workspace.workflows import installed_workflows
from web.preferences import Preferences

SETTINGS = "settings.json"
FEWEST_FILES = 64
"""The runner has 20 open, and 5 more for each agent."""
USUAL_FILES = 1024


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
    serving: Serving = field(default_factory=partial(Serving, server=False))

    @property
    def where(self) -> Where:
        return Where(project=self.project, status_file=self.status_file, database=self.database)


def outfit(
    options: Options, environment: Mapping[str, str], lock: ProjectLock, *, resume: bool = False, waits: bool = False
) -> Outfit:
    """Check the project, whose lock is held, and the agent; then make the state folder. Raises RunnerError.

    `resume`: a batch has to be there. `waits`: nothing is started yet, so the sprint file may still come.
    """
    paths = find_paths(options.where)
    database = database_file(options.where, paths)
    if resume and not database.exists():
        raise UsageError("there is no unfinished batch to resume", hint="start one with --cycles")
    if not waits:
        read_sprint(paths.status_file)
    prompts = load_prompts(paths)
    settings = load_settings(paths.state / SETTINGS, environment, {})
    provider = make_provider(options, environment)
    check_isolation(settings.isolation)
    check_limits()
    dashboard = open_dashboard(options.serving, settings, environment)
    make_state_folder(paths.root)
    keep_token(paths.state, dashboard.offer.rules.token if dashboard else "")
    lock.describe(dashboard.url if dashboard else "")
    return Outfit(
        paths=paths,
        database=database,
        settings=settings,
        provider=provider,
        prompts=prompts,
        workflows=installed_workflows(paths.root),
        permission_mode=options.permission_mode,
        environment=environment,
        preferences=Preferences(paths.state / SETTINGS, environment, {}),
        dashboard=dashboard,
    )


def check_limits() -> None:
    """Refuse a shell whose limits leave no room for agents, or no way to tell their processes from others."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < FEWEST_FILES:
        raise AgentUnavailable(
            f"only {files} files may be open at the same time (ulimit -n)",
            hint=f"raise it in the shell that starts the runner: ulimit -n {USUAL_FILES}",
        )
    try:
        tags.new_tag()
    except OSError as error:
        raise AgentUnavailable(
            f"agents cannot be guarded: {error.strerror}",
            hint="raise it in the shell that starts the runner: ulimit -x unlimited",
        ) from None


def check_isolation(isolation: str) -> None:
    """Refuse a setting that this machine cannot keep; tries it out, unless it is the usual one."""
    if reason := obstacle(isolation):
        raise UsageError(
            f"isolation by {isolation} is not to be had here: {reason}",
            hint="set `isolation` to auto; `python -m runner doctor` tells what there is",
        )


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
