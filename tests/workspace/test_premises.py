"""What a run stands on is looked at: removed, replaced, or still what it was."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.domain.errors import BatchFailed
from runner.workspace.premises import Premises


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    (state / "x.db").write_text("rows")
    return state


@pytest.fixture
def premises(state: Path) -> Premises:
    premises = Premises()
    premises.note([state, state / "x.db"])
    return premises


def _anew(state: Path) -> None:
    state.rename(state.with_name("old"))
    shutil.copytree(state.with_name("old"), state)


LOSSES = [
    (shutil.rmtree, "state was removed"),
    (lambda state: (state / "x.db").unlink(), r"x\.db was removed"),
    (_anew, "state was replaced"),
    (lambda state: Path(shutil.copy(state / "x.db", state / "y")).rename(state / "x.db"), r"x\.db was replaced"),
]


@pytest.mark.parametrize(("lose", "says"), LOSSES)
def test_a_loss_is_told_with_its_place_and_remedy(
    state: Path, premises: Premises, lose: Callable[[Path], object], says: str
):
    lose(state)
    with pytest.raises(BatchFailed, match=says) as caught:
        premises.check()
    assert "start anew with --cycles" in caught.value.hint


def test_use_is_no_loss(state: Path, premises: Premises):
    (state / "x.db").write_text("more rows")
    (state / "runs").mkdir()
    premises.check()


def test_what_was_noted_first_counts(state: Path, premises: Premises):
    _anew(state)
    with pytest.raises(BatchFailed):
        premises.note([state])


def test_nothing_is_lost_before_anything_was_noted():
    Premises().check()
