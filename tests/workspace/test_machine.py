"""What the machine refuses, in words: each error of the system with its remedy, and disks without room."""

import errno
import os
from pathlib import Path

import pytest

from runner.domain.errors import BatchFailed, DatabaseError
from runner.workspace.machine import REMEDIES, MachineFault, fault_of, refusal, shortage
from tests.support.faults import fill, small_disk


@pytest.mark.parametrize("number", REMEDIES, ids=errno.errorcode.__getitem__)
def test_refusal_names_what_happened_where_and_the_remedy(number: int):
    error = OSError(number, os.strerror(number), "/some/file")
    fault = fault_of(error)
    assert isinstance(fault, MachineFault)
    assert str(fault) == f"/some/file: {os.strerror(number)}; {REMEDIES[number]}, then resume"
    assert refusal(error) == f"{os.strerror(number)}; {REMEDIES[number]}, then resume"


FULL = DatabaseError("the disk is full")


@pytest.mark.parametrize(
    ("crash", "fault"),
    [
        (FULL, FULL),
        (ExceptionGroup("", [ExceptionGroup("", [FULL]), OSError(errno.ENOSPC, "")]), FULL),
        (FileNotFoundError(errno.ENOENT, "gone"), None),
        (BatchFailed("processes are still there"), None),
        (ExceptionGroup("", [FULL, KeyError("a mistake")]), None),
        (ExceptionGroup("", [BatchFailed("processes are still there"), FULL]), None),
    ],
)
def test_crash_is_a_fault_of_the_machine_when_all_of_it_is(crash: BaseException, fault: object):
    assert fault_of(crash) is fault


def test_folder_with_room_lacks_nothing(tmp_path: Path):
    assert shortage(tmp_path, tmp_path / "not there yet") == ""


def test_full_disk_is_named_with_the_remedy(tmp_path: Path):
    with small_disk(tmp_path / "small") as small:
        assert shortage(tmp_path, small) == ""
        fill(small)
        assert shortage(tmp_path, small) == f"the disk of {small} is full (0 KiB free); free some space, then resume"
