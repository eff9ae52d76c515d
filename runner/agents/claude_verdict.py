"""The verdict over a run of the Claude CLI: what was said, weighed against how the process ended.

`claude_stream` fills a `Heard` while it reads and asks `weigh` once, at the end. The exit code alone means little:
the CLI exits 0 after an interrupt, with permissions denied, without a result. Nor does `subtype`: API failures say
"success". Pure: the process and the time are arguments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.agents.base import Cut, Ending, EndingKind, ProcessEnding, Usage
from runner.agents.claude_wire import Assistant, Result, figure
from runner.agents.limits import plausible_reset, reset_time, says_limit
from runner.agents.wording import TextTail, one_line

TEXT_KEPT = 4 * 1024 * 1024
"""Bytes of the main agent's text that are kept, from the end."""

_ACCOUNT_STATUSES = (401, 403)
_ACCOUNT_ERRORS = ("authentication_failed", "billing_error", "oauth_org_not_allowed")
_ACCOUNT_TEXTS = re.compile(
    r"credit balance is (?:too )?low|not logged in|invalid api key|please run /login|oauth token (?:has )?expired",
    re.IGNORECASE,
)
_ROOT_REFUSAL = "cannot be used with root/sudo privileges"
_SESSION_TEXTS = re.compile(r"No conversation found|Session ID \S+ is already in use", re.IGNORECASE)
_ROOT_HINT = "set IS_SANDBOX=1 inside a sandbox, or run as another user"
_OWN_LIMITS = ("error_max_turns", "error_max_budget_usd", "error_max_structured_output_retries")
"""Ends that explain themselves: a plan's limit that was reached on the way is not what ended the run."""


@dataclass(slots=True)
class Heard:
    """What a run has said so far, as far as the verdict needs it."""

    texts: TextTail = field(default_factory=lambda: TextTail(limit=TEXT_KEPT))
    result: Result | None = None
    """The first result with at least one turn: a resumed session may print a turnless one before it, and
    follow-ups on background tasks after it."""
    turnless: Result | None = None
    """The last result without a turn: never a success, but perhaps the reason."""
    complaint: Assistant | None = None
    """The CLI's own error message, when it was the last thing said: what a failing run ends with."""
    rejected: bool = False
    """The last word on the plan's limits was that they are reached."""
    resets_at: Any = None
    last_retry: str = ""
    garbled: int = 0
    usage: Usage = field(default_factory=Usage)

    def hear_result(self, result: Result) -> bool:
        """Take a result; whether it is the one that counts."""
        first = self.result is None and figure(result.num_turns) >= 1
        if first:
            self.result = result
        elif self.result is None:
            self.turnless = result
        self.usage = _usage(self.usage, result, counts=first or self.result is None)
        return first

    @property
    def good(self) -> bool:
        """Whether the result says that the work was done and nothing kept the agent from doing it."""
        return self.result is not None and self.result.is_error is False and not self.result.permission_denials


@dataclass(frozen=True, slots=True)
class _Verdict:
    kind: EndingKind
    reason: str = ""
    resets_at: int | None = None


def weigh(heard: Heard, process: ProcessEnding, *, now: datetime) -> Ending:
    """The verdict; `now` is timezone-aware and dates reset times that are given as a time of day."""
    verdict = _verdict(heard, process, now)
    return Ending(
        kind=verdict.kind,
        reason=verdict.reason,
        resets_at=verdict.resets_at,
        usage=heard.usage,
        text=heard.texts.text(),
    )


def _verdict(heard: Heard, process: ProcessEnding, now: datetime) -> _Verdict:
    if process.cannot_start:
        return _Verdict(EndingKind.FAILURE, one_line(process.cannot_start))
    if process.cut is Cut.LINE_TOO_LONG:
        return _Verdict(EndingKind.FAILURE, _cut_words(process))
    if heard.good and _ended_well(process):
        return _Verdict(EndingKind.SUCCESS)
    if process.cut is Cut.STOPPED:
        return _Verdict(EndingKind.INTERRUPTED, "stopped before it had a result")
    return (
        _session_unknown(heard, process)
        or _limit(heard, now)
        or _account(heard, process)
        or _Verdict(EndingKind.FAILURE, _failure_words(heard, process))
    )


def _ended_well(process: ProcessEnding) -> bool:
    if process.cut is not Cut.NONE:
        return True  # whatever the exit code: it is our signal's
    if process.signal is not None:
        return False
    # An unknown exit is that of a run whose guard died with the runner: the result on disk is what is left of it.
    return process.exit_code in (0, None)


def _session_unknown(heard: Heard, process: ProcessEnding) -> _Verdict | None:
    if heard.result is not None:
        return None
    for text in (*_result_texts(heard.turnless), *process.stderr_tail.splitlines()):
        if _SESSION_TEXTS.search(text):
            return _Verdict(EndingKind.SESSION_UNKNOWN, one_line(text))
    return None


def _limit(heard: Heard, now: datetime) -> _Verdict | None:
    texts = list(_error_texts(heard))
    notice = next(filter(says_limit, texts), "")
    if not notice and _status(heard) != 429 and not _stopped_by_plan(heard):
        return None
    resets_at = plausible_reset(heard.resets_at, now=now)
    if resets_at is None:
        resets_at = next((at for text in texts if (at := reset_time(text, now=now)) is not None), None)
    reason = notice or next(iter(texts), "") or "a usage limit is reached"
    return _Verdict(EndingKind.LIMIT, one_line(reason), resets_at)


def _stopped_by_plan(heard: Heard) -> bool:
    """Whether a rejection by the plan is why the run has no good result."""
    result = heard.result
    if not heard.rejected:
        return False
    return result is None or (
        result.is_error is not False and not _status(heard) and result.subtype not in _OWN_LIMITS
    )


def _account(heard: Heard, process: ProcessEnding) -> _Verdict | None:
    """What only the operator can cure."""
    if heard.result is None and _ROOT_REFUSAL in process.stderr_tail:
        return _Verdict(EndingKind.OPERATOR, f"{_last_line(process.stderr_tail)}; {_ROOT_HINT}")
    texts = list(_error_texts(heard))
    said = next(filter(_ACCOUNT_TEXTS.search, texts), "")
    code = heard.complaint.error if texts and heard.complaint is not None else None
    known = isinstance(code, str) and code in _ACCOUNT_ERRORS
    if not said and not known and _status(heard) not in _ACCOUNT_STATUSES:
        return None
    reason = one_line(said or next(iter(texts), "") or f"status {_status(heard)}")
    hint = "add credit" if "credit" in reason.lower() or code == "billing_error" else "log in or set a valid key"
    return _Verdict(EndingKind.OPERATOR, f"{reason}; {hint}, then resume")


def _error_texts(heard: Heard) -> Iterator[str]:
    """Texts in which the CLI explains a failure, never the agent's prose: that may quote any of our phrases."""
    if heard.result is not None and heard.result.is_error is False:
        return
    yield from _result_texts(heard.result or heard.turnless)
    for block in heard.complaint.message.content if heard.complaint is not None else ():
        if block.text.strip():
            yield block.text


def _result_texts(result: Result | None) -> Iterator[str]:
    if result is None:
        return
    errors = result.errors if isinstance(result.errors, list) else []
    for text in (result.result, *errors):
        if isinstance(text, str) and text.strip():
            yield text


def _status(heard: Heard) -> int:
    """The HTTP status that a failing result names, else 0."""
    result = heard.result or heard.turnless
    return int(figure(result.api_error_status)) if result is not None and result.is_error is not False else 0


def _failure_words(heard: Heard, process: ProcessEnding) -> str:
    words = _result_words(heard, process)
    if process.cut in (Cut.IDLE, Cut.OVERTIME):
        words = f"{_cut_words(process)}: {words}" if words else _cut_words(process)
    elif not words:
        words = _no_result_words(heard, process)
    if heard.garbled and heard.result is None:
        words += f"; {heard.garbled} lines were not JSON" if heard.garbled > 1 else "; 1 line was not JSON"
    return words


def _result_words(heard: Heard, process: ProcessEnding) -> str:
    """Why the result that was read is not a good one; empty when there is none."""
    result = heard.result or heard.turnless
    if result is None:
        return ""
    if result.is_error is not False:
        return _error_words(result, next(_error_texts(heard), ""))
    if result is heard.turnless:
        said = next(_error_texts(heard), "")
        return "the agent took no turn (num_turns 0)" + (f": {one_line(said)}" if said else "")
    if result.permission_denials:
        return f"permissions denied: {_denied_tools(result.permission_denials)}; try another --permission-mode"
    return f"{_end_words(process)} in spite of a good result"


def _error_words(result: Result, text: str) -> str:
    terminal = one_line(result.terminal_reason, 60) if isinstance(result.terminal_reason, str) else ""
    subtype = one_line(result.subtype, 60) if isinstance(result.subtype, str) else ""
    if terminal.startswith("aborted"):
        return f"the agent was interrupted ({terminal})"
    words = one_line(text) or "error result without a text"
    if result.stop_reason == "refusal":
        return f"the model refused: {words}"
    status = int(figure(result.api_error_status))
    if status and str(status) not in words:
        words += f" (status {status})"
    return f"{subtype}: {words}" if subtype not in ("", "success") else words


def _no_result_words(heard: Heard, process: ProcessEnding) -> str:
    words = f"ended without a result ({_end_words(process)})"
    detail = _last_line(process.stderr_tail) or one_line(next(_error_texts(heard), ""))
    if not detail and heard.last_retry:
        detail = f"it was retrying after {heard.last_retry}"
    return f"{words}: {detail}" if detail else words


def _denied_tools(denials: Any) -> str:
    entries = denials if isinstance(denials, list) else []
    names = [entry.get("tool_name") for entry in entries if isinstance(entry, dict)]
    return one_line(", ".join(dict.fromkeys(name for name in names if isinstance(name, str)))) or "unnamed tools"


def _cut_words(process: ProcessEnding) -> str:
    return f"stopped by the runner: {process.limit or process.cut.value}"


def _end_words(process: ProcessEnding) -> str:
    if process.signal is not None:
        return f"killed by signal {process.signal}"
    return "end unknown" if process.exit_code is None else f"exit {process.exit_code}"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def _usage(before: Usage, result: Result, *, counts: bool) -> Usage:
    """The figures after one more result; `counts` tells whether its turns and duration are the run's.

    Cost and tokens are running totals of the process, so a later result includes an earlier one: adding them up
    would count twice. `modelUsage` includes subagents and fallbacks, which `usage` leaves out.
    """
    per_model = result.model_usage.values() if isinstance(result.model_usage, dict) else ()
    models = [model for model in per_model if isinstance(model, dict)]

    def total(*names: str) -> float:
        return figure(sum(figure(model.get(name)) for model in models for name in names))

    taken = total("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    return Usage(
        input_tokens=max(before.input_tokens, int(taken)),
        output_tokens=max(before.output_tokens, int(total("outputTokens"))),
        cost_usd=max(before.cost_usd, figure(result.total_cost_usd), total("costUSD")),
        num_turns=int(figure(result.num_turns)) if counts else before.num_turns,
        duration_ms=int(figure(result.duration_ms)) if counts else before.duration_ms,
    )
