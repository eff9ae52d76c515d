import unittest
from datetime import date

from paperback.export import as_markdown
from paperback.shelf import Book, Shelf


class ExportTest(unittest.TestCase):
    def test_an_empty_shelf_is_an_empty_table(self):
        self.assertEqual(len(as_markdown(Shelf()).splitlines()), 2)

    def test_each_book_is_a_row(self):
        shelf = Shelf([Book("Dune", "Frank Herbert", 412, date(2024, 5, 1))])
        self.assertIn("| Dune | Frank Herbert | 412 | 2024-05-01 |", as_markdown(shelf))
