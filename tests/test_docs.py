"""The documentation against the code: what a table there lists is compared with the table here, both ways.

A page is read as its readers see it: headings, tables, code spans, links. Texts are nobody's business here. Nothing
is run but `.ci/run --commands`, which prints, and git, which lists the files of the repository.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from actors.child import Restart
from actors.supervisor import Strategy
from actors.tree import Role
from runner.domain.events import CATALOGUE
from runner.domain.freshness import Freshness
from runner.domain.model import Status
from runner.domain.phases import PHASES
from runner.domain.prompts import VARIABLES
from runner.domain.taxonomy import COMMANDS
from runner.domain.verdicts import Decision, Severity
from runner.settings import table
from runner.workspace.project import Paths
from web.board_api import BoardApi
from web.control_api import ControlApi
from web.history_api import HistoryApi
from web.live import Said
from web.live import _read as read_message
from web.routes import Route
from web.service_api import ServiceApi
from web.sprint_api import SprintApi
from web.transcript_api import TranscriptApi

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")])
IDS = [str(page.relative_to(CHECKOUT)) for page in PAGES]


# --- reading a page -----------------------------------------------------------------------------------------------


def page(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def sections(text: str, level: int) -> dict[str, str]:
    """Heading to what stands below it, for all headings of a level; code spans lose their marks."""
    parts = re.split(rf"^{'#' * level} +(.+)$", text, flags=re.MULTILINE)[1:]
    higher = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE)
    return {
        heading.strip().strip("`"): higher.split(body)[0]
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


def first_table(text: str) -> list[list[str]]:
    """The rows of the first table without its heading, as cells."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            rows.append([cell.replace("\\|", "|").strip() for cell in cells])
        elif rows:
            break
    return rows[2:]


def spans(text: str) -> list[str]:
    """The code spans of a text."""
    return re.findall(r"`([^`]+)`", text)


def blocks(text: str) -> list[list[str]]:
    """The lines of each fenced block."""
    return [block.splitlines() for block in re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


# --- pages that list what the code has ----------------------------------------------------------------------------


def test_events_are_documented():
    documented = sections(page("docs/events.md"), 3)
    assert list(documented) == [kind.event_type for kind in CATALOGUE]


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.event_type)
def test_fields_of_an_event_are_documented(kind):
    documented = first_table(sections(page("docs/events.md"), 3)[kind.event_type])
    assert [spans(row[0]) for row in documented] == [[field.name] for field in fields(kind)]


def test_settings_are_documented():
    documented = [tuple(cell.strip("`") for cell in row[:3]) for row in first_table(page("docs/settings.md"))]
    assert documented == [
        (
            setting.name,
            "empty" if setting.default == "" else str(setting.default),
            ", ".join(setting.choices)
            or ("a model name" if setting.low is None else f"{setting.low}–{setting.high}"),
        )
        for setting in table()
    ]


def test_routes_are_documented():
    """Method and path, and the errors that an operator may meet."""
    documented = first_table(sections(page("docs/api.md"), 2)["Routes"])
    assert {row[0].strip("`"): tuple(map(int, re.findall(r"[0-9]+", row[2]))) for row in documented} == {
        f"{route.method} {route.path}": route.errors for route in _routes()
    }


def test_parameters_of_routes_are_documented():
    documented = {row[0].strip("`"): row[1] for row in first_table(sections(page("docs/api.md"), 2)["Routes"])}
    for route in _routes():
        for kind in (route.query, route.body):
            # The settings have a page of their own.
            fields = () if kind is None or kind.__name__ == "SettingChanges" else kind.__struct_fields__
            assert set(fields) <= set(spans(documented[f"{route.method} {route.path}"])), route.path


def _routes() -> Sequence[Route]:
    nowhere = Path("/")
    nobody: Any = None
    paths = Paths(root=nowhere, status_file=nowhere, implementation=nowhere, planning=nowhere, state=nowhere)
    return [
        *ControlApi(nobody, nobody, nobody).routes(),
        *SprintApi(nobody, paths, str).routes(),
        *HistoryApi(nobody, nobody).routes(),
        *BoardApi(nobody, paths, nobody, nobody).routes(),
        *TranscriptApi(nobody, nowhere, str).routes(),
        *ServiceApi(nobody, nobody, nobody, "").routes(),
    ]


def test_messages_of_a_client_are_documented():
    rows = first_table(sections(page("docs/api.md"), 2)["Events"].partition("What a client may say")[2])
    said = [json.loads(row[0].strip("`").replace(":n", ":1")) for row in rows]
    assert [read_message(json.dumps(message)) for message in said]
    hints = get_args(Said.__annotations__["action"]) + get_args(Said.__annotations__["type"])
    wanted = {word for hint in hints for word in get_args(hint)}
    assert {message.get("action") or message.get("type") for message in said} == wanted


def test_phases_are_documented():
    documented = first_table(sections(page("docs/workflow.md"), 2)["Phases"])
    assert [row[0].strip("`") for row in documented] == [phase.name for phase in PHASES]


def test_commands_of_the_workflow_are_documented():
    documented = first_table(sections(page("docs/workflow.md"), 2)["Commands and tasks"])
    assert {row[0].strip("`"): (tuple(spans(row[1])), row[2]) for row in documented} == {
        name: (kind.tasks, str(kind.model)) for name, kind in COMMANDS.items()
    }


def test_prompt_variables_are_documented():
    documented = first_table(sections(page("docs/workflow.md"), 2)["Prompts"])
    assert {span.strip("{}") for row in documented for span in spans(row[0])} == VARIABLES


# --- the command line ---------------------------------------------------------------------------------------------


@cache
def command_line() -> click.Group:
    from runner.cli import main

    assert isinstance(main, click.Group)
    return main


def parameters(command: click.Command) -> set[str]:
    """What may stand on the command line: options with their dashes, arguments as `--help` shows them."""
    names: set[str] = set()
    for parameter in command.get_params(click.Context(command, **command.context_settings)):
        if isinstance(parameter, click.Argument):
            names.add((parameter.metavar or parameter.name or "").strip("[]"))
        elif not getattr(parameter, "hidden", False):
            names.update((*parameter.opts, *parameter.secondary_opts))
    return names


def documented_parameters(text: str) -> set[str]:
    """The first words of the code spans in the first column."""
    return {span.split()[0] for row in first_table(text) for span in spans(row[0])}


def test_options_are_documented():
    documented = sections(page("docs/commands.md"), 2)["Options"]
    assert documented_parameters(documented) == parameters(command_line())


def test_commands_are_documented():
    assert list(sections(page("docs/commands.md"), 3)) == list(command_line().commands)


def test_options_of_the_commands_are_documented():
    documented = sections(page("docs/commands.md"), 3)
    for name, command in command_line().commands.items():
        wanted = {word.upper() if word.isalpha() else word for word in parameters(command)} - {"-h", "--help"}
        assert documented_parameters(documented[name]) == wanted, name


# --- the glossary -------------------------------------------------------------------------------------------------


def test_glossary_explains_each_word_once():
    terms = re.findall(r"^- \*\*([^*]+)\*\*: .", page("docs/glossary.md"), flags=re.MULTILINE)
    assert len(terms) > 50
    assert len(terms) == len(set(terms))


@pytest.mark.parametrize("values", [Status, Severity, Decision, Freshness, Restart, Strategy, Role])
def test_glossary_knows_the_values(values: type[StrEnum]):
    assert {str(value) for value in values} <= set(spans(page("docs/glossary.md")))


# --- the README and the repository --------------------------------------------------------------------------------


def test_readme_commands_are_those_that_are_run():
    first, second, *_ = blocks(page("README.md"))
    done = subprocess.run([CHECKOUT / ".ci/run", "--commands"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*first, *second]
    assert (len(first), len(second)) == (1, 1)
    assert first[0].endswith("-m runner --cycles 2 --demo")
    assert second[0].endswith("-m pytest -n auto")


def test_readme_lists_every_page():
    linked = {target.split("#")[0] for target in _links(page("README.md"))}
    assert {name for name in IDS if name != "README.md"} <= linked


@pytest.mark.parametrize("source", PAGES, ids=IDS)
def test_links_lead_somewhere(source: Path):
    for target in _links(source.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        linked = (source.parent / path).resolve() if path else source
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked.read_text("utf-8")), target


def _links(text: str) -> Iterator[str]:
    targets: Sequence[str] = re.findall(r"\]\(([^)\s]+)\)", text)
    return (target for target in targets if not re.match(r"[a-z]+:", target))


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_changelog_has_the_version():
    from runner import __version__

    assert f"## [{__version__}]" in page("CHANGELOG.md")


def test_license_is_there():
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert page("LICENSE").startswith(f"{project['license']} License")
    assert "Sprint Runner contributors" in page("LICENSE")


# Written so that it does not find itself.
FOREIGN = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/\w|npmj[s]\.|p[y]pi\.o|pythonhoste[d]")


def test_no_file_names_a_machine_or_a_registry():
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("this is no checkout")
    found = [
        f"{name}:{number}: {match[0]}"
        for name in listing.stdout.split("\0")[:-1]
        if (CHECKOUT / name).is_file()
        for number, line in enumerate((CHECKOUT / name).read_text("utf-8", "replace").splitlines(), start=1)
        if (match := FOREIGN.search(line))
    ]
    assert found == []
