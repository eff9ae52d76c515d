"""Numbers, times and names in the words that all displays share.

Live picture, plain lines and the tables of the commands use these, so that a story or a duration looks the same
everywhere. Pure but for the local time zone. Agents' texts pass `clean` before they reach a terminal.
"""

import re
import time
from collections.abc import Sequence

from runner.domain.model import parse_key

_CONTROL = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # texts for the terminal itself: title, clipboard, links
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_DAY_MS = 86_400_000
_LONGEST_MS = 1000 * 3_600_000


def clean(text: str) -> str:
    """A text that does nothing to a terminal but show itself, in one line."""
    return " ".join(_CONTROL.sub(" ", text).split())


def clock(at_ms: int) -> str:
    """Local time of day with seconds."""
    return time.strftime("%H:%M:%S", time.localtime(at_ms / 1000))


def moment(at_ms: int, now_ms: int) -> str:
    """Local time of day, with the date when it is not within a day from now."""
    near = abs(at_ms - now_ms) < _DAY_MS / 2
    return time.strftime("%H:%M" if near else "%Y-%m-%d %H:%M", time.localtime(at_ms / 1000))


def duration(ms: int) -> str:
    """`0:07`, `12:31`, `2:05:00`; `?` for one that only a clock set anew can have made."""
    if ms > _LONGEST_MS:
        return "?"
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def took(ms: int) -> str:
    """As `duration`, with tenths of a second below a minute."""
    return f"{max(0, ms) / 1000:.1f} s" if ms < 59_950 else duration(ms)


def ago(ms: int) -> str:
    """`now`, `3 s ago`, `4 min ago`."""
    seconds = max(0, ms) // 1000
    if seconds < 2:
        return "now"
    if seconds < 100:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 6000 else f"{seconds // 3600} h ago"


def tokens(number: int) -> str:
    """`950`, `12.3k`, `1.2M`."""
    if number < 1000:
        return str(number)
    for unit, size in (("k", 1e3), ("M", 1e6)):
        if number < 999.5 * size:
            return f"{number / size:.1f}{unit}" if number < 99.5 * size else f"{number / size:.0f}{unit}"
    return f"{number / 1e9:.1f}G"


def cost(usd: float) -> str:
    """`$4.31`; a cost below a cent keeps its meaning."""
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"


def usage(number: int, usd: float) -> str:
    """Tokens and cost as far as they are known: an agent that told nothing did not run for free."""
    parts = (f"{tokens(number)} tokens" if number else "", cost(usd) if usd else "")
    return ", ".join(part for part in parts if part)


def count(number: int, thing: str) -> str:
    """`1 cycle`, `2 batches`, `3 stories`."""
    if number == 1:
        return f"1 {thing}"
    if thing.endswith("y"):
        return f"{number} {thing[:-1]}ies"
    return f"{number} {thing}es" if thing.endswith("ch") else f"{number} {thing}s"


def short(key: str) -> str:
    """`2a-1-scanner` -> `2a-1`."""
    parsed = parse_key(key)
    return parsed.short if parsed else clean(key)


def shorts(keys: Sequence[str]) -> str:
    """`2a-1,2a-2`; `-` for no story."""
    return ",".join(short(key) for key in keys) or "-"


def title(key: str) -> str:
    """What a key says beside its numbers: `2a-1-scanner` -> `scanner`; empty when that is nothing."""
    return clean(key).removeprefix(short(key)).lstrip("-")


def named(key: str) -> str:
    """`2a-1 scanner`."""
    return f"{short(key)} {title(key)}".strip()
