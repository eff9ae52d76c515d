import unittest
from datetime import date

from paperback.shelf import Book, Shelf, ShelfError

DUNE = Book("Dune", "Frank Herbert", 412)


class ShelfTest(unittest.TestCase):
    def test_books_keep_the_order_in_which_they_came(self):
        shelf = Shelf([DUNE, Book("Emma", "Jane Austen", 474)])
        self.assertEqual([book.title for book in shelf], ["Dune", "Emma"])

    def test_a_title_is_found_in_any_case(self):
        self.assertEqual(Shelf([DUNE]).find("dUNE"), DUNE)

    def test_the_same_title_twice_is_refused(self):
        with self.assertRaisesRegex(ShelfError, "already"):
            Shelf([DUNE, Book("DUNE", "Somebody Else", 10)])

    def test_a_book_without_pages_is_refused(self):
        with self.assertRaisesRegex(ShelfError, "at least one page"):
            Shelf([Book("Nothing", "Nobody", 0)])

    def test_a_finished_book_knows_its_day(self):
        shelf = Shelf([DUNE])
        shelf.finish("Dune", date(2024, 5, 1))
        self.assertEqual(shelf.find("Dune").finished, date(2024, 5, 1))
