"""The original's activity log as lines."""

from pathlib import Path

import pytest

from runner.workspace.activities import Activities, read_activities
from runner.workspace.project import Paths

SAMPLE = Path(__file__).parents[3] / "shared/data/artifacts/orchestrator.md"


def test_no_log_says_nothing(paths: Paths):
    assert read_activities(paths) == Activities(activities=(), raw="")


def test_headings_and_empty_lines_are_left_out(paths: Paths):
    text = "# Log\r\n\n  Started: today \n\t# indented\n---\n| 1 | dev-story |"
    (paths.implementation / "orchestrator.md").write_bytes(text.encode())
    assert read_activities(paths) == Activities(activities=("Started: today", "---", "| 1 | dev-story |"), raw=text)


def test_bytes_that_are_no_text_are_replaced(paths: Paths):
    (paths.implementation / "orchestrator.md").write_bytes(b"one \xff\xfe\0\ntwo\xe2\x80\xa8still two")
    found = read_activities(paths)
    assert found.activities == ("one \ufffd\ufffd\0", "two\u2028still two")
    assert found.raw.encode()


@pytest.mark.skipif(not SAMPLE.exists(), reason="no samples beside the checkout")
def test_a_real_log_is_read(paths: Paths):
    (paths.implementation / "orchestrator.md").write_bytes(SAMPLE.read_bytes())
    found = read_activities(paths)
    assert found.activities[0] == "Started: 2026-01-22T00:00:00Z"
    assert "Story completed: 2026-01-22" in found.activities
