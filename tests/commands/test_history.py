"""`history`: the list of batches, and one of them."""

import json
from pathlib import Path

import pytest

from runner.workspace.lock import ProjectLock
from tests.commands.conftest import Call, Clerk


@pytest.fixture
def three_batches(clerk: Clerk) -> Clerk:
    for number in range(3):
        batch = clerk.batch(None if number == 2 else 2)
        clerk.cycle(batch, 1, "1-1-one", "1-2-two")
        clerk.end(clerk.begin(batch, "create-story", "1-1-one", "1-2-two"))
        clerk.end(clerk.begin(batch, "dev-story", "1-1-one"), "error", "exit code 1\x1b[2J")
        clerk.end(clerk.begin(batch, "code-review-1", "1-1-one"))
        chain = clerk.journal.spawn_background(batch, "story-review-chain", ("1-1-one",), "c1/chain", 1)
        clerk.journal.end_background(chain, "failed", "too many are waiting")
        clerk.journal.end_cycle(batch, 1, ("1-1-one",), {"1-2-two": "review limit"})
        clerk.journal.end_batch(batch, "completed", "all stories done or blocked")
    return clerk


def test_no_database_yet(call: Call, project: Path):
    called = call("history", "--project", project)
    assert (called.code, "no batch has run here yet" in called.out) == (0, True)
    assert json.loads(call("history", "--json", "--project", project).out) == {"batches": [], "total": 0}


def test_batches_are_listed_newest_first(call: Call, project: Path, three_batches: Clerk):
    lines = call("history", "--project", project).out.splitlines()
    assert lines[0].split() == ["batch", "status", "started", "took", "cycles", "stories", "cost"]
    assert [line.split()[:2] for line in lines[1:]] == [[str(number), "completed"] for number in (3, 2, 1)]
    assert "1 of all" in lines[1]


def test_list_is_paged(call: Call, project: Path, three_batches: Clerk):
    called = call("history", "--limit", 1, "--offset", 1, "--project", project)
    assert called.out.splitlines()[1].split()[0] == "2"
    assert "1 older batch: --offset 2" in called.out


def test_list_as_json(call: Call, project: Path, three_batches: Clerk):
    told = json.loads(call("history", "--json", "--limit", 2, "--project", project).out)
    assert (told["total"], [batch["id"] for batch in told["batches"]]) == (3, [3, 2])
    assert told["batches"][1] | {"started_at": 0, "ended_at": 0, "duration_ms": 0} == {
        "id": 2,
        "status": "completed",
        "started_at": 0,
        "ended_at": 0,
        "max_cycles": 2,
        "cycles_completed": 1,
        "story_count": 2,
        "duration_ms": 0,
        "cost_usd": 0.75,
    }


def test_length_of_the_list_is_a_setting(call: Call, project: Path, three_batches: Clerk):
    (project / ".sprint-runner" / "settings.json").write_text('{"default_batch_list_limit": 1}')
    assert len(json.loads(call("history", "--json", "--project", project).out)["batches"]) == 1


def test_one_batch_with_all_that_happened(call: Call, project: Path, three_batches: Clerk):
    text = call("history", 2, "--project", project).out
    for words in (
        "batch 2 completed: all stories done or blocked",
        "1 of 2 cycles, 3 commands",
        "3.0k tokens, $0.75",
        "1-2 two",
        "review limit",
        "exit code 1",
        "story-review-chain",
        "too many are waiting",
    ):
        assert words in text
    assert "\x1b" not in text


def test_command_of_a_pair_is_listed_once(call: Call, project: Path, three_batches: Clerk):
    lines = call("history", 2, "--project", project).out.splitlines()
    assert len([line for line in lines if "create-story" in line]) == 1


def test_one_batch_as_json(call: Call, project: Path, three_batches: Clerk):
    told = json.loads(call("history", 2, "--json", "--project", project).out)
    assert set(told) == {"batch", "cycles", "stories", "commands", "background", "totals"}
    assert [story["story_key"] for story in told["stories"]] == ["1-1-one", "1-2-two"]
    assert [command["command"] for command in told["stories"][1]["commands"]] == ["create-story"]


@pytest.mark.parametrize("number", [4, 99])
def test_batch_that_is_not_there(call: Call, project: Path, three_batches: Clerk, number: int):
    called = call("history", number, "--project", project)
    assert (called.code, f"there is no batch {number}" in called.err) == (2, True)


@pytest.mark.parametrize("arguments", [["0"], ["-1"], ["x"], ["--limit", "0"], ["--offset", "-1"], ["1", "2"]])
def test_bad_arguments_are_refused_in_one_line(call: Call, project: Path, arguments: list[str]):
    called = call("history", *arguments, "--project", project)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)


def test_batch_of_a_runner_that_was_killed_is_called_cut_off(call: Call, project: Path, clerk: Clerk):
    clerk.begin(clerk.batch(), "dev-story", "1-1-one")
    with ProjectLock(project / ".sprint-runner"):
        beside = call("history", 1, "--project", project).out
    told = call("history", 1, "--project", project).out.splitlines()
    listed = call("history", "--project", project).out.splitlines()
    assert "batch 1 running" in beside
    assert "cut off" not in beside
    assert (told[0], "took" in told[1], "cut off" in told[-1]) == ("batch 1 cut off", False, True)
    assert listed[1].split()[1:3] == ["cut", "off"]
