"""The composition root: what it joins must not pull down what it is joined with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.domain.events import Envelope
from tests.support.checker import violations
from tests.support.inside import run_inside, scripted
from tests.support.project import make_project, write_scenario


async def test_a_display_that_fails_does_not_touch_the_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async def show(events: AsyncIterator[Envelope]) -> None:
        async for _ in events:
            raise ZeroDivisionError("no such picture")

    project = make_project(tmp_path / "project", {"1-1-one": "review"})
    run = await run_inside(scripted(project, write_scenario(tmp_path)), show=show)
    assert run.code == 0
    assert "no such picture" in capsys.readouterr().out
    assert not violations(project)
