"""What `python -m runner` does without a command: serves the dashboard, runs or resumes a batch, or tells its plan.

The command line hands its options over as they are. Which of them go together is checked here, before anything is
touched; then, before anything heavy is loaded, the project is locked and what a dead runner has left alive is ended;
the project is outfitted, the display is chosen, and the batch run under Trio.
"""

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.given import Given
from runner.domain.errors import BatchFailed, UsageError
from runner.workspace.place import project_lock

if TYPE_CHECKING:
    from runner.app import Outfit
    from runner.attendance import Show
    from runner.outfit import Options
    from runner.workspace.lock import ProjectLock

Say = Callable[[str], None]
LONGEST_RUN = 999


def start(given: Given, say: Say) -> int:
    """Do what the options ask for; the exit code. Raises RunnerError."""
    _check(given)
    if given.dry_run:
        from runner.commands.plan import dry_run

        for line in dry_run(given, dict(os.environ)):
            print(line)  # noqa: T201 - the plan is the output
        return 0
    return _run(given, say)


def read_cycles(text: str) -> int | None:
    """`all` (None) or a number from 1 to 999."""
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) >= 1:
        return int(text)
    raise UsageError(f"--cycles takes a number from 1 to {LONGEST_RUN} or `all`, not {text!r}")


def _check(given: Given) -> None:
    """Refuse options that contradict each other."""
    cycles, resume = given.cycles, given.resume
    if cycles is not None:
        read_cycles(cycles)
    if cycles is not None and resume:
        raise UsageError("--cycles and --resume exclude each other", hint="a resumed batch keeps its cycles")
    if cycles is None and not resume and not given.dry_run and given.no_server:
        raise UsageError("nothing to do", hint="give --cycles N, --cycles all or --resume; see --help")
    if given.new and cycles is None:
        raise UsageError("--new goes with --cycles", hint="say how many cycles the new batch has")
    if given.demo and given.agent == "claude":
        raise UsageError("--demo runs with the scripted agent", hint="leave --agent out")
    if given.scenario and given.agent != "scripted" and not given.demo:
        raise UsageError("--scenario is for the scripted agent", hint="add --agent scripted")


def _run(given: Given, say: Say) -> int:
    if given.demo:
        from runner.demo import demo_folder

        given = replace(given, project=demo_folder(given.project, say))
    # Before the second of imports: of many that are started at once, all but one are refused at once.
    with project_lock(given.where) as lock:
        # Before them too: what a dead runner has left alive may go on working in the project.
        from runner.workspace.leftovers import end_leftovers

        end_leftovers(lock.state)
        return _run_locked(given, lock, say)


def _run_locked(given: Given, lock: "ProjectLock", say: Say) -> int:
    import trio

    from actors.control import ResumeBatch, StartBatch
    from runner import log
    from runner.app import EXIT_CODES, run_batch, serve
    from runner.outfit import outfit

    log.set_up(given.log_level, as_json=given.log_format == "json")
    options, waits = make_options(given), given.cycles is None and not given.resume
    prepared = outfit(options, dict(os.environ), lock, resume=given.resume, waits=waits)
    show, say = _display(prepared, options, say, as_json=given.as_json, live=not waits)
    if waits:
        ended = trio.run(partial(serve, prepared, show, say=say))
        return 0 if ended is None else EXIT_CODES[ended.status]
    fresh = StartBatch(max_cycles=read_cycles(given.cycles or "all"), new=given.new)
    request = ResumeBatch() if given.resume else fresh
    ended = trio.run(partial(run_batch, prepared, request, show, say=say))
    if ended.status == "error":
        # Without its database it cannot be resumed; the reason says what can be done.
        hint = "--resume continues it once that is mended" if os.path.exists(prepared.database) else ""
        raise BatchFailed(f"the batch failed: {ended.reason}", hint=hint)
    if ended.unasked:
        say(f"batch {ended.batch_id} stopped: {ended.reason}")
    return EXIT_CODES[ended.status]


def make_options(given: Given) -> "Options":
    """The options about project and agent, with what stands for those that were not given."""
    from runner.dashboard import Serving
    from runner.outfit import Options

    return Options(
        project=given.project,
        status_file=given.status_file,
        database=given.database,
        agent="scripted" if given.demo else given.agent or "claude",
        agent_command=given.agent_command,
        scenario=given.scenario,
        permission_mode=given.permission_mode or "bypassPermissions",
        demo=given.demo,
        serving=Serving(
            server=not given.no_server,
            host=given.host or "127.0.0.1",
            port=given.port,
            allow_hosts=given.allow_host,
            unsafe_bind=given.unsafe_bind,
            any_user=given.any_user,
            no_cors=given.no_cors,
        ),
    )


def _display(prepared: "Outfit", options: "Options", say: Say, *, as_json: bool, live: bool) -> "tuple[Show, Say]":
    """How the run is shown, and where its messages to the operator go."""
    from runner.display.streams import show_json, show_lines

    if as_json:
        return partial(show_json, say), say
    from runner.app import now_ms
    from runner.display.past import earlier_events
    from runner.display.scene import Scene
    from runner.display.summary import Places
    from runner.display.words import clean

    # Folders have any name that somebody gave them: what steers a terminal is not shown, even to be pasted.
    again = clean(shlex.join([*_program(), *_arguments(options)]))
    database, runs = clean(str(prepared.database)), clean(str(prepared.paths.state / "runs"))
    scene = Scene(
        project=clean(prepared.paths.root.name),
        places=Places(again=again, database=database, runs=runs),
        past=partial(earlier_events, prepared.database),
        clock=now_ms,
        say=say,
    )
    # A terminal that cannot move its cursor gets plain lines too.
    if not live or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return partial(show_lines, scene), say
    from runner.display.live import LiveDisplay

    display = LiveDisplay(scene)
    return display.show, display.say


def _program() -> list[str]:
    """How this program was called, in a form that can be pasted: the same Python, whatever PATH says."""
    if Path(sys.argv[0]).name == "__main__.py":
        return [sys.executable, "-m", "runner"]
    return [sys.argv[0]]


def _arguments(options: "Options") -> list[str]:
    """The options by which the same project is run again in the same way."""
    if options.demo:
        return ["--demo", "--project", str(options.project)]
    given: dict[str, object] = {
        "--project": options.project,
        "--status-file": options.status_file,
        "--database": options.database,
        "--agent": options.agent if options.agent != "claude" else None,
        "--agent-command": options.agent_command,
        "--scenario": options.scenario,
        "--port": options.serving.port,
    }
    words = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    return words if options.serving.server else [*words, "--no-server"]
