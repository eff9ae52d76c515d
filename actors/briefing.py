"""What an agent is told for one step: its prompt and its environment.

The command actor asks for both when it starts an attempt. Everything here is derived from the step and the kit;
nothing is read or written.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.kit import Kit
from actors.verdict import story_keys
from runner.domain.prompts import prompt_name, substitute
from runner.domain.steps import RunCommand
from runner.domain.taxonomy import review_number
from runner.workspace.workflows import workflow_text

INTERRUPTED = (
    "You were interrupted before you had finished. The task is the same as before and stands below. First find out"
    " what is already done, in the files and in git; then do the rest, and print every marker you are asked for.\n\n"
)
KEEP_SPRINT_FILE = (
    "\n\nThis review runs in the background while others go on: leave sprint-status.yaml exactly as it is.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """The circumstances of a step."""

    epic: str
    cycle: int | None
    decisions: Mapping[str, str] = field(default_factory=dict)
    """Story key to tech-spec decision, as far as they are taken."""
    background: bool = False


def prompt_text(kit: Kit, step: RunCommand, briefing: Briefing, *, continued: bool) -> str:
    """The whole prompt; a session that is continued is told so first."""
    prompt = kit.prompts[prompt_name(step.command)]
    text = substitute(prompt.text, _values(kit, step, briefing))
    if briefing.background:
        text += KEEP_SPRINT_FILE
    return INTERRUPTED + text if continued else text


def _values(kit: Kit, step: RunCommand, briefing: Briefing) -> Mapping[str, str]:
    stories = story_keys(step.stories)
    shorts = ", ".join(story.short for story in stories)
    decisions = {key: briefing.decisions[key] for key in step.stories if key in briefing.decisions}
    return {
        "story_key": ",".join(step.stories),
        "story_id": shorts,
        "story_ids": shorts,
        "epic_id": briefing.epic,
        "command": step.command,
        "review_attempt": str(review_number(step.command) or 1),
        "implementation_artifacts": str(kit.paths.implementation),
        "planning_artifacts": str(kit.paths.planning),
        "tech_spec_needed": "yes" if "REQUIRED" in decisions.values() else "no",
        "tech_spec_decisions": ", ".join(f"{key}: {decision}" for key, decision in decisions.items()),
        "workflow": workflow_text(prompt_name(step.command), kit.workflows),
        # -P: a package of the project that is called `runner` too must not be taken for ours.
        "log_command": f"{shlex.quote(sys.executable)} -P -m runner log",
        "status_file": str(kit.paths.status_file),
    }


def agent_environment(
    kit: Kit, step: RunCommand, briefing: Briefing, *, batch_id: int, attempt: int
) -> Mapping[str, str]:
    """The runner's own environment, and what an agent or a user's hook may want to know of the step."""
    return {
        **kit.environment,
        "SPRINT_RUNNER_BATCH": str(batch_id),
        "SPRINT_RUNNER_CYCLE": "" if briefing.cycle is None else str(briefing.cycle),
        "SPRINT_RUNNER_COMMAND": step.command,
        "SPRINT_RUNNER_STORIES": ",".join(step.stories),
        "SPRINT_RUNNER_EPIC": briefing.epic,
        "SPRINT_RUNNER_ATTEMPT": str(attempt),
        "SPRINT_RUNNER_STEP": step.key,
        "SPRINT_RUNNER_URL": kit.url,
        "SPRINT_RUNNER_STATE_DIR": str(kit.paths.state),
        "SPRINT_RUNNER_STATUS_FILE": str(kit.paths.status_file),
        "SPRINT_RUNNER_ARTIFACTS": str(kit.paths.implementation),
        "SPRINT_RUNNER_PLANNING": str(kit.paths.planning),
    }
