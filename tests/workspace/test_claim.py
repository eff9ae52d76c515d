"""Databases outside of their project, claimed by other real processes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.domain.errors import DatabaseError, ProjectHeld
from runner.workspace.claim import Claim

CLAIM = """
import sys
from pathlib import Path
from runner.workspace.claim import Claim
claim = Claim(Path(sys.argv[1]), Path(sys.argv[2]))
claim.make()
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere.db"


def project(tmp_path: Path, name: str) -> Path:
    (tmp_path / name / ".sprint-runner").mkdir(parents=True)
    return tmp_path / name


@contextmanager
def claimed_by(database: Path, root: Path) -> Iterator[None]:
    """A runner of that project that works with the database, and is killed then."""
    command = [sys.executable, "-c", CLAIM, str(database), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "claimed\n"
            yield
        finally:
            process.kill()


def test_a_database_that_a_runner_of_another_project_works_with_is_refused(tmp_path: Path, database: Path):
    with claimed_by(database, project(tmp_path, "one")), pytest.raises(ProjectHeld) as caught:
        Claim(database, project(tmp_path, "two")).make()
    assert str(database) in caught.value.message


def test_the_database_of_another_project_is_refused_when_its_runner_is_dead(tmp_path: Path, database: Path):
    one, two = project(tmp_path, "one"), project(tmp_path, "two")
    with claimed_by(database, one):
        pass
    with pytest.raises(DatabaseError) as caught:
        Claim(database, two).make()
    assert caught.value.message == f"{database} is the database of {one}"


def test_a_project_has_its_own_database_back_whatever_leads_to_either(tmp_path: Path, database: Path):
    one = project(tmp_path, "one")
    with claimed_by(database, one):
        pass
    (tmp_path / "link").symlink_to(one)
    (tmp_path / "link.db").symlink_to(database)
    Claim(tmp_path / "link.db", tmp_path / "link").make()


def test_a_project_that_was_moved_keeps_its_database(tmp_path: Path, database: Path):
    one = project(tmp_path, "one")
    with claimed_by(database, one):
        pass
    Claim(database, shutil.move(one, tmp_path / "moved")).make()
    with pytest.raises(ProjectHeld):
        Claim(database, project(tmp_path, "two")).make()


def test_a_database_in_the_state_folder_of_another_project_is_refused(tmp_path: Path):
    one, two = project(tmp_path, "one"), project(tmp_path, "two")
    with pytest.raises(DatabaseError):
        Claim(one / ".sprint-runner" / "sprint-runner.db", two).make()


def test_a_database_in_the_own_state_folder_needs_no_claim(tmp_path: Path):
    state = project(tmp_path, "one") / ".sprint-runner"
    Claim(state / "sprint-runner.db", state.parent).make()
    assert list(state.iterdir()) == []


def test_a_claim_is_made_once(tmp_path: Path, database: Path):
    claim = Claim(database, project(tmp_path, "one"))
    claim.make()
    claim.make()
