"""Writing to a descriptor, and the plain displays on real pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.display.output import Output
from runner.domain.wire import message
from tests.support.tape import one_cycle


def test_all_of_a_long_text_is_written(tmp_path: Path):
    with open(tmp_path / "out", "wb") as file:
        Output(file.fileno()).write("ä" * 300_000)
    assert (tmp_path / "out").read_text() == "ä" * 300_000


def test_what_the_encoding_lacks_becomes_a_question_mark(tmp_path: Path):
    with open(tmp_path / "out", "wb") as file:
        output = Output(file.fileno())
        output.encoding = "ascii"
        output.write("ok ● \udcff")
    assert (tmp_path / "out").read_bytes() == b"ok ? ?"


def test_reader_that_has_gone_is_an_error():
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        Output(writer).write("x")
    os.close(writer)


def test_message_is_one_line_of_json():
    (event, *_) = one_cycle().events
    text = message(event).decode()
    assert "\n" not in text
    assert json.loads(text) == {
        "seq": event.seq,
        "type": "batch:start",
        "timestamp": event.timestamp,
        "payload": json.loads(event.payload),
    }


STUCK = """
import os, threading, time
from runner.display.output import Output
reader, writer = os.pipe()
os.dup2(writer, 1)
threading.Thread(target=Output().write, args=("x" * 10_000_000,), daemon=True).start()
time.sleep(0.2)
"""


def test_a_stuck_write_does_not_keep_the_interpreter_from_ending():
    done = subprocess.run([sys.executable, "-c", STUCK], stderr=subprocess.PIPE, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
