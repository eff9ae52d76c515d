"""What asks for somebody: the count in the bar, messages on the page and on the desktop; colours and the help."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_controls import GATE, button, state
from tests.support.project import make_project, sprint_file, statuses, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

ONE, TWO = "1-1-one", "1-2-two"
REVIEWED = {"epic-1": "in-progress", ONE: "review", TWO: "review"}
NO_WAY = {"command": "code-review-1", "actions": [{"result": {"is_error": True, "text": "no way"}}]}
"""Three times, and then the story is blocked."""

RECORDED = """(() => {
  window.sent = [];
  window.Notification = class extends Notification {
    constructor(title, options) { super(title, options); window.sent.push([title, options.body]); }
  };
})()"""
"""The browser's own, and what was shown with it."""
LASTING = """(() => {
  const real = setTimeout;
  window.setTimeout = (act, after, ...given) => (after >= 6000 ? 0 : real(act, after, ...given));
})()"""
"""What goes after a while stays, however slow the machine is."""
HIDDEN = """() => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
"""As a page in another tab is: a browser without a window hides none."""


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A batch is over, and its stories are blocked; nobody changes anything there."""
    folder = tmp_path_factory.mktemp("troubled")
    with served(make_project(folder / "project", REVIEWED), write_scenario(folder, [NO_WAY])) as one:
        one.begin()
        wait_until(one.idle, seconds=60)
        yield one


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nothing has run, and nothing does."""
    folder = tmp_path_factory.mktemp("calm")
    with served(make_project(folder / "project", REVIEWED), write_scenario(folder)) as one:
        yield one


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Served]:
    """It waits for an order; the first story will be blocked."""
    scenario = write_scenario(tmp_path, [{**NO_WAY, "story": ONE}])
    with served(make_project(tmp_path / "project", REVIEWED), scenario) as one:
        yield one


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Served]:
    """It waits for an order; its agent will wait to be let go."""
    project = make_project(tmp_path / "project", {"epic-1": "in-progress", ONE: "in-progress"})
    with served(project, write_scenario(tmp_path, [GATE])) as one:
        yield one


def attention(page: Page):
    """The button in the bar."""
    return page.get_by_role("banner").get_by_role("button", name=re.compile("attention|blocked"))


def needs(page: Page):
    """The list behind it."""
    return page.get_by_role("group", name="Needs attention")


def messages(page: Page):
    return page.get_by_role("status", name="Messages")


def message(page: Page, title: str):
    """One of them."""
    return messages(page).locator(".toast").filter(has_text=title)


def bell(page: Page):
    return page.get_by_role("button", name="Desktop messages while this page is hidden")


def live(page: Page) -> Page:
    expect(page.locator("#connection")).to_contain_text("live")
    return page


def live_on(page: Page, runner: Served) -> None:
    """Go there, once what the browser is to do has been said."""
    page.goto(runner.url)
    live(page)


def test_nothing_needs_attention_is_said(opened, calm: Served):
    page = live(opened(calm.url))
    expect(attention(page)).to_contain_text("✓ 0")
    attention(page).click()
    expect(needs(page)).to_contain_text("Nothing needs attention.")
    expect(needs(page).get_by_role("link")).to_have_count(0)


def test_blocked_stories_are_counted_and_lead_to_their_stories(opened, troubled: Served):
    page = opened(troubled.url)
    expect(attention(page)).to_contain_text("⚠ 2")
    attention(page).click()
    expect(needs(page).get_by_role("link")).to_contain_text(["1-1 is blocked", "1-2 is blocked"])
    one = needs(page).get_by_role("link", name=re.compile("1-1"))
    expect(one).to_contain_text("3 consecutive errors")
    one.click()
    expect(page).to_have_url(re.compile(f"#/story/{ONE}$"))
    expect(page.locator("#view")).to_contain_text("3 consecutive errors")
    expect(needs(page)).to_have_count(0)


def test_list_is_opened_walked_and_left_by_keys(opened, troubled: Served):
    page = opened(troubled.url)
    expect(attention(page)).to_contain_text("⚠ 2")
    first, second = (needs(page).get_by_role("link", name=re.compile(short)) for short in ("1-1", "1-2"))
    page.keyboard.press("n")
    expect(first).to_be_focused()
    expect(attention(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(needs(page)).to_have_count(0)
    expect(attention(page)).to_be_focused()
    expect(attention(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("n")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/story/{TWO}$"))


def try_again(runner: Served) -> None:
    """What was blocked, as somebody does by hand."""
    wait_until(runner.idle)
    assert statuses(runner.project)[ONE] == "blocked"
    sprint_file(runner.project).write_text(sprint_file(runner.project).read_text().replace("blocked", "review"))
    runner.begin()


def test_count_follows_what_happens(opened, failing: Served, tmp_path: Path):
    page = live(opened(failing.url))
    expect(attention(page)).to_contain_text("✓ 0")
    failing.begin()
    expect(attention(page)).to_contain_text("⚠ 1")
    expect(state(page)).to_contain_text("completed")
    # Somebody helps, and it is tried again.
    write_scenario(tmp_path)
    try_again(failing)
    expect(state(page)).to_contain_text("batch 2 completed")
    expect(attention(page)).to_contain_text("✓ 0")


@pytest.mark.parametrize(("order", "said"), [("pause", "Paused in"), ("stop", "unfinished")])
def test_what_the_operator_does_needs_no_attention(opened, gated: Served, order: str, said: str):
    page = live(opened(f"{gated.url}/#/board"))
    gated.begin()
    wait_until(lambda: bool(gated.get("/api/orchestrator/status")["current"]))
    gated.post(f"/api/orchestrator/{order}")
    (gated.project / "go").touch()
    expect(state(page)).to_contain_text(said)
    # By then the runner has said what it thinks of the batch too.
    expect(button(page, "Resume")).to_be_enabled()
    expect(attention(page)).to_contain_text("✓ 0")


def test_batch_that_was_cut_off_is_counted_until_it_goes_on(opened, gated: Served):
    gated.begin()
    wait_until(lambda: bool(gated.get("/api/orchestrator/status")["current"]))
    gated.kill()
    (gated.project / "go").touch()
    gated.start()
    page = live(opened(f"{gated.url}/#/board"))
    expect(attention(page)).to_contain_text("⚠ 1")
    attention(page).click()
    needs(page).get_by_role("link", name=re.compile("Batch 1 is unfinished")).click()
    expect(page).to_have_url(re.compile("#/run$"))
    button(page, "Resume").click()
    expect(state(page)).to_contain_text("completed")
    expect(attention(page)).to_contain_text("✓ 0")


def test_story_that_was_blocked_before_is_told_apart(opened, tmp_path: Path):
    project = make_project(tmp_path / "project", {"epic-1": "in-progress", ONE: "blocked", TWO: "review"})
    with served(project, write_scenario(tmp_path, [GATE])) as runner:
        page = live(opened(runner.url))
        expect(attention(page)).to_have_text("⊘ 1blocked story")
        expect(attention(page).locator("[data-tone]")).to_have_attribute("data-tone", "warning")
        attention(page).click()
        expect(needs(page)).to_contain_text("Not of this batch")
        expect(needs(page).get_by_role("link")).to_contain_text(["1-1 is blocked: One"])
        # In a narrow window a word stays, and it is in sight.
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 400, "height": 800})
        expect(attention(page)).to_have_accessible_name("⊘ 1 blocked")
        expect(attention(page).locator(".attention-word")).to_be_in_viewport(ratio=1)


def test_silent_agent_is_counted_and_leads_to_its_command(opened, gated: Served):
    page = opened("about:blank")
    page.clock.install()
    live_on(page, gated)
    gated.begin()
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()
    expect(attention(page)).to_contain_text("✓ 0")
    # A third of the limit is ten minutes.
    page.clock.fast_forward("11:00")
    expect(attention(page)).to_contain_text("⚠ 1")
    attention(page).click()
    needs(page).get_by_role("link", name=re.compile("dev-story is silent")).click()
    expect(page.get_by_role("heading", name="dev-story")).to_be_visible()


def test_errors_stay_until_they_are_closed_and_the_rest_goes(opened, failing: Served):
    page = opened("about:blank")
    page.clock.install()
    live_on(page, failing)
    failing.begin()
    expect(message(page, f"Blocked: {ONE}")).to_be_visible()
    expect(message(page, "Batch completed")).to_be_visible()
    failure = message(page, "Error:")
    expect(failure).to_have_count(1)
    expect(failure).to_contain_text("(3 times)")
    expect(failure).to_contain_text("code-review-1 failed: no way")
    expect(failure).to_have_attribute("role", "alert")
    page.clock.fast_forward("01:00")
    expect(message(page, "Batch completed")).to_have_count(0)
    expect(message(page, f"Blocked: {ONE}")).to_have_count(0)
    expect(failure).to_be_visible()
    failure.get_by_role("button", name=re.compile("^Close: Error")).click()
    expect(failure).to_have_count(0)


def test_message_about_a_story_leads_to_it(opened, failing: Served):
    page = live(opened(failing.url))
    failing.begin()
    message(page, f"Blocked: {ONE}").get_by_role("link", name="→ open").click()
    expect(page).to_have_url(re.compile(f"#/story/{ONE}$"))
    expect(message(page, f"Blocked: {ONE}")).to_have_count(0)


def test_same_message_is_counted_and_many_are_closed_at_once(opened, calm: Served):
    page = opened("about:blank")
    page.add_init_script(LASTING)
    live_on(page, calm)
    expect(button(page, "Stop")).to_have_attribute("title", "Nothing runs")
    page.keyboard.press(".")
    page.keyboard.press(".")
    expect(message(page, "Cannot stop now (2 times)")).to_have_count(1)
    page.keyboard.press("p")
    expect(message(page, "Cannot pause now")).to_be_visible()
    message(page, "Cannot stop now").get_by_role("button", name="Close: Cannot stop now").click()
    expect(message(page, "Cannot stop now")).to_have_count(0)
    expect(message(page, "Cannot pause now")).to_be_visible()
    page.keyboard.press(".")
    bell(page).click()
    expect(message(page, "No desktop messages")).to_be_visible()
    messages(page).get_by_role("button", name="Close all 3").click()
    expect(messages(page).locator(".toast")).to_have_count(0)


def test_message_that_is_said_again_stays_as_long_as_a_new_one(opened, calm: Served):
    page = opened("about:blank")
    page.clock.install()
    live_on(page, calm)
    expect(button(page, "Stop")).to_have_attribute("title", "Nothing runs")
    page.keyboard.press(".")
    expect(message(page, "Cannot stop now")).to_be_visible()
    page.clock.fast_forward(4_000)
    page.keyboard.press(".")
    expect(message(page, "Cannot stop now (2 times)")).to_be_visible()
    page.clock.fast_forward(3_000)
    page.keyboard.press("p")
    expect(message(page, "Cannot pause now")).to_be_visible()
    expect(messages(page)).to_contain_text("Cannot stop now (2 times)")


def test_focus_goes_on_when_a_message_is_closed_by_keys(opened, calm: Served):
    page = opened("about:blank")
    page.add_init_script(LASTING)
    live_on(page, calm)
    expect(button(page, "Stop")).to_have_attribute("title", "Nothing runs")
    page.keyboard.press(".")
    page.keyboard.press("p")
    message(page, "Cannot stop now").get_by_role("button", name="Close: Cannot stop now").focus()
    page.keyboard.press("Enter")
    expect(message(page, "Cannot stop now")).to_have_count(0)
    assert page.evaluate("() => document.activeElement !== document.body")


def test_desktop_is_told_while_the_page_is_hidden_and_only_then(opened, failing: Served):
    page = opened("about:blank", permissions=["notifications"])
    page.add_init_script(RECORDED)
    live_on(page, failing)
    expect(bell(page)).to_have_attribute("aria-pressed", "false")
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    # Seen on the page.
    failing.begin()
    expect(message(page, "Batch completed")).to_be_visible()
    assert page.evaluate("() => window.sent") == []
    page.evaluate(HIDDEN)
    try_again(failing)
    page.wait_for_function("() => window.sent.some(([title]) => title.includes('Batch completed'))")
    sent = page.evaluate("() => window.sent")
    assert [f"Sprint Runner: Blocked: {ONE}", "3 consecutive errors"] in sent
    assert ["Sprint Runner: Batch completed", "Batch 2: 1 cycle completed"] in sent


def test_bell_that_is_off_sends_nothing(opened, failing: Served):
    page = opened("about:blank", permissions=["notifications"])
    page.add_init_script(RECORDED)
    live_on(page, failing)
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "false")
    page.evaluate(HIDDEN)
    failing.begin()
    expect(message(page, "Batch completed")).to_be_visible()
    assert page.evaluate("() => window.sent") == []


def test_bell_is_remembered_and_goes_out_when_the_browser_forbids_it(opened, calm: Served):
    page = live(opened(calm.url, permissions=["notifications"]))
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    page.context.clear_permissions()
    expect(bell(page)).to_have_attribute("aria-pressed", "false")


def test_desktop_messages_that_are_forbidden_are_said_so(opened, calm: Served):
    page = live(opened(calm.url))
    bell(page).click()
    expect(message(page, "No desktop messages")).to_contain_text("The browser does not allow them for this page")
    expect(bell(page)).to_have_attribute("aria-pressed", "false")


def test_colours_are_as_the_system_has_them_or_light_or_dark(opened, calm: Served):
    page = live(opened(f"{calm.url}/#/settings", color_scheme="light"))
    chosen = page.get_by_role("combobox", name="Colours")
    switch = page.get_by_role("button", name=re.compile("^Colours"))
    light = ground(page)
    page.emulate_media(color_scheme="dark")
    dark = ground(page)
    assert light != dark
    # Every press but that back to the system changes what one sees.
    for system, looks, others in (("dark", dark, ("light", "dark")), ("light", light, ("dark", "light"))):
        page.emulate_media(color_scheme=system)
        for theme in (*others, "auto"):
            switch.click()
            expect(chosen).to_have_value(theme)
            name = "as the system" if theme == "auto" else theme
            expect(switch).to_have_accessible_name(f"Colours: {name}. Change")
            assert ground(page) == {"light": light, "dark": dark, "auto": looks}[theme]
    chosen.select_option("dark")
    expect(switch).to_have_accessible_name("Colours: dark. Change")
    assert ground(page) == dark


def ground(page: Page) -> str:
    return str(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_help_keeps_the_focus_and_gives_it_back(opened, calm: Served):
    page = live(opened(calm.url))
    opener = page.get_by_role("button", name="Keys and help")
    opener.focus()
    page.keyboard.press("Enter")
    keys = page.get_by_role("dialog", name="Keys")
    close = keys.get_by_role("button", name="Close")
    expect(close).to_be_focused()
    for key in ("Shift+Tab", "Shift+Tab", "Tab", "Tab", "Tab"):
        page.keyboard.press(key)
        # Between the last and the first one nothing has it.
        assert page.evaluate("() => document.activeElement.matches('dialog *, body, dialog')")
    page.evaluate("() => document.getElementById('connection').focus()")
    expect(page.locator("#connection")).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(opener).to_be_focused()


def test_help_is_closed_by_its_button_or_beside_it_and_the_focus_returns(opened, calm: Served):
    page = live(opened(calm.url))
    before = page.get_by_role("link", name="Board")
    keys = page.get_by_role("dialog", name="Keys")
    for leave in (
        lambda: keys.get_by_role("button", name="Close").click(),
        lambda: page.mouse.click(5, 5),
    ):
        before.focus()
        page.keyboard.press("?")
        expect(keys).to_be_visible()
        leave()
        expect(keys).to_have_count(0)
        expect(before).to_be_focused()
