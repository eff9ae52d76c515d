"""The proof of exact resume, at one crash point in eight of a short sprint; `scripts/prove kills` takes them all."""

import pytest

from tests.proof.call import call


def test_a_runner_killed_at_its_crash_points_is_resumed_exactly():
    told = call("kills", "--every", "8", "--random", "0", "--short", "--workers", "2")
    assert "each point, kill -9 of the runner" in told
    assert "each point, kill -9 of runner and guards" in told


@pytest.mark.slow
def test_a_runner_killed_in_a_whole_sprint_and_three_hundred_times_at_random_is_resumed_exactly():
    told = call("kills", "--every", "8", "--random", "300")
    assert "random moments, kill -9 of runner and guards" in told
