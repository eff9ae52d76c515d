import tempfile
import unittest
from datetime import date
from pathlib import Path

from paperback import progress
from paperback.progress import Sitting
from tests import test_cli

MONDAY = date(2024, 4, 29)


class JournalTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.journal = Path(folder.name, "shelf.journal")

    def test_nothing_logged_is_no_sitting(self):
        self.assertEqual(progress.sittings(self.journal), [])

    def test_sittings_come_back_in_their_order(self):
        logged = [Sitting("Dune", MONDAY, 40), Sitting("Emma", MONDAY, 12), Sitting("Dune", MONDAY, 8)]
        for sitting in logged:
            progress.append(self.journal, sitting)
        self.assertEqual(progress.sittings(self.journal), logged)

    def test_pages_are_summed_by_title(self):
        logged = [Sitting("Dune", MONDAY, 40), Sitting("Emma", MONDAY, 12), Sitting("Dune", MONDAY, 8)]
        self.assertEqual(progress.pages_read(logged, "Dune"), 48)


class ProgressTest(test_cli.ShelfFileTest):
    def setUp(self):
        super().setUp()
        self.call("add", "Dune", "Frank Herbert", "412")

    def test_progress_is_told_in_pages_and_percent(self):
        self.call("log", "dune", "206")
        self.assertEqual(self.call("progress"), (0, "Dune: 206 pages, 50 %\n"))

    def test_a_book_that_was_not_begun_is_not_mentioned(self):
        self.assertEqual(self.call("progress"), (0, ""))

    def test_an_unknown_book_cannot_be_logged(self):
        self.assertEqual(self.call("log", "Emma", "5"), (1, "paperback: Emma is not on the shelf\n"))
