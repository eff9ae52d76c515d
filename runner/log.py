"""Logs: what the runner has to say about itself, on standard error, for people or for machines.

The command line calls `set_up` once. Events are not logs: they go to the database. A log line tells of the runner's
own troubles only, and never carries an agent's text without cleaning.
"""

import io
import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

LEVELS = ("debug", "info", "warning", "error")


def set_up(level: str, *, as_json: bool) -> None:
    """Send log lines of at least this level to standard error."""
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Lenient(sys.stderr))),
    )


class _Lenient(io.TextIOBase):
    """Standard error whose reader may go away, or whose disk may be full: whoever logs goes on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()
