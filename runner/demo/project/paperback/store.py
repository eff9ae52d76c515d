"""Keeps a shelf in a JSON file."""

import json
import os
from datetime import date
from pathlib import Path

from paperback.shelf import Book, Shelf


def load(path: Path) -> Shelf:
    """The shelf in the file; an empty one when there is no such file yet."""
    if not path.exists():
        return Shelf()
    return Shelf(_book(entry) for entry in json.loads(path.read_text(encoding="utf-8")))


def save(path: Path, shelf: Shelf) -> None:
    """Write the shelf in one step: a crash leaves the old file or the new one, never half of it."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps([_entry(book) for book in shelf], indent=2), encoding="utf-8")
    os.replace(beside, path)


def _book(entry: dict) -> Book:
    finished = entry.get("finished")
    return Book(
        title=entry["title"],
        author=entry["author"],
        pages=entry["pages"],
        finished=date.fromisoformat(finished) if finished else None,
    )


def _entry(book: Book) -> dict:
    finished = book.finished.isoformat() if book.finished else None
    return {"title": book.title, "author": book.author, "pages": book.pages, "finished": finished}
