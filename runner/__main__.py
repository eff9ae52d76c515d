"""`python -m runner`: sees to the version, the standard streams and early signals, then runs the commands.

Nothing heavy is imported before that: a signal that comes while the rest is loading must end quietly too.
"""

import os
import signal
import sys

NEEDED = (3, 11)
STOPPED = 4


def main() -> None:
    """The console script."""
    if sys.version_info < NEEDED:
        version = ".".join(map(str, NEEDED))
        sys.exit(f"sprint-runner needs Python {version} or newer; this is {sys.version.split()[0]}")
    _open_streams()
    # Until Trio listens: nothing has been started yet.
    signal.signal(signal.SIGTERM, _leave)
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    finally:
        # It is over. Who still presses Ctrl-C must not have an exit code that tells otherwise.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _run() -> None:
    try:
        from runner.cli import run
    except ModuleNotFoundError as error:
        sys.exit(f"sprint-runner: the package {error.name!r} is missing; install it all with: pip install .")
    run()


def _open_streams() -> None:
    """A standard stream that is closed would be the next file that is opened: the lock, or the database."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _leave(number: int, frame: object) -> None:
    sys.exit(STOPPED)


if __name__ == "__main__":
    main()
