"""The log that is followed or read, the list of batches, and a batch that is played again."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_live import WAIT
from tests.browser.test_live import gated as gated
from tests.browser.test_past import banner, batches
from tests.support.past import add_batches, run_slowly
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

MINUTES = 20
MORE_BATCHES = 44
PAGE = 20
"""Batches that are listed at once."""
GATE = {"command": "*", "attempt": "1", "actions": [{"run": ["{python}", "-c", WAIT]}, "builtin"]}
SEQS = "lines => lines.map(line => Number(line.dataset.seq))"
FURTHER_DOWN = "() => document.querySelector('#log').scrollTop > 300"
AT_TOP = "() => document.querySelector('#log').scrollTop === 0"

TIMED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const at = () => Number(document.querySelector('.scrubber').value);
  await frame(); await frame();
  const [begun, from] = [performance.now(), at()];
  while (performance.now() - begun < 1000) await frame();
  return {passed: performance.now() - begun, played: at() - from};
}"""
"""How far a replay goes in a second, and how long that was, in milliseconds."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A cycle that took long, many batches after it, and another one in which the first agent waits."""
    folder = tmp_path_factory.mktemp("long")
    project = make_project(folder / "project", SIX_STORIES)
    run_slowly(project, folder, minutes=MINUTES, cycles="1")
    add_batches(project, MORE_BATCHES)
    with served(project, write_scenario(folder, [GATE])) as one:
        one.begin()
        wait_until(lambda: bool(one.get("/api/orchestrator/status")["current"]))
        yield one


def log(page: Page) -> Locator:
    return page.get_by_role("region", name="Events")


def lines(page: Page) -> Locator:
    return page.locator("#log [data-seq]")


def seqs(page: Page) -> list[int]:
    """Of the lines that are there, from the top."""
    return [int(seq) for seq in lines(page).evaluate_all(SEQS)]


def newest(page: Page, seq: int) -> None:
    """This line is the first one."""
    expect(lines(page).first).to_have_attribute("data-seq", str(seq))


def last_seq(runner: Served) -> int:
    return int(runner.get("/api/orchestrator/status")["last_seq"])


def waiting(page: Page, runner: Served) -> int:
    """Until the agent that develops waits, and nothing more comes; the newest line."""
    runner.begin()
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()
    expect(lines(page).first).to_contain_text("Bash")
    newest(page, last_seq(runner))
    return last_seq(runner)


def goes_on(runner: Served) -> int:
    """To the end of the batch; the newest line."""
    (runner.project / "go").touch()
    wait_until(runner.idle)
    return last_seq(runner)


def listed(page: Page) -> list[int]:
    return [
        int(text)
        for text in batches(page)
        .locator(".batch-id")
        .evaluate_all("all => all.map(one => one.lastChild.textContent)")
    ]


def player(page: Page) -> Locator:
    return banner(page).get_by_role("group", name="Replay")


def moment(page: Page) -> float:
    return float(player(page).get_by_role("slider", name="Moment").input_value())


def test_log_is_followed_until_one_reads_further_down(opened, gated: Served):
    page = opened(f"{gated.url}/#/run")
    before = waiting(page, gated)
    page.locator("#log").hover()
    page.mouse.wheel(0, 400)
    page.wait_for_function(FURTHER_DOWN)
    read = seqs(page)
    last = goes_on(gated)
    fresh = log(page).get_by_role("button", name=re.compile("^↑ [0-9]+ new$"))
    expect(fresh).to_have_text(f"↑ {last - before} new")
    assert seqs(page) == read
    fresh.click()
    newest(page, last)
    expect(fresh).to_have_count(0)


def test_log_is_followed_again_from_its_top(opened, gated: Served):
    page = opened(f"{gated.url}/#/run")
    waiting(page, gated)
    page.locator("#log").hover()
    page.mouse.wheel(0, 400)
    page.wait_for_function(FURTHER_DOWN)
    page.mouse.wheel(0, -2000)
    page.wait_for_function(AT_TOP)
    newest(page, goes_on(gated))


def test_log_that_is_not_to_follow_stays_as_it_was(opened, gated: Served):
    page = opened(f"{gated.url}/#/run")
    before = waiting(page, gated)
    page.keyboard.press("f")
    follow = log(page).get_by_role("checkbox", name="Follow")
    expect(follow).not_to_be_checked()
    last = goes_on(gated)
    expect(log(page).get_by_role("button", name=re.compile("new$"))).to_have_text(f"↑ {last - before} new")
    newest(page, before)
    follow.check()
    newest(page, last)


def test_lines_are_chosen_by_story_command_and_kind(opened, long: Served):
    page = opened(f"{long.url}/#/run?batch=1")
    stored = long.get("/api/events?batch=1&limit=1000")["events"]
    expect(log(page).locator(".log-count")).to_have_text(f"{len(stored)} lines")
    log(page).get_by_role("combobox", name="Story").select_option("1-2-two")
    expect(page).to_have_url(re.compile("story=1-2-two"))
    log(page).get_by_role("combobox", name="Kind of event").select_option("command")
    own = [event["seq"] for event in stored if _is_of(event, "1-2-two")]
    expect(lines(page)).to_have_count(len(own))
    assert seqs(page) == own[::-1]
    log(page).get_by_role("searchbox").fill("code-review")
    expect(lines(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("q=code-review"))
    log(page).get_by_role("combobox", name="Kind of event").select_option("success")
    expect(lines(page)).to_have_count(1)
    log(page).get_by_role("button", name="Clear").click()
    expect(page).not_to_have_url(re.compile("story=|kind=|q="))
    expect(log(page).locator(".log-count")).to_have_text(f"{len(stored)} lines")
    expect(log(page).get_by_role("searchbox")).to_have_value("")


def _is_of(event: dict[str, Any], story: str) -> bool:
    """Whether a command for the story began or ended."""
    return event["type"] in ("command:start", "command:end") and story in event["payload"]["story_key"].split(",")


def test_words_are_looked_for_in_all_batches_with_enter(opened, long: Served):
    page = opened(f"{long.url}/#/run")
    log(page).get_by_role("searchbox").fill("batch-commit")
    log(page).get_by_role("searchbox").press("Enter")
    expect(log(page).get_by_role("button", name="✓ Everything")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("all=1"))
    expect(lines(page).first).to_contain_text("batch-commit")
    log(page).get_by_role("searchbox").fill("nobody wrote this")
    expect(page.get_by_role("heading", name="No line matches")).to_be_visible()
    log(page).get_by_role("button", name="Search everything").click()
    expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
    log(page).get_by_role("button", name="Clear filters").click()
    expect(lines(page).first).to_be_visible()


def test_line_is_told_whole_where_there_is_room(opened, long: Served):
    page = opened(f"{long.url}/#/run?batch=1&kind=story", viewport={"width": 1440, "height": 900})
    expect(lines(page).filter(has_text="ready-for-dev").first).to_be_visible()
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert page.locator(".log-status .cut").evaluate_all(cut) == []
    log(page).get_by_role("combobox", name="Kind of event").select_option("command")
    command = page.locator(".log-line .log-command").first
    expect(command).to_have_text("batch-commit")
    # The longest name there is, which this batch has not.
    command.evaluate("one => { one.textContent = 'generate-project-context'; }")
    assert command.evaluate_all(cut) == []


def test_end_of_a_tool_is_there_and_quiet(opened, long: Served):
    page = opened(f"{long.url}/#/run?batch=1&kind=tool&story=1-1-one&q=dev-story")
    stored = [event for event in long.get("/api/events?batch=1&limit=1000")["events"] if _is_tool(event, "1-1-one")]
    expect(lines(page)).to_have_count(len(stored))
    ends = [event["seq"] for event in stored if event["payload"]["status"] == "end"]
    assert ends
    assert lines(page).and_(page.locator("[data-echo]")).evaluate_all(SEQS) == ends[::-1]


def _is_tool(event: dict[str, Any], story: str) -> bool:
    told = event["payload"]
    return told.get("kind") == "tool" and told["command"] == "dev-story" and told["story_key"] == story


def test_batches_are_listed_page_by_page(opened, long: Served):
    page = opened(f"{long.url}/#/run")
    total = MORE_BATCHES + 2
    more = batches(page).get_by_role("button", name="Show more")
    for shown in (PAGE, 2 * PAGE):
        expect(batches(page).get_by_role("link")).to_have_count(shown)
        assert listed(page) == list(range(total, total - shown, -1))
        expect(more).to_have_text(f"Show more ({total - shown})")
        more.click()
    expect(batches(page).get_by_role("link")).to_have_count(total)
    expect(more).to_have_count(0)
    assert listed(page)[-1] == 1


def test_batch_that_runs_stays_on_top(opened, long: Served):
    page = opened(f"{long.url}/#/run")
    running = batches(page).get_by_role("link").first
    expect(running).to_contain_text("running")
    expect(running).to_contain_text("now")
    expect(running).to_have_attribute("aria-current", "true")
    batches(page).get_by_role("link").nth(3).click()
    expect(banner(page)).to_contain_text(f"Batch {MORE_BATCHES - 1}, stopped")
    expect(running).to_contain_text("running")
    expect(running).not_to_have_attribute("aria-current", "true")
    running.click()
    expect(banner(page)).to_have_count(0)


def test_list_of_batches_is_put_away_and_brought_back(opened, long: Served):
    page = opened(f"{long.url}/#/run")
    button = page.get_by_role("button", name="Batches")
    expect(batches(page)).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(batches(page)).to_have_count(0)
    expect(button).to_have_attribute("aria-expanded", "false")
    page.reload()
    expect(lines(page).first).to_be_visible()
    expect(batches(page)).to_have_count(0)
    button.click()
    expect(batches(page)).to_be_visible()


def test_list_is_a_drawer_on_a_narrow_page(opened, long: Served):
    page = opened(f"{long.url}/#/run", viewport={"width": 600, "height": 900})
    expect(lines(page).first).to_be_visible()
    expect(batches(page)).to_have_count(0)
    page.get_by_role("button", name="Batches").click()
    expect(batches(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(batches(page)).to_have_count(0)
    page.get_by_role("button", name="Batches").click()
    batches(page).get_by_role("link").nth(1).click()
    expect(batches(page)).to_have_count(0)
    expect(banner(page)).to_be_visible()


def test_replay_is_played_held_and_played_again_from_its_end(opened, long: Served):
    page = opened(f"{long.url}/#/run?batch=1")
    banner(page).get_by_role("button", name="Replay").click()
    slider = player(page).get_by_role("slider", name="Moment")
    begin, end = (float(slider.get_attribute(name) or 0) for name in ("min", "max"))
    assert end - begin == pytest.approx(MINUTES * 60_000, rel=0.01)
    player(page).get_by_role("button", name="Pause replay").click()
    held = moment(page)
    assert begin < held < end
    expect(player(page)).to_contain_text(re.compile("[0-9:]+ of (20:00|19:5)"))
    player(page).get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("held => Number(document.querySelector('.scrubber').value) > held + 5000", arg=held)
    slider.fill(str(int(end) - 1000))
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    player(page).get_by_role("button", name="Play", exact=True).click()
    again = player(page).get_by_role("button", name="Play again")
    expect(again).to_be_visible()
    assert moment(page) == end
    again.click()
    page.wait_for_function("end => Number(document.querySelector('.scrubber').value) < end - 60000", arg=end)
    expect(player(page).get_by_role("button", name="Pause replay")).to_be_visible()


@pytest.mark.parametrize("speed", [1, 5, 20, 100])
def test_replay_goes_so_many_times_as_fast(opened, long: Served, speed: int):
    page = opened(f"{long.url}/#/run?batch=1")
    banner(page).get_by_role("button", name="Replay").click()
    player(page).get_by_role("combobox", name="Speed").select_option(label=f"{speed}×")
    took = page.evaluate(TIMED)
    assert took["played"] / took["passed"] == pytest.approx(speed, rel=0.3)


def test_keys_move_the_moment_and_the_end_of_the_replay_is_the_batch(opened, long: Served):
    page = opened(f"{long.url}/#/run?batch=1")
    expect(log(page).locator(".log-count")).to_be_visible()
    whole = log(page).locator(".log-count").inner_text()
    banner(page).get_by_role("button", name="Replay").click()
    slider = player(page).get_by_role("slider", name="Moment")
    slider.focus()
    page.keyboard.press("PageUp")
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    before = moment(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => Number(document.querySelector('.scrubber').value) > before", arg=before)
    assert moment(page) - before == pytest.approx(MINUTES * 600, rel=0.02)
    expect(log(page).locator(".log-count")).not_to_have_text(whole)
    player(page).get_by_role("button", name="End of replay").click()
    expect(log(page).locator(".log-count")).to_have_text(whole)
    expect(player(page)).to_have_count(0)
