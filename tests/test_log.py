"""What the runner says about itself, where nobody can be told: on a full disk, or to a reader who has gone."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pytest
import structlog

from runner import log
from runner.cli import say


@contextmanager
def on_a_full_disk() -> Iterator[None]:
    """Standard error leads onto a full disk; nothing is kept back in Python: what fails, fails at once."""
    with (
        open("/dev/full", "wb", buffering=0) as disk,
        io.TextIOWrapper(cast("BinaryIO", disk), write_through=True) as text,
    ):
        before, sys.stderr = sys.stderr, text
        try:
            yield
        finally:
            sys.stderr = before
            structlog.reset_defaults()


@pytest.mark.parametrize("as_json", [True, False])
def test_log_line_that_cannot_be_written_harms_nobody(as_json: bool):
    with on_a_full_disk():
        log.set_up("info", as_json=as_json)
        structlog.get_logger("test").warning("the disk is full")
        with pytest.raises(OSError, match="No space left"):
            sys.stderr.write("and it is")


def test_message_that_cannot_be_written_harms_nobody():
    with on_a_full_disk():
        say("the disk is full")
