"""The runs that the golden histories are recorded from: a sprint, what the scripted agent does, where it is stopped.

What is due afterwards is written down here by hand; the recording is refused when the replay says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.project import SIX_STORIES

ONE, TWO = "1-1-one", "1-2-two"
BOTH = f"{ONE},{TWO}"
PAIR = {ONE: "backlog", TWO: "backlog"}
READY = {ONE: "ready-for-dev", TWO: "ready-for-dev"}
FAIL = [{"result": {"is_error": True, "text": "no way"}}]
CRITICAL = [{"say": "CRITICAL ISSUES FOUND: 1"}]
SLOW = [{"sleep": 60.0}]
TITLES = ("Race in start", "File left open", "Wrong total", "Lost update", "Dead lock", "Endless loop")
"""Findings that nobody takes for one another."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """One run."""

    about: str
    sprint: Mapping[str, str] = field(default_factory=lambda: PAIR)
    rules: tuple[Mapping[str, Any], ...] = ()
    cycles: int = 1
    settings: Mapping[str, float] = field(default_factory=dict)
    context: str = "fresh"
    demo: bool = False
    stop_at: tuple[str, ...] = ()
    """The run is stopped at once when agents work on these steps."""
    due: tuple[str, ...] = ("c2/select",)
    beside: tuple[str, ...] = ()


def review(number: str, title: str) -> Mapping[str, Any]:
    """A code review of the first story with a critical finding."""
    text = f"- [CRITICAL] {title}\nHIGHEST SEVERITY: CRITICAL"
    return {"command": f"code-review-{number}", "story": ONE, "actions": [{"say": text}]}


def rule(command: str, actions: list[Any], **more: str) -> Mapping[str, Any]:
    return {"command": command, "actions": actions, **more}


def stopped(step: str, *, due: tuple[str, ...] = (), **more: Any) -> Take:
    """Cut off while an agent works on a step."""
    command = step.split("/")[1]
    story = {"story": step.split("/")[2]} if command in ("dev-story", "code-review-1") else {}
    rules = (rule(command, SLOW, **story), *more.pop("rules", ()))
    return Take(about=f"cut off in {command}", rules=rules, stop_at=(step,), due=due or (step,), **more)


TAKES: Mapping[str, Take] = {
    "demo": Take(about="the two cycles of the demo", demo=True, cycles=2, due=("c3/select",)),
    "six-stories": Take(
        about="three cycles with stories of every status", sprint=SIX_STORIES, cycles=3, due=("c4/select",)
    ),
    "chains": Take(
        about="a pair whose reviews find critical issues: two background chains, one of them with a third review",
        rules=(
            rule("story-review-1", CRITICAL),
            rule("story-review-2", CRITICAL),
            rule("tech-spec-review-1", CRITICAL),
        ),
    ),
    "chain-failed": Take(
        about="a background review that fails ends its chain and nothing else",
        rules=(rule("story-review-1", CRITICAL), rule("story-review-2", FAIL)),
    ),
    "no-spec": Take(
        about="create-story says SKIP: no tech-spec phase",
        sprint={ONE: "backlog"},
        rules=(rule("create-story", [{"status": "ready-for-dev"}, {"say": f"{ONE}: [TECH-SPEC-DECISION: SKIP]"}]),),
    ),
    "repeated-pattern": Take(
        about="three code reviews with the same findings block a story, its partner is done",
        sprint=READY,
        rules=(review("*", "Race in start"),),
    ),
    "review-limit": Take(
        about="a story that is critical at the last review allowed is blocked",
        sprint={ONE: "review"},
        rules=tuple(review(str(number), title) for number, title in enumerate(TITLES, start=1)),
        settings={"max_code_review_attempts": 4},
    ),
    "errors": Take(
        about="dev-story fails three times: its story is blocked, its partner is done",
        sprint=READY,
        rules=(rule("dev-story", FAIL, story=ONE),),
    ),
    "shared-errors": Take(
        about="story-discovery fails three times beside a create-story that succeeds: both stories are blocked",
        rules=(rule("story-discovery", FAIL),),
    ),
    "commit-failed": Take(
        about="batch-commit fails three times and blocks nothing",
        sprint={ONE: "review"},
        rules=(rule("batch-commit", FAIL),),
    ),
    "blocked-in-file": Take(
        about="somebody blocks a story during its development",
        sprint=READY,
        rules=(rule("dev-story", [{"status": "blocked"}], story=ONE),),
    ),
    "unexpected-status": Take(
        about="a status that nobody knows is diagnosed, once in vain and once with success",
        sprint={ONE: "on hold", TWO: "paused"},
        rules=(rule("sprint-status", [{"status": "ready-for-dev"}], story=TWO),),
    ),
    "context-missing": Take(
        about="the project context is made before the first cycle", sprint={ONE: "review"}, context="missing"
    ),
    "context-failed": Take(
        about="the project context cannot be made, the batch goes on without it",
        sprint={ONE: "review"},
        context="missing",
        rules=(rule("generate-project-context", FAIL),),
    ),
    "context-expired": Take(
        about="the project context is made again beside the cycle", sprint={ONE: "review"}, context="expired"
    ),
    "stopped-in-context": stopped(
        "context/generate-project-context", context="missing", due=("context/generate-project-context",)
    ),
    "stopped-in-refresh": Take(
        about="cut off in the refresh of the context and in the first code review",
        sprint={ONE: "review"},
        context="expired",
        rules=(rule("generate-project-context", SLOW), rule("code-review-1", SLOW)),
        stop_at=("context/generate-project-context", f"c1/code-review-1/{ONE}"),
        due=(f"c1/code-review-1/{ONE}",),
        beside=("context/generate-project-context",),
    ),
    "stopped-in-create-story": Take(
        about="cut off in create-story and in story-discovery beside it",
        rules=(rule("create-story", SLOW), rule("story-discovery", SLOW)),
        stop_at=(f"c1/create-story/{BOTH}", f"c1/story-discovery/{BOTH}"),
        due=(f"c1/create-story/{BOTH}", f"c1/story-discovery/{BOTH}"),
    ),
    "stopped-in-story-review": stopped(f"c1/story-review-1/{BOTH}"),
    "stopped-in-create-tech-spec": stopped(f"c1/create-tech-spec/{BOTH}"),
    "stopped-in-tech-spec-review": stopped(f"c1/tech-spec-review-1/{BOTH}"),
    "stopped-in-dev-story": stopped(f"c1/dev-story/{TWO}", sprint=READY),
    "stopped-in-code-review": stopped(f"c1/code-review-1/{TWO}", sprint=READY),
    "stopped-in-batch-commit": stopped(f"c1/batch-commit/{BOTH}", sprint={ONE: "review", TWO: "review"}),
    "stopped-in-chain": Take(
        about="cut off in a background review and in create-tech-spec beside it",
        rules=(rule("story-review-1", CRITICAL), rule("story-review-2", SLOW), rule("create-tech-spec", SLOW)),
        stop_at=(f"c1/story-review-2/{BOTH}", f"c1/create-tech-spec/{BOTH}"),
        due=(f"c1/create-tech-spec/{BOTH}",),
        beside=(f"c1/story-review-2/{BOTH}",),
    ),
}
