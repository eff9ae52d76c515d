"""Where things are in the BMAD project being run: its folders, and the runner's own state folder.

Called once by the command line at start. BMAD's configuration says where artifacts live; what it leaves out has
BMAD's defaults. Never creates anything but the state folder.
"""

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.domain.errors import ProjectError
from runner.workspace.atomic import write_atomically
from runner.workspace.reading import read_regular
from runner.workspace.root import STATE_FOLDER
from runner.workspace.yaml_text import SIZE_LIMIT, BadYaml, Scalar, decode, load_table

CONFIGS: Final = ("_bmad/bmm/config.yaml", "_bmad/config.yaml", "_bmad/core/config.yaml")
"""BMAD's configuration files over its versions; the first one that has a key decides it."""
_PLACEHOLDER = re.compile(r"\{([\w-]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Absolute paths of one project."""

    root: Path
    status_file: Path
    implementation: Path
    """Story files, tech-specs, discovery files."""
    planning: Path
    state: Path

    @property
    def context(self) -> Path:
        """The project context that BMAD generates."""
        return self.planning / "project-context.md"

    @property
    def prompts(self) -> Path:
        """The project's own prompts, where it has any."""
        return self.root / "_bmad/bmm/workflows/4-implementation/sprint-runner/prompts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    value: str
    where: str
    """File and line, for errors."""


def read_paths(root: Path, status_file: Path | None) -> Paths:
    """The project's paths, as its configuration has them; `status_file` overrides where the sprint file is.

    Raises ProjectError for a configuration that cannot be read and for folders that are none.
    """
    settings = _settings(root)
    known = {"project-root": root}
    output = _folder(settings, "output_folder", known=known) or root / "_bmad-output"
    known["output_folder"] = output
    implementation = (
        _folder(settings, "implementation_artifacts", known=known)
        or _folder(settings, "sprint_artifacts", known=known)
        or output / "implementation-artifacts"
    )
    planning = _folder(settings, "planning_artifacts", known=known) or output / "planning-artifacts"
    for folder in (root, implementation, planning):
        _check_folder(folder)
    given = None if status_file is None else Path(os.path.abspath(status_file))
    return Paths(
        root=root,
        status_file=given or implementation / "sprint-status.yaml",
        implementation=implementation,
        planning=planning,
        state=root / STATE_FOLDER,
    )


def make_state_folder(root: Path) -> Path:
    """Create the runner's folder in the project where it is missing; ours alone, and invisible to git.

    Raises ProjectError when something else stands there: what a stranger prepared is never trusted.
    """
    state = root / STATE_FOLDER
    try:
        with suppress(FileExistsError):
            state.mkdir(mode=0o700)
        check_ours(state)
        state.chmod(0o700)
        if not (ignore := state / ".gitignore").exists():
            write_atomically(ignore, b"*\n", mode=0o600)
    except OSError as error:
        raise ProjectError(
            f"cannot prepare {state}: {error.strerror}", hint="check permissions and free space of the project"
        ) from None
    return state


def _settings(root: Path) -> dict[str, _Setting]:
    settings: dict[str, _Setting] = {}
    for name in CONFIGS:
        for key, setting in _read_config(root / name).items():
            settings.setdefault(key, setting)
    return settings


def _read_config(path: Path) -> dict[str, _Setting]:
    try:
        table = load_table(decode(read_regular(path, limit=SIZE_LIMIT)))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ProjectError(
            f"cannot read {path}: {error.strerror}", hint="check the file and its permissions"
        ) from None
    except BadYaml as error:
        raise ProjectError(
            f"{path}:{error.line}: {error.problem}",
            hint="correct the file (values with {project-root} stand in quotes)",
        ) from None
    return {
        name.text: _Setting(value=node.text, where=f"{path}:{node.line}")
        for name, node in table.pairs
        if isinstance(node, Scalar) and node.text
    }


def _folder(settings: dict[str, _Setting], name: str, *, known: dict[str, Path]) -> Path | None:
    """The folder a setting names, relative to the project; None where it is not set."""
    if name not in settings:
        return None
    setting = settings[name]

    def value(placeholder: re.Match[str]) -> str:
        if placeholder[1] not in known:
            raise ProjectError(
                f"{setting.where}: unknown placeholder {placeholder[0]}",
                hint="use {project-root} or a plain path",
            )
        return str(known[placeholder[1]])

    if not setting.value.isprintable():
        raise ProjectError(f"{setting.where}: {name} is not a path", hint="write the folder on one line")
    return Path(os.path.normpath(known["project-root"] / _PLACEHOLDER.sub(value, setting.value)))


def _check_folder(folder: Path) -> None:
    """A missing folder is no error yet: planning has not run. One that cannot be used is."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ProjectError(f"cannot read {folder}: {error.strerror}", hint="check its permissions") from None
    if not stat.S_ISDIR(mode):
        raise ProjectError(f"{folder} is not a folder", hint="correct BMAD's config.yaml, or move it away")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ProjectError(f"cannot read {folder}: Permission denied", hint="check its permissions")


def check_ours(state: Path) -> None:
    """Refuse a state folder that is none, or another's: what it holds decides which processes are killed.

    Raises ProjectError, and OSError when there is none.
    """
    found = state.lstat()
    if not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a folder"
        raise ProjectError(f"{state} is {kind}", hint="move it away; the runner makes its own")
    if found.st_uid != os.geteuid():
        raise ProjectError(
            f"{state} belongs to another user (uid {found.st_uid})",
            hint="run as that user, or move the folder away",
        )
