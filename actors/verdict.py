"""From the end of an attempt to what is recorded of it.

The command actor uses this for an attempt it has watched, the lifeline for one that a dead runner left behind: both
come to the same conclusion from the same evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from runner.agents.base import Ending, EndingKind
from runner.domain.facts import read_facts
from runner.domain.model import StoryKey, parse_key
from runner.domain.steps import Facts
from runner.guard.receipt import Receipt
from runner.store.command_log import Conclusion
from runner.workspace import git

COMMIT = "batch-commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What was attempted, as its intent says."""

    command: str
    stories: tuple[str, ...]
    session_id: str
    """The session a later attempt may continue; empty when it never began."""
    continued: bool
    """Whether it continued an earlier session itself."""


def aware(clock_ms: int) -> datetime:
    """Local time with its offset, for reading reset times in agents' texts."""
    return datetime.fromtimestamp(clock_ms / 1000, tz=UTC).astimezone()


def commit_subject(epic: str, stories: Sequence[StoryKey]) -> str:
    """The subject that batch-commit is told to use."""
    return f"feat({epic}): implement stories {', '.join(story.short for story in stories)}"


def story_keys(stories: Sequence[str]) -> tuple[StoryKey, ...]:
    """Keys that were safe when they were selected are safe still."""
    return tuple(key for text in stories if (key := parse_key(text)) is not None)


def probe_commit(root: Path, before: Mapping[str, str]) -> bool:
    """Whether git has the commit that `before` (`head`, `subject`) made the runner expect; blocks."""
    wanted = _words(before.get("subject", ""))
    if not wanted:
        return False
    return any(_words(subject) == wanted for _, subject in git.commits_since(root, before.get("head") or None))


def _words(subject: str) -> list[str]:
    return subject.replace(",", " ").split()


def start_failure(receipt: Receipt | None, errors: str) -> str:
    """Why the agent could not be started; empty when it could. `errors` is the end of its standard error."""
    if receipt is None or receipt.why != "cannot-start":
        return ""
    # Where there is no agent, only the guard has written: its words name the executable.
    return errors.removeprefix("guard: ") or receipt.error or "unknown error"


def conclude(
    ending: Ending, attempted: Attempted, *, exit_code: int | None, leftovers: int, committed: bool
) -> tuple[Conclusion, Facts | None]:
    """What to record; the facts when it succeeded. `committed`: git has the commit, whatever the agent said."""
    if ending.kind is EndingKind.SUCCESS or committed:
        facts = read_facts(attempted.command, ending.text, story_keys(attempted.stories))
        reason = "" if ending.kind is EndingKind.SUCCESS else f"the commit was found in git; {ending.reason}"
        done = _with_usage(ending, status="success", reason=reason, session=attempted.session_id)
        return replace(done, exit_code=exit_code, leftovers=leftovers, verdict_json=msgspec.json.encode(facts)), facts
    status, charged, session = _unsuccessful(ending.kind, attempted)
    end = _with_usage(ending, status=status, reason=ending.reason, session=session)
    return replace(end, charged=charged, exit_code=exit_code, leftovers=leftovers), None


def _unsuccessful(kind: EndingKind, attempted: Attempted) -> tuple[str, bool, str]:
    """Status, whether it is charged, and the session that a later attempt may continue."""
    match kind:
        case EndingKind.LIMIT:
            return "limit", False, attempted.session_id
        case EndingKind.INTERRUPTED:
            return "interrupted", False, attempted.session_id
        # Free of charge once: an agent that does not know even a session it was told to begin has failed.
        case EndingKind.SESSION_UNKNOWN if attempted.continued:
            return "interrupted", False, ""
        case EndingKind.OPERATOR:
            return "error", False, ""
        case _:
            return "error", True, ""


def _with_usage(ending: Ending, *, status: str, reason: str, session: str) -> Conclusion:
    return Conclusion(
        status=status,
        reason=reason,
        resets_at=ending.resets_at,
        summary=ending.text[-2000:],
        session_id=session,
        input_tokens=ending.usage.input_tokens,
        output_tokens=ending.usage.output_tokens,
        cost_usd=ending.usage.cost_usd,
        num_turns=ending.usage.num_turns,
    )
