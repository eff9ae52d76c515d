"""Which BMAD workflow or skill does the work of a prompt, in this project.

BMAD has renamed and moved them from version to version, so the table below is data; what counts is what the
project has installed. Looked up by whoever fills in prompts, and shown by `doctor`. Never reads the workflows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runner.workspace.reading import is_regular

_WORKFLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "create-story": ("create-story",),
    "create-story-discovery": ("create-story",),
    "story-review": ("create-story",),
    "create-tech-spec": ("create-tech-spec", "quick-spec"),
    "tech-spec-review": ("create-tech-spec", "quick-spec"),
    "dev-story": ("dev-story",),
    "code-review": ("code-review",),
    "batch-commit": ("batch-commit",),
    "generate-project-context": ("generate-project-context", "project-context"),
    "sprint-status": ("sprint-status",),
}
"""Prompt name to the BMAD names that can serve it, best first."""

_PLACES: Final = (
    ("/bmad-{name}", ".claude/skills/bmad-{name}/SKILL.md"),
    ("/bmad-{name}", ".claude/commands/bmad-{name}.md"),
    ("/bmad-bmm-{name}", ".claude/commands/bmad-bmm-{name}.md"),
    ("/bmad:bmm:workflows:{name}", ".claude/commands/bmad/bmm/workflows/{name}.md"),
)
"""How it is called and where it is installed, newest BMAD first."""

_NONE_INSTALLED: Final = (
    "this project's own conventions (no BMAD workflow for this is installed: do the work yourself)"
)


def installed_workflows(root: Path) -> Mapping[str, str]:
    """Prompt name to the slash command or skill that serves it; prompts that none serves are left out."""
    found = {}
    for prompt, names in _WORKFLOWS.items():
        calls = (
            call.format(name=name)
            for name in names
            for call, file in _PLACES
            if is_regular(root / file.format(name=name))
        )
        if call := next(calls, None):
            found[prompt] = call
    return found


def workflow_text(prompt: str, installed: Mapping[str, str]) -> str:
    """What `{{workflow}}` stands for in a prompt; reads on after "follow"."""
    call = installed.get(prompt)
    return _NONE_INSTALLED if call is None else f"`{call}`"
