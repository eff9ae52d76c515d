"""Board, table of stories, and the page of one: what a finished sprint looks like, and how a story is found."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_live import GATE
from tests.support.project import SIX_STORIES, make_project, sprint_file, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

STORIES = {
    **SIX_STORIES,
    **{f"epic-{n}": "done" for n in (4, 5, 6)},
    "4-1-x": "done",
    "5-1-y": "done",
    "6-1-z": "done",
}
FINDING = "A page that is not there is shown all the same"
FOUND = f"- [HIGH] {FINDING} (fixed)\n\nHIGHEST SEVERITY: HIGH\nIssues: 0 CRITICAL, 1 HIGH, 2 MEDIUM, 0 LOW"
RULES = [
    {"command": "code-review-1", "story": "3-1-five", "actions": [{"say": FOUND}]},
    {"command": "code-review-1", "story": "3-2-six", "actions": [{"say": "no"}, {"exit": 1}]},
]
ABOUT_SIX = "As a reader I want the sixth thing."
REASON = "3 consecutive errors"
STATUSES = ["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked"]
PHASES = ["create-story", "story-review", "create-tech-spec", "tech-spec-review", "dev-story", "code-review"]
COLUMNS = ["Id", "Title", "Epic", "Status", "Phase", "Reviews", "Duration", "Cost", "Tokens"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sprint that is over: a story is blocked, one was reviewed twice, three were done before."""
    folder = tmp_path_factory.mktemp("done")
    project = make_project(folder / "project", STORIES)
    (sprint_file(project).parent / "3-2-six.md").write_text(f"# Story 3.2: Six\n\n## Story\n\n{ABOUT_SIX}\n")
    with served(project, write_scenario(folder, RULES)) as one:
        one.begin("all")
        wait_until(one.idle, seconds=60)
        yield one


def looked_at(opened, runner: Served, address: str) -> Page:
    page = opened(f"{runner.url}/#/{address}")
    expect(page.get_by_role("search", name="Stories").get_by_role("searchbox")).to_be_visible()
    return page


def epic(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^Epic {name}"))


def fold(page: Page, name: str) -> Locator:
    return epic(page, name).get_by_role("button", name=re.compile(f"^{name}"))


def cards(page: Page) -> Locator:
    return page.locator("#view").get_by_role("listitem").filter(has=page.locator(".story-card-link"))


def keys(found: Locator) -> list[str]:
    return [
        re.split("[?]", href)[0].rpartition("/")[2] for href in found.evaluate_all("all => all.map(one => one.href)")
    ]


def links(page: Page) -> Locator:
    """Of the stories on the board or in the table."""
    return page.locator("#view .story-card-link, #view .story-link")


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def of_story(runner: Served, key: str) -> dict[str, Any]:
    return dict(runner.get("/api/board")["board"]["stories"][key])


def values(runner: Served) -> dict[str, dict[str, Any]]:
    """What each column of the table says of each story, in the order of the sprint."""
    taken = runner.get("/api/board")["board"]["stories"]
    found = {}
    for place, story in enumerate(runner.get("/api/sprint-status")["stories"]):
        key, card = story["key"], taken.get(story["key"])
        found[key] = {
            "Id": place,
            "Title": story["name"].lower(),
            "Epic": int(story["epic_id"]),
            "Status": STATUSES.index(story["status"]),
            "Phase": PHASES.index(card["phases"][-1]) if card else None,
            "Reviews": card["reviews"] if card else None,
            "Duration": card["ended_at"] - card["started_at"] if card else story["duration_ms"],
            "Cost": card["cost_usd"] if card else None,
            "Tokens": card["tokens"] if card else None,
        }
    return found


def titles(runner: Served, column: str, *, down: bool) -> list[str]:
    """In the order of a column; equal ones as in the sprint, and what is not known at the end."""
    told = values(runner)
    levels = sorted({row[column] for row in told.values() if row[column] is not None}, reverse=down)
    places = {key: levels.index(row[column]) if row[column] in levels else 99 for key, row in told.items()}
    names = {story["key"]: story["name"] for story in runner.get("/api/sprint-status")["stories"]}
    return [names[key] for key in sorted(told, key=lambda key: places[key])]


def test_epics_are_folded_and_stay_so_over_a_reload(opened, done: Served):
    page = looked_at(opened, done, "board")
    expect(epic(page, "3").get_by_role("link", name="3-1 Five")).to_be_visible()
    fold(page, "3").click()
    expect(fold(page, "3")).to_have_attribute("aria-expanded", "false")
    expect(epic(page, "3").get_by_role("link")).to_have_count(0)
    page.reload()
    expect(epic(page, "2").get_by_role("link", name="2-1 Three")).to_be_visible()
    expect(epic(page, "3").get_by_role("link")).to_have_count(0)
    fold(page, "3").click()
    expect(epic(page, "3").get_by_role("link", name="3-1 Five")).to_be_visible()


def test_all_epics_are_folded_at_once(opened, done: Served):
    page = looked_at(opened, done, "board")
    # Three were done before: they take one line.
    expect(page.get_by_role("button", name="3 epics done")).to_have_attribute("aria-expanded", "false")
    expect(links(page)).to_have_count(6)
    page.get_by_role("button", name="3 epics done").click()
    expect(epic(page, "4")).to_be_visible()
    page.get_by_role("button", name="Expand all").click()
    expect(links(page)).to_have_count(9)
    page.keyboard.press("x")
    expect(links(page)).to_have_count(0)
    expect(epic(page, "1")).to_be_visible()


@pytest.mark.parametrize("view", ["board", "stories"])
def test_stories_are_found_by_status_epic_and_words(opened, done: Served, view: str):
    page = looked_at(opened, done, view)
    page.get_by_role("combobox", name="Status").select_option("done")
    page.get_by_role("combobox", name="Epic").select_option("3")
    expect(links(page)).to_have_count(1)
    assert keys(links(page)) == ["3-1-five"]
    expect(page).to_have_url(re.compile("status=done"))
    expect(page).to_have_url(re.compile("epic=3"))
    expect(page.locator(".story-count")).to_have_text("1 of 9 stories")
    page.reload()
    expect(page.get_by_role("combobox", name="Status")).to_have_value("done")
    expect(page.get_by_role("combobox", name="Epic")).to_have_value("3")
    expect(links(page)).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    expect(page).not_to_have_url(re.compile("status=|epic="))
    page.get_by_role("searchbox", name="Search stories").fill("consecutive errors")
    expect(links(page)).to_have_count(1)
    assert keys(links(page)) == ["3-2-six"]
    expect(page).to_have_url(re.compile("q=consecutive"))
    page.reload()
    expect(page.get_by_role("searchbox", name="Search stories")).to_have_value("consecutive errors")
    page.get_by_role("searchbox", name="Search stories").fill("nobody wrote this")
    expect(page.get_by_role("heading", name="No story fits the filters")).to_be_visible()


def test_stories_of_the_batch_alone_are_told_from_the_others(opened, done: Served):
    page = looked_at(opened, done, "stories")
    expect(links(page)).to_have_count(9)
    page.get_by_role("checkbox", name="In this batch").check()
    expect(links(page)).to_have_count(6)
    expect(page).to_have_url(re.compile("in=batch"))


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_description_is_shown_beside_the_card(opened, done: Served, how: str):
    page = looked_at(opened, done, "board")
    link = page.get_by_role("link", name="3-2 Six")
    expect(link).to_have_accessible_description(ABOUT_SIX)
    tip = page.get_by_role("tooltip")
    expect(tip).to_have_count(0)
    if how == "hover":
        link.hover()
    else:
        page.get_by_role("link", name="3-1 Five").focus()
        page.keyboard.press("j")
    expect(tip).to_contain_text(ABOUT_SIX)
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)


def test_columns_stay_where_they_are_whatever_is_in_them(opened, done: Served):
    page = looked_at(opened, done, "board")
    heads = page.locator(".board-head")
    before = [head.bounding_box() for head in heads.all()]
    assert len({round(box["width"]) for box in before if box}) == 1
    expect(heads.filter(has_text="In progress")).to_contain_text("0")
    expect(heads.filter(has_text="In progress").locator(".state")).to_be_visible()
    page.get_by_role("combobox", name="Status").select_option("blocked")
    expect(links(page)).to_have_count(1)
    assert [head.bounding_box() for head in heads.all()] == before
    # Also the only one of an epic stands in its column.
    card, head = cards(page).bounding_box(), heads.filter(has_text="Blocked").bounding_box()
    assert card
    assert head
    assert abs(card["x"] - head["x"]) < 4
    assert card["width"] <= head["width"] + 4


def test_epic_says_how_far_it_is_whatever_its_file_says(opened, done: Served):
    page = looked_at(opened, done, "board")
    expect(epic(page, "1").locator(".epic-standing")).to_have_text("✓Done")
    expect(epic(page, "3").locator(".epic-standing")).to_have_text("✓Done but for 1 blocked")
    (file,) = (one["status"] for one in done.get("/api/sprint-status")["epics"] if one["id"] == "3")
    assert file != "done"
    expect(epic(page, "3").get_by_title(f"The sprint file says {file}")).to_be_visible()


def test_to_have_finished_is_no_verdict(opened, done: Served):
    page = opened(f"{done.url}/#/story/3-1-five")
    review = page.locator(".story-attempt").filter(has=page.get_by_role("link", name="code-review-1"))
    expect(review.locator(".state").filter(has_text="Finished")).to_have_attribute("data-tone", "idle")
    expect(review.locator(".state[data-tone=error]")).to_contain_text("1 high, 2 medium")
    expect(page.locator(".story-attempt").first).not_to_contain_text("Success")


def test_blocked_story_says_why(opened, done: Served):
    page = looked_at(opened, done, "board")
    card = cards(page).filter(has=page.get_by_role("link", name="3-2 Six"))
    expect(card).to_contain_text(REASON)
    expect(card.get_by_role("list", name="Phases").locator("[data-state=blocked]")).to_have_attribute(
        "title", re.compile("^code-review.*blocked here")
    )
    expect(epic(page, "3")).to_contain_text("1 blocked")


def test_figures_of_the_progress_are_those_of_the_board(opened, done: Served):
    page = looked_at(opened, done, "board")
    board, stories = done.get("/api/board")["board"], done.get("/api/sprint-status")["stories"]
    ready = [story for story in stories if story["status"] == "done"]
    figures = page.get_by_role("region", name="Batch 1")
    expect(figures).to_contain_text(f"{len(ready)}/{len(stories)} stories")
    expect(figures).to_contain_text(f"{board['cycles_completed']} cycles")
    own = [story for story in board["stories"].values() if story["status"] == "done"]
    expect(figures).to_contain_text(f"{len(own)} stories done")
    expect(figures).to_contain_text(f"${board['cost_usd']:.2f}")
    expect(figures).to_contain_text(f"{round(board['tokens'] / 1000)} k tokens")
    expect(figures).to_contain_text(f"{board['failures']} failed")
    assert board["failures"] == 3
    bar = figures.get_by_role("progressbar", name="Progress of the batch")
    # Completed is full, also when one of its stories is blocked.
    expect(bar).to_have_attribute("aria-valuetext", f"{board['cycles_completed']} cycles")
    expect(bar).to_have_attribute("aria-valuenow", "1")
    expect(bar).to_have_attribute("aria-valuemax", "1")
    own = epic(page, "3").get_by_role("progressbar")
    expect(own).to_have_attribute("aria-valuenow", "1")
    expect(own).to_have_attribute("aria-valuemax", "2")


def test_card_shows_the_phase_and_the_command_that_runs(opened, project, tmp_path):
    with served(project, write_scenario(tmp_path, [GATE])) as runner:
        page = looked_at(opened, runner, "board")
        runner.begin()
        card = cards(page).filter(has=page.get_by_role("link", name="1-1 One"))
        work = card.get_by_role("link", name="dev-story")
        expect(work).to_be_visible()
        running = card.get_by_role("list", name="Phases").locator("[data-state=running]")
        expect(running).to_have_attribute("title", "dev-story: running")
        expect(epic(page, "1")).to_contain_text("1 running")
        (runner.project / "go").touch()
        expect(card.get_by_role("link", name="dev-story")).to_have_count(0)
        expect(epic(page, "1")).to_contain_text("2/2 done")


@pytest.mark.parametrize("column", COLUMNS)
def test_table_is_sorted_by_each_column_both_ways(opened, done: Served, column: str):
    page = looked_at(opened, done, "stories?sort=status" if column == "Id" else "stories")
    head = page.get_by_role("columnheader", name=column)
    for direction in ("ascending", "descending"):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", direction)
        expect(links(page)).to_have_text(titles(done, column, down=direction == "descending"))
    expect(page.locator("[aria-sort=ascending], [aria-sort=descending]")).to_have_count(1)
    expect(page).to_have_url(re.compile("sort=-"))
    page.reload()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(links(page)).to_have_text(titles(done, column, down=True))


def test_story_tells_its_phases_attempts_and_verdicts(opened, done: Served):
    page = opened(f"{done.url}/#/story/3-1-five")
    tried = panel(page, "Phases and attempts")
    expect(tried.get_by_role("link")).to_have_text(["dev-story", "code-review-1", "code-review-2", "batch-commit"])
    expect(tried).to_contain_text("1 high, 2 medium")
    expect(tried).to_contain_text(FINDING, ignore_case=True)
    expect(tried).to_contain_text("No issues")
    expect(tried).to_contain_text("Create storyNot needed")
    way = page.get_by_role("list", name="Phases")
    expect(way.locator("[data-state=done]")).to_have_count(2)
    expect(way.locator("[data-state=skipped]")).to_have_count(4)
    card = of_story(done, "3-1-five")
    expect(page.locator(".story-figures")).to_contain_text(f"Reviews{card['reviews']}")
    expect(page.locator(".story-figures")).to_contain_text(f"Cost${card['cost_usd']:.2f}")
    tried.get_by_role("link", name="code-review-1").click()
    expect(page.get_by_role("heading", name="code-review-1")).to_be_visible()


def test_story_tells_its_files_events_and_batches(opened, done: Served):
    page = opened(f"{done.url}/#/story/3-1-five")
    files = panel(page, "Files it wrote").get_by_role("list")
    expect(files.get_by_role("link", name="3-1-five.txt")).to_be_visible()
    events = panel(page, "Events")
    stored = done.get("/api/events?story=3-1-five&limit=1000")["events"]
    expect(events).to_contain_text(f"{len(stored)} events")
    expect(events.get_by_role("list").get_by_role("listitem")).to_have_count(len(stored))
    batch = panel(page, "Batches that took it").get_by_role("link")
    expect(batch).to_have_text(["Batch 1"])
    events.get_by_role("link", name="All in the log").click()
    expect(page.get_by_role("combobox", name="Story")).to_have_value("3-1-five")


def test_blocked_story_tells_each_failure_and_what_to_do(opened, done: Served):
    page = opened(f"{done.url}/#/story/3-2-six")
    told = panel(page, f"Blocked: {REASON}")
    expect(told).to_contain_text("A command failed three times in a row")
    expect(told).to_contain_text("3-2-six: ready-for-dev")
    tried = panel(page, "Phases and attempts")
    expect(tried.get_by_text(re.compile("Error$"))).to_have_count(3)
    expect(tried).to_contain_text("attempt 2")
    expect(tried).to_contain_text("attempt 3")
    reasons = [one["reason"] for one in done.get("/api/board")["attempts"] if one["story_keys"] == ["3-2-six"]]
    expect(tried.locator(".story-attempt-reason")).to_have_text(reasons)


def test_key_of_a_story_is_copied(opened, done: Served):
    page = opened(f"{done.url}/#/story/3-2-six", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy key").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "3-2-six"
