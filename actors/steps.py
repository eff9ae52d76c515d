"""Carrying out the machines' steps: the part that the batch actor and the story actors share.

Every step that is not a command is local: it is done, its outcome is recorded under its key, and a resumed batch
takes the recorded one. All local steps are safe to do twice, which is what a crash between the two can cause.
"""

from functools import partial
from typing import TypeVar

import msgspec
import trio

from actors import sprint_file
from actors.attempt import Errand
from actors.briefing import Briefing
from actors.command import run_errand
from actors.kit import Shift
from actors.tree import Branch
from runner.domain.model import parse_key
from runner.domain.steps import (
    CommandEnded,
    InjectContext,
    Injected,
    Marked,
    MarkStory,
    RunCommand,
    RunTogether,
    Spawned,
    SpawnReviews,
)
from runner.domain.taxonomy import uses_cheap_model
from runner.settings import Settings
from runner.store.journal import Journal
from runner.workspace import git
from runner.workspace.artifacts import Injection, InjectionKind, find_discovery, inject_context

Local = TypeVar("Local", Marked, Injected)

_WARNINGS = {
    InjectionKind.NO_DISCOVERY: "has no discovery file: context not injected",
    InjectionKind.NO_CONTEXT: "got no context injected: there is no project-context.md",
    InjectionKind.TOO_LARGE: "got no context injected: it is larger than injection_error_kb",
}


def model_for(settings: Settings, command: str) -> str:
    """The model a command runs with; empty means the agent CLI's own default."""
    cheap = uses_cheap_model(command, settings.haiku_after_review)
    return settings.cheap_model if cheap else settings.default_model


async def record_local(shift: Shift, key: str, outcome: Local) -> Local:
    """Put the outcome of a local step on record."""
    encoded = msgspec.json.encode(outcome)
    kind = type(outcome).__name__
    await shift.kit.recorder.record(lambda journal: journal.record_step(shift.batch_id, key, kind, encoded))
    shift.ledger.decided(key, encoded)
    return outcome


async def mark_story(shift: Shift, step: MarkStory) -> Marked | None:
    """Set a status in the sprint file, once; None when the batch stopped meanwhile."""
    recorded = shift.ledger.outcome(step.key, Marked)
    if recorded is not None:
        return recorded
    marked = await sprint_file.write_mark(shift, step)
    return None if marked is None else await record_local(shift, step.key, marked)


async def inject(shift: Shift, step: InjectContext) -> Injected:
    """Append the project context to the discovery files."""
    recorded = shift.ledger.outcome(step.key, Injected)
    if recorded is not None:
        return recorded
    warnings = []
    for key in step.stories:
        injection = await trio.to_thread.run_sync(partial(_inject_one, shift, key))
        if injection.kind in _WARNINGS:
            warnings.append(f"{key} {_WARNINGS[injection.kind]}")
        elif injection.large:
            warnings.append(f"{key} got {injection.size // 1024} KiB of context injected")
    for warning in warnings:
        await shift.warn("context_injection", warning)
    return await record_local(shift, step.key, Injected(warnings=tuple(warnings)))


def _inject_one(shift: Shift, key: str) -> Injection:
    kit, parsed = shift.kit, parse_key(key)
    discovery = find_discovery(kit.paths, parsed) if parsed else None
    settings = kit.settings
    return inject_context(
        discovery,
        kit.paths.context,
        warning_kb=settings.injection_warning_kb,
        error_kb=settings.injection_error_kb,
    )


async def record_spawn(shift: Shift, step: SpawnReviews, task_type: str, cycle: int) -> Spawned:
    """Put a background chain on record, with the step that spawned it."""

    def change(journal: Journal) -> bytes:
        task_id = journal.spawn_background(shift.batch_id, task_type, step.stories, step.key, cycle)
        encoded = msgspec.json.encode(Spawned(background_task_id=task_id))
        journal.record_step(shift.batch_id, step.key, "Spawned", encoded)
        return encoded

    encoded = await shift.kit.recorder.record(change)
    shift.ledger.decided(step.key, encoded)
    return msgspec.json.decode(encoded, type=Spawned)


async def run_together(
    shift: Shift, step: RunTogether, briefing: Briefing, watched: tuple[str, ...], branch: Branch
) -> tuple[CommandEnded, ...] | None:
    """Run the commands of a step at the same time; None when one of them was turned back by a stop."""
    ended: dict[str, CommandEnded | None] = {}

    async def run(command: RunCommand) -> None:
        model = model_for(shift.kit.settings, command.command)
        errand = Errand(step=command, briefing=briefing, model=model, watched=watched)
        ended[command.key] = await run_errand(shift, errand, branch)

    async with trio.open_nursery() as nursery:
        for command in step.commands:
            nursery.start_soon(run, command, name=command.key)
    results = [ended[command.key] for command in step.commands]
    complete = tuple(result for result in results if result is not None)
    return complete if len(complete) == len(results) else None


async def look_for_commit(shift: Shift, step: RunCommand, ended: CommandEnded) -> None:
    """The work of a cycle that was not committed stays in the tree: the operator has to know."""
    stories = ", ".join(step.stories)
    if not ended.ok:
        message = f"nothing was committed for {stories}: {ended.reason}; the work stays in the tree"
        await shift.warn("commit_failed", message)
        return
    head = await trio.to_thread.run_sync(git.head, shift.kit.paths.root)
    if shift.ledger.before(step.key).get("head") == (head or ""):
        await shift.warn("commit_failed", f"{step.command} made no commit for {stories}; the work stays in the tree")
