"""Small BMAD projects in real git repositories, made in milliseconds."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SIX_STORIES = {
    "epic-1": "backlog",
    "1-1-one": "backlog",
    "1-2-two": "backlog",
    "epic-2": "backlog",
    "2-1-three": "ready-for-dev",
    "2-2-four": "backlog",
    "epic-3": "backlog",
    "3-1-five": "in-progress",
    "3-2-six": "review",
}


def git(project: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout


def make_project(folder: Path, statuses: Mapping[str, str], *, context: bool = True) -> Path:
    """A project with these stories; with `context`, its project context is fresh."""
    artifacts = folder / "_bmad-output" / "implementation-artifacts"
    planning = folder / "_bmad-output" / "planning-artifacts"
    artifacts.mkdir(parents=True)
    planning.mkdir(parents=True)
    (folder / "_bmad").mkdir()
    lines = "".join(f"  {key}: {status}\n" for key, status in statuses.items())
    (artifacts / "sprint-status.yaml").write_text(f"# a sprint\ndevelopment_status:\n{lines}")
    if context:
        (planning / "project-context.md").write_text("# Context\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.invalid")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "start")
    return folder


def sprint_file(project: Path) -> Path:
    return project / "_bmad-output" / "implementation-artifacts" / "sprint-status.yaml"


def statuses(project: Path) -> dict[str, str]:
    """What the sprint file says of each story and epic."""
    section = sprint_file(project).read_text().partition("development_status:\n")[2]
    return dict(line.strip().split(": ", 1) for line in section.splitlines())


def write_scenario(folder: Path, rules: Sequence[Mapping[str, Any]] = (), **top: Any) -> Path:
    """A scenario for the scripted agent; without rules every command does what is built in."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.json"
    path.write_text(json.dumps({"rules": list(rules), **top}))
    return path


def write_settings(project: Path, **settings: object) -> None:
    state = project / ".sprint-runner"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "settings.json").write_text(json.dumps(settings))
