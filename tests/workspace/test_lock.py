"""The project lock, against other real processes."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError, ProjectHeld
from runner.workspace.holder import Holder, described, find_holder, writer
from runner.workspace.lock import ProjectLock

HOLD = """
import sys
from pathlib import Path
from runner.workspace.lock import ProjectLock
lock = ProjectLock(Path(sys.argv[1]))
lock.acquire()
if len(sys.argv) > 2:
    lock.describe(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / ".sprint-runner"
    folder.mkdir(parents=True)
    return folder


@contextmanager
def other_runner(state: Path, *url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state), *url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def refusal(state: Path) -> str:
    with pytest.raises(ProjectHeld) as caught:
        ProjectLock(state).acquire()
    assert caught.value.exit_code == 3
    assert caught.value.hint
    return caught.value.message


def test_second_runner_is_told_who_holds_the_project(state: Path):
    with other_runner(state, "http://127.0.0.1:8765") as other:
        said = refusal(state)
    assert re.fullmatch(
        rf"another runner holds this project \(pid {other.pid}, since \d\d:\d\d, http://127\.0\.0\.1:8765\)", said
    )


def test_one_that_has_not_described_itself_yet_is_named_all_the_same(state: Path):
    with other_runner(state) as other:
        assert re.fullmatch(
            rf"another runner holds this project \(pid {other.pid}, since \d\d:\d\d\)", refusal(state)
        )


def test_what_an_earlier_runner_left_is_not_said_of_the_present_one(state: Path):
    (state / "lock").write_text('{"pid": 1, "since": 1000000000000, "url": "http://gone"}')
    with other_runner(state) as other:
        said = refusal(state)
    assert f"(pid {other.pid}, since " in said
    assert "gone" not in said


def test_nothing_is_created_to_take_the_lock(tmp_path: Path):
    with ProjectLock(tmp_path / ".sprint-runner"):
        assert "another runner" in refusal(tmp_path / ".sprint-runner")
        assert list(tmp_path.iterdir()) == []


def test_an_agent_that_clears_out_the_state_folder_lets_nobody_in(state: Path):
    with ProjectLock(state) as lock:
        lock.describe("http://x")
        shutil.rmtree(state)
        assert f"pid {os.getpid()}" in refusal(state)
        state.mkdir()
        assert f"pid {os.getpid()}" in refusal(state)
        assert find_holder(state) is not None


def test_one_who_only_looks_hinders_nobody(state: Path):
    looker = os.open(state.parent, os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    threading.Timer(0.1, os.close, [looker]).start()
    with ProjectLock(state):
        pass


def test_kill_of_the_holder_frees_the_project(state: Path):
    with other_runner(state) as other:
        other.kill()
        other.wait()
        with ProjectLock(state):
            assert find_holder(state) is not None
    assert find_holder(state) is None


def test_release_frees_the_project(state: Path):
    first, second = ProjectLock(state), ProjectLock(state)
    first.acquire()
    assert f"pid {os.getpid()}" in refusal(state)
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_child_that_inherits_everything_does_not_inherit_the_lock(state: Path):
    with ProjectLock(state):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with ProjectLock(state):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\x00garbage", b"[1]", b'{"pid": "x", "since": [], "url": 7}', b'{"url": "a\\nb"}', b"[" * 4000],
    ids=["empty", "garbage", "list", "types", "line break", "deep"],
)
def test_stale_or_garbage_content_is_no_problem(state: Path, content: bytes):
    (state / "lock").write_bytes(content)
    assert described(state) == Holder()
    with ProjectLock(state):
        assert f"pid {os.getpid()}" in refusal(state)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("elsewhere")])
def test_something_else_in_the_place_of_the_description_is_left_alone(state: Path, make: Callable[[Path], object]):
    make(state / "lock")
    with ProjectLock(state) as lock:
        lock.describe("http://x")
        assert f"pid {os.getpid()}" in refusal(state)
    assert not (state / "elsewhere").exists()


def test_a_description_by_the_present_holder_is_believed(state: Path):
    with ProjectLock(state) as lock:
        lock.describe("http://x")
        assert str(described(state)) == str(find_holder(state))


@pytest.mark.parametrize("since", [10**400, int("9" * 30), -(10**20)])
def test_a_time_nobody_can_mean_is_left_out(since: int):
    assert str(Holder(pid=7, since=since)) == "pid 7"


def test_another_day_is_named_with_its_date():
    assert str(Holder(since=1_000_000_000_000)) == time.strftime("since %Y-%m-%d %H:%M", time.localtime(1e9))


LOCKS = """\
1: POSIX  ADVISORY  WRITE 11 08:01:131 0 EOF
2: FLOCK  ADVISORY  READ 12 08:01:131 0 EOF
3: FLOCK  ADVISORY  WRITE 13 08:02:131 0 EOF
4: FLOCK  ADVISORY  WRITE 14 08:01:132 0 EOF
5: FLOCK  ADVISORY  WRITE 15 08:01:131 0 EOF
5: -> FLOCK  ADVISORY  WRITE 16 08:01:131 0 EOF
torn
"""


def test_the_kernels_list_is_read_for_the_one_exclusive_lock_on_the_folder():
    assert writer(LOCKS.splitlines(), os.makedev(8, 1), 131) == 15
    assert writer(LOCKS.splitlines(), os.makedev(8, 3), 131) is None


def test_folder_that_cannot_be_locked_is_a_project_error(tmp_path: Path):
    with pytest.raises(ProjectError, match="cannot lock"):
        ProjectLock(tmp_path / "missing" / ".sprint-runner").acquire()


def test_describe_needs_the_lock(tmp_path: Path):
    with pytest.raises(RuntimeError):
        ProjectLock(tmp_path).describe("http://x")
