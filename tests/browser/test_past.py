"""A past batch through the same views, while another runs, and back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_live import developing, now, state
from tests.browser.test_live import gated as gated
from tests.support.runs import wait_until
from tests.support.served import Served

pytestmark = pytest.mark.slow


def batches(page: Page):
    return page.get_by_role("navigation", name="Batches")


def banner(page: Page):
    return page.get_by_role("region", name="Past batch")


def test_past_batch_is_looked_at_while_another_runs(opened, gated: Served):
    (gated.project / "go").touch()
    gated.begin()
    wait_until(gated.idle)
    (gated.project / "go").unlink()
    gated.begin()
    page = opened(gated.url)
    expect(developing(page)).to_be_visible()
    batches(page).get_by_role("link").filter(has_text="1 of 1 cycle").click()
    expect(banner(page)).to_contain_text("Batch 1, completed, ended")
    expect(now(page)).to_contain_text("Nothing runs any more")
    expect(page.get_by_role("region", name="Batch 1")).to_be_visible()
    assert "batch=1" in page.url
    # The present goes on behind it.
    expect(state(page)).to_contain_text("Running")
    page.get_by_role("link", name="Timeline").click()
    expect(banner(page)).to_be_visible()
    expect(page.locator("#view").get_by_role("link", name=re.compile("dev-story")).first).to_be_attached()
    page.reload()
    expect(banner(page)).to_contain_text("Batch 1")
    page.get_by_role("link", name="Back to live").click()
    expect(banner(page)).to_have_count(0)
    expect(developing(page)).to_be_visible()
    (gated.project / "go").touch()
    expect(state(page)).to_contain_text("completed")


def test_batches_tell_how_far_they_are_and_the_one_that_is_shown_leads_to_its_run(opened, gated: Served):
    (gated.project / "go").touch()
    gated.begin("all")
    wait_until(gated.idle)
    gated.begin(2)
    wait_until(gated.idle)
    page = opened(f"{gated.url}/#/board?batch=1")
    links = batches(page).get_by_role("link")
    expect(links).to_contain_text(
        [re.compile("2completed.*nothing to do"), re.compile(r"1completed.*[0-9] cycles? · \$")]
    )
    # The same in the line of the batch, with its bar full.
    figures = page.get_by_role("region", name="Batch 1")
    expect(figures.locator(".figure-way")).to_have_text(re.compile("[0-9] cycles?$"))
    expect(figures.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    links.nth(1).click()
    expect(page).to_have_url(re.compile("#/run[?]batch=1"))
    links.nth(0).click()
    expect(page).to_have_url(re.compile("#/run$"))
    page.get_by_role("link", name="Timeline").click()
    links.nth(0).click()
    expect(page).to_have_url(re.compile("#/run$"))


def test_replay_goes_through_the_same_views(opened, gated: Served):
    (gated.project / "go").touch()
    gated.begin()
    wait_until(gated.idle)
    gated.begin()
    wait_until(gated.idle)
    page = opened(f"{gated.url}/#/run?batch=1")
    banner(page).get_by_role("button", name="Replay").click()
    moment = banner(page).get_by_role("slider", name="Moment")
    moment.wait_for()
    banner(page).get_by_role("combobox", name="Speed").select_option("1")
    first = float(moment.get_attribute("min") or 0)
    last = float(moment.get_attribute("max") or 0)
    moment.fill(str(int(first)))
    lines = page.locator(".log-count")
    expect(page.locator("#log")).to_contain_text("batch 1")
    few = int(lines.inner_text().split()[0])
    moment.fill(str(int(last)))
    expect(page.get_by_role("region", name="Batch 1")).to_contain_text("1 of 1 cycle")
    whole = int(lines.inner_text().split()[0])
    assert few < whole
    moment.fill(str(int((first + last) / 2)))
    expect(page.get_by_role("region", name="Batch 1")).to_contain_text("0 of 1 cycle")
    assert few < int(lines.inner_text().split()[0]) < whole
    banner(page).get_by_role("button", name="End of replay").click()
    expect(banner(page).get_by_role("button", name="Replay")).to_be_visible()


def test_batch_that_does_not_exist_is_said_so(opened, runner: Served, complaints):
    page = opened(f"{runner.url}/#/run?batch=99")
    expect(banner(page)).to_contain_text("there is no batch 99")
    page.get_by_role("link", name="Back to live").click()
    expect(banner(page)).to_have_count(0)
    complaints.clear()
