"""The doctor's checks of the project: its files, prompts, repository, and the runner's own folder in it.

Called by `doctor` alone. Everything is looked at as a start would, and left as it is.
"""

import os
import sqlite3
import stat
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

from runner.commands.case import Case, Check, Finding, State
from runner.display.words import count
from runner.domain.errors import DatabaseError, ProjectError
from runner.domain.prompts import PROMPT_NAMES
from runner.guard import tags
from runner.outfit import SETTINGS
from runner.settings import Settings, load_settings, table
from runner.store import queries
from runner.store.database import connect, open_reader
from runner.store.migrations import APPLICATION_ID, VERSION
from runner.store.original import is_original
from runner.workspace import git
from runner.workspace.holder import find_holder
from runner.workspace.place import Where, database_file, find_paths
from runner.workspace.project import CONFIGS, Paths
from runner.workspace.prompts import load_prompts
from runner.workspace.sprint_file import read_sprint
from runner.workspace.workflows import installed_workflows

GIT_SECONDS = 10
MAIN_WORKFLOWS = ("create-story", "dev-story", "code-review")


def find_project_paths(where: Where) -> tuple[Finding, Paths | None]:
    """The project itself, with the configuration that says where its files are."""
    try:
        paths = find_paths(where)
    except ProjectError as error:
        return Finding(state=State.FAIL, detail=error.message, remedy=error.hint), None
    return Finding(detail=str(paths.root)), paths


def check_config(case: Case) -> Finding:
    """It was read to find the project's folders; here is which file, and whether they exist."""
    paths = case.project
    used = [name for name in CONFIGS if (paths.root / name).is_file()]
    missing = [folder for folder in (paths.implementation, paths.planning) if not folder.is_dir()]
    detail = ", ".join(used) or "none, BMAD's defaults are used"
    if missing:
        names = ", ".join(str(folder) for folder in missing)
        return Finding(
            state=State.WARN, detail=f"{detail}; {names} does not exist", remedy="run BMAD's planning first"
        )
    return Finding(detail=detail)


def check_sprint_file(case: Case) -> Finding:
    sprint = read_sprint(case.project.status_file)
    numbers = Counter(str(story.status or f"unexpected {story.written!r}") for story in sprint.stories)
    told = ", ".join(f"{number} {status}" for status, number in sorted(numbers.items()))
    detail = f"{count(len(sprint.stories), 'story')}: {told}" if told else "no stories"
    odd = [story.key.text for story in sprint.stories if story.status is None or not story.key.patterned]
    if odd:
        return Finding(
            state=State.WARN, detail=detail, remedy=f"look at {', '.join(odd[:5])}: unexpected key or status"
        )
    if not any(story.open for story in sprint.stories):
        return Finding(state=State.WARN, detail=detail, remedy="nothing is left to do; plan more stories")
    return Finding(detail=detail)


def check_prompts(case: Case) -> Finding:
    prompts = load_prompts(case.project)
    own = sum(Path(prompt.source).is_relative_to(case.project.prompts) for prompt in prompts.values())
    return Finding(detail=f"{own} of the project, {len(prompts) - own} of the runner")


def check_workflows(case: Case) -> Finding:
    """Commands without a BMAD workflow are no fault; a project without the main ones has BMAD not installed."""
    installed = installed_workflows(case.project.root)
    missing = [name for name in PROMPT_NAMES if name not in installed]
    detail = f"BMAD has {len(installed)} of {len(PROMPT_NAMES)}"
    if not any(name in installed for name in MAIN_WORKFLOWS):
        remedy = f"install BMAD's ({', '.join(MAIN_WORKFLOWS)}), or agents do the work in their own way"
        return Finding(state=State.WARN, detail=detail, remedy=remedy)
    return Finding(detail=f"{detail}; without: {', '.join(missing)}" if missing else detail)


def check_settings(case: Case) -> Finding:
    found = load_settings(case.project.state / SETTINGS, case.environment, {})
    usual = Settings()
    changed = [row.name for row in table() if getattr(found, row.name) != getattr(usual, row.name)]
    return Finding(
        detail=", ".join(f"{name} = {getattr(found, name)}" for name in changed) or "all at their defaults"
    )


def check_git(case: Case) -> Finding:
    root = case.project.root
    if not git.is_repository(root):
        return Finding(
            state=State.WARN,
            detail="not a git repository",
            remedy="git init, or batch-commit has nothing to commit to",
        )
    if not _has_identity(root):
        remedy = "set user.name and user.email with git config, or commits fail"
        return Finding(state=State.WARN, detail="git does not know who commits", remedy=remedy)
    if locks := git.stale_locks(root):
        names = ", ".join(str(lock) for lock in locks[:3])
        return Finding(
            state=State.WARN, detail=f"left by a git that was killed: {names}", remedy="the runner moves them aside"
        )
    return Finding(detail=f"at {(git.head(root) or '')[:12] or 'no commit yet'}")


def _has_identity(root: Path) -> bool:
    try:
        asked = subprocess.run(
            ["git", "var", "GIT_COMMITTER_IDENT"], cwd=root, capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def check_state_folder(case: Case) -> Finding:
    """The runner's folder is ours alone, and nobody else works in it."""
    state = case.project.state
    try:
        found = state.lstat()
    except FileNotFoundError:
        return _can_be_made(case.project.root)
    except OSError as error:
        return Finding(state=State.FAIL, detail=f"cannot read {state}: {error.strerror}", remedy="check permissions")
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return Finding(
            state=State.FAIL,
            detail=f"{state} is not a folder of yours",
            remedy="move it away; the runner makes its own",
        )
    held = find_holder(state)
    if held is not None:
        by = f" ({held})" if str(held) else ""
        return Finding(
            state=State.WARN,
            detail=f"a runner holds this project{by}",
            remedy="give it batches with `start` or in the browser; another runner would be refused",
        )
    return Finding(detail=f"{state}, held by nobody")


def _can_be_made(root: Path) -> Finding:
    if os.access(root, os.W_OK | os.X_OK):
        return Finding(detail="will be made by the first batch")
    return Finding(state=State.FAIL, detail=f"{root} cannot be written", remedy="check its permissions")


def check_database(case: Case) -> Finding:
    database = database_file(case.where, case.project)
    if not database.exists():
        return Finding(detail="will be made by the first batch")
    try:
        with closing(open_reader(database)) as connection:
            batches, total = queries.batches(connection, limit=1)
            unfinished = queries.resumable_batch(connection)
    except DatabaseError:
        if _can_be_migrated(database):
            return Finding(detail="of an older version; a start copies it and brings it up to date")
        raise
    if unfinished is not None:
        remedy = "--resume goes on with it, --cycles N --new gives it up"
        return Finding(detail=f"{count(total, 'batch')}, batch {unfinished.id} is unfinished", remedy=remedy)
    last = f", the last one {batches[0].status}" if batches else ""
    return Finding(detail=f"{count(total, 'batch')}{last}")


def _can_be_migrated(database: Path) -> bool:
    try:
        with closing(connect(database, "ro")) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            return bool(version < VERSION) and (application == APPLICATION_ID or is_original(connection))
    except sqlite3.Error:
        return False


def check_leftovers(case: Case) -> Finding:
    """Agents of a runner that died: their commands have no end on record, and their tag finds their processes."""
    database = database_file(case.where, case.project)
    if not database.exists() or find_holder(case.project.state) is not None:
        return Finding(detail="none that are not looked after")
    try:
        with closing(open_reader(database)) as connection:
            open_commands = queries.unfinished_commands(connection)
    except DatabaseError:
        return Finding(detail="unknown: the database cannot be read")
    pids = [pid for command in open_commands if command.attempt.tag for pid in tags.tagged(command.attempt.tag)]
    if pids:
        return Finding(
            state=State.WARN,
            detail=f"processes of earlier agents: {', '.join(map(str, pids))}",
            remedy="a start ends them; if it cannot, end them with kill -9",
        )
    return Finding(detail="none")


PROJECT: tuple[tuple[str, Check], ...] = (
    ("config", check_config),
    ("sprint file", check_sprint_file),
    ("prompts", check_prompts),
    ("workflows", check_workflows),
    ("settings", check_settings),
    ("git", check_git),
    ("state folder", check_state_folder),
    ("database", check_database),
    ("leftovers", check_leftovers),
)
