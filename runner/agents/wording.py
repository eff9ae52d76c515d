"""Text that agents wrote, made fit for a log line and for keeping.

The decoders use it. Agents' text is hostile until it has passed here: it may hold line breaks, terminal control
sequences, or megabytes.
"""

_SCAN_FACTOR = 4
"""Characters looked at per character kept: enough to skip over indentation, too few to walk through megabytes."""


def one_line(text: str, limit: int = 300) -> str:
    """The beginning of a text as one printable line of at most `limit` characters."""
    if len(text) <= limit and text.isprintable():
        return text.strip()
    scanned = text[: limit * _SCAN_FACTOR]
    line = " ".join(scanned.split())
    if not line.isprintable():
        line = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    if len(line) <= limit and len(scanned) == len(text):
        return line
    return line[: limit - 1] + "…"


class TextTail:
    """Texts joined by blank lines, of which the last `limit` bytes (as UTF-8) are kept."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._pieces: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._size += len(text) + _PIECE_COST
        # Waiting for twice the limit keeps the cost of cutting at a constant per character added.
        if self._size > 2 * self._limit:
            self._cut()

    def text(self) -> str:
        """What is kept, cut at a whole character."""
        joined = "\n\n".join(self._pieces)
        if len(joined) * 4 <= self._limit:
            return joined
        return joined.encode("utf-8", "replace")[-self._limit :].decode("utf-8", "ignore")

    def _cut(self) -> None:
        kept = "\n\n".join(self._pieces)[-self._limit :]
        self._pieces = [kept]
        self._size = len(kept)


_PIECE_COST = 64
"""Bytes a list entry and a string take beside the characters: a million one-letter texts must not add up."""
