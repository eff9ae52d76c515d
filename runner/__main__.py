"""`python -m runner`: checks the Python version before anything is imported that needs it, then runs the commands."""

import sys

NEEDED = (3, 11)


def main() -> None:
    """The console script."""
    if sys.version_info < NEEDED:
        version = ".".join(map(str, NEEDED))
        sys.exit(f"sprint-runner needs Python {version} or newer; this is {sys.version.split()[0]}")
    try:
        from runner.cli import run
    except ModuleNotFoundError as error:
        sys.exit(f"sprint-runner: the package {error.name!r} is missing; install it all with: pip install .")
    run()


if __name__ == "__main__":
    main()
