import unittest

from paperback.search import matches
from paperback.shelf import Book
from tests import test_cli

DUNE = Book("Dune", "Frank Herbert", 412)


class MatchTest(unittest.TestCase):
    def test_a_part_of_the_title_is_enough(self):
        self.assertTrue(matches(DUNE, ["dun"]))

    def test_words_may_come_from_title_and_author(self):
        self.assertTrue(matches(DUNE, ["herbert", "dune"]))

    def test_every_word_has_to_be_there(self):
        self.assertFalse(matches(DUNE, ["dune", "messiah"]))


class SearchTest(test_cli.ShelfFileTest):
    def test_a_book_is_found(self):
        self.call("add", "Dune", "Frank Herbert", "412")
        self.assertEqual(self.call("search", "FRANK"), (0, "Dune (Frank Herbert)\n"))

    def test_no_match_is_told(self):
        self.assertEqual(self.call("search", "emma"), (1, "paperback: nothing on the shelf matches emma\n"))
