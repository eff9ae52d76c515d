"""The proof of exact resume, at one crash point in eight; `scripts/prove kills` takes them all."""

import pytest

from tests.proof.call import call


def test_a_runner_killed_at_its_crash_points_is_resumed_exactly():
    told = call("kills", "--every", "8", "--random", "0")
    assert "each point, kill -9 of the runner" in told
    assert "each point, kill -9 of runner and guards" in told


@pytest.mark.slow
def test_a_runner_killed_three_hundred_times_is_resumed_exactly():
    assert "random moments, kill -9 of runner and guards" in call("kills", "--every", "1000", "--random", "300")
