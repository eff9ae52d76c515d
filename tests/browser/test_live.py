"""A page that is watched: nothing is missing, whatever happens to it or to the runner."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.project import write_scenario
from tests.support.served import Served, served

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
GATE = {"command": "dev-story", "attempt": "1", "actions": [{"run": ["{python}", "-c", WAIT]}, "builtin"]}

ALL_LINES = """async () => {
  const list = document.querySelector('#log'); const found = new Set();
  list.scrollTop = 0;
  for (let still = 0; still < 30;) {
    for (const line of list.querySelectorAll('[data-seq]')) found.add(Number(line.dataset.seq));
    const before = list.scrollTop;
    list.scrollTop += 300;
    await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
    still = list.scrollTop === before ? still + 1 : 0;
  }
  return [...found].sort((one, other) => one - other);
}"""


@pytest.fixture
def gated(project: Path, tmp_path: Path):
    with served(project, write_scenario(tmp_path, [GATE])) as runner:
        yield runner


def now(page: Page):
    return page.get_by_role("region", name="Now")


def developing(page: Page):
    """An agent that develops, not a plan that says so."""
    return now(page).get_by_role("link", name="Open dev-story")


def state(page: Page):
    return page.locator(".bar-state")


def told(figures) -> list[str]:
    """What does not change by itself."""
    return re.findall(r"\$[0-9.]+|[0-9]+/[0-9]+ stories|[0-9]+ of [0-9]+ cycles?", figures.inner_text())


def shows_everything(page: Page, runner: Served) -> None:
    """The log of the page against the database: every event once, in order."""
    page.bring_to_front()
    last = runner.get("/api/orchestrator/status")["last_seq"]
    page.wait_for_function("seq => Number(document.querySelector('#log [data-seq]')?.dataset.seq) >= seq", arg=last)
    assert page.evaluate(ALL_LINES) == list(range(1, last + 1))


def test_whole_sprint_is_watched_live(opened, runner: Served):
    page = opened(runner.url)
    expect(state(page)).to_contain_text("Idle")
    runner.begin("all")
    expect(state(page)).to_contain_text("Running cycle")
    expect(now(page)).to_contain_text("→ open")
    expect(state(page)).to_contain_text("completed")
    expect(page.get_by_role("region", name="Batch 1")).to_contain_text("6/6 stories")
    expect(now(page)).to_contain_text("nothing is left to do")
    shows_everything(page, runner)


def test_reload_in_the_middle_restores_everything(opened, gated: Served):
    page = opened(gated.url)
    gated.begin()
    expect(developing(page)).to_be_visible()
    figures = page.get_by_role("region", name="Batch 1")
    expect(figures).to_contain_text("/6 stories")
    before = told(figures)
    page.reload()
    expect(developing(page)).to_be_visible()
    expect(state(page)).to_contain_text("Running cycle 1 of 1")
    expect(figures).to_contain_text("/6 stories")
    assert told(figures) == before
    (gated.project / "go").touch()
    expect(state(page)).to_contain_text("completed")
    shows_everything(page, gated)


def test_page_catches_up_with_a_runner_that_was_killed(opened, gated: Served):
    page = opened(gated.url)
    page.evaluate("() => { window.same = true; }")
    gated.begin()
    expect(developing(page)).to_be_visible()
    gated.kill()
    expect(page.locator("#connection")).to_contain_text("stale since")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    gated.start()
    expect(page.locator("#connection")).to_contain_text("live")
    (gated.project / "go").touch()
    page.get_by_role("group", name="Sprint").get_by_role("button", name="Resume").click()
    expect(state(page)).to_contain_text("completed")
    assert page.evaluate("() => window.same"), "the page was loaded again"
    shows_everything(page, gated)


@pytest.mark.slow
def test_two_tabs_agree(opened, gated: Served):
    one = opened(gated.url)
    other = opened(gated.url, beside=one)
    one.get_by_role("group", name="Sprint").get_by_role("button", name="Start").click()
    for page in (one, other):
        expect(developing(page)).to_be_visible()
    other.get_by_role("group", name="Sprint").get_by_role("button", name="Pause").click()
    for page in (one, other):
        expect(state(page)).to_contain_text("Pausing")
    (gated.project / "go").touch()
    for page in (one, other):
        expect(state(page)).to_contain_text("Paused")
    one.get_by_role("group", name="Sprint").get_by_role("button", name="Resume").click()
    for page in (one, other):
        expect(state(page)).to_contain_text("completed")
        shows_everything(page, gated)
