"""A page that things go wrong for: held keys, lost answers, another runner, a refused line, a view that breaks."""

import json
import re
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
GATE = {"command": "dev-story", "attempt": "1", "actions": [{"run": ["{python}", "-c", WAIT]}, "builtin"]}
TWICE = "() => { const start = document.getElementById('order-start'); start.click(); start.click(); }"
BROKEN = """
import { h } from '../core/dom.js';
export const board = () => [h('ul', { deps: [] }, () => { throw new Error('deep'); }), h('p', null, 'beside it')];
export const boardKeys = () => { throw new Error('keys'); };
"""
GONE = "export const board = () => { throw new Error('all of it'); };\nexport const boardKeys = () => ({});"
MOVES = """() => new Promise(done => {
  const view = document.getElementById('view'); const at = view.getBoundingClientRect().top; let moved = 0;
  const until = performance.now() + 1500;
  const look = () => {
    moved = Math.max(moved, Math.abs(view.getBoundingClientRect().top - at));
    if (performance.now() < until) requestAnimationFrame(look); else done(moved);
  };
  look();
})"""


@pytest.fixture
def gated(project: Path, tmp_path: Path) -> Iterator[Served]:
    with served(project, write_scenario(tmp_path, [GATE])) as runner:
        yield runner


class Public(Served):
    """One that is open to other machines, and so asks for a token."""

    def __init__(self, project: Path, scenario: Path) -> None:
        super().__init__(project, scenario)
        self._options = ("--host", "0.0.0.0", "--unsafe-bind")

    def _answers(self) -> bool:
        try:
            return self.status("/healthz") == 401
        except urllib.error.URLError:
            return False


def state(page: Page):
    return page.locator(".bar-state")


def in_development(page: Page) -> None:
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()


def trouble(page: Page):
    return page.get_by_role("status", name="Connection")


def message(page: Page, title: str):
    return page.get_by_role("status", name="Messages").locator(".toast").filter(has_text=title)


def orders(page: Page) -> list[str]:
    """What the page orders from here on."""
    given: list[str] = []
    page.on("request", lambda asked: asked.method == "POST" and given.append(asked.url.rpartition("/")[2]))
    return given


def hold(page: Page, key: str) -> None:
    """Until the page has drawn what comes of it, and longer."""
    for _ in range(12):
        page.keyboard.down(key)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.keyboard.up(key)


def test_page_of_another_runner_begins_anew(opened, project: Path, tmp_path: Path):
    scenario = write_scenario(tmp_path)
    with served(project, scenario) as runner:
        runner.begin()
        wait_until(runner.idle)
        page = opened(f"{runner.url}/#/command/1")
        expect(page.locator("#connection")).to_contain_text("live")
        page.evaluate("() => { window.same = true; }")
        # A runner that stops in the middle of an answer answers 500.
        page.wait_for_load_state("networkidle")
        port = runner.port
    other = Served(make_project(tmp_path / "other", SIX_STORIES), scenario)
    other.port = port
    other.start()
    try:
        other.begin("all")
        page.wait_for_function("() => !window.same")
        expect(page.locator(".brand-project")).to_have_text("other")
        expect(state(page)).to_contain_text(re.compile("Running|completed"))
        assert "command" not in page.evaluate("location.hash")
        wait_until(other.idle)
    finally:
        other.stop()


def test_key_that_is_held_gives_one_order(opened, gated: Served):
    page = opened(gated.url)
    gated.begin()
    in_development(page)
    given = orders(page)
    hold(page, "p")
    expect(state(page)).to_contain_text("Pausing")
    assert given == ["pause"]
    (gated.project / "go").touch()


def test_enter_that_is_held_opens_stop_and_chooses_nothing(opened, gated: Served):
    page = opened(gated.url)
    gated.begin()
    in_development(page)
    given = orders(page)
    page.get_by_role("button", name="Stop").focus()
    hold(page, "Enter")
    expect(page.get_by_role("menuitem", name="After this command")).to_be_focused()
    page.keyboard.press("End")
    hold(page, "Enter")
    expect(page.get_by_role("dialog", name="Stop now?")).to_be_visible()
    assert given == []
    expect(state(page)).to_contain_text("Running")
    page.keyboard.press("Escape")
    (gated.project / "go").touch()


def test_two_clicks_before_anything_is_drawn_are_one_order(opened, gated: Served):
    page = opened(gated.url)
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    given = orders(page)
    page.evaluate(TWICE)
    in_development(page)
    assert given == ["start"]
    expect(page.locator(".refusal")).to_have_count(0)
    (gated.project / "go").touch()


def test_order_whose_answer_is_lost_is_not_known_until_the_runner_tells(opened, gated: Served, complaints):
    page = opened(gated.url)
    gated.begin()
    in_development(page)
    page.route("**/api/orchestrator/stop", lambda route: route.abort())
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("menuitem", name="After this story").click()
    expect(message(page, "Not known: stop")).to_contain_text("The runner did not answer")
    expect(page.locator(".refusal")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop ▾")).to_be_enabled()
    gated.post("/api/orchestrator/stop", {"after": "story"})
    expect(state(page)).to_contain_text("Stopping")
    expect(message(page, "Not known: stop")).to_have_count(0)
    (gated.project / "go").touch()
    complaints[:] = [said for said in complaints if "ERR_FAILED" not in said]


def test_keyboard_goes_on_where_a_message_was_closed(opened, gated: Served):
    page = opened(gated.url)
    expect(state(page)).to_contain_text("Idle")
    page.keyboard.press("p")
    page.keyboard.press(".")
    close = page.get_by_role("button", name=re.compile("^Close: Cannot"))
    expect(close).to_have_count(2)
    close.first.focus()
    page.keyboard.press("Enter")
    expect(close).to_have_count(1)
    expect(close).to_be_focused()
    page.keyboard.press("Enter")
    expect(close).to_have_count(0)
    expect(page.locator("#view")).to_be_focused()


def test_runner_that_is_gone_is_told_with_what_to_do(opened, runner: Served):
    page = opened(runner.url)
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    page.wait_for_load_state("networkidle")
    runner.kill()
    expect(page.locator("#connection")).to_contain_text("stale since")
    assert page.evaluate(MOVES) == 0
    expect(trouble(page)).to_contain_text(re.compile("No connection since [0-9]{2}:[0-9]{2}"))
    expect(page.locator(".bar-state")).to_contain_text("No connection since")
    expect(trouble(page)).to_contain_text("Start it with sprint-runner in the project")
    with page.expect_websocket():
        trouble(page).get_by_role("button", name="Try now").click()
    runner.start()
    expect(page.locator("#connection")).to_contain_text("live")
    expect(trouble(page)).to_have_count(0)


def test_runner_with_another_token_is_told_as_that(
    opened, project: Path, tmp_path: Path, complaints, monkeypatch: pytest.MonkeyPatch
):
    runner = Public(project, write_scenario(tmp_path))
    monkeypatch.setenv("SPRINT_RUNNER_TOKEN", "first-token-of-this-test")
    runner.start()
    try:
        page = opened(f"{runner.url}/?token=first-token-of-this-test")
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        page.wait_for_load_state("networkidle")
        runner.stop()
        monkeypatch.setenv("SPRINT_RUNNER_TOKEN", "second-token-of-this-test")
        runner.start()
        expect(trouble(page)).to_contain_text("The token has changed")
        expect(trouble(page)).to_contain_text("Open the address that the runner printed")
    finally:
        runner.stop()
    complaints[:] = [said for said in complaints if "401" not in said and "Authentication failed" not in said]


def test_one_browser_too_many_is_told_so_and_comes_in_when_another_leaves(
    opened, project: Path, tmp_path: Path, complaints
):
    (project / ".sprint-runner").mkdir(exist_ok=True)
    (project / ".sprint-runner" / "settings.json").write_text(json.dumps({"max_websockets": 1}))
    with served(project, write_scenario(tmp_path)) as runner:
        one = opened(runner.url)
        expect(one.locator("#connection")).to_contain_text("live")
        other = opened(runner.url)
        expect(other.locator("#view")).to_contain_text("Too many browsers watch")
        expect(other.locator("#view")).to_contain_text("max_websockets")
        one.close()
        other.locator("#connection").click()
        expect(state(other)).to_contain_text("Idle")
    complaints[:] = [said for said in complaints if "503" not in said]


@pytest.mark.parametrize(("module", "said"), [(BROKEN, "deep"), (GONE, "all of it")])
def test_view_that_breaks_takes_no_order_away(opened, gated: Served, complaints, module: str, said: str):
    page = opened("about:blank")

    def instead(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body=module)

    page.route("**/views/board.js*", instead)
    page.goto(f"{gated.url}/#/board")
    expect(page.locator("#view .fault").first).to_contain_text(said)
    gated.begin()
    in_development(page)
    page.keyboard.press(".")
    page.get_by_role("menuitem", name="After this cycle").click()
    expect(state(page)).to_contain_text("Stopping")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.locator("#log")).to_be_visible()
    (gated.project / "go").touch()
    told = [one for one in complaints if one.startswith("exception: ")]
    assert 0 < len(told) < 4, "an exception is reported, and not with each picture"
    complaints[:] = [one for one in complaints if one not in told]


def test_leaving_a_command_leads_back_however_long_one_has_been_here(opened, runner: Served):
    runner.begin()
    wait_until(runner.idle)
    page = opened(runner.url)
    expect(page.locator("#connection")).to_contain_text("live")
    page.evaluate("() => { for (let step = 0; step < 60; step += 1) location.hash = `#/run?q=${step}`; }")
    for view in ("stories", "command/1"):
        page.evaluate("view => { location.hash = `#/${view}`; }", view)
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    expect(page).to_have_url(re.compile("#/command/1$"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("#/stories"))
