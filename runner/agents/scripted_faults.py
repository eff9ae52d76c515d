"""What an ill-behaved scripted agent does: limits, failures, floods, garbage, silence.

Each function is one action of the scenario language, like those of `scripted_actions`. They are how the runner's
promises about hostile and failing agents are tested, so they really do what their names say.
"""

import os
import signal
import time
from typing import Any, Literal, NewType, NoReturn

from runner.agents.scripted_actions import Seconds
from runner.agents.scripted_run import Leave, Run
from runner.agents.scripted_stream import Ending, Usage

Base64 = NewType("Base64", str)
Count = NewType("Count", int)
SignalName = Literal["INT", "TERM", "HUP", "KILL", "SEGV", "ABRT"]
_CHUNK = 1 << 20
_AT_ONCE = Seconds(0.0)


def retry(
    run: Run,
    *,
    times: Count,
    delay: Seconds = _AT_ONCE,
    status: Count | None = Count(529),
    error: str = "overloaded",
) -> None:
    for attempt in range(1, times + 1):
        run.stream.api_retry(attempt=attempt, most=10, delay=delay, status=status, error=error)
        run.sleep(delay)


def limit(
    run: Run,
    *,
    seconds: Seconds | None = None,
    kind: str = "five_hour",
    event: bool = True,
    text: str = "You've hit your session limit",
) -> NoReturn:
    """A used-up usage limit that resets in so many seconds (none: no time is told) ends the run."""
    if event:
        resets_at = None if seconds is None else int(time.time() + seconds)
        run.stream.rate_limit(resets_at=resets_at, kind=kind)
    run.synthetic_error = "rate_limit"
    run.ending_text = text
    nothing = run.usage._replace(input_tokens=0, output_tokens=0, cost_usd=0.0)
    run.ending = Ending(nothing, is_error=True, api_error_status=429)
    raise Leave(1)


def result(
    run: Run,
    *,
    show: Literal["once", "twice", "none"] | None = None,
    is_error: bool | None = None,
    subtype: str | None = None,
    num_turns: Count | None = None,
    cost: Seconds | None = None,
    input_tokens: Count | None = None,
    output_tokens: Count | None = None,
    cache_read_tokens: Count | None = None,
    cache_write_tokens: Count | None = None,
    permission_denials: list[str] | None = None,
    api_error_status: Count | None = None,
    error: str | None = None,
    text: str | None = None,
) -> None:
    """Say what the result line will tell; what is not named stays as it was."""
    spent = run.usage._asdict() | _named(
        cost_usd=cost,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read_tokens,
        cache_write_tokens=cache_write_tokens,
    )
    run.usage = Usage(**spent)
    told = run.ending._asdict() | _named(
        is_error=is_error, subtype=subtype, num_turns=num_turns, api_error_status=api_error_status
    )
    run.ending = Ending(**told | {"usage": run.usage})
    if permission_denials is not None:
        run.ending = run.ending._replace(denied_tools=tuple(permission_denials))
    if error is not None:
        run.synthetic_error = error
    if text is not None:
        run.ending_text = text
    if show is not None:
        run.times_shown = {"none": 0, "once": 1, "twice": 2}[show]


def raw(run: Run, *, line: str = "", base64: Base64 | None = None, repeat: Count = Count(1)) -> None:
    """Literal bytes and a newline, so many times: broken JSON, invalid UTF-8, lines of unknown types."""
    run.stream.write((_decoded(line, base64) + b"\n") * repeat)


def flood(run: Run, *, lines: Count | None = None, size: Count | None = None) -> None:
    """So many lines of text, or lines until they have `size` bytes in all."""
    line = run.stream.line(run.stream.message({"type": "text", "text": "flood " * 16}))
    wanted = lines if lines is not None else -(-(size or 0) // len(line))
    at_once = max(_CHUNK // len(line), 1)
    for begun in range(0, wanted, at_once):
        run.stream.write(line * min(at_once, wanted - begun))


def tick(run: Run, *, rate: Count, seconds: Seconds) -> None:
    """So many messages a second for so long, each with its number and when it is said (monotonic nanoseconds)."""
    began = time.monotonic_ns()
    for number in range(int(rate * seconds)):
        due = began + number * 1_000_000_000 // rate
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        run.stream.text(f"tick {number} {time.monotonic_ns()}")


def long_line(run: Run, *, size: Count) -> None:
    """One whole assistant line with a text of `size` bytes, printed piecemeal."""
    line = run.stream.line(run.stream.message({"type": "text", "text": "#"}))
    head, _, tail = line.partition(b"#")
    run.stream.write(head)
    for begun in range(0, size, _CHUNK):
        run.stream.write(b"x" * min(_CHUNK, size - begun))
    run.stream.write(tail)


def stderr(run: Run, *, text: str = "", base64: Base64 | None = None, repeat: Count = Count(1)) -> None:
    data = _decoded(text, base64) + b"\n"
    for _ in range(repeat):
        os.write(2, data)


def ignore_signals(run: Run, *, names: list[SignalName]) -> None:
    for name in names:
        # A function, not SIG_IGN: that would be handed on to every program started from here.
        signal.signal(signal.Signals[f"SIG{name}"], lambda number, frame: None)


def hang(run: Run, *, seconds: Seconds | None = None) -> None:
    run.hang(seconds)


def hang_after_result(run: Run, *, seconds: Seconds | None = None) -> None:
    run.finish()
    run.hang(seconds)


def leave(run: Run, *, code: Count) -> NoReturn:
    """The action `exit`."""
    raise Leave(code)


def kill_self(run: Run, *, name: SignalName) -> None:
    os.kill(os.getpid(), signal.Signals[f"SIG{name}"])
    run.hang(Seconds(1.0))  # a signal that has a handler comes between two bytecodes


def _decoded(text: str, base64: str | None) -> bytes:
    if base64 is None:
        return text.encode("utf-8", "replace")
    import binascii

    return binascii.a2b_base64(base64)


def _named(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
