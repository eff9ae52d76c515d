"""Where a command looks."""

from pathlib import Path

import pytest

from runner.domain.errors import ProjectError
from runner.workspace.place import Where, database_file, find_paths


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "_bmad").mkdir()
    return tmp_path


def test_a_database_in_a_closed_folder_is_refused_in_words(project: Path, monkeypatch: pytest.MonkeyPatch):
    where = Where(project=project)
    paths = find_paths(where)

    def closed(path: object) -> None:  # root looks into every folder
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("runner.workspace.place.os.stat", closed)
    with pytest.raises(ProjectError) as caught:
        database_file(where, paths)
    monkeypatch.undo()
    assert caught.value.message == f"cannot look into {project / '.sprint-runner'}: Permission denied"


def test_a_database_need_not_exist(project: Path):
    where = Where(project=project)
    assert database_file(where, find_paths(where)) == project / ".sprint-runner" / "sprint-runner.db"
