"""Standard output as the displays write it: straight to the descriptor, from a thread.

Python's own buffered standard output is locked while a thread is stuck in a write, and the interpreter aborts when
it cannot have that lock at its end. Here a reader that has stopped reading costs a thread and nothing else.
"""

import os
import sys


class Output:
    """What rich and the plain displays need of a text file. `write` blocks and raises OSError."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self.encoding: str = getattr(sys.stdout, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write all of it; what the terminal's encoding lacks becomes a question mark."""
        data = text.encode(self.encoding, "replace")
        while data:
            data = data[os.write(self._descriptor, data) :]
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor
