"""Both ends of the status socket: whatever stands at its name, however long the path, whoever sits behind it."""

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runner.workspace import status_socket
from runner.workspace.status_socket import NAME, NoAnswer, ask, listen, remove


@contextmanager
def answering(state: Path, *parts: bytes) -> Iterator[None]:
    """A runner that gives one answer."""
    listener = listen(state)
    listener.setblocking(True)

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            for part in parts:
                connection.sendall(part)

    thread = threading.Thread(target=answer)
    thread.start()
    with closing(listener):
        yield
        thread.join()


def test_an_answer_comes_in_one_piece(tmp_path: Path):
    with answering(tmp_path, b"{", b'"a":1', b"}"):
        assert ask(tmp_path) == b'{"a":1}'


def test_nobody_else_can_connect(tmp_path: Path):
    with closing(listen(tmp_path)):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_path_may_be_longer_than_an_address(tmp_path: Path):
    state = tmp_path.joinpath(*["a" * 100] * 4)
    state.mkdir(parents=True)
    with answering(state, b"far"):
        assert ask(state) == b"far"
    remove(state)
    assert not os.listdir(state)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    (path.parent / "precious").write_text("kept")
    path.symlink_to(path.parent / "precious")


def _dead(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def _file(path: Path) -> None:
    path.write_text("{}")


@pytest.mark.parametrize("plant", [_fifo, _link, _dead, _file])
def test_what_stands_at_the_name_is_replaced_and_never_opened(tmp_path: Path, plant):
    plant(tmp_path / NAME)
    with answering(tmp_path, b"new"):
        assert ask(tmp_path) == b"new"
    assert all(path.read_text() == "kept" for path in tmp_path.glob("precious"))


def test_a_folder_at_the_name_is_an_error(tmp_path: Path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(OSError, match="irectory"):
        listen(tmp_path)
    remove(tmp_path)
    assert (tmp_path / NAME).is_dir()


@pytest.mark.parametrize("plant", [_fifo, _link, _file, os.mkdir])
def test_who_asks_something_that_is_no_socket_is_told_so(tmp_path: Path, plant):
    plant(tmp_path / NAME)
    with pytest.raises(NoAnswer, match="is not its socket"):
        ask(tmp_path)


def test_nobody_there(tmp_path: Path):
    with pytest.raises(NoAnswer, match=r"has no status\.sock"):
        ask(tmp_path)
    _dead(tmp_path / NAME)
    with pytest.raises(NoAnswer, match="refused"):
        ask(tmp_path)


def test_who_does_not_answer_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(status_socket, "PATIENCE_SECONDS", 0.1)
    with closing(listen(tmp_path)):
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="nothing heard"):
            ask(tmp_path)
        assert time.monotonic() - began < 1


def test_a_full_queue_is_waited_for_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(status_socket, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(status_socket, "BACKLOG", 0)
    with closing(listen(tmp_path)), socket.socket(socket.AF_UNIX) as first:
        first.connect(str(tmp_path / NAME))
        with pytest.raises(NoAnswer, match="nothing heard"):
            ask(tmp_path)


def test_an_answer_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(status_socket, "LIMIT", 1000)
    with answering(tmp_path, b"x" * 1001), pytest.raises(NoAnswer, match="no end"):
        ask(tmp_path)


def test_no_descriptor_is_left_open(tmp_path: Path):
    before = len(os.listdir("/proc/self/fd"))
    with answering(tmp_path, b"here"):
        ask(tmp_path)
    remove(tmp_path)
    with pytest.raises(NoAnswer):
        ask(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
