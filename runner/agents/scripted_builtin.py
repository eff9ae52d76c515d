"""What a scripted agent does for each command when no rule of the scenario says otherwise.

Just enough to take a story through the whole workflow: the files, statuses and markers that the runner looks for,
made with the ordinary actions. Played through the scenario word `builtin`.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from runner.agents import scripted_actions as act
from runner.agents.scripted_actions import TaskLine
from runner.agents.scripted_run import Run


def play(run: Run, *, command: str | None = None) -> None:
    """Do what is built in for this command, or for another one that is named."""
    name = command or run.situation.command
    kind, _, number = name.rpartition("-")
    behaviour = BEHAVIOURS.get(kind if number.isdigit() else name)
    if behaviour is None:
        act.say(run, text=f"Nothing is built in for the command {name or '(none)'}.")
    else:
        behaviour(run)


def _generate_context(run: Run) -> None:
    text = "# Project Context\n\nWritten by the scripted agent.\n"
    act.write(run, file=os.path.join(run.situation.planning, "project-context.md"), text=text)
    act.say(run, text="The project context is written.")


def _create_story(run: Run) -> None:
    for key in _each_story(run):
        short = run.situation.short(key)
        _report(run, "write", "start", f"Writing story {short}")
        act.write(run, file=os.path.join(run.situation.artifacts, f"{key}.md"), text=_story_text(short, key))
        act.status(run, to="ready-for-dev")
        _report(run, "write", "end", f"Story {short} written (files:1)")
        act.say(run, text=f"Story {short} is ready.\n[TECH-SPEC-DECISION: REQUIRED]")


def _story_text(short: str, key: str) -> str:
    title = key.removeprefix(short).strip("-").replace("-", " ") or short
    return (
        f"# Story {short}: {title}\n\nStatus: ready-for-dev\n\n"
        f"## Acceptance Criteria\n\n1. It works.\n\n[TECH-SPEC-DECISION: REQUIRED]\n"
    )


def _discover_story(run: Run) -> None:
    for key in _each_story(run):
        short = run.situation.short(key)
        _report(run, "write", "start", f"Writing what there is to know about {short}")
        file = os.path.join(run.situation.artifacts, f"{short}-discovery-story.md")
        act.write(run, file=file, text=f"# Discovery for story {short}\n\nNothing was in the way.\n")
        _report(run, "write", "end", "Discovery written (files:1)")
    act.say(run, text="Discovery is complete.")


def _review_text(run: Run) -> None:
    for key in _each_story(run):
        _report(run, "analyze", "start", "Reading what is to be reviewed")
        _report(run, "analyze", "end", "Review complete (issues:0)")
        act.say(run, text=f"{run.situation.short(key)}: NO CRITICAL ISSUES FOUND")


def _create_tech_spec(run: Run) -> None:
    for key in _each_story(run):
        short = run.situation.short(key)
        _report(run, "write", "start", f"Writing the tech-spec of {short}")
        file = os.path.join(run.situation.artifacts, f"tech-spec-{key}.md")
        act.write(run, file=file, text=f"# Tech-Spec: {short}\n\n## Approach\n\nThe simplest one.\n")
        _report(run, "write", "end", "Tech-spec written (files:1)")
    act.say(run, text="The tech-spec is complete.")


def _develop(run: Run) -> None:
    for key in _each_story(run):
        _report(run, "implement", "start", f"Implementing {run.situation.short(key)}")
        act.write(run, file=os.path.join("implemented", f"{key}.txt"), text=f"{key}\n")
        _report(run, "implement", "end", "Implemented (files:1)")
        act.status(run, to="review")
    act.say(run, text="The story is implemented.")


def _review_code(run: Run) -> None:
    _report(run, "analyze", "start", "Reading the changes")
    _report(run, "analyze", "end", "Review complete (issues:0)")
    act.say(run, text="ZERO ISSUES")


def _commit(run: Run) -> None:
    """Archive the stories' files, delete their discovery files, commit everything."""
    here = run.situation
    archive = os.path.join(os.path.dirname(here.artifacts), "archived-artifacts")
    for key in _each_story(run):
        short = here.short(key)
        discovery = os.path.join(here.artifacts, f"{short}-discovery-story.md")
        if os.path.exists(discovery):
            act.delete(run, file=discovery)
        for name in (f"{key}.md", f"tech-spec-{key}.md", f"tech-spec-{short}.md"):
            if os.path.exists(os.path.join(here.artifacts, name)):
                os.makedirs(archive, exist_ok=True)
                act.execute(run, argv=["mv", os.path.join(here.artifacts, name), archive])
    shorts = ", ".join(here.short(key) for key in here.stories)
    act.commit(run, message=f"feat({here.epic}): implement stories {shorts}")
    act.say(run, text="The stories are committed.")


def _diagnose(run: Run) -> None:
    act.read(run, file=run.situation.status_file)
    act.say(run, text="The status is none that the workflow knows. It is left as it is.")


BEHAVIOURS: Mapping[str, Callable[[Run], None]] = {
    "generate-project-context": _generate_context,
    "create-story": _create_story,
    "story-discovery": _discover_story,
    "story-review": _review_text,
    "create-tech-spec": _create_tech_spec,
    "tech-spec-review": _review_text,
    "dev-story": _develop,
    "code-review": _review_code,
    "batch-commit": _commit,
    "sprint-status": _diagnose,
}


def _each_story(run: Run) -> Iterator[str]:
    """The full keys of the command's stories; reports and statuses speak of the one that is on."""
    for key in run.situation.stories:
        run.about = key
        yield key


def _report(run: Run, task: str, edge: str, message: str) -> None:
    act.task(run, line=TaskLine(f"{task} {edge} {message}"))
