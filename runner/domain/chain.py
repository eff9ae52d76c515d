"""The background chain: review-2, and review-3 only when review-2 still finds critical issues.

The review pool drives it; it never touches the sprint file and its failure fails nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runner.domain.steps import ChainDone, ChainStep, CommandEnded, RunCommand, step_key

FIRST, LAST = 2, 3

TASK_TYPES: Mapping[str, str] = {
    "story-review": "story-review-chain",
    "tech-spec-review": "tech-spec-review-chain",
}

REVIEWS = frozenset(f"{phase}-{attempt}" for phase in TASK_TYPES for attempt in range(FIRST, LAST + 1))
"""The commands of chains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """Where a chain stands."""

    cycle: int
    phase: str
    stories: tuple[str, ...]
    attempt: int = FIRST
    done: ChainDone | None = None


def next_step(state: ChainState) -> ChainStep:
    """The review to run now, or the end."""
    if state.done is not None:
        return state.done
    command = f"{state.phase}-{state.attempt}"
    return RunCommand(key=step_key(state.cycle, command, *state.stories), command=command, stories=state.stories)


def absorb(state: ChainState, ended: CommandEnded) -> ChainState:
    """The state after the present review had this outcome."""
    if not ended.ok:
        return replace(state, done=ChainDone(ok=False, reason=ended.reason))
    if not ended.facts.critical:
        return replace(state, done=ChainDone(ok=True))
    if state.attempt == LAST:
        return replace(state, done=ChainDone(ok=True, reason="critical issues remain after review 3"))
    return replace(state, attempt=state.attempt + 1)
