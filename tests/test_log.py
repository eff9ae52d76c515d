"""What the runner says about itself, where nobody can be told: on a full disk, or to a reader who has gone."""

import sys
from collections.abc import Iterator

import pytest
import structlog

from runner import log
from runner.cli import say


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard error leads onto a full disk."""
    # Nothing is kept back in Python: what fails, fails at once.
    with open("/dev/full", "wb", buffering=0) as disk:
        monkeypatch.setattr(sys, "stderr", _Text(disk))
        yield
        structlog.reset_defaults()


class _Text:
    """A text file without a buffer."""

    def __init__(self, raw: object) -> None:
        self._raw = raw
        self.encoding = "utf-8"

    def write(self, text: str) -> int:
        return self._raw.write(text.encode())  # type: ignore[attr-defined,no-any-return]

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return False


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("as_json", [True, False])
def test_log_line_that_cannot_be_written_harms_nobody(as_json: bool):
    log.set_up("info", as_json=as_json)
    structlog.get_logger("test").warning("the disk is full")
    with pytest.raises(OSError, match="No space left"):
        sys.stderr.write("and it is")


@pytest.mark.usefixtures("full")
def test_message_that_cannot_be_written_harms_nobody():
    say("the disk is full")
