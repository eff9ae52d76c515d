"""The commands `log` and `progress`: pages read, sitting by sitting, in a journal beside the shelf."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from paperback import store


@dataclass(frozen=True)
class Sitting:
    title: str
    day: date
    pages: int


def journal_of(shelf: Path) -> Path:
    return shelf.with_suffix(".journal")


def append(journal: Path, sitting: Sitting) -> None:
    entry = {"title": sitting.title, "day": sitting.day.isoformat(), "pages": sitting.pages}
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def sittings(journal: Path) -> list[Sitting]:
    """All sittings, oldest first; none when nothing was logged yet."""
    if not journal.exists():
        return []
    entries = map(json.loads, journal.read_text(encoding="utf-8").splitlines())
    return [Sitting(entry["title"], date.fromisoformat(entry["day"]), entry["pages"]) for entry in entries]


def pages_read(logged: Iterable[Sitting], title: str) -> int:
    return sum(sitting.pages for sitting in logged if sitting.title == title)


def percent(pages: int, total: int) -> int:
    return round(100 * pages / total)


def register(commands) -> None:
    log = commands.add_parser("log", help="log pages that were read")
    log.add_argument("title")
    log.add_argument("pages", type=int)
    log.add_argument("--day", type=date.fromisoformat, help="2024-05-01 (default: today)")
    log.set_defaults(run=run_log)
    commands.add_parser("progress", help="show how far along each book is").set_defaults(run=run_progress)


def run_log(options) -> None:
    book = store.load(options.shelf).find(options.title)
    journal = journal_of(options.shelf)
    append(journal, Sitting(book.title, options.day or date.today(), options.pages))


def run_progress(options) -> None:
    logged = sittings(journal_of(options.shelf))
    for book in store.load(options.shelf):
        pages = pages_read(logged, book.title)
        if pages:
            print(f"{book.title}: {pages} pages, {percent(pages, book.pages)} %")
