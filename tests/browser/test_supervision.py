"""Supervision: the parts of the runner as they live, what is wrong with them, and how the runner does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_access import develops
from tests.browser.test_live import GATE
from tests.browser.test_live import gated as gated
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import CHECKOUT, command, environment, wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

CRASHING = CHECKOUT / "tests" / "support" / "crashing.py"
ROWS = """rows => rows.map(row =>
  [row.querySelector('.sv-id').title, ...[...row.children].map(cell => cell.innerText)])"""
"""Of each row the id of its part, and what stands in its cells."""


class Crashing(Served):
    """A runner whose window crashes when it is told to."""

    def start(self) -> None:
        arguments = command(self.project, self._scenario, "--port", str(self.port))[3:]
        self._process = subprocess.Popen(
            [sys.executable, str(CRASHING), *arguments],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An agent develops and waits, for as long as nobody lets it go."""
    folder = tmp_path_factory.mktemp("busy")
    with served(make_project(folder / "project", SIX_STORIES), write_scenario(folder, [GATE])) as one:
        one.begin()
        wait_until(lambda: develops(one) and bool(processes(one)))
        yield one


@pytest.fixture
def troubled(project: Path, tmp_path: Path) -> Iterator[Served]:
    """A runner whose window cannot be opened: something else is in its place."""
    (project / ".sprint-runner" / "status.sock" / "taken").mkdir(parents=True)
    (project / ".sprint-runner").chmod(0o700)
    with served(project, write_scenario(tmp_path)) as one:
        yield one


@pytest.fixture
def crashing(project: Path, tmp_path: Path) -> Iterator[Served]:
    one = Crashing(project, write_scenario(tmp_path))
    one.start()
    try:
        yield one
    finally:
        one.stop()


def supervision(opened, runner: Served) -> Page:
    page = opened(f"{runner.url}/#/supervision")
    expect(part(page, "root")).to_be_visible()
    return page


def part(page: Page, name: str) -> Locator:
    """A row of the tree, by the id of the part."""
    return (
        page.get_by_role("treegrid", name="Parts").get_by_role("row").filter(has=page.get_by_title(name, exact=True))
    )


def problems(page: Page) -> Locator:
    return page.get_by_role("list", name="Problems").get_by_role("listitem")


def figure(page: Page, name: str) -> Locator:
    found = page.get_by_role("region", name="Health").locator(".sv-figure").filter(has_text=re.compile(f"^{name}:"))
    return found.get_by_role("definition")


def nodes(runner: Served) -> list[dict[str, Any]]:
    """All parts, as the runner tells."""

    def below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node["children"]:
            yield from below(child)

    return list(below(runner.get("/api/orchestrator/status")["supervision"]))


def processes(runner: Served) -> list[int]:
    return [node["pid"] for node in nodes(runner) if node["pid"]]


def test_tree_is_what_the_runner_tells_of_its_parts(opened, busy: Served):
    page = supervision(opened, busy)
    told = nodes(busy)
    rows = page.get_by_role("treegrid", name="Parts").locator("tbody").get_by_role("row")
    expect(rows).to_have_count(len(told))
    for (name, _, state, _, _, mailbox, _, process), node in zip(rows.evaluate_all(ROWS), told, strict=True):
        assert name == node["id"]
        assert node["state"] in state.lower()
        assert (node["mailbox"] is None) == ("/" not in mailbox)
        assert process == (f"pid {node['pid']}" if node["pid"] else "–")
    assert [node["role"] for node in told if node["pid"]] == ["process"]


def test_process_is_in_the_tree_for_as_long_as_its_agent_works(opened, gated: Served):
    page = supervision(opened, gated)
    told = page.get_by_role("treegrid", name="Parts").get_by_text(re.compile(r"^pid \d+$"))
    expect(told).to_have_count(0)
    gated.begin()
    expect(part(page, "story-1-1-one")).to_be_visible()
    wait_until(lambda: develops(gated) and bool(processes(gated)))
    (pid,) = processes(gated)
    expect(told).to_have_text(f"pid {pid}")
    (gated.project / "go").touch()
    expect(told).to_have_count(0)


def test_branch_is_folded_and_stays_so_over_a_reload(opened, busy: Served):
    page = supervision(opened, busy)
    expect(part(page, "site")).to_be_visible()
    part(page, "web").focus()
    page.keyboard.press("ArrowLeft")
    expect(part(page, "web")).to_have_attribute("aria-expanded", "false")
    expect(part(page, "web")).to_contain_text("1 below")
    expect(part(page, "site")).to_have_count(0)
    expect(part(page, "batch")).to_be_visible()
    page.reload()
    expect(part(page, "batch")).to_be_visible()
    expect(part(page, "site")).to_have_count(0)
    part(page, "web").locator(".sv-fold").click()
    expect(part(page, "site")).to_be_visible()
    expect(part(page, "web")).to_have_attribute("aria-expanded", "true")


def test_rows_are_walked_by_arrows_and_lead_to_story_and_command(opened, busy: Served):
    page = supervision(opened, busy)
    part(page, "root").focus()
    page.keyboard.press("ArrowDown")
    expect(part(page, "signals")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(part(page, "root")).to_be_focused()
    expect(part(page, "story-1-1-one").get_by_role("link", name="story 1-1")).to_have_attribute(
        "href", re.compile("#/story/1-1-one")
    )
    part(page, "command-c1/dev-story/1-1-one").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="dev-story")).to_be_visible()


def test_health_is_figures_that_change(opened, runner: Served):
    page = supervision(opened, runner)
    expect(figure(page, "Browsers")).to_have_text("1")
    expect(figure(page, "Delivered")).to_have_text("0")
    expect(figure(page, "Memory")).to_have_text(re.compile(r"^[0-9.]+ MB"))
    expect(figure(page, "Loop lag")).to_have_text(re.compile(r"^[0-9.]+ ms"))
    expect(figure(page, "Delivery, worst")).to_have_text("–")
    supervision(opened, runner)
    expect(figure(page, "Browsers")).to_have_text("2")
    runner.begin()
    wait_until(runner.idle)
    last = runner.get("/api/orchestrator/status")["last_seq"]
    expect(figure(page, "Delivered")).to_have_text(str(2 * last))
    expect(figure(page, "Delivery, worst")).to_have_text(re.compile(r"^[0-9.]+ ms"))


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_figure_says_what_it_means(opened, busy: Served, how: str):
    page = supervision(opened, busy)
    behind = page.locator(".sv-figure", has_text="Events behind")
    meaning = behind.get_by_text("Events that the slowest browser has yet to take in")
    expect(meaning).to_be_hidden()
    getattr(behind, how)()
    expect(meaning).to_be_visible()


def test_only_a_process_looks_like_work(opened, busy: Served):
    page = supervision(opened, busy)
    expect(part(page, "root").locator(".sv-state")).to_have_text("●Running")
    working = page.get_by_role("row").filter(has_text=re.compile(r"pid \d+"))
    expect(working.locator(".sv-state")).to_have_text("◐Running")


def test_no_problem_is_said_so(opened, busy: Served):
    page = supervision(opened, busy)
    expect(page.get_by_role("region", name="Parts")).to_contain_text("No problems")
    expect(problems(page)).to_have_count(0)
    page.get_by_role("checkbox", name="Problems first").check()
    expect(problems(page)).to_have_text(re.compile("No part has a problem"))


def test_problems_come_first_and_lead_to_their_row(opened, troubled: Served):
    page = supervision(opened, troubled)
    expect(page.get_by_role("region", name="Parts")).to_contain_text("1 problem")
    part(page, "window-supervisor").locator(".sv-fold").click()
    expect(part(page, "window")).to_have_count(0)
    page.get_by_role("checkbox", name="Problems first").check()
    expect(problems(page)).to_have_count(1)
    expect(problems(page)).to_contain_text("Failed")
    page.reload()
    expect(problems(page)).to_have_count(1)
    (error,) = (node["last_error"] for node in nodes(troubled) if node["last_error"])
    expect(problems(page)).to_contain_text(error)
    problems(page).get_by_role("button", name="window").click()
    expect(part(page, "window")).to_be_focused()
    expect(part(page, "window")).to_contain_text("Failed")


def test_restarts_are_counted_with_their_reason(opened, crashing: Served):
    page = supervision(opened, crashing)
    restarts = part(page, "window").locator(".sv-restarts")
    expect(restarts).to_have_text("0")
    for told in ("↻ 1", "↻ 2/3"):
        (crashing.project / "crash").touch()
        # The limit is told when it is near.
        expect(restarts).to_have_text(told)
    expect(part(page, "window")).to_contain_text("what no part of the runner foresees")
    page.get_by_role("checkbox", name="Problems first").check()
    expect(problems(page)).to_contain_text("was started again 2 times")
