"""The tag and the sweep: what they find, and what they must leave alone."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from runner.guard import tags

_RLIMIT_LOCKS = 10


@pytest.fixture
def tag():
    number = tags.new_tag()
    yield number
    tags.sweep(number, 5)


@pytest.fixture
def sleeper():
    """Start a `sleep` with the given tag, or without one; it is killed and reaped after the test."""
    started = []

    def start(number=None):
        started.append(subprocess.Popen(["sleep", "60"]))
        if number is not None:
            resource.prlimit(started[-1].pid, _RLIMIT_LOCKS, (number, number))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def run_python(program):
    code = f"import sys; sys.path.append({os.getcwd()!r}); from runner.guard import tags; {program}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)


def test_tags_are_large_and_differ():
    numbers = {tags.new_tag() for _ in range(100)}
    assert len(numbers) == 100
    assert min(numbers) > 1 << 30


def test_a_tag_below_another_tag_can_still_be_set():
    outer = tags.new_tag()
    inner = int(run_python(f"tags.set_tag({outer}); n = tags.new_tag(); tags.set_tag(n); print(n)").stdout)
    assert outer // 2 <= inner < outer


def test_a_limit_that_real_programs_use_is_never_a_tag():
    assert "too low to tag" in run_python("tags.set_tag(100000); tags.new_tag()").stderr


def test_the_tag_of_a_process_is_its_own(sleeper, tag):
    assert tags.tag_of(sleeper(tag).pid) == tag
    assert tags.tag_of(sleeper().pid) == tags.tag_of(os.getpid())
    assert tags.tag_of(1 << 29) is None


def test_a_sweep_kills_the_tagged_and_nobody_else(sleeper, tag):
    marked = [sleeper(tag), sleeper(tag)]
    others = [sleeper(), sleeper(tags.new_tag())]
    assert set(tags.tagged(tag)) == {process.pid for process in marked}
    assert tags.sweep(tag, 5) == (2, True)
    assert [process.wait(5) for process in marked] == [-signal.SIGKILL] * 2
    assert [process.poll() for process in others] == [None, None]


def test_zombies_do_not_count_as_alive(sleeper, tag):
    process = sleeper(tag)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert tags.tag_of(process.pid) == tag
    assert tags.tagged(tag) == []
    assert tags.sweep(tag, 5) == (0, True)


def test_a_sweep_without_time_promises_nothing(tag):
    assert tags.sweep(tag, 0) == (0, False)


def test_a_sweep_never_kills_its_own_process():
    run = run_python("n = tags.new_tag(); tags.set_tag(n); print(tags.sweep(n, 5))")
    assert run.stdout.strip() == "(0, True)"


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_a_signal_reaches_only_what_is_still_the_target(monkeypatch, sleeper, has_pidfd):
    if not has_pidfd:
        monkeypatch.setattr(tags, "_pidfd_open", None)
    process = sleeper()
    assert not tags.signal_process(process.pid, signal.SIGKILL, is_target=lambda: False)
    assert process.poll() is None
    assert tags.signal_process(process.pid, signal.SIGTERM, is_target=lambda: True)
    assert process.wait(5) == -signal.SIGTERM
    assert not tags.signal_process(process.pid, signal.SIGKILL, is_target=lambda: True)
