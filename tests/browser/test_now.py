"""The panel of what runs now, and the line of progress: nothing in them moves while a cycle runs."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_controls import button, state
from tests.support.project import make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

WATCHED = """() => {
  window.places = {tabs: [], panel: [], what: [], last: [], open: []};
  const at = (name, element, side) => {
    const place = element && Math.round(element.getBoundingClientRect()[side]);
    if (element && !window.places[name].includes(place)) window.places[name].push(place);
  };
  const look = () => {
    at('tabs', document.querySelector('.tabs'), 'top');
    at('panel', document.querySelector('.now'), 'height');
    for (const row of document.querySelectorAll('.now-row')) {
      at('what', row.querySelector('.now-what'), 'left');
      at('last', row.querySelector('.now-last'), 'left');
      at('open', row.querySelector('.now-open'), 'right');
    }
    requestAnimationFrame(look);
  };
  look();
}"""
"""Where everything has been, frame by frame."""


def now(page: Page):
    return page.get_by_role("region", name="Now")


def test_nothing_moves_while_a_batch_runs(opened, runner: Served):
    page = opened(runner.url)
    expect(now(page)).to_contain_text("Start begins")
    page.evaluate(WATCHED)
    runner.begin(2)
    expect(state(page)).to_contain_text("completed")
    places = page.evaluate("() => window.places")
    assert {name: len(seen) for name, seen in places.items()} == dict.fromkeys(places, 1), places


def test_start_is_described_for_the_first_cycle_and_for_as_many_as_are_wanted(opened, runner: Served):
    page = opened(runner.url)
    page.get_by_role("spinbutton", name="Cycles").fill("3")
    page.get_by_role("spinbutton", name="Cycles").blur()
    expect(now(page)).to_contain_text("Start begins 3 cycles. The first cycle takes")
    page.get_by_role("checkbox", name="all").check()
    expect(now(page)).to_contain_text("Start goes on until no story is left. The first cycle takes")


def test_last_cycle_is_told_as_all_that_is_left(opened, tmp_path: Path):
    project = make_project(tmp_path / "short", {"1-1-one": "done", "1-2-two": "backlog"})
    with served(project, write_scenario(tmp_path)) as runner:
        page = opened(runner.url)
        expect(now(page)).to_contain_text(re.compile("Start takes 1-2.* through [0-9]+ commands; nothing else"))


def test_nothing_left_to_do_leaves_start_possible_and_no_longer_first(opened, runner: Served):
    page = opened(runner.url)
    expect(now(page)).to_contain_text("The first cycle takes")
    expect(button(page, "Start")).to_have_class("primary order")
    runner.begin("all")
    expect(now(page)).to_contain_text("nothing is left to do")
    expect(button(page, "Start")).to_have_class("order")
    expect(button(page, "Start")).to_have_attribute("title", "Nothing is left to do: a batch would end at once")
    expect(button(page, "Start")).to_be_enabled()
    button(page, "Start").click()
    figures = page.get_by_role("region", name="Batch 2")
    expect(figures).to_contain_text("nothing to do")
    expect(figures.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")


def test_paused_batch_says_what_comes_next(opened, runner: Served):
    page = opened(runner.url)
    expect(state(page)).to_contain_text("Idle")
    runner.begin(1)
    wait_until(lambda: bool(runner.get("/api/orchestrator/status")["current"]))
    runner.post("/api/orchestrator/pause")
    expect(now(page)).to_contain_text("Then comes")
    button(page, "Resume").click()
    expect(state(page)).to_contain_text("completed")


def test_every_tab_is_in_sight_on_a_phone(opened, runner: Served):
    page = opened(runner.url, viewport={"width": 400, "height": 800})
    tabs = page.get_by_role("navigation", name="Views").get_by_role("link")
    expect(tabs).to_have_count(7)
    for tab in tabs.all():
        expect(tab).to_be_in_viewport(ratio=1)
    runner.begin(1)
    expect(page.locator(".now-row").first).to_be_visible()
    assert page.locator(".tabs").evaluate("one => one.getBoundingClientRect().bottom") < 260
