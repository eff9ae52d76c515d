"""The end of the server while the database is still at work for a client: nobody waits for an answer any more."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.web.house import House, house, noise
from tests.web.wire import PATIENCE_SECONDS

QUERY_SECONDS = 5.0


@contextmanager
def slow_queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """SQLite takes its time over what is asked on new connections, as over a large database; tells when it has begun.

    It is through after `QUERY_SECONDS`, or with the end of the block.
    """
    begun, over, connect = threading.Event(), threading.Event(), sqlite3.connect

    def go_on() -> int:
        begun.set()
        over.wait(QUERY_SECONDS)
        over.set()
        return 0

    def connect_slowly(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_progress_handler(go_on, 1)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_slowly)
        try:
            yield begun
        finally:
            over.set()


def settle(here: House) -> None:
    """Wait until delivery has read what it needs: from here on only clients ask the database."""
    with here.watching() as watcher:
        watcher.next("init")
        here.tell(*noise(1))
        watcher.next("batch:warning")


def ask_for_events(here: House, stack: ExitStack) -> None:
    stack.enter_context(here.wire()).send(here.request("/api/events"))


def come_back(here: House, stack: ExitStack) -> None:
    stack.enter_context(here.watching("/ws?after=0"))


def watch(here: House, stack: ExitStack) -> None:
    stack.enter_context(here.watching()).send('{"type":"watch","overview":true}')


@pytest.mark.parametrize("ask", [ask_for_events, come_back, watch])
def test_server_ends_within_a_second_whatever_the_database_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[House, ExitStack], None]
):
    with ExitStack() as stack:
        with house(tmp_path) as here:
            settle(here)
            begun = stack.enter_context(slow_queries(monkeypatch))
            ask(here, stack)
            assert begun.wait(PATIENCE_SECONDS)
            leaving = time.monotonic()
        assert time.monotonic() - leaving < 1.0
