"""Replacing files, and reading what may not be a file at all."""

import os
from pathlib import Path

import pytest

from runner.workspace.atomic import staged, write_atomically
from runner.workspace.reading import read_regular


def test_write_replaces_content_and_leaves_nothing_else(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"old")
    write_atomically(file, b"new\r\n")
    assert file.read_bytes() == b"new\r\n"
    assert list(tmp_path.iterdir()) == [file]


def test_write_keeps_the_mode_of_the_replaced_file(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(0o640)
    write_atomically(file, b"new")
    assert file.stat().st_mode & 0o7777 == 0o640


def test_write_sets_the_mode_asked_for(tmp_path: Path):
    write_atomically(tmp_path / "a", b"", mode=0o600)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_does_not_take_a_file_from_its_owner(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    os.chown(file, 12345, 12346)
    write_atomically(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12346)


def test_write_through_a_link_replaces_what_it_points_to(tmp_path: Path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_staged_content_is_dropped_when_it_is_not_put_in_place(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with staged(file, b"new"):
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_write_into_a_missing_folder_is_an_os_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no/such", b"")


def test_read_refuses_a_fifo_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path / "pipe", limit=10)


def test_read_refuses_a_folder(tmp_path: Path):
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path, limit=10)


def test_read_stops_at_the_limit(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x" * 2049)
    assert len(read_regular(tmp_path / "a", limit=2049)) == 2049
    with pytest.raises(OSError, match="larger than 2 KiB"):
        read_regular(tmp_path / "a", limit=2048)
