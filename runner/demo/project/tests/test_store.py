import tempfile
import unittest
from datetime import date
from pathlib import Path

from paperback import store
from paperback.shelf import Book, Shelf


class StoreTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "shelf.json")

    def test_no_file_is_an_empty_shelf(self):
        self.assertEqual(len(store.load(self.path)), 0)

    def test_what_was_saved_is_loaded(self):
        books = [Book("Dune", "Frank Herbert", 412, date(2024, 5, 1)), Book("Emma", "Jane Austen", 474)]
        store.save(self.path, Shelf(books))
        self.assertEqual(list(store.load(self.path)), books)

    def test_nothing_lies_about_after_a_save(self):
        store.save(self.path, Shelf())
        self.assertEqual([entry.name for entry in self.path.parent.iterdir()], ["shelf.json"])
