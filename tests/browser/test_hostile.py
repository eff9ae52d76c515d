"""Names and outputs that want to be more than text stay text, in every view."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.project import make_project, sprint_file, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
STORY = "1-1-evil"
VIEWS = ("run", "board", "stories", "timeline", "supervision", "activity", "settings", f"story/{STORY}", "command/1")


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sprint whose agent, story, epic and log say such things."""
    folder = tmp_path_factory.mktemp("evil")
    project = make_project(folder / "project", {"epic-1": "backlog", STORY: "review"})
    said = [{"say": EVIL}, {"task": f"setup start {EVIL}"}, {"say": f"javascript:alert(1) {EVIL}"}]
    rules = [
        {"command": "code-review-1", "attempt": "1", "actions": [*said, {"exit": 1}]},
        {"command": "code-review-1", "attempt": "2", "actions": [*said, "builtin"]},
    ]
    artifacts = sprint_file(project).parent
    (artifacts / f"{STORY}.md").write_text(f"# Story 1.1: {EVIL}\n\n{EVIL}\n")
    (artifacts / "orchestrator.md").write_text(f"# Log\n\n- {EVIL}\n")
    with served(project, write_scenario(folder, rules)) as one:
        one.begin()
        wait_until(one.idle, seconds=60)
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_it_appears_as_text(opened, evil: Served, view: str):
    page = opened(f"{evil.url}/#/{view}")
    expect(page.locator("#view")).not_to_be_empty()
    page.wait_for_load_state("networkidle")
    assert page.locator("#page img, #page script, #page iframe").count() == 0
    assert "owned" not in page.title()
    if view == "run":
        expect(page.locator("#log")).to_contain_text("<img src=x")
    if view == "command/1":
        expect(page.locator("#view")).to_contain_text("<img src=x")


@pytest.mark.slow
def test_it_is_no_address(opened, evil: Served):
    page = opened(f"{evil.url}/#/story/{EVIL.replace('#', '')}")
    expect(page.locator("#view")).to_contain_text("<img")
    assert page.locator("#page img, #page script").count() == 0
    addresses = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
    assert [address for address in addresses if not address.startswith("#")] == []


def test_its_toast_is_text_too(opened, project: Path, tmp_path: Path):
    rules = [{"command": "*", "actions": [{"say": EVIL}, {"exit": 1}]}]
    with served(project, write_scenario(tmp_path, rules)) as runner:
        page = opened(runner.url)
        expect(page.locator(".bar-state")).to_contain_text("Idle")
        runner.begin()
        expect(page.get_by_role("status", name="Messages")).to_contain_text("Error: command")
        assert page.locator("#page img, #page script").count() == 0
