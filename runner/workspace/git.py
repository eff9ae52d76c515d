"""What the runner asks of git: where HEAD is, which commits came since, and locks that a killed git left.

Used around `batch-commit` and at recovery. Runs git directly with a list of arguments, never through a shell,
and never changes the repository but for moving a stale lock aside. No git, no repository and no commit yet are
all answered with nothing: a project without git is run without it.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runner.crashpoint import crashpoints

_SECONDS: Final = 20
"""A git that takes longer hangs (a dead network folder); the caller's thread must come back."""
_COMMITS: Final = 1000
"""More commits than any batch makes between two looks."""
_HASH = re.compile(r"[0-9a-f]{40,64}\Z")
_ELSEWHERE: Final = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"}
)
"""Variables that point git to another repository, left over from a hook the runner was started in."""
_PROC: Final = Path("/proc")


def is_repository(root: Path) -> bool:
    """Whether the folder lies in a git work tree."""
    return _git(root, "rev-parse", "--is-inside-work-tree") == "true\n"


def head(root: Path) -> str | None:
    """The hash HEAD points to; None when there is no commit."""
    text = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return text.strip() if text else None


def commits_since(root: Path, old_head: str | None) -> list[tuple[str, str]]:
    """Hash and subject of the commits that HEAD has and `old_head` has not, newest first.

    `old_head` is what `head` said earlier; None (no commit then) gives all of them.
    """
    if old_head is not None and not _HASH.match(old_head):
        raise ValueError(f"not a commit hash: {old_head!r}")
    range_ = "HEAD" if old_head is None else f"{old_head}..HEAD"
    text = _git(
        root,
        "log",
        "--no-show-signature",
        "--encoding=UTF-8",
        f"--max-count={_COMMITS}",
        "--format=%H %s",
        range_,
        "--",
    )
    return [
        (commit, subject) for commit, _, subject in (line.partition(" ") for line in (text or "").split("\n")[:-1])
    ]


def stale_locks(root: Path) -> list[Path]:
    """Lock files in the repository that no process holds: what a killed git left behind.

    Empty while a git of somebody else runs on the project: git closes some locks long before it lets go of them
    (while an editor asks for the message), so an open file alone proves nothing. Empty also where the system
    does not tell who holds what.
    """
    answer = _git(root, "rev-parse", "--git-common-dir")
    if answer is None or not _PROC.joinpath("self/fd").is_dir():
        return []
    common = Path(os.path.realpath(root / answer.removesuffix("\n")))
    locks = sorted(_locks(common))
    if not locks or _git_at_work((Path(os.path.realpath(root)), common)):
        return []
    held = _open_files()
    return [lock for lock in locks if str(lock) not in held]


def move_aside(lock: Path, into: Path) -> Path:
    """Take a stale lock out of git's way, into a folder outside of the repository; returns its new place.

    Not beside the old one: below `refs`, any file is taken for a branch. Raises OSError.
    """
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while (place := into / f"{lock.name}.{number}").exists():
        number += 1
    # Copied, not renamed: the state folder may lie on another file system than the repository.
    place.write_bytes(lock.read_bytes())
    with crashpoints("removal of a git lock"):
        lock.unlink()
    return place


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints; None when it fails."""
    inherited = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    settings = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        with crashpoints("question to git"):
            done = subprocess.run(
                ["git", "--no-pager", *arguments],
                cwd=root,
                env=inherited | settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _locks(common: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(common):
        if "HEAD" in names and "refs" in folders:
            # The top of a repository or of a submodule's; elsewhere such names may be parts of branches.
            folders[:] = [name for name in folders if name not in ("objects", "hooks")]
        for name in names:
            lock = Path(folder, name)
            if name.endswith(".lock") and lock.is_file() and not lock.is_symlink():
                yield lock


def _git_at_work(places: tuple[Path, ...]) -> bool:
    for process in _processes():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            where = Path(os.readlink(process / "cwd"))
        except OSError:
            continue
        if _is_git(words) and any(where.is_relative_to(place) for place in places):
            return True
    return False


def _is_git(words: list[bytes]) -> bool:
    """Whether a command line is a git that does something, and not one of its lasting daemons."""
    name = words[0].rsplit(b"/", 1)[-1]
    return (name == b"git" or name.startswith(b"git-")) and not any(word.endswith(b"--daemon") for word in words[:2])


def _open_files() -> set[str]:
    """Every path that a process has open, as far as we may see."""
    found = set()
    for process in _processes():
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                found.add(os.readlink(descriptor))
            except OSError:
                continue
    return found


def _processes() -> Iterator[Path]:
    return (entry for entry in _PROC.iterdir() if entry.name.isdecimal())
