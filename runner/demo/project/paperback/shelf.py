"""Books and the shelf they stand on. Values only: no files, no clock."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date


class ShelfError(Exception):
    """What was asked of the shelf cannot be done; the message is for the reader."""


@dataclass(frozen=True)
class Book:
    title: str
    author: str
    pages: int
    finished: date | None = None


class Shelf:
    """Books by title, in the order in which they were added. Titles differ by more than upper and lower case."""

    def __init__(self, books: Iterable[Book] = ()) -> None:
        self._books: dict[str, Book] = {}
        for book in books:
            self.add(book)

    def __iter__(self) -> Iterator[Book]:
        return iter(self._books.values())

    def __len__(self) -> int:
        return len(self._books)

    def add(self, book: Book) -> None:
        if book.pages < 1:
            raise ShelfError(f"a book has at least one page, not {book.pages}")
        if book.title.casefold() in self._books:
            raise ShelfError(f"{book.title} is on the shelf already")
        self._books[book.title.casefold()] = book

    def find(self, title: str) -> Book:
        try:
            return self._books[title.casefold()]
        except KeyError:
            raise ShelfError(f"{title} is not on the shelf") from None

    def finish(self, title: str, day: date) -> Book:
        book = replace(self.find(title), finished=day)
        self._books[title.casefold()] = book
        return book
