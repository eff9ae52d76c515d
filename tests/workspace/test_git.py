"""Git, for real: repositories are made and locked by git itself."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.workspace.git import commits_since, head, is_repository, move_aside, stale_locks

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path, subject: str) -> str:
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


def test_no_repository_no_commit_and_no_folder_are_answered_with_nothing(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "missing"):
        assert not is_repository(folder)
        assert head(folder) is None
        assert commits_since(folder, None) == []
        assert stale_locks(folder) == []


def test_repository_before_its_first_commit(repository: Path):
    assert is_repository(repository)
    assert head(repository) is None
    assert commits_since(repository, None) == []


def test_commits_come_newest_first_with_their_subjects(repository: Path):
    first = commit(repository, "feat(2a): implement stories 2a-1")
    second = commit(repository, "fix: é  two spaces\n\nbody")
    third = commit(repository, "third")
    assert head(repository) == third
    assert commits_since(repository, first) == [(third, "third"), (second, "fix: é  two spaces")]
    assert [found for found, _ in commits_since(repository, None)] == [third, second, first]
    assert commits_since(repository, third) == []


def test_head_that_is_gone_gives_no_commits(repository: Path):
    commit(repository, "a")
    assert commits_since(repository, "0" * 40) == []


def test_only_hashes_reach_git(repository: Path):
    with pytest.raises(ValueError, match="not a commit hash"):
        commits_since(repository, "--output=/tmp/x")


def test_variables_of_a_hook_do_not_lead_elsewhere(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = commit(repository, "a")
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    assert head(repository) == here


# Locks


def test_locks_of_a_killed_git_are_found_but_not_those_of_objects_and_hooks(repository: Path):
    commit(repository, "a")
    stale = ["HEAD.lock", "index.lock", "packed-refs.lock", "refs/heads/hooks/a.lock", "refs/heads/main.lock"]
    for name in (*stale, "objects/pack/a.lock", "hooks/a.lock", "refs/heads/x.locked"):
        (repository / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / ".git" / name).touch()
    (repository / ".git/link.lock").symlink_to("HEAD")
    assert stale_locks(repository) == [repository / ".git" / name for name in stale]


def test_lock_that_a_process_has_open_is_held(repository: Path):
    lock = repository / ".git/index.lock"
    code = "import sys; f = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert stale_locks(repository) == []
        process.kill()
        process.wait()
        assert stale_locks(repository) == [lock]


@contextmanager
def git_waiting_for_its_editor(repository: Path) -> Iterator[Path]:
    """A commit that holds `index.lock`, closed, while its editor is open."""
    (repository / "file").touch()
    git(repository, "add", "file")
    editor = repository.parent / "editor"
    editor.write_text("#!/bin/sh\nexec sleep 60\n")
    editor.chmod(0o755)
    process = subprocess.Popen(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-a"],
        cwd=repository,
        env=os.environ | {"GIT_EDITOR": str(editor)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        lock = repository / ".git/index.lock"
        deadline = time.monotonic() + 20
        while not (repository / ".git/COMMIT_EDITMSG").exists() or not lock.exists():
            assert time.monotonic() < deadline, "git did not open its editor"
        yield lock
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_lock_of_a_git_that_waits_for_its_editor_is_not_stolen(repository: Path):
    with git_waiting_for_its_editor(repository) as lock:
        assert stale_locks(repository) == []
    assert stale_locks(repository) == [lock]


def test_locks_of_a_linked_work_tree_are_found_in_the_common_folder(repository: Path, tmp_path: Path):
    commit(repository, "a")
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    lock = repository / ".git/worktrees/tree/index.lock"
    lock.touch()
    assert stale_locks(tmp_path / "tree") == [lock]


def test_stale_lock_moved_aside_lets_git_work_again(repository: Path, tmp_path: Path):
    commit(repository, "a")
    aside = tmp_path / "state/stale-locks"
    for number in (1, 2):
        (repository / ".git/refs/heads/main.lock").write_bytes(b"half")
        with pytest.raises(subprocess.CalledProcessError):
            commit(repository, "refused")
        (lock,) = stale_locks(repository)
        place = move_aside(lock, aside)
        assert place == aside / f"main.lock.{number}"
        assert place.read_bytes() == b"half"
        commit(repository, f"accepted {number}")
    assert git(repository, "branch", "--format=%(refname)") == "refs/heads/main"
