"""What is looked at is in the address, and everything is within reach of the keyboard."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

VIEWS = {
    "r": "Run",
    "b": "Board",
    "s": "Stories",
    "t": "Timeline",
    "v": "Supervision",
    "a": "Activity",
    "e": "Settings",
}

KEEP = """kept => addEventListener('pagehide', event => {
  event.stopImmediatePropagation();
  localStorage.setItem('sprint-runner', kept);
}, {capture: true})"""
"""The last word before a reload."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A runner whose sprint is over; nobody changes anything there."""
    folder = tmp_path_factory.mktemp("done")
    with served(make_project(folder / "project", SIX_STORIES), write_scenario(folder)) as one:
        one.begin("all")
        wait_until(one.idle, seconds=60)
        yield one


def tab(page: Page):
    return page.get_by_role("navigation", name="Views").locator("[aria-current=page]")


def lines(page: Page):
    return page.locator("#log [data-seq]")


def test_filters_of_the_log_are_in_the_address(opened, done: Served):
    page = opened(f"{done.url}/#/run")
    page.get_by_role("combobox", name=re.compile("Kind")).select_option("cycle")
    expect(page).to_have_url(re.compile("kind=cycle"))
    expect(lines(page).first).to_contain_text("cycle")
    before = lines(page).count()
    page.reload()
    expect(page.get_by_role("combobox", name=re.compile("Kind"))).to_have_value("cycle")
    expect(lines(page)).to_have_count(before)
    page.get_by_role("searchbox").fill("2-1-three")
    expect(page).to_have_url(re.compile("q=2-1-three"))
    for line in lines(page).all():
        expect(line).to_contain_text("2-1")


def test_log_leads_to_the_command_and_back_to_the_log(opened, done: Served):
    page = opened(f"{done.url}/#/run")
    page.get_by_role("searchbox").fill("dev-story")
    page.locator("#log a[data-seq]").first.click()
    expect(page.get_by_role("heading", name="dev-story")).to_be_visible()
    expect(page).to_have_url(re.compile("#/command/[0-9]+"))
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("dev-story")
    page.go_forward()
    expect(page.get_by_role("heading", name="dev-story")).to_be_visible()


def test_story_is_found_from_board_and_table(opened, done: Served):
    page = opened(f"{done.url}/#/board")
    page.get_by_role("searchbox").fill("three")
    expect(page).to_have_url(re.compile("q=three|search=three|text=three"))
    page.locator("#view").get_by_role("link", name=re.compile("2-1|[Tt]hree")).first.click()
    expect(page).to_have_url(re.compile("#/story/2-1-three"))
    expect(page.locator("#view")).to_contain_text("dev-story")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Stories").click()
    page.locator("#view a[href*='2-2-four']").first.click()
    expect(page).to_have_url(re.compile("#/story/2-2-four"))


@pytest.mark.parametrize(
    "address", ["#/nonsense", "#/command/x", "#/story/", "#/run?batch=-1&kind=%00", "#/command/99999", "#/story/none"]
)
def test_odd_addresses_show_something_sensible(opened, runner: Served, complaints, address: str):
    page = opened(f"{runner.url}/{address}")
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page.locator("#view")).not_to_be_empty()
    complaints[:] = [said for said in complaints if "404" not in said]


def test_keys_go_everywhere(opened, done: Served):
    page = opened(f"{done.url}/#/run")
    expect(lines(page).first).to_be_visible()
    for letter, view in VIEWS.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(tab(page)).to_have_text(view)
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    expect(help_).to_contain_text("Search in this view")
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("r")
    # A view is there with the next frame.
    expect(page.get_by_role("searchbox", name="Search the events")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("j?")
    expect(page.get_by_role("searchbox")).to_have_value("j?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).not_to_be_focused()


def test_lines_of_the_log_are_walked_and_opened_by_keys(opened, done: Served):
    page = opened(f"{done.url}/#/run")
    expect(lines(page).first).to_be_visible()
    focused = page.locator("#log [data-seq]:focus")
    page.keyboard.press("j")
    expect(focused).to_have_count(1)
    first = int(focused.get_attribute("data-seq") or 0)
    for _ in range(60):
        page.keyboard.press("j")
    page.wait_for_function("first => Number(document.activeElement.dataset.seq) <= first - 60", arg=first)
    page.keyboard.press("k")
    page.wait_for_function("first => Number(document.activeElement.dataset.seq) > first - 61", arg=first)


def test_theme_and_sidebar_are_remembered(opened, runner: Served):
    page = opened(runner.url)
    page.get_by_role("button", name=re.compile("^Colours")).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("h")
    expect(page.get_by_role("navigation", name="Batches")).to_be_hidden()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("navigation", name="Batches")).to_be_hidden()


def test_preferences_that_are_none_break_nothing(opened, runner: Served):
    page = opened(runner.url)
    for kept in (
        "[]",
        "{",
        '{"version":1,"values":{"cycles":"many","expanded":7}}',
        '{"version":9,"values":null}',
        '{"version":1}',
    ):
        page.evaluate(KEEP, kept)
        page.reload()
        expect(page.get_by_role("spinbutton", name="Cycles")).to_have_value("2")
