"""The bounds of a stop, at a third of the cases; `scripts/prove stops` takes them all."""

import pytest

from tests.proof.call import call


@pytest.mark.slow
def test_stops_keep_their_bounds_at_every_phase():
    told = call("stops", "--every", "3")
    for agent in ("obedient", "deaf", "graceful"):
        assert agent in told
