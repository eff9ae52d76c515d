"""The bar: every order, pending until the runner confirms it, refused in its words."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.project import write_scenario
from tests.support.served import Served, served

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
GATE = {"command": "dev-story", "attempt": "1", "actions": [{"run": ["{python}", "-c", WAIT]}, "builtin"]}
"""The first agent that develops a story waits until there is a file `go` in the project."""

HOLD = """() => {
  const real = fetch;
  const held = new Promise(go => { window.let_go = go; });
  window.fetch = async (...given) => { await held; return real(...given); };
}"""
"""What the page asks from here on is on its way until it is let go."""


@pytest.fixture
def gated(project: Path, tmp_path: Path):
    with served(project, write_scenario(tmp_path, [GATE])) as runner:
        yield runner


def button(page: Page, name: str):
    return page.get_by_role("group", name="Sprint").get_by_role("button", name=name)


def state(page: Page):
    return page.locator(".bar-state")


def in_development(page: Page) -> None:
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()


def test_batch_is_started_paused_resumed_and_stopped_after_its_story(opened, gated: Served):
    page = opened(gated.url)
    expect(state(page)).to_contain_text("Idle")
    expect(button(page, "Pause")).to_be_disabled()
    expect(button(page, "Stop")).to_be_disabled()
    page.get_by_role("spinbutton", name="Cycles").fill("3")
    button(page, "Start").click()
    expect(state(page)).to_contain_text("Running cycle 1 of 3")
    in_development(page)
    expect(button(page, "Start")).to_be_disabled()
    button(page, "Pause").click()
    expect(state(page)).to_contain_text("Pausing")
    button(page, "Resume").click()
    expect(state(page)).to_contain_text("Running cycle 1 of 3")
    button(page, "Stop").click()
    page.get_by_role("menuitem", name="After this story").click()
    expect(state(page)).to_contain_text("Stopping after this story")
    (gated.project / "go").touch()
    expect(state(page)).to_contain_text("unfinished")


def test_stop_now_names_what_it_cuts_off_and_resume_goes_on(opened, gated: Served):
    page = opened(gated.url)
    page.get_by_role("checkbox", name="all").check()
    button(page, "Start").click()
    in_development(page)
    button(page, "Stop").click()
    page.get_by_role("menuitem", name=re.compile("^Now")).click()
    asked = page.get_by_role("dialog", name="Stop now?")
    expect(asked).to_contain_text("dev-story")
    asked.get_by_role("button", name="Let it run").click()
    expect(asked).to_have_count(0)
    in_development(page)
    page.keyboard.press(".")
    page.get_by_role("menuitem", name=re.compile("^Now")).click()
    asked.get_by_role("button", name="Stop now").click()
    expect(state(page)).to_contain_text("unfinished")
    expect(page.get_by_role("region", name="Now")).to_contain_text("Resume goes on")
    (gated.project / "go").touch()
    button(page, "Resume").click()
    expect(state(page)).to_contain_text("completed")


def test_start_beside_an_unfinished_batch_asks_what_becomes_of_it(opened, gated: Served):
    gated.begin()
    page = opened(gated.url)
    in_development(page)
    gated.post("/api/orchestrator/stop", {"after": "now"})
    expect(state(page)).to_contain_text("unfinished")
    (gated.project / "go").touch()
    button(page, "Start").click()
    asked = page.get_by_role("dialog", name="Batch 1 is unfinished")
    asked.get_by_role("button", name="Close it and start a new one").click()
    expect(page.get_by_role("navigation", name="Batches")).to_contain_text("2 of 2 cycles")
    assert gated.get("/api/batches/1")["batch"]["status"] == "stopped"


def test_what_was_typed_as_cycles_is_remembered_and_kept_in_its_bounds(opened, runner: Served):
    page = opened(runner.url)
    cycles = page.get_by_role("spinbutton", name="Cycles")
    cycles.fill("4000")
    cycles.blur()
    expect(cycles).to_have_value("999")
    page.reload()
    expect(cycles).to_have_value("999")


def test_refusal_stands_beside_the_buttons(opened, gated: Served, complaints):
    page = opened(gated.url)
    expect(button(page, "Start")).to_be_enabled()
    # Somebody else was faster, and this page has not heard of it yet.
    page.context.route("**/ws*", lambda route: route.abort())
    page.evaluate(HOLD)
    button(page, "Start").click()
    expect(button(page, "Starting…")).to_be_disabled()
    gated.begin()
    page.evaluate("() => window.let_go()")
    expect(page.get_by_role("alert")).to_contain_text("Start was refused")
    page.get_by_role("alert").get_by_role("button", name="Close").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    # Chromium complains by itself of each refusal.
    complaints[:] = [said for said in complaints if "409" not in said]
