"""The runner's side of the guard: how to start it, how to wait until it is gone, what it left on disk.

Called by the command actor (in threads where it blocks) and by the lifeline at recovery. Never starts or signals a
process itself.
"""

import fcntl
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

GUARD_SCRIPT: Final = Path(__file__).resolve().with_name("guard.py")
RECEIPT_NAME: Final = "exit.json"
LOCK_NAME: Final = "guard.lock"
AUTO: Final = "auto"
GUARD: Final = "guard"

_LONGEST_RECEIPT_BYTES = 4096
_POLL_SECONDS = 0.01

Why = Literal["exit", "stop", "kill", "runner-gone", "never-started", "cannot-start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the guard wrote when the command was over. Times are epoch milliseconds."""

    v: Literal[1]
    why: Why
    """What ended the command; `exit` is the agent's own end, whatever its exit code."""
    exit_code: int | None
    """The agent's exit code; None when a signal ended it or it never started."""
    signal: int | None
    """The signal that ended the agent."""
    error: str | None
    """Why it cannot start: the name of the system error, such as ENOENT."""
    leftovers: int
    """Descendants that were alive when the agent had ended."""
    swept: int
    """Processes found by tag only, after the tree was empty."""
    clean: bool
    """Nothing of the command is alive. When false the runner must sweep before it goes on."""
    started_at: int
    ended_at: int
    """When the agent ended; the guard itself may have taken a moment longer."""


def guard_command(
    *,
    run_dir: Path,
    control_fd: int,
    lock_fd: int,
    tag: int,
    grace: float,
    command: Sequence[str],
    isolation: str = AUTO,
) -> list[str]:
    """The arguments that start a guard around `command`; `grace` is in seconds, `isolation` as in the settings.

    Both descriptors must be passed on to the child, and `lock_fd` must hold the flock on `guard.lock` already.
    """
    return [
        *(sys.executable, "-I", "-S", str(GUARD_SCRIPT)),
        *("--run-dir", str(run_dir)),
        *("--control", str(control_fd)),
        *("--lock", str(lock_fd)),
        *("--tag", str(tag)),
        *("--grace", str(grace)),
        *("--isolation", GUARD if isolation == AUTO else isolation),
        *("--", *command),
    ]


def read_receipt(run_dir: Path) -> Receipt | None:
    """The receipt of a finished command; None when it is missing, torn or invalid."""
    try:
        # The agent could write here too: what is no plain file must neither block nor lead elsewhere.
        receipt = os.open(run_dir / RECEIPT_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(receipt, "rb") as file:
            return msgspec.json.decode(file.read(_LONGEST_RECEIPT_BYTES) or b"", type=Receipt)
    except (OSError, msgspec.MsgspecError):
        return None


def await_guard(run_dir: Path, limit_seconds: float) -> bool:
    """Block until the guard of this folder is gone; False when it still holds its lock after the limit.

    The lock, not a pid, is the evidence: the kernel frees it at the guard's end, and there is no moment between the
    spawn and the guard's first line in which it is free. No lock file means that no guard was ever started.
    """
    deadline = time.monotonic() + limit_seconds
    try:
        lock = os.open(run_dir / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        # Missing, or something else stands in its place: it tells nothing, the tag of the agents has to.
        return True
    try:
        while not _can_lock(lock):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True
    finally:
        os.close(lock)


def _can_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
