"""Keeps secrets out of everything that is stored or shown.

Agents inherit the environment and print what they like. Before a text reaches the database, an event, a log or a
browser, the values of variables that are named like secrets, and texts that look like well-known keys, are replaced:
as they stand, as they look quoted or put into one line, and what is left of one where a text was cut.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping

MARK = "[redacted]"
SHORTEST = 8
"""Characters: shorter values are words, and replacing words would spoil every text."""
CUT = "…"
"""What stands at the end of a text that was cut."""
_PIECE = 6
"""Characters of a secret's beginning that are replaced in front of a cut."""
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHAPES = (
    r"sk-ant-[A-Za-z0-9_-]{16,}",
    r"sk-[A-Za-z0-9_-]{20,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]*PRIVATE KEY-----",
    rf"\b(?:sk-ant-|sk-|gh[pousr]_|github_pat_|xox[abprs]-|AKIA)[A-Za-z0-9_-]+(?={CUT})",
)


def redactor(environment: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces this environment's secrets, and shapes of well-known ones, in a text."""
    values = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= SHORTEST and not value.isspace()
    }
    # Longest first: a secret that contains another must not be left with its tail showing.
    forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    pattern = re.compile("|".join((*map(re.escape, forms), *_SHAPES)))

    def redact(text: str) -> str:
        text = pattern.sub(MARK, text)
        return _without_beginnings(text, forms) if CUT in text else text

    return redact


def _forms(value: str) -> Iterator[str]:
    """How a value may look in a text: as it is, in one line, and quoted in the ways of agents and their tools."""
    for form in (value, " ".join(value.split())):
        yield form
        yield json.dumps(form)[1:-1]
        yield json.dumps(form, ensure_ascii=False)[1:-1]
        yield repr(form)[1:-1]
        yield form.replace('"', '""')
        yield form.replace("'", "'\"'\"'")


def _without_beginnings(text: str, forms: list[str]) -> str:
    """The text without the beginnings of secrets that were cut off."""
    *heads, rest = text.split(CUT)
    return CUT.join([*(_without_beginning(head, forms) for head in heads), rest])


def _without_beginning(head: str, forms: list[str]) -> str:
    begun = min((_beginning(head, form) for form in forms), default=len(head))
    return head if begun == len(head) else head[:begun] + MARK


def _beginning(head: str, form: str) -> int:
    """Where the longest beginning of `form` stands that is the end of `head`; its length where there is none."""
    at = head.find(form[:_PIECE], max(0, len(head) - len(form)))
    while at >= 0:
        if form.startswith(head[at:]):
            return at
        at = head.find(form[:_PIECE], at + 1)
    return len(head)
