"""The command line: reads options, has them carried out, and turns errors into one line and an exit code.

Nothing is decided here. Heavy parts are imported by the command that needs them, so that `--help`, `log` and a
refusal cost next to nothing.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from runner import __version__
from runner.domain.errors import RunnerError
from runner.options import (
    FILE,
    agent_options,
    client_options,
    cycles_option,
    json_option,
    place_options,
    serving_options,
    url_option,
)

if TYPE_CHECKING:
    from runner.commands.given import Given

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
STOPS = ("command", "story", "cycle", "now")
LOG_LEVELS = ("debug", "info", "warning", "error")


def run() -> None:
    """Run the command line of this process."""
    try:
        sys.exit(main.main(standalone_mode=False))
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "sprint-runner"
        say(f"{error.format_message().rstrip('.')}; see {where} --help")
        sys.exit(2)
    except click.ClickException as error:
        say(error.format_message())
        sys.exit(2)
    except RunnerError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(4)
    except BrokenPipeError:
        # Nobody reads any more. Python flushes once more at its end: give it a place where that cannot fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def say(text: str) -> None:
    """A line for the operator, on standard error; one that nobody can read any more is let go."""
    from runner.display.words import clean

    try:
        click.echo(f"sprint-runner: {clean(text)}", err=True)
    except OSError:
        return


@click.group(invoke_without_command=True, context_settings=HELP)
@click.version_option(__version__, "-V", "--version", prog_name="sprint-runner")
@cycles_option
@click.option("--resume", is_flag=True, help="Continue the unfinished batch at its exact position.")
@click.option("--new", is_flag=True, help="With --cycles: close an unfinished batch and start a new one.")
@click.option("--dry-run", is_flag=True, help="Print the plan of the next cycles, start and write nothing.")
@click.option("--demo", is_flag=True, help="Copy the sample project into --project and run it, scripted.")
@place_options
@agent_options
@serving_options
@click.option("--json", "as_json", is_flag=True, help="Events as NDJSON on standard output, nothing else there.")
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS),
    default="info",
    show_default=True,
    help="Which log lines are shown, on stderr.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How.")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> int:
    """Run the stories of a BMAD sprint through their workflow, with supervised coding agents.

    \b
    sprint-runner                         serve the dashboard and wait for control
    sprint-runner --demo --cycles 2       see it work on a sample project
    sprint-runner doctor                  is everything there?
    sprint-runner --cycles 3 --dry-run    what would happen
    sprint-runner --cycles all            work until no story is left
    sprint-runner --resume                go on where the last batch stopped

    On a terminal the progress is a live picture, in a pipe plain lines. Ctrl-C stops after what runs now,
    a second one at once; both can be resumed.

    Exit codes: 0 completed, 1 ended with an error, 2 could not start, 3 another runner holds the project,
    4 stopped before the end.
    """
    context.obj = options
    if context.invoked_subcommand is not None:
        return 0
    from runner.commands.start import start

    return start(_given(context, options), say)


def _given(context: click.Context, options: dict[str, Any]) -> "Given":
    """A command's own options, and for those that were not given the ones that stood before the command."""
    from runner.commands.given import Given

    return Given(**{**context.obj, **{name: value for name, value in options.items() if value}})


@main.command(context_settings=HELP, short_help="What goes on in the project, or what can be resumed.")
@place_options
@url_option
@json_option
@click.pass_context
def status(context: click.Context, /, **options: Any) -> None:
    """What goes on in the project, down to the supervision tree of a running runner, or what can be resumed."""
    from runner.commands.status import show

    _print(show(_given(context, options), say, dict(os.environ)))


@main.command(context_settings=HELP, short_help="Past batches, or one of them in full.")
@click.argument("batch", type=click.IntRange(min=1), required=False)
@click.option("--limit", type=click.IntRange(1, 1000), metavar="N", help="Batches on a page. [as the settings say]")
@click.option(
    "--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Batches to leave out, the newest first."
)
@place_options
@url_option
@json_option
@click.pass_context
def history(context: click.Context, /, batch: int | None, limit: int | None, offset: int, **options: Any) -> None:
    """Past batches; with BATCH one of them, with its stories and commands."""
    from runner.commands.history import show_batch, show_list

    given, environment = _given(context, options), dict(os.environ)
    if batch is None:
        _print(show_list(given, limit, offset, environment))
    else:
        _print(show_batch(given, batch, environment))


@main.command(context_settings=HELP, short_help="Check all that a batch needs.")
@place_options
@agent_options
@url_option
@json_option
@click.pass_context
def doctor(context: click.Context, /, **options: Any) -> None:
    """Check all that a batch needs; exit 1 when something would stop one."""
    from runner.commands.doctor import show

    lines, code = show(_given(context, options), dict(os.environ))
    _print(lines)
    context.exit(code)


@main.command(
    # Whatever stands behind the first name is an argument: a message may begin with a dash.
    context_settings={**HELP, "ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="",
)
@click.option("--project", type=FILE, hidden=True, expose_value=False)
@click.option("--url", hidden=True, expose_value=False)
@click.argument("epic")
@click.argument("story")
@click.argument("command")
@click.argument("task")
@click.argument("status", metavar="start|end")
@click.argument("message", nargs=-1, metavar="[MESSAGE]")
def log(message: tuple[str, ...], **columns: str) -> None:
    """Report a task, as agents do: prints one line of the log format.

    \b
    sprint-runner log 2a 2a-1 dev-story tests end "All green (tests:12/12 passed)"
    """
    import time

    from runner.commands.log import COLUMNS, log_line, remark

    names = [columns[name] for name in COLUMNS]
    click.echo(log_line(names, message[0] if message else "", now_ms=time.time_ns() // 1_000_000))
    if note := remark(columns["command"], columns["task"]):
        say(note)
    if len(message) > 1:
        say("only the first word of the message counts; put the message in quotes")


@main.command(context_settings=HELP, short_help="Start a batch in a running runner.")
@cycles_option
@click.option("--new", is_flag=True, help="Close an unfinished batch first.")
@client_options
@click.pass_context
def start(context: click.Context, /, **options: Any) -> None:
    """Start a batch in a running runner that is idle; without --cycles as its settings say."""
    from runner.commands import control

    click.echo(control.start(_given(context, options), dict(os.environ)))


@main.command(context_settings=HELP, short_help="Stop the batch that runs.")
@click.option("--after", type=click.Choice(STOPS), default="command", show_default=True, help="What may still end.")
@client_options
@click.pass_context
def stop(context: click.Context, /, after: str, **options: Any) -> None:
    """Stop the batch that runs; it can be resumed."""
    from runner.commands import control

    click.echo(control.stop(_given(context, options), after, dict(os.environ)))


@main.command(context_settings=HELP, short_help="Let nothing new begin until resumed.")
@client_options
@click.pass_context
def pause(context: click.Context, /, **options: Any) -> None:
    """Let the batch begin nothing new until it is resumed."""
    from runner.commands import control

    click.echo(control.pause(_given(context, options), dict(os.environ)))


@main.command(context_settings=HELP, short_help="Go on with a batch in a running runner.")
@client_options
@click.pass_context
def resume(context: click.Context, /, **options: Any) -> None:
    """Go on with a batch that is paused, that waits for a usage limit (now), or that is unfinished."""
    from runner.commands import control

    click.echo(control.resume(_given(context, options), dict(os.environ)))


@main.command(context_settings=HELP, short_help="Follow the events of a running runner.")
@click.option("--after", type=click.IntRange(min=0), metavar="SEQ", help="Tell all events after this one first.")
@client_options
@click.pass_context
def watch(context: click.Context, /, after: int | None, **options: Any) -> None:
    """Follow the events of a running runner, over restarts of it, until it has gone for good or Ctrl-C."""
    from runner.commands.watch import watch as follow

    context.exit(follow(_given(context, options), after, say, dict(os.environ)))


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)
