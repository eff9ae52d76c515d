"""A BMAD project of one test, on the real disk."""

from pathlib import Path

import pytest

from runner.workspace.project import Paths, read_paths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "_bmad-output/implementation-artifacts").mkdir(parents=True)
    (tmp_path / "_bmad-output/planning-artifacts").mkdir()
    return tmp_path


@pytest.fixture
def paths(root: Path) -> Paths:
    return read_paths(root, None)
