"""The system's Chromium, driven by Playwright, on pages of real runners. Nothing a page complains of goes unheard."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.chromium import NAMES, chromium, launched
from tests.support.project import SIX_STORIES, make_project, write_scenario
from tests.support.served import Served, served

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install '.[test]' brings it")
Browser, Page = playwright.Browser, playwright.Page

REQUIRED = "SPRINT_RUNNER_TEST_BROWSER"
"""When this is set, tests without a browser fail: CI must not pass by leaving them out."""
PATIENCE_MS = 20_000
LOST = "ERR_CONNECTION_REFUSED"
"""What Chromium itself says of a server that is gone."""


playwright.expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None and not os.environ.get(REQUIRED):
        pytest.skip(f"there is no Chromium on PATH ({', '.join(NAMES)})")
    assert path is not None, f"{REQUIRED} is set, and there is no Chromium on PATH"
    with launched(path) as one:
        yield one


class Complaints(list[str]):
    """What pages said on their consoles, and exceptions that nobody caught."""

    def listen(self, page: Page) -> None:
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.append(f"exception: {error}"))

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.append(text)

    @property
    def own(self) -> list[str]:
        """Without those about a server that was killed on purpose."""
        return [text for text in self if LOST not in text and "ERR_CONNECTION_RESET" not in text]


Open = Callable[..., Page]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def opened(browser: Browser, complaints: Complaints) -> Iterator[Open]:
    """Open a page in a window of its own, or in that of another page (a tab)."""
    with ExitStack() as stack:

        def open_page(url: str, *, beside: Page | None = None, **options: object) -> Page:
            if beside is not None:
                page = beside.context.new_page()
            else:
                options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
                context = browser.new_context(**options)
                stack.callback(context.close)
                page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            complaints.listen(page)
            page.goto(url)
            return page

        yield open_page
        assert complaints.own == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", SIX_STORIES)


@pytest.fixture
def runner(project: Path, tmp_path: Path) -> Iterator[Served]:
    """A runner that is idle; its agents do what is built in."""
    with served(project, write_scenario(tmp_path)) as one:
        yield one
