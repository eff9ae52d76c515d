"""The timeline: looked at from near and far, walked through, and growing with the clock."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_live import developing
from tests.browser.test_live import gated as gated
from tests.support.past import run_slowly
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

MINUTES = 20
AIR = 1.05
"""More than all of the batch is in sight, but its range ends with it."""
STEP = 1.6
FAR = "?span=400000000"
UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
MOVED = """([url, said]) => location.href !== url && document.querySelector('.tl-range').textContent !== said"""
GROWN = "([bar, to]) => bar.getBoundingClientRect().width > to"


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A runner whose last batch took long; nobody changes anything there."""
    folder = tmp_path_factory.mktemp("long")
    project = make_project(folder / "project", SIX_STORIES)
    run_slowly(project, folder, minutes=MINUTES)
    with served(project, write_scenario(folder)) as one:
        yield one


def commands(page: Page, story: str) -> Locator:
    return page.get_by_role("list", name=f"Commands of {story}")


def developed(page: Page, story: str) -> Locator:
    """The bar of a story's development."""
    return commands(page, story).get_by_role("link", name="dev-story, Success")


def tools(page: Page) -> Locator:
    return page.get_by_role("group", name="Zoom")


def tool(page: Page, name: str) -> Locator:
    return tools(page).get_by_role("button", name=name)


def shown(page: Page) -> Locator:
    """From when to when, and how long that is."""
    return page.locator(".tl-range")


def span(page: Page) -> float:
    """The seconds that are in sight."""
    said = shown(page).inner_text().rpartition("·")[2]
    return float(sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) ([dhms])\b", said)))


def seconds(amount: float) -> object:
    """So many, as they are told: two units of three are."""
    return pytest.approx(amount, rel=0.05)


def address(page: Page) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"\b(span|to)=(\d+)", page.url)}


def box(bar: Locator) -> dict[str, float]:
    found = bar.bounding_box()
    assert found
    return dict(found)


@contextmanager
def moving(page: Page) -> Iterator[None]:
    """What is done here leads elsewhere; until one has come to rest."""
    before = [page.url, shown(page).inner_text()]
    yield
    page.wait_for_function(MOVED, arg=before)


def looked_at(opened, runner: Served, filters: str = "") -> Page:
    page = opened(f"{runner.url}/#/timeline{filters}")
    expect(commands(page, "1-1")).to_be_visible()
    return page


def test_buttons_look_nearer_and_further(opened, long: Served):
    page = looked_at(opened, long)
    whole = span(page)
    assert whole == seconds(MINUTES * 60)
    widths = []
    for step in (1, 2, 3):
        with moving(page):
            tool(page, "Look nearer").click()
        assert span(page) == seconds(AIR * whole / STEP**step)
        assert address(page)["span"] == seconds(1000 * AIR * whole / STEP**step)
        widths.append(box(developed(page, "2-1"))["width"])
    # From far away a short bar is drawn wider than it is, so that it can be hit.
    assert widths[2] == pytest.approx(widths[1] * STEP, rel=0.1)
    for _ in range(3):
        with moving(page):
            tool(page, "Look from further away").click()
    # All of it is the furthest.
    assert address(page) == {}
    assert span(page) == whole


def test_keys_look_nearer_further_and_at_everything(opened, long: Served):
    page = looked_at(opened, long)
    whole = span(page)
    for key, step in (("+", 1), ("=", 2), ("+", 3), ("-", 2)):
        with moving(page):
            page.keyboard.press(key)
        assert span(page) == seconds(AIR * whole / STEP**step)
    with moving(page):
        page.keyboard.press("f")
    assert span(page) == whole
    assert address(page) == {}


def test_fit_shows_all_of_the_batch(opened, long: Served):
    middle = long.get("/api/board")["board"]["started_at"] + MINUTES * 30_000
    page = looked_at(opened, long, f"?span=60000&to={middle}")
    assert span(page) == 60
    with moving(page):
        tool(page, "Fit").click()
    assert address(page) == {}
    assert span(page) == seconds(MINUTES * 60)


@pytest.mark.parametrize("held", ["", "Control"])
def test_wheel_looks_nearer_at_the_pointer(opened, long: Served, held: str):
    page = looked_at(opened, long)
    bar = developed(page, "2-1")
    before = box(bar)
    middle = before["x"] + before["width"] / 2
    page.mouse.move(middle, before["y"] + before["height"] / 2)
    if held:
        page.keyboard.down(held)
    with moving(page):
        page.mouse.wheel(0, -60 if held else -400)
    grown = box(bar)
    assert grown["width"] > before["width"] * 1.5
    # What is below the pointer stays there.
    assert grown["x"] + grown["width"] / 2 == pytest.approx(middle, abs=2)


def test_dragging_moves_it_and_opens_nothing(opened, long: Served):
    page = looked_at(opened, long)
    with moving(page):
        tool(page, "Look nearer").click()
    before, bar = address(page), developed(page, "2-1")
    start = box(bar)
    with moving(page):
        page.mouse.move(start["x"] + 5, start["y"] + 5)
        page.mouse.down()
        page.mouse.move(start["x"] + 105, start["y"] + 5, steps=5)
        page.mouse.up()
    assert "#/timeline" in page.url
    after = address(page)
    assert after["span"] == before["span"]
    assert after["to"] < before["to"]
    assert box(bar)["x"] == pytest.approx(start["x"] + 100, abs=2)


def test_shift_and_arrow_move_it(opened, long: Served):
    page = looked_at(opened, long)
    with moving(page):
        tool(page, "Look nearer").click()
    developed(page, "2-1").focus()
    before = address(page)
    with moving(page):
        page.keyboard.press("Shift+ArrowLeft")
    assert address(page)["span"] == before["span"]
    assert address(page)["to"] == pytest.approx(before["to"] - before["span"] / 5, abs=5)


def test_address_brings_back_where_one_looked(opened, long: Served):
    page = looked_at(opened, long)
    with moving(page):
        tool(page, "Look nearer").click()
    kept, said = page.url, shown(page).inner_text()
    page.reload()
    expect(shown(page)).to_have_text(said)
    other = opened(kept)
    expect(shown(other)).to_have_text(said)


def test_bar_is_told_of_and_opened_by_a_click(opened, long: Served):
    page = looked_at(opened, long)
    bar = developed(page, "1-1")
    bar.hover()
    tip = page.get_by_role("tooltip")
    expect(tip).to_contain_text("dev-story")
    expect(tip).to_contain_text("Success")
    attempts = long.get("/api/board")["attempts"]
    (attempt,) = (one for one in attempts if one["command"] == "dev-story" and one["story_keys"] == ["1-1-one"])
    expect(tip).to_contain_text(f"${attempt['cost_usd']:.2f}")
    bar.click()
    expect(page).to_have_url(re.compile(f"#/command/{attempt['id']}$"))
    expect(page.get_by_role("heading", name="dev-story")).to_be_visible()


def test_bars_are_walked_by_arrows_and_opened_by_enter(opened, long: Served):
    page = looked_at(opened, long)
    first = developed(page, "1-1")
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(commands(page, "1-1").get_by_role("link", name="code-review-1, Success")).to_be_focused()
    expect(page.get_by_role("tooltip")).to_contain_text("code-review-1")
    page.keyboard.press("ArrowLeft")
    expect(first).to_be_focused()
    page.keyboard.press("Home")
    expect(commands(page, "1-1").get_by_role("link").first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    below = commands(page, "1-2").locator(":focus")
    expect(below).to_have_count(1)
    opens = below.get_attribute("href") or "nowhere"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{opens}$"))


def test_bars_too_small_to_tell_apart_are_one_that_looks_nearer(opened, long: Served):
    page = looked_at(opened, long, FAR)
    many = commands(page, "1-1").get_by_role("button", name=re.compile("commands, look nearer"))
    expect(many).to_have_count(1)
    expect(developed(page, "1-1")).to_have_count(0)
    many.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Too short to tell apart")
    many.click()
    expect(developed(page, "1-1")).to_be_visible()


def test_lane_with_nothing_in_sight_leads_to_its_commands(opened, long: Served):
    begin = long.get("/api/board")["board"]["started_at"]
    page = looked_at(opened, long, f"?span=20000&to={begin + 10_000}")
    lane = commands(page, "3-1")
    expect(lane.get_by_role("link")).to_have_count(0)
    lane.get_by_role("button", name=re.compile("go to the commands of 3-1")).click()
    expect(lane.get_by_role("link").first).to_be_visible()


def test_running_bar_grows_and_its_clock_is_left_and_come_back_to(opened, gated: Served):
    gated.begin()
    page = looked_at(opened, gated, "?span=20000")
    running = page.get_by_role("link", name="dev-story, Running")
    expect(running).to_be_visible()
    expect(tools(page)).to_contain_text("Following")
    page.wait_for_function(GROWN, arg=[running.element_handle(), box(running)["width"] + 60])
    lane = box(commands(page, "1-1"))
    page.mouse.move(lane["x"] + 400, lane["y"] + 10)
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Shift")
    expect(tool(page, "Back to now")).to_be_visible()
    expect(page).to_have_url(re.compile("span=20000&to="))
    page.keyboard.press("l")
    expect(tools(page)).to_contain_text("Following")
    expect(page).not_to_have_url(re.compile("to="))


@pytest.mark.parametrize("width", [800, 1000, 1210, 1440])
def test_no_time_of_the_axis_is_cut(opened, long: Served, width: int):
    page = opened(f"{long.url}/#/timeline", viewport={"width": width, "height": 800})
    expect(commands(page, "1-1")).to_be_visible()
    edge = box(page.locator(".tl-axis-times"))
    right = "all => all.map(one => one.getBoundingClientRect().right)"
    ends = page.locator(".tl-tick:not(:empty)").evaluate_all(right)
    assert len(ends) >= 3
    assert max(ends) <= edge["x"] + edge["width"]


def test_range_of_an_ended_batch_ends_with_it(opened, long: Served):
    assert span(looked_at(opened, long)) <= MINUTES * 60


def test_time_between_two_runs_is_marked_as_stopped(opened, gated: Served):
    gated.begin()
    page = opened(f"{gated.url}/#/timeline")
    expect(developing(page)).to_be_visible()
    waits = page.get_by_role("list", name="Waits").get_by_role("listitem")
    gated.post("/api/orchestrator/stop", {"after": "now"})
    expect(page.locator(".bar-state")).to_contain_text("unfinished")
    gated.post("/api/orchestrator/resume")
    expect(waits).to_have_count(1)
    expect(waits.first).to_contain_text("Stopped")
    expect(developing(page)).to_be_visible()
    gated.kill()
    gated.start()
    gated.post("/api/orchestrator/resume")
    expect(waits).to_have_count(2)
    expect(page.locator(".tl-over .tl-wait[data-state=stopped]")).to_have_count(2)
    page.reload()
    expect(waits).to_have_count(2)


def test_pause_is_a_wait_that_grows_until_it_goes_on(opened, gated: Served):
    gated.begin()
    page = opened(f"{gated.url}/#/timeline")
    expect(developing(page)).to_be_visible()
    waits = page.get_by_role("list", name="Waits").get_by_role("listitem")
    expect(waits).to_have_count(0)
    gated.post("/api/orchestrator/pause")
    (gated.project / "go").touch()
    expect(waits).to_contain_text(re.compile("Paused ([2-9]|1[0-9]) s"))
    waits.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("now")
    gated.post("/api/orchestrator/resume")
    expect(page.locator(".bar-state")).to_contain_text("completed")
    expect(waits).to_have_count(1)
    waits.hover()
    expect(page.get_by_role("tooltip")).to_contain_text(re.compile("Time.* – [0-9:]{8}Duration"))
