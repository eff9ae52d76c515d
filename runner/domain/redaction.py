"""Redacting whole values: every text in them, wherever it stands.

Used wherever JSON leaves the runner: events before they are stored, transcripts, files of the project and the
supervision tree before they are shown. What counts as a secret is decided by the function that is handed in.
"""

from collections.abc import Callable

Redact = Callable[[str], str]


def redact_all(value: object, redact: Redact) -> object:
    """A JSON value with all its texts redacted; everything else stays as it is."""
    match value:
        case str():
            return redact(value)
        case dict():
            # Names too: an agent makes up both sides of a metric.
            return {redact(name): redact_all(item, redact) for name, item in value.items()}
        case list() | tuple():
            return [redact_all(item, redact) for item in value]
        case _:
            return value
