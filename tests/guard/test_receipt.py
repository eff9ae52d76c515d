"""The runner's side: reading what a guard left, and waiting for it to be gone."""

import fcntl
import json
import os
import sys

import pytest

from runner.guard.receipt import GUARD_SCRIPT, Receipt, await_guard, guard_command, read_receipt

WRITTEN = {
    "v": 1,
    "why": "stop",
    "exit_code": None,
    "signal": 9,
    "error": None,
    "leftovers": 2,
    "swept": 1,
    "clean": True,
    "started_at": 1_700_000_000_000,
    "ended_at": 1_700_000_000_500,
}


def write(folder, text):
    (folder / "exit.json").write_text(text)


def test_a_receipt_is_read_back(tmp_path):
    write(tmp_path, json.dumps(WRITTEN))
    assert read_receipt(tmp_path) == Receipt(**WRITTEN)


def test_a_receipt_torn_anywhere_is_no_receipt(tmp_path):
    text = json.dumps(WRITTEN)
    for length in range(len(text)):
        write(tmp_path, text[:length])
        assert read_receipt(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"why": "bored"}, {"clean": 1}, {"exit_code": "0"}, {"leftovers": None}, {"ended_at": 1.5}],
)
def test_an_invalid_receipt_is_no_receipt(tmp_path, change):
    write(tmp_path, json.dumps(WRITTEN | change))
    assert read_receipt(tmp_path) is None


@pytest.mark.parametrize("text", ["", "null", "[]", "\0" * 200, "é", "[" * 4000, " " * 10_000])
def test_rubbish_is_no_receipt(tmp_path, text):
    write(tmp_path, text)
    assert read_receipt(tmp_path) is None


def test_a_missing_receipt_is_no_receipt(tmp_path):
    assert read_receipt(tmp_path) is None
    assert read_receipt(tmp_path / "missing") is None
    (tmp_path / "exit.json").mkdir()
    assert read_receipt(tmp_path) is None


def test_the_lock_tells_whether_the_guard_is_gone(tmp_path):
    assert await_guard(tmp_path, 0)
    lock = os.open(tmp_path / "guard.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not await_guard(tmp_path, 0)
        assert not await_guard(tmp_path, 0.03)
    finally:
        os.close(lock)
    assert await_guard(tmp_path, 0)
    assert await_guard(tmp_path, 0)


def test_the_command_line_of_a_guard(tmp_path):
    built = guard_command(run_dir=tmp_path, control_fd=5, lock_fd=6, tag=7, grace=0.5, command=["a", "--", "b c"])
    assert built[:4] == [sys.executable, "-I", "-S", str(GUARD_SCRIPT)]
    assert built[4:] == [
        *("--run-dir", str(tmp_path), "--control", "5", "--lock", "6", "--tag", "7", "--grace", "0.5"),
        *("--isolation", "guard"),
        *("--", "a", "--", "b c"),
    ]
    assert GUARD_SCRIPT.is_file()
