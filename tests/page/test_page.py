"""The dashboard's modules that need no browser, under node's own test runner: `node --test tests/page/*.test.mjs`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("*.test.mjs"))
OLDEST = (20, 19)
"""Older ones take files named `.js` for modules of another kind."""
PATIENCE_SECONDS = 300


def runnable() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run the page's modules with")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        pytest.skip(f"node is {told.strip()}, and the page's modules need 20.19 or newer")
    return node


def test_pure_modules_do_what_their_tests_say():
    done = subprocess.run(
        [runnable(), "--test", *map(str, TESTS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    passed = re.search(r"^\W*pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout
    assert int(passed[1]) >= len(TESTS), done.stdout
