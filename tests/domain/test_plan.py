"""What the next cycles would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from runner.domain.model import Status, Story, parse_key
from runner.domain.phases import CycleStory, Selection
from runner.domain.plan import DIAGNOSED, UNDECIDED, Plan, Recall, Recorded, nothing_on_record, plan
from runner.domain.sprint import Sprint
from runner.domain.steps import CommandEnded, Facts, Marked, StoryEnded
from runner.domain.verdicts import Review, Severity


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
    under_way: Selection | None = None,
    recall: Recall = nothing_on_record,
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
    return plan(Sprint(stories=stories), enter, cycles=cycles, first=first, under_way=under_way, recall=recall)


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


def selected(number: int, *stories: tuple[str, str]) -> Selection:
    return Selection(
        number=number,
        stories=tuple(CycleStory(key=key, short=key, epic="1", written=written) for key, written in stories),
    )


def recorded(outcomes: Mapping[str, object]) -> Recall:
    def recall(key: str, kind: type[Recorded]) -> Recorded | None:
        outcome = outcomes.get(key)
        return outcome if isinstance(outcome, kind) else None

    return recall


def test_cycle_under_way_is_planned_from_its_recorded_position():
    sprint = {"1-1": "done", "1-2": "in-progress", "1-3": "backlog"}
    seen = {"1-1": "done", "1-2": "in-progress"}
    high = Facts(review=Review(severity=Severity.HIGH))
    outcomes = {
        "c4/story/1-1": StoryEnded(status=Status.DONE, seen=seen),
        "c4/mark-in-progress/1-2": Marked(found="in-progress"),
        "c4/dev-story/1-2": CommandEnded(ok=True, seen=seen),
        "c4/code-review-1/1-2": CommandEnded(ok=True, facts=high, seen=seen),
    }
    under_way = selected(4, ("1-1", "review"), ("1-2", "ready-for-dev"))
    told = planned(
        sprint,
        specs=frozenset({"1-2"}),
        cycles=2,
        first=4,
        under_way=replace(under_way, stories=tuple(replace(one, has_tech_spec=True) for one in under_way.stories)),
        recall=recorded(outcomes),
    )
    assert lines(told)[:2] == ["code-review-2 1-2", "batch-commit 1-1,1-2"]
    assert [(cycle.number, [story.key for story in cycle.stories]) for cycle in told.cycles] == [
        (4, ["1-1", "1-2"]),
        (5, ["1-3"]),
    ]


def test_parallel_command_that_is_on_record_is_not_planned_again():
    outcomes = {"c1/story-discovery/1-1": CommandEnded(ok=True, seen={"1-1": "backlog"})}
    told = planned({"1-1": "backlog"}, under_way=selected(1, ("1-1", "backlog")), recall=recorded(outcomes))
    assert lines(told)[0] == "create-story 1-1"


def test_commands_are_counted_singly():
    assert planned({"1-1": "backlog"}).commands == 8
