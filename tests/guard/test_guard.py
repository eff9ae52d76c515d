"""The guard and one agent: how it starts, what it obeys, what it reports. The tree below is in test_guard_tree.py."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from runner.guard.receipt import GUARD_SCRIPT, await_guard

_AGENT = "import os, signal, time; signal.signal(signal.SIGINT, {}); print('up', flush=True); time.sleep(60)"
DEAF = _AGENT.format("signal.SIG_IGN")
POLITE = _AGENT.format("lambda *_: os._exit(0)")
PYTHON = (sys.executable, "-I", "-S", "-c")


def test_the_agent_dies_with_a_killed_guard(guard, wait_for):
    command = guard([*PYTHON, DEAF])
    wait_for(lambda: command.output)
    command.process.kill()
    wait_for(lambda: not command.alive())


@pytest.mark.parametrize(
    ("command", "guard_code", "exit_code", "ending_signal"),
    [
        (["true"], 0, 0, None),
        (["sh", "-c", "exit 7"], 7, 7, None),
        (["sh", "-c", "exit 255"], 255, 255, None),
        (["sh", "-c", "kill -SEGV $$"], 139, None, signal.SIGSEGV),
        (["sh", "-c", "kill -KILL 0"], 137, None, signal.SIGKILL),
        (["sh", "-c", "kill -PIPE $$"], 141, None, signal.SIGPIPE),
    ],
)
def test_the_guard_mirrors_how_the_agent_ended(guard, command, guard_code, exit_code, ending_signal):
    before = time.time_ns() // 1_000_000
    guarded = guard(command)
    assert guarded.wait() == guard_code
    receipt = guarded.receipt
    assert (receipt.why, receipt.exit_code, receipt.signal) == ("exit", exit_code, ending_signal)
    assert (receipt.leftovers, receipt.swept, receipt.clean, receipt.error) == (0, 0, True, None)
    assert before <= receipt.started_at <= receipt.ended_at <= time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("name", "mode", "content", "code", "error", "reason"),
    [
        ("missing", None, "", 127, "ENOENT", "No such file or directory"),
        ("not-executable", 0o600, "#!/bin/sh\n", 126, "EACCES", "Permission denied"),
        ("not-a-program", 0o700, "just text", 126, "ENOEXEC", "Exec format error"),
    ],
)
def test_a_failed_start_is_named(guard, tmp_path, name, mode, content, code, error, reason):
    program = tmp_path / name
    if mode is not None:
        program.write_text(content)
        program.chmod(mode)
    command = guard([str(program)])
    assert command.wait() == code
    assert (command.receipt.why, command.receipt.exit_code, command.receipt.error) == ("cannot-start", code, error)
    assert command.errors == f"guard: cannot start {program}: {reason}\n"


@pytest.mark.parametrize("withdraw", [lambda command: command.vanish(), lambda command: command.order(b"T")])
def test_nothing_starts_when_the_runner_no_longer_wants_it(guard, tmp_path, withdraw):
    command = guard(["touch", str(tmp_path / "started")], before_start=withdraw)
    assert command.wait() == 125
    assert (command.receipt.why, command.receipt.exit_code, command.receipt.signal) == ("never-started", None, None)
    assert not (tmp_path / "started").exists()


def test_a_stop_lets_the_agent_end_by_itself(guard, wait_for):
    command = guard([*PYTHON, POLITE], grace=30)
    wait_for(lambda: command.output)
    command.order(b"T")
    assert command.wait() == 0
    assert (command.receipt.why, command.receipt.exit_code) == ("stop", 0)


def test_a_stop_right_after_the_start_is_not_lost(guard):
    command = guard(["sleep", "60"], grace=30)
    command.order(b"T")
    command.wait(seconds=5)
    assert command.receipt.why in ("stop", "never-started")


@pytest.mark.parametrize(
    ("orders", "grace", "why"),
    [
        ([b"T"], 0.1, "stop"),
        ([b"T", b"K"], 30, "kill"),
        ([b"TK"], 30, "kill"),
        ([b"K"], 30, "kill"),
        ([b"K", None], 30, "kill"),
        ([b"T", None], 30, "runner-gone"),
    ],
)
def test_a_deaf_agent_is_killed_when_its_time_is_up(guard, wait_for, orders, grace, why):
    command = guard([*PYTHON, DEAF], grace=grace)
    wait_for(lambda: command.output)
    for letter in orders:
        if letter is None:
            command.vanish()
        else:
            command.order(letter)
    assert command.wait(seconds=5) == 128 + signal.SIGKILL
    assert (command.receipt.why, command.receipt.signal, command.receipt.clean) == (why, signal.SIGKILL, True)


def test_repeated_stops_do_not_prolong_the_grace(guard, wait_for):
    command = guard([*PYTHON, DEAF], grace=0.3)
    wait_for(lambda: command.output)

    def is_over():
        with contextlib.suppress(BrokenPipeError):
            command.order(b"T")
        return command.process.poll() is not None

    wait_for(is_over, seconds=5)
    assert command.receipt.why == "stop"


def test_the_guard_sleeps_while_it_waits(guard, wait_for):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = guard(["sh", "-c", "trap '' INT; (sleep 0.05 & echo $!); exec sleep 60"], grace=30)
    orphan = wait_for(lambda: command.output.strip())
    wait_for(lambda: not os.path.exists(f"/proc/{orphan}"))
    command.vanish()  # half a second in which the pipe stays readable and the wake-up was taken
    command.wait()
    assert command.receipt.why == "runner-gone"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_the_guard_obeys_no_signal(guard, wait_for):
    command = guard([*PYTHON, POLITE])
    wait_for(lambda: command.output)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
        command.process.send_signal(number)
    command.order(b"T")
    assert command.wait() == 0
    assert command.receipt.why == "stop"


def test_leftovers_get_the_chance_to_remove_their_lock_files(guard, tmp_path, wait_for):
    lock = tmp_path / "index.lock"
    tidy = f"trap 'rm {lock}; exit' TERM; touch {lock}; while :; do sleep 0.02; done"
    command = guard(["sh", "-c", 'setsid sh -c "$0" & read line < "$1"', tidy, _fifo(tmp_path)])
    wait_for(lock.exists)
    (tmp_path / "fifo").write_text("go\n")
    command.wait()
    assert command.receipt.leftovers >= 1
    assert not lock.exists()


def test_zombies_are_reaped_while_the_agent_runs(guard, tmp_path, wait_for):
    command = guard(["sh", "-c", '(sleep 0.05 & echo $!); read line < "$0"', _fifo(tmp_path)])
    orphan = wait_for(lambda: command.output.strip())
    wait_for(lambda: not os.path.exists(f"/proc/{orphan}"))
    assert command.process.poll() is None


def test_the_agent_inherits_neither_pipe_nor_lock(guard):
    listing = "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if n != '3'])"
    command = guard([*PYTHON, listing])
    command.wait()
    run_dir = command.run_dir
    assert command.output.strip() == str(
        [f"{run_dir}/{name}" for name in ("prompt.txt", "stdout.ndjson", "stderr.log")]
    )


def test_the_agent_starts_with_clean_signals_in_its_own_session_and_tagged(guard):
    look = (
        "import os, signal; print(os.getsid(0) == os.getpid(), signal.pthread_sigmask(0, []), "
        "[n.name for n in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD)"
        " if signal.getsignal(n) != signal.SIG_DFL], open('/proc/self/oom_score_adj').read().strip(),"
        " open('/proc/self/limits').read().split('Max file locks')[1].split()[1])"
    )
    command = guard([*PYTHON, look])
    command.wait()
    assert command.output.strip() == f"True set() [] 300 {command.tag}"


def test_the_lock_is_held_until_the_guard_is_gone(guard, wait_for):
    command = guard([*PYTHON, POLITE])
    wait_for(lambda: command.output)
    assert not await_guard(command.run_dir, 0.05)
    command.order(b"T")
    command.wait()
    assert await_guard(command.run_dir, 0)


def test_a_full_disk_costs_the_receipt_only(guard, wait_for):
    command = guard([*PYTHON, POLITE])
    wait_for(lambda: command.output)
    resource.prlimit(command.process.pid, resource.RLIMIT_FSIZE, (0, 0))  # what a full disk does, for one process
    command.order(b"T")
    assert command.wait() == 0
    assert command.receipt is None
    assert await_guard(command.run_dir, 0)


@pytest.mark.parametrize("plant", [os.mkfifo, lambda path: path.symlink_to(path.with_name("elsewhere"))])
def test_what_stands_in_the_place_of_the_receipt_costs_the_receipt_only(guard, tmp_path, plant):
    plant(tmp_path / ".exit.json.tmp")
    command = guard(["true"])
    assert command.wait() == 0
    assert command.receipt is None
    assert not (tmp_path / "elsewhere").exists()


def test_an_order_that_is_no_order_is_ignored(guard, wait_for):
    command = guard([*PYTHON, POLITE])
    wait_for(lambda: command.output)
    command.order(b"x")
    command.order(b"T")
    assert command.wait() == 0


@pytest.mark.parametrize("arguments", [[], ["--"], ["--tag", "x", "--", "true"], ["--run-dir", "--", "true"]])
def test_wrong_arguments_are_refused_in_one_line(arguments):
    run = subprocess.run([sys.executable, "-I", "-S", str(GUARD_SCRIPT), *arguments], capture_output=True, text=True)
    assert run.returncode == 125
    assert run.stderr.startswith("guard: wrong arguments")
    assert run.stderr.count("\n") == 1


def test_the_guard_loads_nothing_heavy():
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(GUARD_SCRIPT)], capture_output=True, text=True
    )
    loaded = {line.rsplit("|", 1)[1].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    assert "runner.guard.watch" in loaded
    assert not loaded & {
        "json",
        "argparse",
        "typing",
        "dataclasses",
        "subprocess",
        "pathlib",
        "re",
        "msgspec",
        "trio",
    }


PRETEND_TO_BE_ELSEWHERE = (
    "import runpy, sys; sys.platform = 'darwin'; sys.argv = sys.argv[1:];"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.parametrize(("order", "why"), [(b"T", "stop"), (None, "runner-gone")])
def test_on_other_systems_the_group_and_the_tree_are_cleared(guard, wait_for, order, why):
    agent = "sleep 20 & (sleep 20 & sleep 20 & echo $$; wait) & wait"
    command = guard(["sh", "-c", agent], launcher=[*PYTHON, PRETEND_TO_BE_ELSEWHERE], grace=1)
    group = int(wait_for(lambda: command.output))
    command.order(order) if order else command.vanish()
    command.wait()
    assert (command.receipt.why, command.receipt.clean) == (why, True)
    assert command.receipt.leftovers >= 3
    assert not _is_alive(group)


def _is_alive(group):
    listing = subprocess.run(["ps", "-axo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return any(int(its_group) == group and not state.startswith("Z") for its_group, state in rows)


def _fifo(folder):
    os.mkfifo(folder / "fifo")
    return str(folder / "fifo")
