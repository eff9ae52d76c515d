"""Pictures of every view for the documentation, of a demo sprint that really runs: `scripts/screenshots [FOLDER]`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import required
from tests.support.runs import CHECKOUT, wait_until
from tests.support.served import Served, served

FOLDER = CHECKOUT / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
STORY = "2-1-log-pages-read"
UNDISTURBED = "() => document.querySelector('.toasts')?.remove()"


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        required() as browser,
        served(Path(place) / "paperback", demo=True) as runner,
    ):
        for name, take in PICTURES:
            take(browser, runner, folder / f"{name}.png")
            sys.stdout.write(f"{folder / name}.png\n")
    return 0


def _opened(browser: Browser, runner: Served, view: str, theme: str = "light", width: int = 0) -> Page:
    size = {**SIZE, "width": width} if width else SIZE
    page = browser.new_context(viewport=size, color_scheme=theme, device_scale_factor=1).new_page()  # type: ignore[arg-type]
    page.goto(f"{runner.url}/#/{view}")
    expect(page.locator("#connection")).to_contain_text("live")
    expect(page.locator("#view")).not_to_be_empty()
    return page


def _shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(300)
    page.evaluate(UNDISTURBED)
    page.screenshot(path=path)
    page.context.close()


def _running(browser: Browser, runner: Served, path: Path) -> None:
    """The run, at the moment at which an agent develops."""
    page = _opened(browser, runner, "run?kind=task")
    runner.begin(2)
    expect(page.get_by_role("link", name="Open dev-story")).to_be_visible(timeout=30_000)
    _shoot(page, path)


def _grown(browser: Browser, runner: Served, path: Path) -> None:
    """The timeline, in the second cycle."""
    page = _opened(browser, runner, "timeline")
    expect(page.locator(".bar-state")).to_contain_text("cycle 2", timeout=30_000)
    _shoot(page, path)


def _view(view: str, theme: str = "light", width: int = 0):
    def take(browser: Browser, runner: Served, path: Path) -> None:
        _shoot(_opened(browser, runner, view, theme, width), path)

    return take


def _developed(browser: Browser, runner: Served, path: Path) -> None:
    """The transcript of a development, once the batch is over."""
    wait_until(runner.idle, seconds=60)
    board = runner.get("/api/board")
    command = next(one["id"] for one in board["attempts"] if one["command"] == "dev-story")
    _shoot(_opened(browser, runner, f"command/{command}"), path)


def _replayed(browser: Browser, runner: Served, path: Path) -> None:
    """The first batch again, while the second one is there."""
    runner.begin(1)
    wait_until(runner.idle, seconds=60)
    page = _opened(browser, runner, "board?batch=1")
    page.get_by_role("button", name="Replay").click()
    moment = page.get_by_role("slider", name="Moment")
    moment.wait_for()
    page.get_by_role("button", name="Pause replay").click()
    first, last = (float(moment.get_attribute(name) or 0) for name in ("min", "max"))
    moment.fill(str(int(first + (last - first) * 0.55)))
    _shoot(page, path)


PICTURES = (
    ("run", _running),
    ("timeline", _grown),
    ("supervision", _view("supervision")),
    ("command", _developed),
    ("board", _view("board")),
    ("board-dark", _view("board", "dark")),
    ("stories", _view("stories")),
    ("story", _view(f"story/{STORY}")),
    ("settings", _view("settings")),
    ("activity", _view("activity")),
    ("replay", _replayed),
    ("phone", _view("run?kind=task", "dark", 400)),
)

if __name__ == "__main__":
    sys.exit(main())
