"""The background chain: which reviews it runs, and how it ends."""

from dataclasses import dataclass

import pytest

from runner.domain.chain import TASK_TYPES, ChainState, absorb, next_step
from runner.domain.steps import ChainDone, CommandEnded, Facts, RunCommand
from tests.domain.scenes import A, B

CLEAN = CommandEnded(ok=True, facts=Facts(critical=False))
CRITICAL = CommandEnded(ok=True, facts=Facts(critical=True))
FAILED = CommandEnded(ok=False, reason="exit code 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What came of each review that is run, and the end."""

    outcomes: list[CommandEnded]
    ends: ChainDone


REMAIN = "critical issues remain after review 3"

CHAINS = {
    "review-2 finds nothing critical: no review-3": Chain(outcomes=[CLEAN], ends=ChainDone(ok=True)),
    "review-3 only when review-2 still finds critical issues": Chain(
        outcomes=[CRITICAL, CLEAN], ends=ChainDone(ok=True)
    ),
    "never a review-4": Chain(outcomes=[CRITICAL, CRITICAL], ends=ChainDone(ok=True, reason=REMAIN)),
    "review-2 fails: no retry, no review-3": Chain(
        outcomes=[FAILED], ends=ChainDone(ok=False, reason="exit code 1")
    ),
    "review-3 fails": Chain(outcomes=[CRITICAL, FAILED], ends=ChainDone(ok=False, reason="exit code 1")),
}  # fmt: skip


@pytest.mark.parametrize("phase", TASK_TYPES)
@pytest.mark.parametrize("case", CHAINS.values(), ids=CHAINS)
def test_chain_runs_these_reviews(case, phase):
    state = ChainState(cycle=4, phase=phase, stories=(A, B))
    for number, outcome in enumerate(case.outcomes, 2):
        command = f"{phase}-{number}"
        assert next_step(state) == RunCommand(key=f"c4/{command}/{A},{B}", command=command, stories=(A, B))
        state = absorb(state, outcome)
    assert next_step(state) == case.ends


def test_chains_are_told_apart_in_the_database():
    assert TASK_TYPES == {"story-review": "story-review-chain", "tech-spec-review": "tech-spec-review-chain"}
