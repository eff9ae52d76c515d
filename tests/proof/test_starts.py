"""The proof that one runner only works on a project, in a few rounds; `scripts/prove starts` plays fifty."""

import pytest

from tests.proof.starts import prove


@pytest.mark.slow
def test_of_twenty_runners_started_at_once_one_runs_and_the_others_name_it():
    said: list[str] = []
    result = prove(3, 20, said.append)
    assert said == []
    assert "3 ran to the end, 57 were refused" in next(result.figures())
