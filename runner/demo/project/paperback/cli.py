"""The command line. Commands beyond the basic ones live in modules of their own, named in PARTS."""

import argparse
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from paperback import store
from paperback.shelf import Book, ShelfError

PARTS = (
    "export",
    # "progress": story 2.1
    # "streak": story 2.2
    # "search": story 3.2
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="paperback", description="A reading list for the terminal.")
    parser.add_argument("--shelf", type=Path, default=Path("shelf.json"), help="the file of the shelf")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("add", help="put a book on the shelf")
    add.add_argument("title")
    add.add_argument("author")
    add.add_argument("pages", type=int)
    add.set_defaults(run=run_add)

    commands.add_parser("list", help="show all books").set_defaults(run=run_list)

    finish = commands.add_parser("finish", help="mark a book as read")
    finish.add_argument("title")
    finish.set_defaults(run=run_finish)

    for name in PARTS:
        import_module(f"paperback.{name}").register(commands)
    return parser


def run_add(options) -> None:
    shelf = store.load(options.shelf)
    shelf.add(Book(options.title, options.author, options.pages))
    store.save(options.shelf, shelf)


def run_list(options) -> None:
    for book in store.load(options.shelf):
        mark = "x" if book.finished else " "
        print(f"[{mark}] {book.title} ({book.author}, {book.pages} pages)")


def run_finish(options) -> None:
    shelf = store.load(options.shelf)
    book = shelf.finish(options.title, date.today())
    store.save(options.shelf, shelf)
    print(f"Finished: {book.title}")


def main(arguments: list[str]) -> int:
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except ShelfError as error:
        print(f"paperback: {error}", file=sys.stderr)
        return 1
    return 0
