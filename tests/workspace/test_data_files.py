"""The files that are given out as they are, and everything that is not."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.workspace.data_files import CONTENT_TYPES, SIZE_LIMIT, DataFile, open_data_file
from runner.workspace.project import Paths, read_paths

LOGS = ("orchestrator.md", "orchestrator.csv", "sprint-runner.csv")


def test_each_file_is_given_with_its_type(paths: Paths):
    for name in CONTENT_TYPES:
        (paths.implementation / name).write_bytes(b"\xffdata of " + name.encode())
    for name, content_type in CONTENT_TYPES.items():
        expected = DataFile(content_type=content_type, data=b"\xffdata of " + name.encode())
        assert open_data_file(paths, name) == expected
    assert {kind.partition(";")[0] for kind in CONTENT_TYPES.values()} == {
        *("application/x-yaml", "text/plain", "text/csv")
    }


def test_the_sprint_file_is_the_one_the_runner_reads(root: Path, tmp_path: Path):
    other = tmp_path / "other.yaml"
    other.write_text("here")
    (root / "_bmad-output/implementation-artifacts/sprint-status.yaml").write_text("not here")
    found = open_data_file(read_paths(root, other), "sprint-status.yaml")
    assert found is not None
    assert found.data == b"here"


@pytest.mark.parametrize("name", LOGS)
def test_logs_are_looked_for_in_three_folders(paths: Paths, name: str):
    docs = paths.root / "docs"
    docs.mkdir()
    for folder in (docs, paths.planning, paths.implementation):
        (folder / name).write_text(str(folder))
        found = open_data_file(paths, name)
        assert found is not None
        assert found.data == str(folder).encode()


def test_what_is_not_there_is_not_given(paths: Paths):
    assert [open_data_file(paths, name) for name in CONTENT_TYPES] == [None] * len(CONTENT_TYPES)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "x.md", "../sprint-status.yaml", "Orchestrator.md", "orchestrator.md\0", "orchestrator.md/"],
)
def test_no_other_name_is_looked_for(paths: Paths, name: str):
    (paths.implementation / "orchestrator.md").write_text("log")
    (paths.implementation / "x.md").write_text("secret")
    assert open_data_file(paths, name) is None


def link(path: Path) -> None:
    path.with_name("target").write_text("secret")
    path.symlink_to(path.with_name("target"))


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


def too_large(path: Path) -> None:
    path.write_bytes(b"x" * (SIZE_LIMIT + 1))


def without_rights(path: Path) -> None:
    path.write_text("secret")
    path.chmod(0)


ODDITIES: tuple[Callable[[Path], None], ...] = (link, endless, listening, too_large, os.mkfifo, Path.mkdir)


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("name", CONTENT_TYPES)
def test_nothing_but_a_regular_file_is_given(
    paths: Paths, oddity: Callable[[Path], None], name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(paths.root)
    oddity(paths.implementation / name)
    assert open_data_file(paths, name) is None


def test_the_largest_file_is_given_whole(paths: Paths):
    (paths.implementation / "orchestrator.md").write_bytes(b"x" * SIZE_LIMIT)
    found = open_data_file(paths, "orchestrator.md")
    assert found is not None
    assert len(found.data) == SIZE_LIMIT


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_not_given(paths: Paths):
    without_rights(paths.status_file)
    assert open_data_file(paths, "sprint-status.yaml") is None


def test_no_descriptor_is_left_open(paths: Paths):
    (paths.implementation / "orchestrator.md").write_text("log")
    os.mkfifo(paths.implementation / "orchestrator.csv")
    before = len(os.listdir("/proc/self/fd"))
    for name in CONTENT_TYPES:
        open_data_file(paths, name)
    assert len(os.listdir("/proc/self/fd")) == before
