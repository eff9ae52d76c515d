"""Stop in all its kinds: what the menu offers, what has run when it has stopped, and how it is used by keys alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_controls import GATE, button, state
from tests.support.project import make_project, write_scenario
from tests.support.runs import query, running, successes, wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

TWO_EPICS = {"epic-1": "in-progress", "1-1-one": "in-progress", "epic-2": "in-progress", "2-1-two": "in-progress"}
STEPS = [
    "c1/dev-story/1-1-one",
    "c1/code-review-1/1-1-one",
    "c1/batch-commit/1-1-one",
    "c2/dev-story/2-1-two",
    "c2/code-review-1/2-1-two",
    "c2/batch-commit/2-1-two",
]
"""All there is to do, in two cycles of a story each. The first one waits until it is let go."""
KINDS = {
    "After this command": "What runs now ends normally",
    "After this story": "The story that is worked on is finished",
    "After this cycle": "The cycle is finished, with its commit",
    "Now…": "Agents are interrupted; resume goes on there",
}


class Case(NamedTuple):
    """A kind of stop, what the bar says of it, and how many steps have been done when it has stopped."""

    kind: str
    said: str
    done: int


CASES = (
    Case("After this command", "Stopping after this command", done=1),
    Case("After this story", "Stopping after this story", done=2),
    Case("After this cycle", "Stopping after this cycle", done=3),
)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Served]:
    with begun(tmp_path) as runner:
        yield runner


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nobody gives an order there."""
    with begun(tmp_path_factory.mktemp("busy")) as runner:
        yield runner


@contextmanager
def begun(folder: Path) -> Iterator[Served]:
    """A batch of two cycles, whose first agent works and waits."""
    project = make_project(folder / "project", TWO_EPICS)
    with served(project, write_scenario(folder, [GATE])) as runner:
        runner.begin(2)
        wait_until(lambda: running(project, STEPS[0]))
        yield runner


def watched(opened, runner: Served) -> Page:
    """Its page, with the agent that works."""
    page: Page = opened(runner.url)
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()
    return page


def menu(page: Page):
    return page.get_by_role("menu", name="Stop")


def choice(page: Page, kind: str):
    return menu(page).get_by_role("menuitem", name=re.compile(f"^{kind}"))


def let_go(runner: Served) -> None:
    (runner.project / "go").touch()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.said.split()[-1])
def test_stop_takes_effect_where_it_was_asked_for_and_resume_goes_on_to_the_end(opened, gated: Served, case: Case):
    page = watched(opened, gated)
    button(page, "Stop").click()
    choice(page, case.kind).click()
    expect(menu(page)).to_have_count(0)
    expect(state(page)).to_contain_text(case.said)
    assert successes(gated.project) == []
    let_go(gated)
    expect(state(page)).to_contain_text("Idle, batch 1 unfinished")
    assert successes(gated.project) == STEPS[: case.done]
    button(page, "Resume").click()
    expect(state(page)).to_contain_text("Idle, batch 1 completed")
    assert successes(gated.project) == STEPS


def test_menu_says_what_each_kind_does_to_which_batch(opened, busy: Served):
    page = watched(opened, busy)
    expect(button(page, "Stop")).to_have_attribute("title", "Stop batch 1… (.)")
    button(page, "Stop").click()
    expect(menu(page).get_by_role("menuitem")).to_have_text([f"{kind}{what}" for kind, what in KINDS.items()])


def test_stop_can_be_made_sooner_while_it_is_under_way_and_not_later(opened, gated: Served):
    page = watched(opened, gated)
    button(page, "Stop").click()
    choice(page, "After this story").click()
    expect(state(page)).to_contain_text("Stopping after this story")
    button(page, "Stop").click()
    expect(choice(page, "✓ After this story – under way")).to_have_attribute("aria-current", "true")
    expect(choice(page, "After this cycle")).to_be_disabled()
    expect(choice(page, "After this cycle")).to_contain_text("A sooner stop is under way")
    choice(page, "After this command").click()
    expect(state(page)).to_contain_text("Stopping after this command")
    let_go(gated)
    expect(state(page)).to_contain_text("unfinished")
    assert successes(gated.project) == STEPS[:1]


def test_stop_that_is_under_way_is_not_put_off_by_another_page(opened, gated: Served):
    page = watched(opened, gated)
    button(page, "Stop").click()
    choice(page, "After this command").click()
    expect(state(page)).to_contain_text("Stopping after this command")
    # It offers what it offered before it has heard of the stop.
    gated.post("/api/orchestrator/stop", {"after": "cycle"})
    let_go(gated)
    expect(state(page)).to_contain_text("unfinished")
    assert successes(gated.project) == STEPS[:1]
    said = query(gated.project, "SELECT payload_json FROM events WHERE event_type = 'batch:state' ORDER BY id")
    stopping = [str(payload) for (payload,) in said if "stopping" in str(payload)]
    assert len(stopping) == 2
    assert all("after this command" in payload for payload in stopping)


def test_stop_that_is_under_way_can_become_one_now(opened, gated: Served):
    page = watched(opened, gated)
    button(page, "Stop").click()
    choice(page, "After this cycle").click()
    expect(state(page)).to_contain_text("Stopping after this cycle")
    button(page, "Stop").click()
    choice(page, "Now").click()
    page.get_by_role("dialog", name="Stop now?").get_by_role("button", name="Stop now").click()
    # Nobody has let the agent go.
    expect(state(page)).to_contain_text("unfinished")
    assert successes(gated.project) == []


def test_menu_is_walked_by_keys_and_gives_the_focus_back(opened, busy: Served):
    page = watched(opened, busy)
    button(page, "Stop").focus()
    page.keyboard.press("Enter")
    expect(choice(page, "After this command")).to_be_focused()
    expect(button(page, "Stop")).to_have_attribute("aria-expanded", "true")
    for key, kind in (
        ("ArrowDown", "After this story"),
        ("ArrowDown", "After this cycle"),
        ("ArrowUp", "After this story"),
        ("End", "Now"),
        ("ArrowDown", "Now"),
        ("Home", "After this command"),
    ):
        page.keyboard.press(key)
        expect(choice(page, kind)).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu(page)).to_have_count(0)
    expect(button(page, "Stop")).to_be_focused()
    expect(button(page, "Stop")).to_have_attribute("aria-expanded", "false")
    expect(state(page)).to_contain_text("Running cycle 1 of 2")


def test_leaving_the_menu_closes_it(opened, busy: Served):
    page = watched(opened, busy)
    button(page, "Stop").click()
    expect(choice(page, "After this command")).to_be_focused()
    page.keyboard.press("Tab")
    expect(menu(page)).to_have_count(0)
    button(page, "Stop").click()
    expect(menu(page)).to_be_visible()
    page.get_by_role("heading", name="Sprint Runner").click()
    expect(menu(page)).to_have_count(0)


def test_stop_is_given_by_keys_alone(opened, gated: Served):
    page = watched(opened, gated)
    page.keyboard.press(".")
    expect(choice(page, "After this command")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(state(page)).to_contain_text("Stopping after this story")
    expect(menu(page)).to_have_count(0)
    expect(button(page, "Stop")).to_be_focused()


def test_question_before_a_stop_now_is_left_by_escape_with_nothing_stopped(opened, busy: Served):
    page = watched(opened, busy)
    page.keyboard.press(".")
    expect(choice(page, "After this command")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    asked = page.get_by_role("dialog", name="Stop now?")
    expect(asked).to_contain_text("This command is interrupted:")
    # What does no harm is what Enter does.
    expect(asked.get_by_role("button", name="Let it run")).to_be_focused()
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(state(page)).to_contain_text("Running cycle 1 of 2")
    expect(button(page, "Stop")).to_be_focused()


def test_same_key_opens_and_closes_the_menu(opened, busy: Served):
    page = watched(opened, busy)
    page.keyboard.press(".")
    expect(menu(page)).to_be_visible()
    page.keyboard.press(".")
    expect(menu(page)).to_have_count(0)
    # Somebody who types gets a dot.
    page.get_by_role("searchbox", name="Search the events").fill("1-1")
    page.keyboard.press(".")
    expect(page).to_have_url(re.compile(r"q=1-1\.$"))
    expect(menu(page)).to_have_count(0)


def test_menu_that_makes_no_sense_any_more_goes_and_does_not_come_back(opened, gated: Served):
    page = watched(opened, gated)
    button(page, "Stop").click()
    expect(menu(page)).to_be_visible()
    gated.post("/api/orchestrator/stop", {"after": "now"})
    expect(state(page)).to_contain_text("unfinished")
    expect(menu(page)).to_have_count(0)
    gated.post("/api/orchestrator/resume")
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible()
    expect(menu(page)).to_have_count(0)


def test_key_says_why_nothing_can_be_stopped(opened, runner: Served):
    page = opened(runner.url)
    expect(state(page)).to_contain_text("Idle")
    expect(button(page, "Stop")).to_be_disabled()
    expect(button(page, "Stop")).to_have_attribute("title", "Nothing runs")
    page.keyboard.press(".")
    said = page.get_by_role("status", name="Messages")
    expect(said).to_contain_text("Cannot stop now")
    expect(said).to_contain_text("Nothing runs")
    expect(menu(page)).to_have_count(0)
