"""What the next cycles would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from runner.domain.model import Story, parse_key
from runner.domain.phases import CycleStory
from runner.domain.plan import DIAGNOSED, UNDECIDED, Plan, plan
from runner.domain.sprint import Sprint


def story(text: str, written: str) -> Story:
    key = parse_key(text)
    assert key is not None
    return Story(key, written)


def planned(
    sprint: Mapping[str, str],
    *,
    cycles: int | None = 1,
    specs: frozenset[str] = frozenset(),
    decided: Mapping[str, str] | None = None,
    first: int = 1,
    under_way: tuple[str, ...] = (),
) -> Plan:
    def enter(entering: Story) -> CycleStory:
        return CycleStory(
            key=entering.key.text,
            short=entering.key.short,
            epic=entering.key.epic,
            written=entering.written,
            has_tech_spec=entering.key.text in specs,
            file_decision=(decided or {}).get(entering.key.text),
        )

    stories = tuple(story(key, written) for key, written in sprint.items())
    return plan(Sprint(stories=stories), enter, cycles=cycles, first=first, under_way=under_way)


def lines(told: Plan) -> list[str]:
    return [f"{'+'.join(step.commands)} {','.join(step.story_keys)}" for cycle in told.cycles for step in cycle.steps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    sprint: Mapping[str, str]
    specs: frozenset[str] = frozenset()
    decided: Mapping[str, str] = field(default_factory=dict)
    lines: list[str]


DEVELOPED = ["dev-story 1-1", "code-review-1 1-1"]
CASES = {
    "backlog pair": Case(
        sprint={"1-1": "backlog", "1-2": "backlog"},
        lines=[
            "create-story+story-discovery 1-1,1-2",
            "story-review-1 1-1,1-2",
            "create-tech-spec 1-1,1-2",
            "tech-spec-review-1 1-1,1-2",
            *DEVELOPED,
            "dev-story 1-2",
            "code-review-1 1-2",
            "batch-commit 1-1,1-2",
        ],
    ),
    "written story that needs no spec": Case(
        sprint={"1-1": "ready-for-dev"}, decided={"1-1": "SKIP"}, lines=[*DEVELOPED, "batch-commit 1-1"]
    ),
    "written story with a spec": Case(
        sprint={"1-1": "ready-for-dev"}, specs=frozenset({"1-1"}), lines=[*DEVELOPED, "batch-commit 1-1"]
    ),
    "written story without a decision": Case(
        sprint={"1-1": "ready-for-dev"},
        lines=["create-tech-spec 1-1", "tech-spec-review-1 1-1", *DEVELOPED, "batch-commit 1-1"],
    ),
    "story in review": Case(sprint={"1-1": "review"}, lines=["code-review-1 1-1", "batch-commit 1-1"]),
    "odd status": Case(
        sprint={"1-1": "stuck"},
        lines=[
            "sprint-status 1-1",
            "create-tech-spec 1-1",
            "tech-spec-review-1 1-1",
            *DEVELOPED,
            "batch-commit 1-1",
        ],
    ),
    "nothing open": Case(sprint={"1-1": "done", "1-2": "blocked"}, lines=[]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_commands_of_a_cycle(case: Case):
    assert lines(planned(case.sprint, specs=case.specs, decided=case.decided)) == case.lines


def test_as_many_cycles_as_asked_for():
    sprint = {f"{epic}-1": "review" for epic in range(1, 6)}
    told = planned(sprint, cycles=3)
    assert [cycle.number for cycle in told.cycles] == [1, 2, 3]
    assert told.left == ("4-1", "5-1")


def test_all_cycles_until_no_story_is_left():
    told = planned({f"{epic}-{story}": "backlog" for epic in range(1, 4) for story in range(1, 4)}, cycles=None)
    assert [len(cycle.stories) for cycle in told.cycles] == [2, 1, 2, 1, 2, 1]
    assert told.left == ()


def test_only_what_is_undecided_is_called_assumed():
    told = planned({"1-1": "backlog", "2-1": "ready-for-dev", "3-1": "stuck"}, cycles=None)
    assumed = {(cycle.number, step.commands[0]): step.assumed for cycle in told.cycles for step in cycle.steps}
    assert assumed[1, "create-tech-spec"] == assumed[1, "tech-spec-review-1"] == UNDECIDED
    assert assumed[2, "create-tech-spec"] == ""
    assert assumed[3, "sprint-status"] == DIAGNOSED
    assert {assumed[1, name] for name in ("create-story", "dev-story", "batch-commit")} == {""}


def test_cycle_under_way_keeps_what_is_left_of_its_stories():
    sprint = {"1-1": "done", "1-2": "in-progress", "1-3": "backlog"}
    told = planned(sprint, cycles=2, first=4, under_way=("1-1", "1-2"))
    assert [(cycle.number, [story.key for story in cycle.stories]) for cycle in told.cycles] == [
        (4, ["1-2"]),
        (5, ["1-3"]),
    ]


def test_cycle_under_way_whose_stories_are_gone_is_chosen_anew():
    told = planned({"1-1": "done", "1-2": "review"}, under_way=("1-1",))
    assert [story.key for story in told.cycles[0].stories] == ["1-2"]


def test_commands_are_counted_singly():
    assert planned({"1-1": "backlog"}).commands == 8
