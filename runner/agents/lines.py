"""Splitting a byte stream into lines, in pieces of any size.

The tail of an agent's output file feeds it and hands each line to a decoder. It knows nothing of JSON or text
encodings, and it never reads, waits or copies a long line more than a constant number of times.
"""

MAX_LINE = 32 * 1024 * 1024
"""Bytes. The agent CLI prints whole files in one line; a few MB are ordinary, this much is not."""


class LineTooLong(Exception):
    """A line passed the limit. `lines` are the complete lines that stood before it in the same data."""

    def __init__(self, *, lines: list[bytes], max_line: int) -> None:
        super().__init__(f"a line is longer than {max_line:,} bytes")
        self.lines = lines


class LineSplitter:
    """Bytes in, complete lines out, without their newlines; empty lines are lines.

    Total work is linear in the bytes fed, and at most `max_line` bytes are kept between two calls.
    """

    def __init__(self, *, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._partial = bytearray()

    @property
    def rest(self) -> bytes:
        """What follows the last newline: at the end of a stream, a line that was cut off."""
        return bytes(self._partial)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the lines they complete.

        Raises `LineTooLong` as soon as a line passes the limit, complete or not. What follows in `data` and the
        long line itself are dropped: there is no telling what its remainder would be a line of.
        """
        lines = data.split(b"\n")
        # Only a line that may have got too long is looked at twice: the rest of the traffic pays nothing.
        if len(self._partial) + len(data) > self._max_line:
            self._check(lines)
        # A bytearray and not a list of pieces: one-byte pieces of a long line would cost forty times its size.
        self._partial += lines[0]
        if len(lines) == 1:
            return []
        lines[0] = bytes(self._partial)
        self._partial = bytearray(lines.pop())
        return lines

    def _check(self, lines: list[bytes]) -> None:
        for index, line in enumerate(lines):
            held = len(self._partial) if index == 0 else 0
            if held + len(line) > self._max_line:
                before = [bytes(self._partial) + lines[0], *lines[1:index]] if index else []
                self._partial.clear()
                raise LineTooLong(lines=before, max_line=self._max_line)
