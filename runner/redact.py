"""Keeps secrets out of everything that is stored or shown.

Agents inherit the environment and print what they like. Before a text reaches the database, an event or a log, the
values of variables that are named like secrets, and texts that look like well-known keys, are replaced.
"""

import re
from collections.abc import Callable, Mapping

MARK = "[redacted]"
SHORTEST = 8
"""Characters: shorter values are words, and replacing words would spoil every text."""
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHAPES = (
    r"sk-ant-[A-Za-z0-9_-]{16,}",
    r"sk-[A-Za-z0-9_-]{20,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]*PRIVATE KEY-----",
)


def redactor(environment: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces this environment's secrets, and shapes of well-known ones, in a text."""
    values = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= SHORTEST and not value.isspace()
    }
    # Longest first: a secret that contains another must not be left with its tail showing.
    literal = [re.escape(value) for value in sorted(values, key=len, reverse=True)]
    pattern = re.compile("|".join((*literal, *_SHAPES)))

    def redact(text: str) -> str:
        return pattern.sub(MARK, text)

    return redact
