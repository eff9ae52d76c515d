"""A command's page: what its agent said and did, found, unfolded and copied, and followed while it works."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.project import make_project, write_scenario
from tests.support.runs import wait_until
from tests.support.served import Served, served

pytestmark = pytest.mark.slow

ONE_STORY = {"epic-1": "backlog", "1-1-one": "in-progress"}
THOUGHT = {"type": "thinking", "thinking": "I wonder about the second line.", "signature": ""}
THINKS = json.dumps({"type": "assistant", "parent_tool_use_id": None, "message": {"content": [THOUGHT]}})
PRINT = "for n in range(80): print('line', n)"
MUCH = [
    {"say": "I begin with the needle."},
    {"raw": THINKS},
    {"write": {"file": "notes.txt", "text": "one\ntwo\nthree\n"}},
    {"replace": {"file": "notes.txt", "old": "two", "new": "zwei needles"}},
    {"replace": {"file": "notes.txt", "old": "nowhere", "new": "x"}},
    {"run": ["cat", "nothing.txt"]},
    {"run": ["{python}", "-c", PRINT]},
    {"raw": "no json at all"},
    {"read": "notes.txt"},
    {"say": "The last needle."},
    {"exit": 1},
]
LINES = 2500
RULES = [
    {"command": "dev-story", "attempt": "1", "actions": MUCH},
    {"command": "code-review-1", "actions": [{"flood": LINES}, {"say": "ZERO ISSUES"}]},
]
AT_REST = """async () => {
  const before = document.querySelector('.main').scrollTop;
  for (let frames = 0; frames < 10; frames += 1) await new Promise(requestAnimationFrame);
  return document.querySelector('.main').scrollTop === before;
}"""
SCROLLED = "() => document.querySelector('.main').scrollTop"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A development that did a bit of everything and failed, another that did not, and a review that talked a lot."""
    folder = tmp_path_factory.mktemp("done")
    with served(make_project(folder / "project", ONE_STORY), write_scenario(folder, RULES)) as one:
        one.begin()
        wait_until(one.idle, seconds=60)
        yield one


@pytest.fixture
def talking(project: Path, tmp_path: Path) -> Iterator[Served]:
    """An agent that says so much that it fills the page, and then a word for each file that it finds."""
    gates = [action for word in "abcd" for action in (_wait_for(word), {"say": f"word {word}"})]
    talks = [*({"say": f"talk {number}"} for number in range(60)), *gates, _wait_for("go"), "builtin"]
    rules = [{"command": "dev-story", "attempt": "1", "actions": talks}]
    with served(make_project(tmp_path / "other", ONE_STORY), write_scenario(tmp_path, rules)) as one:
        one.begin()
        yield one


def _wait_for(name: str) -> dict[str, list[str]]:
    wait = f"import os, time\nwhile not os.path.exists({name!r}): time.sleep(0.01)"
    return {"run": ["{python}", "-c", wait]}


def number_of(runner: Served, command: str, attempt: int = 1) -> int:
    attempts = runner.get("/api/board")["attempts"]
    (found,) = (one["id"] for one in attempts if (one["command"], one["attempt"]) == (command, attempt))
    return int(found)


def read(opened, runner: Served, command: str = "dev-story", filters: str = "", **options: object) -> Page:
    page = opened(f"{runner.url}/#/command/{number_of(runner, command)}{filters}", **options)
    expect(entries(page).first).to_be_visible()
    return page


def transcript(page: Page) -> Locator:
    return page.get_by_role("region", name="Transcript")


def entries(page: Page) -> Locator:
    return transcript(page).get_by_role("article")


def entry(page: Page, name: str) -> Locator:
    """Of a kind, or a tool."""
    return transcript(page).get_by_role("article", name=name, exact=True)


def kinds(page: Page) -> Locator:
    return transcript(page).get_by_role("combobox", name="Kind of entry")


def search(page: Page) -> Locator:
    return transcript(page).get_by_role("searchbox", name="Find in the transcript")


def focused(page: Page) -> Locator:
    return page.locator("article:focus")


def count(page: Page) -> Locator:
    return transcript(page).locator(".transcript-count")


def box(found: Locator) -> dict[str, float]:
    there = found.bounding_box()
    assert there
    return dict(there)


def rank(found: Locator) -> int:
    """Where an entry stands in the transcript."""
    return int(found.get_attribute("data-rank") or -1)


def test_entries_are_chosen_by_kind(opened, done: Served):
    page = read(opened, done)
    expect(count(page)).to_have_text(re.compile("^[0-9]+ of [0-9]+ entries$"))
    kinds(page).select_option("tools")
    expect(entries(page)).to_have_count(6)
    expect(entry(page, "Agent")).to_have_count(0)
    expect(page).to_have_url(re.compile("kind=tools"))
    kinds(page).select_option("errors")
    expect(entry(page, "Edit, error")).to_have_count(1)
    expect(entry(page, "Bash, error")).to_have_count(1)
    expect(entry(page, "Write")).to_have_count(0)
    page.reload()
    expect(kinds(page)).to_have_value("errors")
    expect(entry(page, "Write")).to_have_count(0)
    kinds(page).select_option("text")
    expect(entry(page, "Agent")).to_have_count(2)
    expect(entry(page, "Read")).to_have_count(0)


def test_words_are_found_marked_and_gone_through(opened, done: Served):
    page = read(opened, done)
    page.keyboard.press("/")
    page.keyboard.type("needle")
    # Said, written, read, said again, and told at the end.
    expect(entries(page)).to_have_count(5)
    expect(count(page)).to_have_text(re.compile("^5 of [0-9]+ entries$"))
    expect(entries(page).first.locator("mark")).to_have_text(["needle"])
    expect(page).to_have_url(re.compile("q=needle"))
    page.keyboard.press("Enter")
    expect(focused(page)).to_have_count(1)
    places = [rank(one) for one in entries(page).all()]
    begin = places.index(rank(focused(page)))
    for step, key in ((1, "n"), (2, "n"), (1, "N")):
        page.keyboard.press(key)
        expect(focused(page)).to_have_attribute("data-rank", str(places[(begin + step) % 5]))
    transcript(page).get_by_role("button", name="Match before").click()
    expect(focused(page)).to_have_attribute("data-rank", str(places[begin]))
    search(page).fill("nobody said this")
    expect(page.get_by_role("heading", name="No entry matches")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(entry(page, "Read")).to_have_count(1)


def test_next_match_is_gone_to_by_its_button(opened, done: Served):
    page = read(opened, done, filters="?q=needle")
    expect(entries(page)).to_have_count(5)
    places = [rank(one) for one in entries(page).all()]
    for place in (0, 1, 2, 3, 4, 0):
        transcript(page).get_by_role("button", name="Next match").click()
        expect(focused(page)).to_have_attribute("data-rank", str(places[place]))


def test_thoughts_are_shown_when_asked_for(opened, done: Served):
    page = read(opened, done)
    thoughts = transcript(page).get_by_role("checkbox", name="Thinking")
    expect(thoughts).not_to_be_checked()
    expect(entry(page, "Thinking")).to_have_count(0)
    thoughts.check()
    expect(entry(page, "Thinking")).to_contain_text(THOUGHT["thinking"])
    page.reload()
    expect(entry(page, "Thinking")).to_have_count(1)
    thoughts.uncheck()
    expect(entry(page, "Thinking")).to_have_count(0)


def test_edit_is_a_difference(opened, done: Served):
    page = read(opened, done)
    changes = entry(page, "Edit").get_by_role("group", name="Changes")
    expect(changes.locator("[data-sign='-']")).to_have_text(["−two"])
    expect(changes.locator("[data-sign='+']")).to_have_text(["+zwei needles"])
    written = entry(page, "Write").get_by_role("group", name="Changes")
    expect(written.locator("[data-sign='+']")).to_have_text(["+one", "+two", "+three"])


def test_call_stands_with_its_input_and_result(opened, done: Served):
    page = read(opened, done)
    prints = entry(page, "Bash")
    call = prints.get_by_role("button", expanded=False).first
    expect(call).to_contain_text("range(80)")
    expect(prints).to_contain_text("line 0")
    expect(prints).not_to_contain_text("line 79")
    call.click()
    prints.get_by_role("button", name="Show all").click()
    expect(prints).to_contain_text("line 79")
    expect(prints).not_to_contain_text('"command":')
    prints.get_by_role("button", name="Input").click()
    expect(prints).to_contain_text('"command":')
    # Who reads a file wants to know that it was read; what it says is a click away.
    reads = entry(page, "Read")
    expect(reads).to_contain_text("notes.txt")
    expect(reads).not_to_contain_text("zwei")
    reads.get_by_role("button", name="Read").click()
    expect(reads).to_contain_text("zwei")


def test_raw_line_is_what_the_runner_has(opened, done: Served):
    page = read(opened, done)
    expect(entry(page, "Raw line")).to_contain_text("no json at all")
    failed = entry(page, "Bash, error")
    failed.hover()
    failed.get_by_role("button", name="Raw").click()
    number = number_of(done, "dev-story")
    stored = done.get(f"/api/commands/{number}/transcript?limit=100")["entries"]
    (call,) = (one for one in stored if one["input"] == '{"command":"cat nothing.txt"}')
    (result,) = (one for one in stored if one["kind"] == "tool_result" and one["tool_use_id"] == call["tool_use_id"])
    assert json.loads(failed.locator(".entry-raw").inner_text()) == [call, result]
    failed.get_by_role("button", name="Raw").click()
    expect(failed.locator(".entry-raw")).to_have_count(0)


def test_entry_and_run_are_copied(opened, done: Served):
    page = read(opened, done, permissions=["clipboard-read", "clipboard-write"])
    failed = entry(page, "Bash, error")
    failed.hover()
    failed.get_by_role("button", name="Copy the entry").click()
    expect(page.get_by_role("status", name="Messages")).to_contain_text("Copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("Bash cat nothing.txt")
    assert "No such file or directory" in copied
    page.get_by_role("button", name="Copy the id of the run").click()
    run = done.get(f"/api/commands/{number_of(done, 'dev-story')}")["run_id"]
    page.wait_for_function("async wanted => await navigator.clipboard.readText() === wanted", arg=run)


def test_errors_stand_first_and_are_gone_to(opened, done: Served):
    page = read(opened, done)
    errors = transcript(page).get_by_role("group", name="Errors").get_by_role("button")
    expect(errors.first).to_contain_text("String to replace found 0 times")
    expect(errors.nth(1)).to_contain_text("No such file or directory")
    errors.nth(1).click()
    expect(entry(page, "Bash, error")).to_be_focused()
    expect(entry(page, "Bash, error")).to_be_in_viewport()
    places = [rank(one) for one in transcript(page).locator("article[data-tone=error]").all()]
    page.keyboard.press("e")
    expect(focused(page)).to_have_attribute("data-rank", str(places[2 % len(places)]))
    page.keyboard.press("E")
    expect(kinds(page)).to_have_value("errors")


def test_head_tells_what_came_of_each_attempt(opened, done: Served):
    page = read(opened, done)
    head = page.get_by_role("region", name="Command", exact=True)
    row = done.get(f"/api/commands/{number_of(done, 'dev-story')}")
    expect(head).to_contain_text(row["reason"])
    expect(head.locator(".facts")).to_contain_text(f"Exit code{row['exit_code']}")
    attempts = head.get_by_role("navigation", name="Attempts")
    expect(attempts.get_by_role("link", name="Attempt 1, Error")).to_have_attribute("aria-current", "page")
    attempts.get_by_role("link", name="Attempt 2, Success").click()
    expect(page).to_have_url(re.compile(f"#/command/{number_of(done, 'dev-story', 2)}$"))
    expect(head.locator(".facts")).to_contain_text("Exit code0")


@pytest.mark.parametrize("width", [1440, 600])
def test_line_of_the_command_stays_while_one_reads(opened, done: Served, width: int):
    page = read(opened, done, "code-review-1", viewport={"width": width, "height": 800})
    transcript(page).get_by_role("button", name="To the end").click()
    expect(transcript(page).get_by_text("End of the transcript")).to_be_in_viewport()
    line = page.locator(".command-line")
    expect(line.get_by_role("heading", name="code-review-1")).to_be_in_viewport(ratio=1)
    expect(line.get_by_role("link", name="1-1")).to_be_in_viewport(ratio=1)
    expect(line.get_by_text("Finished")).to_be_in_viewport(ratio=1)
    assert box(line)["y"] + box(line)["height"] <= box(page.locator(".transcript-bar"))["y"] + 1
    expect(line.get_by_role("button", name="Back")).to_be_in_viewport(ratio=1)
    line.get_by_role("button", name="Back").click(trial=True)


def test_buttons_of_an_entry_lie_over_nothing(opened, done: Served):
    page = read(opened, done)
    call = entry(page, "Read").locator(".call")
    call.hover()
    buttons = box(entry(page, "Read").locator(".entry-tools"))
    assert box(call)["x"] + box(call)["width"] <= buttons["x"]
    assert buttons["x"] + buttons["width"] <= 1440
    page.set_viewport_size({"width": 420, "height": 800})
    call.hover()
    # There is no room beside it: they come instead of the size.
    expect(call.locator(".call-size")).to_be_hidden()
    expect(entry(page, "Read").get_by_role("button", name="Raw")).to_be_visible()


def test_long_transcript_is_read_in_pages_from_both_ends(opened, done: Served):
    page = read(opened, done, "code-review-1")
    expect(entry(page, "CLI")).to_be_in_viewport()
    expect(count(page)).to_have_text(re.compile("entries loaded$"))
    expect(transcript(page).get_by_text("ZERO ISSUES")).to_have_count(0)
    transcript(page).get_by_role("button", name="To the end").click()
    said = transcript(page).get_by_text("ZERO ISSUES").first
    expect(said).to_be_in_viewport()
    expect(transcript(page).get_by_text("End of the transcript")).to_be_in_viewport()
    assert entries(page).count() <= 200
    last = rank(entries(page).last)
    scroll(page, -3000, lambda: rank(entries(page).last) < last)
    expect(said).to_have_count(0)
    transcript(page).get_by_role("button", name="To the beginning").click()
    expect(entry(page, "CLI")).to_be_in_viewport()
    first = rank(entries(page).first)
    scroll(page, 3000, lambda: rank(entries(page).first) > first)
    assert entries(page).count() <= 200


def test_end_is_gone_to_while_more_is_on_its_way(opened, done: Served):
    page = opened(done.url)
    held: list[Route] = []
    page.route(re.compile("/transcript.*limit=200"), lambda route: held.append(route))
    page.goto(f"{done.url}/#/command/{number_of(done, 'code-review-1')}")
    expect(transcript(page).get_by_text("Loading…")).to_be_attached()
    transcript(page).get_by_role("button", name="To the end").click()
    expect(transcript(page).get_by_text("End of the transcript")).to_be_in_viewport()
    for route in held:
        route.continue_()
    expect(transcript(page).get_by_text("End of the transcript")).to_be_in_viewport()
    assert held


def scroll(page: Page, by: int, done: Callable[[], bool]) -> None:
    """With the wheel, until something has come of it."""
    page.mouse.move(700, 600)

    def turned() -> bool:
        page.mouse.wheel(0, by)
        return done()

    wait_until(turned)


def test_agent_that_works_is_followed_until_one_scrolls_away(opened, talking: Served):
    page = opened(f"{talking.url}/#/run")
    page.get_by_role("link", name="Open dev-story").click()
    word = {letter: transcript(page).get_by_text(f"word {letter}", exact=True) for letter in "abcd"}
    follow = transcript(page).get_by_role("checkbox", name="Follow")
    at_work = transcript(page).get_by_text("The agent is at work")
    expect(follow).to_be_checked()
    expect(at_work).to_be_in_viewport()
    (talking.project / "a").touch()
    expect(word["a"]).to_be_in_viewport()
    expect(at_work).to_be_in_viewport()
    page.mouse.move(700, 600)
    page.mouse.wheel(0, -600)
    expect(word["a"]).not_to_be_in_viewport()
    page.wait_for_function(AT_REST)
    before = page.evaluate(SCROLLED)
    (talking.project / "b").touch()
    news = transcript(page).get_by_role("button", name=re.compile("new$"))
    expect(news).to_be_visible()
    assert page.evaluate(SCROLLED) == before
    news.click()
    expect(word["b"]).to_be_in_viewport()
    (talking.project / "c").touch()
    expect(word["c"]).to_be_in_viewport()
    # Or one goes back to the end by oneself.
    page.mouse.wheel(0, -600)
    expect(word["c"]).not_to_be_in_viewport()
    page.mouse.wheel(0, 5000)
    expect(at_work).to_be_in_viewport()
    page.wait_for_function(AT_REST)
    (talking.project / "d").touch()
    expect(word["d"]).to_be_in_viewport()
    expect(at_work).to_be_in_viewport()


def test_agent_is_not_followed_when_nobody_wants_it(opened, talking: Served):
    page = opened(f"{talking.url}/#/run")
    page.get_by_role("link", name="Open dev-story").click()
    follow = transcript(page).get_by_role("checkbox", name="Follow")
    at_work = transcript(page).get_by_text("The agent is at work")
    expect(at_work).to_be_in_viewport()
    follow.uncheck()
    before = page.evaluate(SCROLLED)
    for word in "ab":
        (talking.project / word).touch()
        expect(transcript(page).get_by_text(f"word {word}", exact=True)).to_be_attached()
    assert page.evaluate(SCROLLED) == before
    follow.check()
    expect(at_work).to_be_in_viewport()
