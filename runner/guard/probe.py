"""Trying the guard out on this machine: one command that does nothing, run as every command of a batch is run.

`outfit` asks before a batch whether the chosen isolation is to be had, `doctor` which ones are. Blocks for the tenth
of a second that a guard takes.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runner.crashpoint import crashpoints
from runner.guard import tags
from runner.guard.receipt import AUTO, LOCK_NAME, Receipt, guard_command, read_receipt

LIMIT_SECONDS = 15
ERRORS = "stderr.log"
ISOLATIONS = ("pidns", "cgroup")
"""What needs something of the system; plain guards work everywhere."""


def obstacle(isolation: str) -> str:
    """Why agents cannot be isolated in this way here; empty when they can."""
    if isolation not in ISOLATIONS:
        return ""
    if sys.platform != "linux":
        return "it needs Linux"
    try:
        with tempfile.TemporaryDirectory(prefix="sprint-runner-probe-") as name:
            folder = Path(name)
            receipt = run_guarded(folder, [shutil.which("true") or sys.executable], isolation=isolation)
            errors = (folder / ERRORS).read_text("utf-8", "replace").strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if receipt is not None and (receipt.why, receipt.exit_code, receipt.clean) == ("exit", 0, True):
        return ""
    return errors.rpartition(f"by {isolation}: ")[2] or "a command that was run in it ended wrongly"


def run_guarded(folder: Path, command: Sequence[str], *, isolation: str = AUTO) -> Receipt | None:
    """Run a command under its guard and read the receipt. Raises OSError and TimeoutExpired."""
    reader, writer = os.pipe()
    lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    errors = os.open(folder / ERRORS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        arguments = guard_command(
            run_dir=folder,
            control_fd=reader,
            lock_fd=lock,
            tag=tags.new_tag(),
            grace=1.0,
            command=command,
            isolation=isolation,
        )
        with crashpoints("spawn of a guard on trial"):
            subprocess.run(
                arguments,
                pass_fds=(reader, lock),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=LIMIT_SECONDS,
                check=False,
            )
    finally:
        for descriptor in (reader, writer, lock, errors):
            os.close(descriptor)
    return read_receipt(folder)
