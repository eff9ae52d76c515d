"""The form of the settings: as the runner tells them, checked before they are sent, saved all or none."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.test_controls import HOLD
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.served import Served, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("waiting")
    with served(make_project(folder / "project", SIX_STORIES), write_scenario(folder)) as one:
        yield one


@pytest.fixture
def fresh(waiting: Served) -> Iterator[Served]:
    """A runner whose settings nobody has changed."""
    yield waiting
    file(waiting).unlink(missing_ok=True)


class Sent(list[Any]):
    """What a page sends to be saved."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("request", self._listen)

    def _listen(self, request: Request) -> None:
        if request.method != "GET":
            self.append((request.method, request.post_data_json))


def file(runner: Served) -> Path:
    return runner.project / ".sprint-runner" / "settings.json"


def write(runner: Served, text: str) -> None:
    """As somebody does by hand."""
    file(runner).write_text(text)


def told(runner: Served) -> dict[str, Any]:
    """What the API says that holds."""
    return {row["name"]: row["value"] for row in runner.get("/api/settings")["settings"]}


def filled(opened, runner: Served) -> Page:
    page: Page = opened(f"{runner.url}/#/settings")
    expect(form(page)).to_be_visible()
    return page


def form(page: Page):
    return page.get_by_role("form", name="Settings of the project")


def setting(page: Page, name: str):
    """Its input."""
    return form(page).locator(f"[name={name}]")


def button(page: Page, name: str):
    return form(page).get_by_role("button", name=name, exact=True)


def reason(page: Page):
    """What stands beside the buttons."""
    return form(page).get_by_role("status")


def wrong(page: Page, name: str):
    """What stands below the field, and is read out with it."""
    return form(page).locator(f"#setting-{name}-error")


def test_every_setting_is_there_with_value_default_bounds_and_help(opened, fresh: Served):
    page = filled(opened, fresh)
    rows = fresh.get("/api/settings")["settings"]
    shown = form(page).locator("[name]").evaluate_all("all => all.map(one => one.name)")
    assert sorted(shown) == sorted(row["name"] for row in rows)
    for row in rows:
        expect(setting(page, row["name"])).to_have_value(str(row["value"]))
        expect(setting(page, row["name"])).to_have_accessible_name(re.compile("[A-Z]"))
        what = re.escape(f"{row['help'][0].upper()}{row['help'][1:]}.")
        between = f"From {row['low']} to {row['high']}, default" if row["low"] is not None else "Default"
        said = re.compile(f"^{what} {re.escape(between)} {re.escape(str(row['default'] or 'empty'))}[.]")
        expect(setting(page, row["name"])).to_have_accessible_description(said)
    expect(button(page, "Save")).to_be_disabled()
    expect(reason(page)).to_have_text("Nothing is changed.")


def test_setting_with_a_few_words_is_chosen_from_all_of_them(opened, fresh: Served):
    page = filled(opened, fresh)
    (row,) = (row for row in fresh.get("/api/settings")["settings"] if row["choices"])
    options = setting(page, row["name"]).get_by_role("option")
    expect(options).to_have_text(row["choices"])
    setting(page, row["name"]).select_option("pidns")
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 1 change.")
    assert told(fresh)[row["name"]] == "pidns"


def test_changes_are_saved_together_and_are_there_after_a_reload(opened, fresh: Served):
    page = filled(opened, fresh)
    sent = Sent(page)
    setting(page, "max_code_review_attempts").fill("7")
    setting(page, "default_model").fill("opus")
    expect(reason(page)).to_have_text("2 changes not saved.")
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 2 changes.")
    expect(button(page, "Save")).to_be_disabled()
    assert sent == [("PUT", {"max_code_review_attempts": 7, "default_model": "opus"})]
    page.reload()
    expect(setting(page, "max_code_review_attempts")).to_have_value("7")
    expect(setting(page, "default_model")).to_have_value("opus")
    values = told(fresh)
    assert (values["max_code_review_attempts"], values["default_model"]) == (7, "opus")


def test_enter_in_a_field_saves(opened, fresh: Served):
    page = filled(opened, fresh)
    setting(page, "keep_runs_days").fill("9")
    expect(button(page, "Save")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(reason(page)).to_have_text("Saved 1 change.")
    assert told(fresh)["keep_runs_days"] == 9


@pytest.mark.parametrize("place", ["field", "button"])
def test_saving_leaves_the_focus_where_it_was(opened, fresh: Served, place: str):
    page = filled(opened, fresh)
    setting(page, "keep_runs_days").fill("9")
    expect(button(page, "Save")).to_be_enabled()
    pressed = setting(page, "keep_runs_days") if place == "field" else form(page).locator("[type=submit]")
    pressed.focus()
    page.evaluate(HOLD)
    page.keyboard.press("Enter")
    expect(button(page, "Saving…")).to_be_disabled()
    # What is on its way is not changed under it.
    expect(setting(page, "keep_runs_days")).not_to_be_editable()
    expect(pressed).to_be_focused()
    page.evaluate("() => window.let_go()")
    expect(reason(page)).to_have_text("Saved 1 change.")
    expect(pressed).to_be_focused()
    expect(setting(page, "keep_runs_days")).to_be_editable()


def test_undo_gives_the_focus_back(opened, fresh: Served):
    page = filled(opened, fresh)
    setting(page, "keep_runs_days").fill("9")
    undo = form(page).get_by_role("button", name="30, undo the change of Keep raw output")
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_have_count(0)
    expect(setting(page, "keep_runs_days")).to_be_focused()
    expect(setting(page, "keep_runs_days")).to_have_value("30")
    setting(page, "keep_runs_days").fill("9")
    expect(button(page, "Undo all")).to_be_enabled()
    button(page, "Undo all").focus()
    page.keyboard.press("Enter")
    expect(setting(page, "keep_runs_days")).to_have_value("30")
    expect(button(page, "Undo all")).to_be_focused()


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("max_code_review_attempts", "51", "A whole number from 1 to 50."),
        ("max_code_review_attempts", "0", "A whole number from 1 to 50."),
        ("stop_grace_seconds", "1.5", "A whole number from 0 to 120."),
        ("stop_grace_seconds", "-1", "A whole number from 0 to 120."),
        ("keep_runs_days", "", "A whole number from 1 to 3650."),
        ("cheap_model", "no name", "A model name has letters, digits and . _ - : / @ only."),
    ],
)
def test_what_cannot_be_right_is_never_sent(opened, fresh: Served, name: str, typed: str, said: str):
    page = filled(opened, fresh)
    sent = Sent(page)
    setting(page, "injection_warning_kb").fill("50")
    setting(page, name).fill(typed)
    expect(wrong(page, name)).to_contain_text(said)
    expect(setting(page, name)).to_have_attribute("aria-invalid", "true")
    expect(setting(page, name)).to_have_accessible_description(re.compile(re.escape(said)))
    expect(reason(page)).to_have_text("1 value cannot be saved as it is.")
    button(page, "Save").click()
    # The one that is wrong, among so many.
    expect(setting(page, name)).to_be_focused()
    expect(reason(page)).to_have_text("Nothing was saved: 1 value cannot be saved as it is.")
    # What the page would have sent is on its way before this.
    page.evaluate("() => fetch('/healthz').then(answer => answer.text())")
    assert sent == []
    button(page, "Undo all").click()
    expect(wrong(page, name)).to_have_count(0)
    expect(setting(page, name)).to_have_value(str(told(fresh)[name]))


def test_one_change_is_undone_and_the_other_stays(opened, fresh: Served):
    page = filled(opened, fresh)
    setting(page, "keep_runs_days").fill("9")
    setting(page, "max_code_review_attempts").fill("7")
    form(page).get_by_role("button", name="30, undo the change of Keep raw output").click()
    expect(setting(page, "keep_runs_days")).to_have_value("30")
    expect(setting(page, "max_code_review_attempts")).to_have_value("7")
    expect(reason(page)).to_have_text("1 change not saved.")
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 1 change.")
    assert json.loads(file(fresh).read_text()) == {"max_code_review_attempts": 7}


def test_nothing_is_saved_beside_what_the_runner_refuses(opened, fresh: Served, complaints):
    page = filled(opened, fresh)
    before = told(fresh)

    def worsen(route: Route) -> None:
        if route.request.method != "PUT":
            route.continue_()
            return
        asked = route.request.post_data_json
        route.continue_(post_data=json.dumps({**asked, "cheap_model": "a name that is none"}))

    # What the page sends it has looked at; on the way something happens to it.
    page.route("**/api/settings", worsen)
    setting(page, "cheap_model").fill("sonnet")
    setting(page, "max_code_review_attempts").fill("7")
    button(page, "Save").click()
    refused = form(page).get_by_role("alert")
    expect(refused).to_contain_text("Not saved, nothing was changed.")
    expect(refused).to_contain_text("cheap_model is not a model name: 'a name that is none'")
    expect(wrong(page, "cheap_model")).to_contain_text("not a model name")
    expect(wrong(page, "max_code_review_attempts")).to_have_count(0)
    assert told(fresh) == before
    assert not file(fresh).exists()
    # What was typed is still there, to be corrected and sent once more.
    expect(setting(page, "max_code_review_attempts")).to_have_value("7")
    page.unroute("**/api/settings")
    setting(page, "cheap_model").fill("sonnet-2")
    expect(refused).to_have_count(0)
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 2 changes.")
    assert told(fresh) == {**before, "cheap_model": "sonnet-2", "max_code_review_attempts": 7}
    complaints[:] = [said for said in complaints if "400" not in said]


def test_file_that_was_spoilt_by_hand_is_left_as_it_is(opened, fresh: Served, complaints):
    page = filled(opened, fresh)
    write(fresh, '{"keep_runs_days": 3')
    setting(page, "keep_runs_days").fill("9")
    button(page, "Save").click()
    refused = form(page).get_by_role("alert")
    expect(refused).to_contain_text("Not saved, nothing was changed.")
    expect(refused).to_contain_text(str(file(fresh)))
    expect(refused).to_contain_text("correct the file, or remove it to have the defaults")
    assert file(fresh).read_text() == '{"keep_runs_days": 3'
    expect(setting(page, "keep_runs_days")).to_have_value("9")
    write(fresh, '{"stop_grace_seconds": 3}')
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 1 change.")
    # What somebody else has written meanwhile stays, and is shown.
    expect(setting(page, "stop_grace_seconds")).to_have_value("3")
    assert json.loads(file(fresh).read_text()) == {"stop_grace_seconds": 3, "keep_runs_days": 9}
    complaints[:] = [said for said in complaints if "400" not in said and "409" not in said]


def test_defaults_are_filled_in_and_hold_once_they_are_saved(opened, fresh: Served):
    before = told(fresh)
    write(fresh, '{"keep_runs_days": 3, "cheap_model": "sonnet"}')
    page = filled(opened, fresh)
    expect(setting(page, "keep_runs_days")).to_have_value("3")
    button(page, "Reset to defaults").click()
    expect(setting(page, "keep_runs_days")).to_have_value("30")
    expect(setting(page, "cheap_model")).to_have_value("haiku")
    assert told(fresh)["keep_runs_days"] == 3
    button(page, "Save").click()
    # The runner of these tests has it from a variable.
    expect(reason(page)).to_have_text("Saved. Set elsewhere, and so as before: Retry backoff.")
    expect(setting(page, "retry_backoff_seconds")).to_have_value("0")
    assert told(fresh) == before


def test_what_is_typed_outlives_other_views_and_news_from_the_runner(opened, fresh: Served):
    page = filled(opened, fresh)
    setting(page, "keep_runs_days").fill("9")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Board").click()
    expect(form(page)).to_have_count(0)
    write(fresh, '{"keep_runs_days": 12, "stop_grace_seconds": 3}')
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Settings").click()
    expect(setting(page, "stop_grace_seconds")).to_have_value("3")
    expect(setting(page, "keep_runs_days")).to_have_value("9")
    expect(reason(page)).to_have_text("1 change not saved.")
    form(page).get_by_role("button", name="12, undo the change of Keep raw output").click()
    expect(setting(page, "keep_runs_days")).to_have_value("12")
    expect(reason(page)).to_have_text("Nothing is changed.")


def test_low_port_is_possible_and_said_to_need_root(opened, fresh: Served):
    page = filled(opened, fresh)
    warning = "Below 1024 the runner has to be started by root."
    expect(form(page)).not_to_contain_text(warning)
    expect(setting(page, "server_port")).to_have_accessible_description(re.compile("below 1024 needs root"))
    setting(page, "server_port").fill("1023")
    expect(form(page)).to_contain_text(warning)
    expect(wrong(page, "server_port")).to_have_count(0)
    expect(button(page, "Save")).to_be_enabled()
    setting(page, "server_port").fill("1024")
    expect(form(page)).not_to_contain_text(warning)
    setting(page, "server_port").fill("0")
    expect(wrong(page, "server_port")).to_contain_text("A whole number from 1 to 65535.")
    expect(form(page)).not_to_contain_text(warning)


def test_nothing_can_be_saved_without_a_connection(opened, runner: Served):
    page = filled(opened, runner)
    setting(page, "keep_runs_days").fill("9")
    expect(button(page, "Save")).to_be_enabled()
    runner.kill()
    expect(reason(page)).to_have_text("No connection to the runner: nothing can be saved.")
    expect(button(page, "Save")).to_be_disabled()
    expect(setting(page, "keep_runs_days")).to_be_disabled()
    runner.start()
    expect(setting(page, "keep_runs_days")).to_be_enabled()
    expect(setting(page, "keep_runs_days")).to_have_value("9")
    button(page, "Save").click()
    expect(reason(page)).to_have_text("Saved 1 change.")
    assert told(runner)["keep_runs_days"] == 9
