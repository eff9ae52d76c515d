"""The guard: starts one agent, waits, and ends only when every process of that agent is gone.

    python -I -S guard.py --run-dir DIR --control FD --lock FD --tag N --grace SECONDS --isolation MODE -- COMMAND...

The runner starts it in a new session with standard input, output and error already open on files, a control pipe
(see watch.py) and a descriptor that holds the flock on DIR/guard.lock: the kernel frees the lock when the guard is
gone, however it went. At the end it makes the output durable and writes DIR/exit.json, which receipt.py reads; its
own exit code is the agent's, or 128 + signal, or 125 when no agent was wanted any more.

Standard library only, one thread, few imports: it starts once per command. It obeys the pipe alone and no signal. It
never reads the agent's output and never decides whether the command succeeded.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
import time

if __name__ == "__main__":
    # -I keeps the script's surroundings off the path. Appended: nothing there can hide the standard library.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from runner.crashpoint import crashpoints
from runner.guard import tags
from runner.guard.watch import Isolation, Watch, tree

_NOT_STARTED = 125
_CANNOT_EXECUTE = 126
_NOT_FOUND = 127
_ISOLATIONS = ("guard", "pidns", "cgroup")

# The terminal and the operator speak to the runner; a file size limit must not kill the guard at its receipt.
_IGNORED = (
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGTERM,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGXFSZ,
)


class Order:
    """The command line, read. Raises ValueError or KeyError when it is not as described above."""

    def __init__(self, arguments: list[str]) -> None:
        end = arguments.index("--")
        options = dict(zip(arguments[:end:2], arguments[1:end:2], strict=True))
        self.run_dir = options["--run-dir"]
        self.control = int(options["--control"])
        self.lock = int(options["--lock"])
        self.tag = int(options["--tag"])
        self.grace = float(options["--grace"])
        self.isolation = options["--isolation"]
        if self.isolation not in _ISOLATIONS:
            raise ValueError(f"no isolation {self.isolation}")
        self.command = arguments[end + 1 :]
        if not self.command:
            raise ValueError("no command")


class Report:
    """What the receipt will say. The fields are those of `runner.guard.receipt.Receipt`."""

    def __init__(self) -> None:
        self.v = 1
        self.why = "never-started"
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.error: str | None = None
        self.leftovers = 0
        self.swept = 0
        self.clean = True
        self.started_at = self.ended_at = _now()

    def take(self, status: int) -> None:
        """Note how the agent ended, from its raw wait status."""
        code = os.waitstatus_to_exitcode(status)
        self.exit_code, self.signal = (code, None) if code >= 0 else (None, -code)

    def guard_exit_code(self) -> int:
        """The agent's exit code in the way of a shell; 125 when there was no agent."""
        if self.why == "never-started":
            return _NOT_STARTED
        if self.exit_code is None:
            return 128 + (self.signal or signal.SIGKILL)
        return self.exit_code

    def json(self) -> str:
        # By hand: importing json would cost a third of the start. Every word is our own, nothing needs escaping.
        return "{" + ",".join(f'"{name}":{_json(value)}' for name, value in vars(self).items()) + "}\n"


def main(arguments: list[str]) -> int:
    """Guard one command; returns the exit code of the guard."""
    try:
        order = Order(arguments)
    except (ValueError, KeyError) as problem:
        _complain(f"wrong arguments, {problem}; only the runner starts this program")
        return _NOT_STARTED
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    # Inherited, they would outlive the guard in the agent: the lock must tell that the guard is gone.
    os.set_inheritable(order.control, False)
    os.set_inheritable(order.lock, False)
    report = Report()
    if _is_wanted(order.control):
        _guard(order, report)
    _deliver(order.run_dir, report)
    return report.guard_exit_code()


def _is_wanted(control: int) -> bool:
    # The runner died, or took its order back, while this program was loading. Then nothing may start.
    poll = select.poll()
    poll.register(control, select.POLLIN)
    return not poll.poll(0)


def _guard(order: Order, report: Report) -> None:
    isolation = _isolation(order)
    watch = Watch(control=order.control, grace=order.grace, tag=order.tag, isolation=isolation)
    try:
        agent, failure = _start(order, isolation)
    except OSError as problem:  # no room for one more process, or an isolation that is not to be had here
        _complain(f"cannot start {order.command[0]}: {problem.strerror}")
        report.why, report.error = "cannot-start", _name(problem)
        report.exit_code = _CANNOT_EXECUTE
        isolation.close()  # and a keeper goes with this process
        return
    watch.until_end(agent)
    report.leftovers = watch.clear()
    report.swept, report.clean = watch.sweep()
    isolation.close()
    report.why = watch.why
    report.ended_at = watch.ended_at or _now()
    if watch.status is not None:
        report.take(watch.status)
    reason = _read_failure(failure)
    if reason:
        report.why, report.error = "cannot-start", reason


def _isolation(order: Order) -> Isolation:
    if order.isolation == "guard":
        return Isolation()
    from runner.guard.isolation import MODES  # here: most commands need none of it

    return MODES[order.isolation](order.tag)


def _start(order: Order, isolation: Isolation) -> tuple[int, int]:
    """Fork the agent; returns its pid and a descriptor that holds the name of the error if it cannot start."""
    isolation.prepare()
    failure, failure_end = os.pipe()
    os.set_blocking(failure, False)
    guard = os.getpid()
    # From here to the exec a stop would meet the ignored signal and be lost, and the agent would run through all of
    # its grace. A blocked signal is kept instead, and the child takes it when it unblocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with crashpoints("fork of the agent"):
        agent = os.fork()
        if agent == 0:
            _become_agent(order, isolation, guard, failure_end)
    os.close(failure_end)
    return agent, failure


def _become_agent(order: Order, isolation: Isolation, guard: int, failure_end: int) -> None:
    """The child's side of the fork: turn into the agent, or say why not and exit. Never returns."""
    code = _CANNOT_EXECUTE
    try:
        tree.follow(guard)
        # A session of its own: an agent that signals its whole group must not reach the guard.
        os.setsid()
        tags.set_tag(order.tag)
        isolation.enter()
        for number in (*_IGNORED, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvp(order.command[0], order.command)
    except (OSError, ValueError) as problem:
        if isinstance(problem, (FileNotFoundError, NotADirectoryError)):
            code = _NOT_FOUND
        os.write(failure_end, _name(problem).encode())
        _complain(f"cannot start {order.command[0]}: {getattr(problem, 'strerror', None) or problem}")
    finally:
        os._exit(code)  # whatever happened, the child must never return into the guard's own code


def _read_failure(failure: int) -> str:
    # The pipe closes on exec, and the child is gone by now: what can be read is all there will be.
    try:
        return os.read(failure, 64).decode("ascii")
    except BlockingIOError:  # the child could not even be killed
        return ""


def _deliver(run_dir: str, report: Report) -> None:
    """Make the output durable, then the receipt: a receipt on disk vouches for the output it follows."""
    try:
        for output in (1, 2):
            _sync(output)
        temporary = f"{run_dir}/.exit.json.tmp"
        with open(temporary, "w", encoding="ascii", opener=_private) as receipt:
            receipt.write(report.json())
            receipt.flush()
            os.fsync(receipt.fileno())
        with crashpoints("rename of the receipt"):
            os.rename(temporary, f"{run_dir}/exit.json")
        folder = os.open(run_dir, os.O_RDONLY)
        os.fsync(folder)
    except OSError as problem:
        # A full disk, most likely. No receipt is an honest answer: the runner then sweeps and judges the output.
        _complain(f"no receipt in {run_dir}: {problem.strerror}")


def _sync(output: int) -> None:
    try:
        os.fsync(output)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.EROFS):  # a pipe or a terminal, which cannot be synced
            raise


def _private(path: str, flags: int) -> int:
    # The agent may have put a pipe or a link there: it must neither hold the guard nor lead it elsewhere.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def _complain(sentence: str) -> None:
    with contextlib.suppress(OSError):  # standard error is a file too, and the disk may be full
        os.write(2, f"guard: {sentence}\n".encode(errors="backslashreplace"))


def _json(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _name(problem: Exception) -> str:
    number = getattr(problem, "errno", None) or errno.EINVAL  # ValueError: an empty name, a null byte
    return errno.errorcode.get(number, str(number))


def _now() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    # Past interpreter shutdown: nothing is buffered, and the runner is waiting.
    os._exit(main(sys.argv[1:]))
