"""Processes that a dead runner has left: found by their run folders, whatever the database says."""

import errno
import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError
from runner.guard import tags
from runner.workspace import leftovers
from runner.workspace.leftovers import end_leftovers, mark, unmark
from tests.support.project import write_scenario
from tests.support.refusals import call
from tests.support.runs import wait_until

RECEIPT = {
    **{"v": 1, "why": "exit", "exit_code": 0, "signal": None, "error": None, "leftovers": 0, "swept": 0},
    **{"clean": True, "started_at": 1, "ended_at": 2},
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "_bmad"
    folder.mkdir()
    state = tmp_path / ".sprint-runner"
    (state / "runs" / "one").mkdir(parents=True, mode=0o700)
    return state


@pytest.fixture
def run(state: Path) -> Path:
    return state / "runs" / "one"


@pytest.fixture
def agent() -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """A process that carries a tag, and the tag."""
    tag = tags.new_tag()
    with subprocess.Popen(["sleep", "300"], preexec_fn=partial(tags.set_tag, tag), start_new_session=True) as process:
        try:
            wait_until(lambda: tags.tagged(tag) == [process.pid])
            yield process, tag
        finally:
            process.kill()


Agent = tuple["subprocess.Popen[bytes]", int]


def test_what_carries_the_tag_of_a_run_without_an_end_is_ended_once(state: Path, run: Path, agent: Agent):
    process, tag = agent
    mark(run, tag)
    assert end_leftovers(state) == 1
    assert process.wait(5) == -9
    assert end_leftovers(state) == 0


def test_a_start_that_is_refused_ends_them_too(
    state: Path,
    run: Path,
    agent: Agent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    process, tag = agent
    mark(run, tag)
    scenario = str(write_scenario(tmp_path))
    order = ["--project", str(tmp_path), "--agent", "scripted", "--scenario", scenario, "--cycles", "1"]
    answer = call(order, monkeypatch, capsys)
    assert (answer.code, "sprint planning first" in answer.err) == (2, True)
    assert process.wait(5) == -9


def test_a_run_whose_processes_are_gone_is_not_looked_into(state: Path, run: Path, agent: Agent):
    process, tag = agent
    mark(run, tag)
    unmark(run)
    assert end_leftovers(state) == 0
    assert process.poll() is None


def test_a_clean_receipt_is_believed(state: Path, run: Path, agent: Agent):
    process, tag = agent
    mark(run, tag)
    (run / "exit.json").write_text(json.dumps(RECEIPT))
    assert end_leftovers(state) == 0
    assert process.poll() is None
    assert not (run / "tag").exists()


def test_a_receipt_of_a_tree_that_was_not_empty_is_not(state: Path, run: Path, agent: Agent):
    process, tag = agent
    mark(run, tag)
    (run / "exit.json").write_text(json.dumps(RECEIPT | {"clean": False}))
    assert end_leftovers(state) == 1
    assert process.wait(5) == -9


def test_tags_of_another_boot_are_nobodys(state: Path, run: Path, agent: Agent):
    process, tag = agent
    (run / "tag").write_text(f"{tag} 5e1f7f0e-0000-0000-0000-000000000000\n")
    assert end_leftovers(state) == 0
    assert process.poll() is None


@pytest.mark.parametrize("content", ["", "x", "-1", "7", "\udcff", "1 2 3", "9" * 5000])
def test_what_is_no_tag_is_no_order_to_kill(state: Path, run: Path, content: str):
    # 7 could be the real limit of some program of the user's.
    boot = (Path("/proc/sys/kernel/random/boot_id")).read_text()
    (run / "tag").write_text(f"{content} {boot}", errors="surrogateescape")
    assert end_leftovers(state) == 0


def test_a_state_folder_that_somebody_prepared_is_refused(tmp_path: Path, agent: Agent):
    process, tag = agent
    elsewhere = tmp_path / "elsewhere/runs/one"
    elsewhere.mkdir(parents=True)
    mark(elsewhere, tag)
    (tmp_path / ".sprint-runner").symlink_to("elsewhere")
    with pytest.raises(ProjectError, match="is a link"):
        end_leftovers(tmp_path / ".sprint-runner")
    assert process.poll() is None


def test_no_state_folder_no_leftovers(tmp_path: Path):
    assert end_leftovers(tmp_path / ".sprint-runner") == 0


def test_what_cannot_be_ended_stops_the_start(state: Path, run: Path, monkeypatch: pytest.MonkeyPatch):
    # No time at all: the sweep cannot know whether it has found everything.
    monkeypatch.setattr(leftovers, "SWEEP_SECONDS", -1.0)
    mark(run, tags.new_tag())
    with pytest.raises(ProjectError, match=f"still there, see {run}"):
        end_leftovers(state)
    assert (run / "tag").exists()


def test_a_tag_that_cannot_be_read_now_is_kept(state: Path, run: Path, monkeypatch: pytest.MonkeyPatch):
    mark(run, tags.new_tag())

    def out_of_files(path: Path, *, limit: int) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(leftovers, "read_regular", out_of_files)
    with pytest.raises(ProjectError, match="Too many open files"):
        end_leftovers(state)
    assert (run / "tag").exists()
