"""Guards with something around the agent besides: the same promises, kept once more by the kernel."""

import os
import signal
import sys
from pathlib import Path

import pytest

from runner.guard import cgroups, tags
from runner.guard.probe import ISOLATIONS, obstacle, run_guarded
from runner.guard.receipt import await_guard
from runner.guard.strays import end_strays

PYTHON = (sys.executable, "-I", "-S", "-c")
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
ENDINGS = {
    "exit": lambda forest: forest.end(),
    "stop": lambda forest: forest.order(b"T"),
    "kill": lambda forest: forest.order(b"K"),
    "runner-gone": lambda forest: forest.vanish(),
}


@pytest.fixture(scope="module", params=ISOLATIONS)
def isolation(request):
    """Each isolation that is to be had on this machine."""
    return _there(request.param)


@pytest.fixture
def pidns():
    return _there("pidns")


@pytest.fixture
def cgroup():
    return _there("cgroup")


def _there(mode):
    if reason := obstacle(mode):
        pytest.skip(f"no isolation by {mode} here: {reason}")
    return mode


@pytest.mark.parametrize(
    ("command", "code", "exit_code", "ending_signal"),
    [
        (["true"], 0, 0, None),
        (["sh", "-c", "exit 7"], 7, 7, None),
        (["sh", "-c", "kill -SEGV $$"], 139, None, signal.SIGSEGV),
        (["sh", "-c", "kill -KILL 0"], 137, None, signal.SIGKILL),
    ],
)
def test_the_end_of_an_isolated_agent_is_told_as_it_was(guard, isolation, command, code, exit_code, ending_signal):
    guarded = guard(command, isolation=isolation)
    assert guarded.wait() == code
    receipt = guarded.receipt
    assert (receipt.why, receipt.exit_code, receipt.signal) == ("exit", exit_code, ending_signal)
    assert (receipt.leftovers, receipt.swept, receipt.clean) == (0, 0, True)


def test_an_isolated_agent_takes_an_interrupt_as_any_other(guard, isolation, wait_for):
    command = guard(["sh", "-c", "echo up; exec sleep 60"], grace=30, isolation=isolation)
    wait_for(lambda: command.output)
    command.order(b"T")
    assert command.wait(seconds=5) == 128 + signal.SIGINT
    assert (command.receipt.why, command.receipt.signal) == ("stop", signal.SIGINT)


def test_a_deaf_isolated_agent_is_killed_when_its_time_is_up(guard, isolation, wait_for):
    command = guard([*PYTHON, DEAF], grace=0.1, isolation=isolation)
    wait_for(lambda: command.output)
    command.order(b"T")
    assert command.wait(seconds=5) == 128 + signal.SIGKILL
    assert (command.receipt.why, command.receipt.clean) == ("stop", True)


def test_an_isolated_agent_that_is_missing_is_named(guard, isolation):
    command = guard(["/no/such/agent"], isolation=isolation)
    assert command.wait() == 127
    assert (command.receipt.why, command.receipt.error, command.receipt.clean) == ("cannot-start", "ENOENT", True)
    assert command.errors == "guard: cannot start /no/such/agent: No such file or directory\n"


@pytest.mark.parametrize("why", ["exit", *(pytest.param(why, marks=pytest.mark.slow) for why in list(ENDINGS)[1:])])
def test_nothing_survives_the_end_of_an_isolated_command(forest, isolation, why):
    command = forest(grace=30, isolation=isolation).grow()
    ENDINGS[why](command)
    command.wait()
    receipt = command.receipt
    assert (receipt.why, receipt.clean, receipt.swept) == (why, True, 0)
    assert receipt.leftovers >= 7
    assert command.alive() == []
    assert tags.sweep(command.tag, 5) == (0, True)


# --- a PID namespace ----------------------------------------------------------------------------------------------


def test_all_processes_of_a_namespace_die_with_the_guard(forest, pidns, wait_for):
    command = forest(isolation=pidns).grow()
    command.process.kill()
    wait_for(lambda: not tags.tagged(command.tag), seconds=2)
    assert await_guard(command.run_dir, 2)
    assert tags.sweep(command.tag, 5) == (0, True)


def test_an_agent_in_a_namespace_is_not_its_first_process_and_sees_no_others(guard, pidns):
    look = "import os; print(os.getpid(), [n for n in os.listdir('/proc') if n.isdigit()], os.geteuid())"
    command = guard([*PYTHON, look], isolation=pidns)
    command.wait()
    assert command.output == f"2 ['1', '2'] {os.geteuid()}\n"


def test_the_keeper_of_a_namespace_holds_nothing_open(guard, pidns, wait_for):
    command = guard(["sh", "-c", "echo up; exec sleep 60"], isolation=pidns)
    wait_for(lambda: command.output)
    (keeper,) = [pid for pid in tags.tagged(command.tag) if b"guard.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    wait_for(lambda: not os.listdir(f"/proc/{keeper}/fd"))
    command.order(b"K")
    command.wait()


# --- a cgroup -----------------------------------------------------------------------------------------------------


def test_an_agent_sits_in_a_cgroup_of_its_own_that_goes_with_it(guard, cgroup):
    command = guard(["cat", "/proc/self/cgroup"], isolation=cgroup)
    command.wait()
    (leaf,) = [line for line in command.output.splitlines() if line.startswith("0::")]
    assert leaf.endswith(f"/sprint-runner-{command.tag}")
    assert not os.path.exists(cgroups.leaf_of(command.tag))


def test_the_runner_ends_and_removes_the_cgroup_of_a_killed_guard(forest, cgroup):
    command = forest(isolation=cgroup).grow()
    command.process.kill()
    command.wait()
    assert os.path.isdir(cgroups.leaf_of(command.tag))
    assert end_strays(command.tag, 5)
    assert command.alive() == []
    assert not os.path.exists(cgroups.leaf_of(command.tag))


def test_a_place_that_cannot_be_killed_as_a_whole_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(cgroups, "_own_folder", lambda: str(tmp_path))
    with pytest.raises(OSError, match=r"cannot write to .*/cgroup\.kill: No such file"):
        cgroups.make_leaf(tags.new_tag())
    assert list(tmp_path.iterdir()) == []


# --- what is not to be had ----------------------------------------------------------------------------------------


def test_plain_guards_are_always_to_be_had():
    assert (obstacle("auto"), obstacle("guard")) == ("", "")


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_what_is_not_to_be_had_is_explained(monkeypatch, isolation):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert obstacle(isolation) == "it needs Linux"


WITHOUT_NAMESPACES = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    *('echo 0 > /proc/sys/user/max_pid_namespaces && exec "$0" "$@"', sys.executable, "-I", "-S"),
)


def test_a_guard_that_cannot_isolate_says_so_and_starts_nothing(guard, pidns, tmp_path):
    command = guard(["touch", str(tmp_path / "started")], isolation=pidns, launcher=WITHOUT_NAMESPACES)
    assert command.wait() == 126
    assert (command.receipt.why, command.receipt.error, command.receipt.clean) == ("cannot-start", "ENOSPC", True)
    assert "isolation by pidns: cannot make a namespace: No space left" in command.errors
    assert not (tmp_path / "started").exists()


def test_a_trial_leaves_nothing_behind(tmp_path, isolation):
    trial = run_guarded(tmp_path, ["sh", "-c", "setsid sleep 60 & exit 3"], isolation=isolation)
    assert trial is not None
    assert (trial.exit_code, trial.leftovers, trial.clean) == (3, 1, True)
