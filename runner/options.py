"""The options that several commands share, as decorators for `cli`. Nothing is done here."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

FILE = click.Path(path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
url_option = click.option("--url", metavar="URL", help="The runner, by the address it printed. [the project's own]")
project_option = click.option("--project", type=FILE, help="The BMAD project (default: found upward from here).")
cycles_option = click.option("--cycles", metavar="N|all", help="Run a batch of N cycles, or until no story is left.")


def place_options(command: Command) -> Command:
    """The options by which every command finds its project and database."""
    for option in (
        click.option("--database", type=FILE, help="The SQLite file (default: in the project's state folder)."),
        click.option("--status-file", type=FILE, help="sprint-status.yaml, when it is not where the project says."),
        project_option,
    ):
        command = option(command)
    return command


def agent_options(command: Command) -> Command:
    """The options that say which agent runs the commands."""
    for option in (
        click.option("--permission-mode", metavar="MODE", help="Handed to the agent CLI. [bypassPermissions]"),
        click.option("--scenario", type=FILE, help="What the scripted agent does, see docs/scripted-agent.md."),
        click.option("--agent-command", metavar="PATH", help="The executable of the agent. [claude on PATH]"),
        click.option("--agent", type=click.Choice(["claude", "scripted"]), help="Who runs the commands. [claude]"),
    ):
        command = option(command)
    return command


def serving_options(command: Command) -> Command:
    """The options that say where the dashboard is, and who may come."""
    for option in (
        click.option("--no-cors", is_flag=True, help="Pages of other origins may not even read the data files."),
        click.option("--any-user", is_flag=True, help="Other users of this machine may control the runner."),
        click.option("--unsafe-bind", is_flag=True, help="Allow a --host beyond this machine; asks for a token."),
        click.option(
            "--allow-host", multiple=True, metavar="NAME[:PORT]", help="A name the dashboard is also reached by."
        ),
        click.option("--no-server", is_flag=True, help="No dashboard; the terminal alone."),
        click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Its port; 0: any free one. [8765]"),
        click.option("--host", metavar="ADDRESS", help="Where the dashboard listens. [127.0.0.1]"),
    ):
        command = option(command)
    return command


def client_options(command: Command) -> Command:
    """The options of the commands that speak to a running runner."""
    for option in (json_option, url_option, project_option):
        command = option(command)
    return command
