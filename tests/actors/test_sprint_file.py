"""Reading a sprint file that somebody is just writing; real files, the real clock for three tenths of a second."""

from pathlib import Path

import pytest
import trio

from actors.sprint_file import PAUSE_SECONDS, read_settled
from runner.domain.errors import SprintFileError


async def test_half_written_file_is_read_again_until_it_is_whole(tmp_path: Path, nursery: trio.Nursery):
    file = tmp_path / "sprint-status.yaml"
    file.write_text("development_status:\n  1-1-a: {")

    async def finish() -> None:
        await trio.sleep(PAUSE_SECONDS * 1.5)
        file.write_text("development_status:\n  1-1-a: done\n")

    nursery.start_soon(finish)
    assert (await read_settled(file)).written == {"1-1-a": "done"}


async def test_file_that_stays_invalid_gives_its_error_after_three_more_looks(tmp_path: Path):
    began = trio.current_time()
    with pytest.raises(SprintFileError, match="not found"):
        await read_settled(tmp_path / "sprint-status.yaml")
    assert trio.current_time() - began >= 3 * PAUSE_SECONDS
