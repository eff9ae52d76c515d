import unittest
from datetime import date

from paperback.streak import current, longest
from tests import test_cli


def may(*days):
    return [date(2024, 5, day) for day in days]


class StreakTest(unittest.TestCase):
    def test_a_gap_ends_a_run(self):
        self.assertEqual(longest(may(1, 2, 3, 5, 6)), 3)

    def test_order_and_repetition_do_not_matter(self):
        self.assertEqual(longest(may(3, 1, 2, 2)), 3)

    def test_today_may_still_come(self):
        self.assertEqual(current(may(1, 2, 3), date(2024, 5, 4)), 3)

    def test_a_whole_day_without_reading_breaks_the_chain(self):
        self.assertEqual(current(may(1, 2, 3), date(2024, 5, 5)), 0)


class StreakCommandTest(test_cli.ShelfFileTest):
    def test_nothing_logged_is_no_streak(self):
        self.assertEqual(self.call("streak"), (0, "Current streak: 0 days, longest: 0 days\n"))

    def test_a_sitting_of_today_is_a_streak_of_a_day(self):
        self.call("add", "Dune", "Frank Herbert", "412")
        self.call("log", "Dune", "10")
        self.assertEqual(self.call("streak"), (0, "Current streak: 1 day, longest: 1 day\n"))
