"""The command `search`: books by any part of their title or author."""

from collections.abc import Sequence

from paperback import store
from paperback.shelf import Book, ShelfError


def matches(book: Book, words: Sequence[str]) -> bool:
    """Whether title and author together contain all the words, in any case."""
    text = f"{book.title} {book.author}".lower()
    return all(word.lower() in text for word in words)


def register(commands) -> None:
    search = commands.add_parser("search", help="find books by title or author")
    search.add_argument("words", nargs="+", metavar="WORD")
    search.set_defaults(run=run)


def run(options) -> None:
    found = [book for book in store.load(options.shelf) if matches(book, options.words)]
    if not found:
        raise ShelfError(f"nothing on the shelf matches {' '.join(options.words)}")
    for book in found:
        print(f"{book.title} ({book.author})")
