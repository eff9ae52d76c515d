"""The bundled sample project, and how a copy of it is made.

The command line calls `demo_folder` for `--demo`; the scripted agent then works in the copy as `scenario.yaml` says.
`project/` is the sample, `sources/` holds the files that the agent writes into it. Never changes anything outside
the target folder, and never reads the user's git configuration.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from runner.domain.errors import UsageError

FOLDER = Path(__file__).parent
SCENARIO = FOLDER / "scenario.yaml"
SIGN = "_bmad/sprint-runner-demo"
"""File that tells a copy of the sample project from any other."""

_RENAMED = {"gitignore": ".gitignore"}
"""Bundled name to real name: under its real one the file would steer the runner's own repository and its wheel."""
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc")
_SETTINGS = {
    "user.name": "Demo",
    "user.email": "demo@example.invalid",
    # The agent commits later under the user's own configuration: what could ask for a passphrase, run foreign
    # programs or hide files is settled here.
    "commit.gpgSign": "false",
    "core.hooksPath": ".git/hooks",
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
}


def demo_folder(target: Path | None, say: Callable[[str], None]) -> Path:
    """A copy of the sample project: a new one, unless it is there already to be resumed. Raises UsageError."""
    if target is None:
        target = Path(tempfile.mkdtemp(prefix="sprint-runner-demo-"))
        say(f"demo project: {target}")
    # Only a copy of the sample is gone on with: the stand-in must never work on a real project.
    if not (target / SIGN).is_file():
        copy_demo(target)
    return target


def copy_demo(target: Path) -> Path:
    """Make a repository with the sample project in `target`, with one commit; gives the path of its scenario.

    The folder is empty or does not exist yet, else UsageError; so is a machine without git.
    """
    target = Path(os.path.abspath(target))
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(
                f"{target} is not an empty folder",
                hint="the demo needs a new or empty one, see --project",
            )
        shutil.copytree(FOLDER / "project", target, ignore=_NOT_COPIED, dirs_exist_ok=True)
        for bundled, real in _RENAMED.items():
            (target / bundled).rename(target / real)
    except OSError as error:
        raise UsageError(
            f"the demo cannot be copied to {target}: {error}", hint="choose another folder with --project"
        ) from error
    _make_repository(target)
    return SCENARIO


def _make_repository(target: Path) -> None:
    _git(target, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    for name, value in _SETTINGS.items():
        _git(target, "config", name, value)
    _git(target, "add", "--all")
    _git(target, "commit", "--quiet", "--message", "Paperback: a reading list for the terminal")


def _git(target: Path, *arguments: str) -> None:
    # A variable like GIT_DIR would lead out of the target; the user's own settings may lead anywhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    argv: Sequence[str] = ("git", *arguments)
    try:
        done = subprocess.run(argv, cwd=target, env=environment, capture_output=True, check=False)
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}", hint="the demo needs git") from error
    if done.returncode:
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise UsageError(
            f"git {arguments[0]} failed in {target}: {complaint[-1]}", hint="the demo needs a working git"
        )
