"""axe-core in every view and both themes; a page that can be read at any width; a document that stays small."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_live import GATE
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

AXE = os.environ.get("SPRINT_RUNNER_TEST_AXE", "")
VIEWS = (
    "run",
    "run?kind=error",
    "board",
    "stories",
    "story/2-1-three",
    "story/none",
    "timeline",
    "command/2",
    "supervision",
    "activity",
    "settings",
    "run?batch=1",
)
SERIOUS = ("serious", "critical")
WIDTHS = (400, 900, 1200, 2560)
pytestmark = pytest.mark.slow
needs_axe = pytest.mark.skipif(not AXE, reason="SPRINT_RUNNER_TEST_AXE names no axe.min.js (npm install axe-core)")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One batch is over, and an agent of the next one works and waits."""
    folder = tmp_path_factory.mktemp("busy")
    project = make_project(folder / "project", SIX_STORIES)
    with served(project, write_scenario(folder, [GATE])) as one:
        (project / "go").touch()
        one.begin()
        wait_until(one.idle, seconds=60)
        (project / "go").unlink()
        one.begin()
        wait_until(lambda: develops(one))
        yield one


def develops(runner: Served) -> bool:
    return any(row["command"] == "dev-story" for row in runner.get("/api/orchestrator/status")["current"])


def settled(page: Page) -> None:
    expect(page.locator("#connection")).to_contain_text("live")
    expect(page.locator("#view")).not_to_be_empty()
    page.wait_for_load_state("networkidle")


@needs_axe
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_serious_is_in_the_way(opened, busy: Served, view: str):
    page = opened(f"{busy.url}/#/{view}", bypass_csp=True)
    settled(page)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert _serious(page) == [], theme


@needs_axe
def test_something_serious_is_noticed(opened, busy: Served):
    page = opened(f"{busy.url}/#/run", bypass_csp=True)
    settled(page)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert "button-name" in "".join(_serious(page))


@needs_axe
@pytest.mark.parametrize("key", ["?", ".", "n"])
def test_nothing_serious_is_in_the_way_of_a_dialog_or_menu(opened, busy: Served, key: str):
    page = opened(f"{busy.url}/#/run", bypass_csp=True)
    settled(page)
    page.keyboard.press(key)
    expect(page.get_by_role("dialog").or_(page.locator(".menu"))).to_be_visible()
    assert _serious(page) == []


def _serious(page: Page) -> list[str]:
    page.add_script_tag(content=Path(AXE).read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_the_window(opened, busy: Served, view: str):
    page = opened(f"{busy.url}/#/{view}")
    settled(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_long_lists_keep_the_document_small(opened, busy: Served):
    page = opened(f"{busy.url}/#/run")
    settled(page)
    assert page.locator("#log [data-seq]").count() <= 300
