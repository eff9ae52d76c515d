"""The soak in short: that it runs, kills, measures and checks; `scripts/soak` runs it for as long as wanted."""

import pytest

from tests.proof import soak


@pytest.mark.slow
def test_sprints_under_kills_leave_nothing_wrong():
    said: list[str] = []
    result = soak.prove(0.8, 4.0, said.append)
    assert not result.wrong
    assert result.kills >= 5
    assert result.commands > 50
    assert result.files[1] <= result.files[0] + soak.FILES_IN_USE


def test_growth_of_memory_or_files_is_found():
    def result(memory: tuple[float, float], files: tuple[float, float]) -> soak.Result:
        return soak.Result(minutes=20, commands=1, kills=1, memory=memory, files=files, wrong=())

    assert result((100, 109), (20, 20)).holds
    assert not result((100, 110), (20, 20)).holds
    assert not result((100, 100), (20, 30)).holds
