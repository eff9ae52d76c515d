"""What the Bash tool of the real Claude CLI has started, in the foreground and behind it: nothing survives.

The matrix is that of `tests/proof/orphans.py`; `pytest -m claude` runs it once.
"""

import pytest

from tests.e2e.real_claude import find_claude, load_stand_in
from tests.proof.orphans import Way
from tests.proof.orphans_claude import WAYS, run_claude

pytestmark = pytest.mark.claude


@pytest.mark.parametrize(
    ("row", "way"),
    [(row, way) for row, ways in WAYS.items() for way in ways],
    ids=lambda part: str(part).replace(" ", "-"),
)
def test_no_child_of_the_bash_tool_survives(request: pytest.FixtureRequest, row: str, way: Way):
    load_stand_in(request.config)
    outcome = run_claude(find_claude(request.config), row, way)
    assert (outcome.survivors, outcome.wrong) == (frozenset(), ())
