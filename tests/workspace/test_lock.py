"""The project lock, against other real processes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError, ProjectHeld
from runner.workspace.lock import ProjectLock

HOLD = """
import sys
from pathlib import Path
from runner.workspace.lock import ProjectLock
lock = ProjectLock(Path(sys.argv[1]))
lock.acquire()
lock.describe("http://127.0.0.1:8765")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_runner(state: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_second_runner_is_told_who_holds_the_project(tmp_path: Path):
    with other_runner(tmp_path) as other, pytest.raises(ProjectHeld) as caught:
        ProjectLock(tmp_path).acquire()
    said = rf"another runner holds this project \(pid {other.pid}, since \d\d:\d\d, http://127\.0\.0\.1:8765\)"
    assert re.fullmatch(said, caught.value.message)
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_kill_of_the_holder_frees_the_project(tmp_path: Path):
    with other_runner(tmp_path) as other:
        other.kill()
        other.wait()
        with ProjectLock(tmp_path):
            pass


def test_release_frees_the_project(tmp_path: Path):
    first, second = ProjectLock(tmp_path), ProjectLock(tmp_path)
    first.acquire()
    with pytest.raises(ProjectHeld, match=f"pid {os.getpid()}"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_child_that_inherits_everything_does_not_inherit_the_lock(tmp_path: Path):
    with ProjectLock(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with ProjectLock(tmp_path):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\x00garbage", b"[1]", b'{"pid": "x", "since": [], "url": 7}', b'{"url": "a\\nb"}', b"[" * 4000],
    ids=["empty", "garbage", "list", "types", "line break", "deep"],
)
def test_stale_or_garbage_content_is_no_problem(tmp_path: Path, content: bytes):
    file = tmp_path / "lock"
    file.write_bytes(content)
    with ProjectLock(tmp_path):
        file.write_bytes(content)
        with pytest.raises(ProjectHeld) as caught:
            ProjectLock(tmp_path).acquire()
    assert caught.value.message == "another runner holds this project"


@pytest.mark.parametrize("since", ["1e400", "9" * 30, "-1" + "0" * 20])
def test_a_time_nobody_can_mean_is_left_out(tmp_path: Path, since: str):
    with ProjectLock(tmp_path):
        (tmp_path / "lock").write_text(f'{{"pid": 7, "since": {since}}}')
        with pytest.raises(ProjectHeld, match=r"\(pid 7\)"):
            ProjectLock(tmp_path).acquire()


def test_another_day_is_named_with_its_date(tmp_path: Path):
    with ProjectLock(tmp_path):
        (tmp_path / "lock").write_text('{"since": 1000000000000}')
        with pytest.raises(ProjectHeld, match=time.strftime(r"\(since %Y-%m-%d %H:%M\)", time.localtime(1e9))):
            ProjectLock(tmp_path).acquire()


def test_lock_that_cannot_be_made_is_a_project_error(tmp_path: Path):
    with pytest.raises(ProjectError, match="cannot lock"):
        ProjectLock(tmp_path / "missing").acquire()
    (tmp_path / "lock").symlink_to("elsewhere")
    with pytest.raises(ProjectError, match="cannot lock"):
        ProjectLock(tmp_path).acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_describe_needs_the_lock(tmp_path: Path):
    with pytest.raises(RuntimeError):
        ProjectLock(tmp_path).describe("http://x")


def test_lock_is_taken_before_anything_heavy_is_imported():
    heavy = ("yaml", "msgspec", "trio", "click", "rich", "structlog", "sqlite3", "subprocess", "tempfile")
    code = f"import runner.workspace.lock, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
