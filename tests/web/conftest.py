"""One house for all tests that leave it as it is."""

from collections.abc import Iterator

import pytest

from tests.web.house import House, house


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A runner that waits for control. No test may start a batch, or close what others use."""
    with house(tmp_path_factory.mktemp("home")) as here:
        yield here
        assert not here.batches(), "something started a batch"
        assert not here.crashes()
