"""Proofs as tests run them: as processes of their own, since they fork."""

import subprocess
import sys

from tests.support.runs import CHECKOUT

PATIENCE_SECONDS = 900


def call(name: str, *arguments: str) -> str:
    """What a proof prints; fails when it finds anything wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof", name, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
