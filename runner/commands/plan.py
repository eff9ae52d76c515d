"""`--dry-run`: the plan of the next cycles, as far as it is decided. Starts nothing and writes nothing.

Looks at the same files as a start and the choice of a cycle's stories: sprint file, stories, tech-specs, settings,
the project context, and the database for a batch that is to be resumed. `runner.domain.plan` does the thinking.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from actors.ledger import Ledger
from runner.commands.given import Given
from runner.commands.start import read_cycles
from runner.display.tables import table
from runner.display.words import count, named, short, shorts
from runner.domain.cycle import Selection
from runner.domain.errors import UsageError
from runner.domain.freshness import Freshness, freshness
from runner.domain.plan import Plan, PlannedCycle, PlannedStep, Recall, nothing_on_record, plan
from runner.domain.steps import step_key
from runner.domain.taxonomy import uses_cheap_model
from runner.outfit import SETTINGS
from runner.settings import Settings, load_settings
from runner.store import queries
from runner.store.database import open_reader
from runner.store.records import BatchRow
from runner.workspace.artifacts import context_age, cycle_story
from runner.workspace.place import database_file, find_paths
from runner.workspace.project import Paths
from runner.workspace.prompts import load_prompts
from runner.workspace.sprint_file import read_sprint

CONTEXT_COMMAND = "generate-project-context"
ASSUMPTIONS = (
    "Assumed: every command succeeds, story and tech-spec reviews find nothing critical, the first code review finds"
    " nothing. Each review that does find something adds commands."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where the plan begins."""

    cycles: int | None
    first: int = 1
    under_way: Selection | None = None
    recall: Recall = nothing_on_record
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The plan with what surrounds it."""

    plan: Plan
    context: Freshness
    remark: str
    model: Callable[[str], str]


def dry_run(given: Given, environment: Mapping[str, str]) -> list[str]:
    """The plan in words, or as JSON. Raises RunnerError for what would keep a batch from starting."""
    where = replace(given.where, project=_demo_folder(given.project)) if given.demo else given.where
    paths = find_paths(where)
    load_prompts(paths)
    settings = load_settings(paths.state / SETTINGS, environment, {})
    start = _start(given, settings, database_file(where, paths))
    answer = Answer(
        plan=plan(
            read_sprint(paths.status_file),
            partial(cycle_story, paths),
            cycles=start.cycles,
            first=start.first,
            under_way=start.under_way,
            recall=start.recall,
            review_limit=settings.max_code_review_attempts,
        ),
        context=_context(paths, settings),
        remark=start.remark,
        model=partial(_model, settings),
    )
    return [as_json(answer)] if given.as_json else in_words(answer)


def _demo_folder(project: Path | None) -> Path:
    """The demo's project; before it is copied, the sample itself: it is only looked at."""
    from runner.demo import FOLDER, SIGN

    return project if project is not None and (project / SIGN).is_file() else FOLDER / "project"


def _start(given: Given, settings: Settings, database: Path) -> Start:
    """How many cycles are planned, from which one on."""
    unfinished = _unfinished(database)
    if given.resume:
        if unfinished is None:
            raise UsageError("there is no unfinished batch to resume", hint="start one with --cycles")
        done, wanted = unfinished.cycles_completed, unfinished.max_cycles
        remark = f"batch {unfinished.id} goes on in cycle {done + 1}; what is done of it is not done again"
        cycles = None if wanted is None else wanted - done
        selection, recall = _position(database, unfinished)
        return Start(cycles=cycles, first=done + 1, under_way=selection, recall=recall, remark=remark)
    cycles = settings.default_max_cycles if given.cycles is None else read_cycles(given.cycles)
    if unfinished is not None and not given.new:
        remark = f"batch {unfinished.id} is unfinished: --resume goes on with it, --new gives it up"
        return Start(cycles=cycles, remark=remark)
    return Start(cycles=cycles)


def _unfinished(database: Path) -> BatchRow | None:
    """The batch that can be resumed."""
    if not database.exists():
        return None
    with closing(open_reader(database)) as connection:
        return queries.resumable_batch(connection)


def _position(database: Path, batch: BatchRow) -> tuple[Selection | None, Recall]:
    """The cycle a batch is in, if it has begun, and what is on record of it."""
    with closing(open_reader(database)) as connection:
        ledger = Ledger(queries.history(connection, batch.id))
    return ledger.outcome(step_key(batch.cycles_completed + 1, "select"), Selection), ledger.outcome


def _context(paths: Paths, settings: Settings) -> Freshness:
    age = context_age(paths.context, time.time_ns() // 1_000_000)
    return freshness(age, settings.project_context_max_age_hours)


def _model(settings: Settings, command: str) -> str:
    cheap = uses_cheap_model(command, settings.haiku_after_review)
    return settings.cheap_model if cheap else settings.default_model


# --- showing it ---------------------------------------------------------------------------------------------------


def as_json(answer: Answer) -> str:
    """`{"context", "remark", "commands", "cycles": [{"number", "story_keys", "steps": [...]}], "left": [...]}`."""
    told = {
        "context": answer.context,
        "remark": answer.remark,
        "commands": _total(answer),
        "cycles": [
            {
                "number": planned.number,
                "story_keys": [story.key for story in planned.stories],
                "steps": [_step_json(answer, step) for step in planned.steps],
            }
            for planned in answer.plan.cycles
        ],
        "left": answer.plan.left,
    }
    return msgspec.json.encode(told).decode()


def _step_json(answer: Answer, step: PlannedStep) -> dict[str, object]:
    commands = [{"command": name, "model": answer.model(name)} for name in step.commands]
    return {"phase": step.phase, "commands": commands, "story_keys": step.story_keys, "assumed": step.assumed}


def in_words(answer: Answer) -> list[str]:
    """A table for each cycle, and what was assumed."""
    cycles, left = answer.plan.cycles, answer.plan.left
    if not cycles:
        return ["nothing to do: every story of the sprint is done or blocked"]
    commands = "1 command" if _total(answer) == 1 else f"{_total(answer)} commands"
    lines = [f"{count(len(cycles), 'cycle')}, {commands}; nothing was started"]
    lines += [answer.remark] if answer.remark else []
    if answer.context is not Freshness.FRESH:
        first = "before the first cycle" if answer.context is Freshness.MISSING else "in the background"
        lines += ["", f"{first}: {CONTEXT_COMMAND}, the project context is {answer.context}"]
    for planned in cycles:
        lines += ["", *_cycle_table(answer, planned)]
    lines += ["", ASSUMPTIONS]
    return [*lines, f"Left for later cycles: {_listed(left)}."] if left else lines


def _cycle_table(answer: Answer, planned: PlannedCycle) -> list[str]:
    stories = ", ".join(f"{named(story.key)} ({story.written})" for story in planned.stories)
    rows = [
        (step.phase, shorts(step.story_keys), " + ".join(step.commands), _models(answer, step), step.assumed)
        for step in planned.steps
    ]
    head = ("phase", "stories", "commands", "model", "remark")
    return [f"cycle {planned.number}: {stories}", *(f"  {line}" for line in table(head, rows))]


def _models(answer: Answer, step: PlannedStep) -> str:
    return ", ".join(dict.fromkeys(answer.model(name) or "default" for name in step.commands))


def _total(answer: Answer) -> int:
    return answer.plan.commands + (answer.context is not Freshness.FRESH)


def _listed(keys: tuple[str, ...]) -> str:
    shown = ", ".join(short(key) for key in keys[:10])
    return f"{shown} and {len(keys) - 10} more" if len(keys) > 10 else shown
