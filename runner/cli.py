"""The command line: reads options, has them carried out, and turns errors into one line and an exit code.

Nothing is decided here. Heavy parts are imported by the command that needs them, so that `--help`, `log` and a
refusal cost next to nothing.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from runner import __version__
from runner.domain.errors import RunnerError, UsageError
from runner.outfit import Options, demo_project, outfit

FILE = click.Path(path_type=Path)


def run() -> None:
    """Run the command line of this process."""
    try:
        main.main(standalone_mode=False)
    except click.ClickException as error:
        say(error.format_message())
        sys.exit(2)
    except RunnerError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(4)


def say(text: str) -> None:
    """A line for the operator, on standard error; one that nobody can read any more is let go."""
    from runner.display.lines import clean

    try:
        click.echo(f"sprint-runner: {clean(text)}", err=True)
    except OSError:
        return


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sprint-runner")
@click.option("--cycles", metavar="N|all", help="Run a batch of N cycles, or until no story is left.")
@click.option("--resume", is_flag=True, help="Continue the unfinished batch at its exact position.")
@click.option("--new", is_flag=True, help="With --cycles: close an unfinished batch as stopped first.")
@click.option("--project", type=FILE, help="The BMAD project (default: found upward from here).")
@click.option("--status-file", type=FILE, help="sprint-status.yaml, when it is not where the project says.")
@click.option("--agent", type=click.Choice(["claude", "scripted"]), default="claude", show_default=True)
@click.option("--agent-command", metavar="PATH", help="The executable to run for the agent.")
@click.option("--scenario", type=FILE, help="What the scripted agent does (docs/scripted-agent.md).")
@click.option("--permission-mode", default="bypassPermissions", show_default=True, help="Handed to the agent CLI.")
@click.option("--demo", is_flag=True, help="Copy the sample project into --project and run it, scripted.")
@click.option("--database", type=FILE, help="The SQLite file (default: in the project's state folder).")
@click.option("--json", "as_json", is_flag=True, help="Events as NDJSON on standard output.")
@click.option("--dry-run", is_flag=True, help="Print the plan of the next cycles and start nothing.")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Run the stories of a BMAD sprint through their workflow, with supervised coding agents."""
    context.obj = options
    if context.invoked_subcommand is None:
        sys.exit(_run(options))


def _run(options: dict[str, Any]) -> int:
    request_cycles, resume = options["cycles"], options["resume"]
    if (request_cycles is None) == (not resume):
        raise UsageError("nothing to do", hint="give --cycles N, --cycles all or --resume; see --help")
    project = Options(
        project=options["project"],
        status_file=options["status_file"],
        database=options["database"],
        agent=options["agent"],
        agent_command=options["agent_command"],
        scenario=options["scenario"],
        permission_mode=options["permission_mode"],
        demo=options["demo"],
    )
    if options["demo"]:
        project = demo_project(project, say)
    prepared, lock = outfit(project, dict(os.environ))
    import trio

    from actors.control import ResumeBatch, StartBatch
    from runner.app import EXIT_CODES, run_batch
    from runner.display.streams import show_json, show_lines

    request = ResumeBatch() if resume else StartBatch(max_cycles=read_cycles(request_cycles), new=options["new"])
    show = show_json if options["as_json"] else show_lines
    try:
        ended = trio.run(partial(run_batch, prepared, request, show, say=say))
    finally:
        lock.release()
    return EXIT_CODES[ended.status]


def read_cycles(text: str) -> int | None:
    """`all` or a number from 1 to 999."""
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 999 and len(text) <= 3:
        return int(text)
    raise UsageError(f"--cycles takes a number from 1 to 999 or `all`, not {text!r}")
