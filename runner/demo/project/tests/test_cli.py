import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from paperback.cli import main


class ShelfFileTest(unittest.TestCase):
    """Calls the program on a shelf of its own; the base of all tests of commands."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "shelf.json")

    def call(self, *arguments):
        """Exit code and everything that was printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = main(["--shelf", str(self.path), *arguments])
        return code, printed.getvalue()


class CommandLineTest(ShelfFileTest):
    def test_a_book_is_added_listed_and_finished(self):
        self.call("add", "Dune", "Frank Herbert", "412")
        self.assertEqual(self.call("list"), (0, "[ ] Dune (Frank Herbert, 412 pages)\n"))
        self.call("finish", "Dune")
        self.assertEqual(self.call("list"), (0, "[x] Dune (Frank Herbert, 412 pages)\n"))

    def test_an_unknown_book_is_a_line_and_not_a_traceback(self):
        self.assertEqual(self.call("finish", "Dune"), (1, "paperback: Dune is not on the shelf\n"))
