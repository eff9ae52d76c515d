"""The page in a real browser: from an event to its pixels, fifty thousand events in the log, and what a visit costs.

Needs Chromium on PATH and the extra `test`. An agent says when it says what it says; the page's own clock tells when
the frame that shows it was painted. One machine, one clock.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from benchmarks.measure import Row
from tests.support.chromium import required
from tests.support.project import make_project, write_scenario
from tests.support.runs import database
from tests.support.served import Served, served

RATE = 50
SECONDS = 20
PIXEL_MS = 150.0
LINES = 50_000
TASK_MS = 50.0
ROWS = 300
HEAP_MB = 150
PAINTS = 7
TRANSFER_KB = 200

# After each frame: which ticks are in the document now that were not before, and how old they are.
WATCH_PIXELS = """offset => {
  const seen = new Set(); const ages = globalThis.ages = [];
  const painted = new MessageChannel();
  painted.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    for (const row of document.querySelectorAll('#log [data-seq]')) {
      const [, number, at] = /tick (\\d+) (\\d+)/.exec(row.lastElementChild.textContent) ?? [];
      if (number && !seen.has(number)) { seen.add(number); ages.push(now - (Number(at) / 1e6 + offset)); }
    }
  };
  const frame = () => { painted.port2.postMessage(0); requestAnimationFrame(frame); };
  frame();
}"""
WATCH_TASKS = """() => {
  globalThis.tasks = [];
  const note = list => tasks.push(...list.getEntries().map(task => task.duration));
  new PerformanceObserver(note).observe({type: 'longtask'});
}"""
# Wheel by wheel, a frame each, as a hand would: to the end of what is loaded, which loads more.
SCROLL = """async () => {
  const log = document.querySelector('#view .virtual');
  let rows = 0; let still = 0;
  while (still < 90) {
    const before = log.scrollTop;
    log.scrollTop += 4000;
    await new Promise(requestAnimationFrame);
    rows = Math.max(rows, log.childElementCount);
    still = log.scrollTop === before ? still + 1 : 0;
  }
  return {rows, height: log.scrollHeight};
}"""
PAINTED = """() => new Promise(tell => {
  const note = list => tell(list.getEntriesByName('first-contentful-paint')[0].startTime);
  new PerformanceObserver(note).observe({type: 'paint', buffered: true});
})"""
TRANSFER = """() => ['navigation', 'resource']
  .flatMap(type => performance.getEntriesByType(type))
  .filter(entry => !entry.name.includes('/api/'))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def measure() -> list[Row]:
    with required() as browser, tempfile.TemporaryDirectory() as folder:
        return [*_pixels(browser, Path(folder)), *_long_log(browser, Path(folder)), *_visit(browser, Path(folder))]


def _opened(browser: Browser, runner: Served, path: str = "/") -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{runner.url}{path}")
    return page


def _pixels(browser: Browser, folder: Path) -> list[Row]:
    project = make_project(folder / "pixels", {"1-1-one": "review"})
    actions = [{"sleep": 3}, {"tick": {"rate": RATE, "seconds": SECONDS}}, {"say": "ZERO ISSUES"}]
    scenario = write_scenario(folder / "pixels-scenario", [{"command": "code-review-1", "actions": actions}])
    with served(project, scenario) as runner:
        page = _opened(browser, runner, "/#/run")
        page.get_by_text("Nothing runs").or_(page.get_by_role("button", name="Start")).first.wait_for()
        page.evaluate(WATCH_PIXELS, (time.time_ns() - time.monotonic_ns()) / 1e6)
        runner.begin()
        while not runner.idle():
            page.wait_for_timeout(500)
        ages = sorted(page.evaluate("ages"))
        page.context.close()
    p50, p99 = (ages[int(len(ages) * part)] for part in (0.5, 0.99))
    return [
        Row(
            what=f"from an agent's line to the painted row, {RATE} lines a second",
            figure=f"p50 {p50:.0f}, p99 {p99:.0f}, max {ages[-1]:.0f} ms; {len(ages)} of {RATE * SECONDS} lines",
            bound=f"p99 ≤ {PIXEL_MS:.0f} ms",
            kept=p99 <= PIXEL_MS and len(ages) >= RATE * SECONDS * 0.99,
        )
    ]


def _long_log(browser: Browser, folder: Path) -> list[Row]:
    project = make_project(folder / "long", {"1-1-one": "review"})
    scenario = write_scenario(folder / "long-scenario")
    with served(project, scenario) as runner:
        runner.begin()
        while not runner.idle():
            time.sleep(0.2)
    with closing(sqlite3.connect(database(project))) as connection, connection:
        _fill(connection)
    with served(project, scenario) as runner:
        page = _opened(browser, runner, "/#/run")
        page.locator("#view .virtual").wait_for()
        tools = page.context.new_cdp_session(page)
        page.evaluate(WATCH_TASKS)
        seen: dict[str, Any] = page.evaluate(SCROLL)
        page.wait_for_timeout(500)
        longest = max(page.evaluate("tasks"), default=0.0)
        heap = _heap(tools)
        page.context.close()
    return [
        Row(
            what=f"longest task while scrolling through {LINES:,} events and loading them",
            figure=f"{longest:.0f} ms" if longest else "none over 50 ms",
            bound=f"≤ {TASK_MS:.0f} ms",
            kept=longest <= TASK_MS and seen["height"] > LINES * 20,
        ),
        Row(
            what="rows in the document meanwhile",
            figure=str(seen["rows"]),
            bound=f"≤ {ROWS}",
            kept=seen["rows"] <= ROWS,
        ),
        Row(what="heap with all of them", figure=f"{heap:.0f} MB", bound=f"< {HEAP_MB} MB", kept=heap < HEAP_MB),
    ]


def _fill(connection: sqlite3.Connection) -> None:
    """As many events as the log keeps, all of the last command's batch."""
    (batch, command), *_ = connection.execute("SELECT batch_id, max(id) FROM commands").fetchall()
    payload = {
        "story_key": "1-1-one",
        "command": "code-review-1",
        "task_id": "review",
        "command_id": command,
        "kind": "tool",
    }
    columns = "batch_id, command_id, timestamp, event_type, story_key, command, message, payload_json"
    now = int(time.time() * 1000) - LINES

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(LINES):
            message = f"Read src/part{number % 997}.py, since the test of step {number} failed"
            text = json.dumps({**payload, "message": message, "status": None, "metrics": {}})
            yield batch, command, now + number, "command:progress", "1-1-one", "code-review-1", message, text

    connection.executemany(f"INSERT INTO events({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows())


def _heap(tools: CDPSession) -> float:
    tools.send("HeapProfiler.collectGarbage")
    tools.send("Performance.enable")
    metrics = tools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")) / 1e6


def _visit(browser: Browser, folder: Path) -> list[Row]:
    project = make_project(folder / "visit", {"1-1-one": "review"})
    with served(project, write_scenario(folder / "visit-scenario")) as runner:
        ours, bare, transferred = [], [], 0
        for _ in range(PAINTS):
            for path, found in (("/", ours), ("/healthz", bare)):
                page = _opened(browser, runner, path)
                found.append(float(page.evaluate(PAINTED)))
                if path == "/":
                    page.wait_for_timeout(500)
                    transferred = page.evaluate(TRANSFER)
                page.context.close()
    first, empty = statistics.median(ours), statistics.median(bare)
    return [
        Row(
            what="first paint, as a multiple of that of a page with one line from the same server",
            figure=f"{first / empty:.2f} × ({first:.0f} ms)",
            bound="≤ 2 ×",
            kept=first <= 2 * empty,
        ),
        Row(
            what="transferred for the page, nothing in the browser's cache",
            figure=f"{transferred / 1000:.0f} KB",
            bound=f"< {TRANSFER_KB} KB",
            kept=transferred < TRANSFER_KB * 1000,
        ),
    ]
