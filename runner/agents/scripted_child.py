"""A stand-in for an agent CLI: a real child process that does what a scenario says.

The runner starts this file by its path instead of `claude`, with the same options and `--scenario FILE`, the prompt
on standard input and the project as working folder. It prints the same stream, keeps sessions, obeys the same
signals and fails in the same ways; what it does in between comes from the scenario. It is used by the demo and by
the tests, never by other modules: nothing imports it.
"""

import os
import re
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import NamedTuple, NoReturn

if __name__ == "__main__":
    # Until there is a stream to end properly an interrupt just ends the process, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # `python -I` leaves this program's own package off the path.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from runner.agents.scripted_run import Leave, Run, ScenarioError, Situation
from runner.agents.scripted_scenario import Scenario, load_scenario
from runner.agents.scripted_stream import Ending, Stream, Usage

PROMPT_LIMIT = 10_000_000
"""Bytes; the real CLI takes no more from standard input."""

_SWITCHES = ("-p", "--print", "--verbose")
_VALUES = ("--output-format", "--session-id", "--resume", "--permission-mode", "--model", "--scenario")
_MODES = ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Refused(Exception):
    """The call cannot be carried out: one line for standard error, exit code 1."""


class Interrupted(BaseException):
    """SIGINT came. Not an `Exception`: no action may take it for a failure of its own."""


class Options(NamedTuple):
    """The command line."""

    session: str
    resume: bool
    permission_mode: str
    model: str
    scenario: str


def read_options(arguments: list[str]) -> Options:
    """Read the command line; raises `Refused` in the words of the real CLI where it has some."""
    given = _split(arguments)
    if "-p" not in given and "--print" not in given:
        raise Refused("Error: the scripted agent has no interactive mode: -p is missing")
    if given.get("--output-format") != "stream-json":
        raise Refused("Error: the scripted agent prints --output-format stream-json only")
    if "--verbose" not in given:
        raise Refused("Error: When using --print, --output-format=stream-json requires --verbose")
    mode = given.get("--permission-mode", "default")
    if mode not in _MODES:
        raise Refused(f"error: option '--permission-mode <mode>' argument '{mode}' is invalid.")
    if ("--session-id" in given) == ("--resume" in given):
        raise Refused("Error: exactly one of --session-id and --resume is needed")
    session = given.get("--session-id") or given.get("--resume", "")
    if not _UUID.fullmatch(session):
        raise Refused("Error: Invalid session ID. Must be a valid UUID.")
    if "--scenario" not in given:
        raise Refused("error: required option '--scenario <file>' not specified")
    return Options(session, "--resume" in given, mode, given.get("--model", ""), given["--scenario"])


def _split(arguments: list[str]) -> Mapping[str, str]:
    given = {}
    rest = iter(arguments)
    for argument in rest:
        if argument in _SWITCHES:
            given[argument] = ""
        elif argument in _VALUES:
            value = next(rest, None)
            if value is None:
                raise Refused(f"error: option '{argument} <value>' argument missing")
            given[argument] = value
        elif argument.startswith("-"):
            raise Refused(f"error: unknown option '{argument}'")
        else:
            raise Refused("error: the scripted agent takes its prompt from standard input only")
    return given


def read_prompt() -> bytes:
    prompt = sys.stdin.buffer.read(PROMPT_LIMIT + 1)
    if len(prompt) > PROMPT_LIMIT:
        raise Refused("Error: piped stdin input exceeds 10MB. Pass large content as a file path.")
    if not prompt.strip():
        raise Refused("Error: Input must be provided either through stdin or as a prompt argument when using --print")
    return prompt


def open_session(options: Options, situation: Situation, stream: Stream) -> None:
    """Note a new session, or find the one to continue. Like the real ones they belong to their project."""
    folder = os.path.join(situation.state_dir, "scripted-sessions") if situation.state_dir else ""
    note = os.path.join(folder, options.session.lower())
    if options.resume:
        if not folder or _text_of(note) != situation.project:
            complaint = f"No conversation found with session ID: {options.session}"
            nothing = Usage(0, 0, 0, 0, 0.0)
            stream.result(Ending(nothing, complaint, "error_during_execution", is_error=True, num_turns=0))
            raise Refused(complaint)
    elif folder:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        try:
            with open(note, "x", encoding="utf-8", opener=_private) as file:
                file.write(situation.project)
        except FileExistsError:
            raise Refused(f"Error: Session ID {options.session} is already in use.") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _text_of(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def play(run: Run, scenario: Scenario, *, resumed: bool) -> int:
    """Do the actions and print the result; gives the exit code."""
    code = None
    try:
        for action in scenario.actions_for(run.situation, resumed=resumed):
            try:
                action.play(run)
            except OSError as error:
                if run.stream.open_tool is None:
                    raise
                run.stream.tool_result(run.stream.open_tool, str(error), failed=True)
    except Leave as leave:
        code = leave.code
    run.finish()
    return int(run.ending.is_error) if code is None else code


def end_interrupted(run: Run) -> int:
    """What SIGINT makes of a run: a result that says so, unless there has been one already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if run.times_shown and not run.stream.results:
        where = "aborted_tools" if run.stream.open_tool else "aborted_streaming"
        run.stream.note_interrupt()
        run.ending_text = "[Request interrupted by user]"
        run.synthetic_error = ""
        run.times_shown = 1
        run.ending = Ending(run.usage, subtype="error_during_execution", is_error=True, terminal_reason=where)
        run.finish()
    return 1


def obey_signals(stream: Stream) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        def act() -> NoReturn:
            raise Interrupted

        stream.interrupt(act)

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(128 + number)  # as the real CLI: at once, and without a result

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, terminate)


def main(arguments: list[str]) -> int:
    options = read_options(arguments)
    scenario = load_scenario(options.scenario)
    read_prompt()
    situation = Situation.read(os.environ, os.getcwd())
    stream = Stream(session=options.session, model=options.model or scenario.defaults.model)
    open_session(options, situation, stream)
    run = Run(
        situation=situation,
        stream=stream,
        defaults=scenario.defaults,
        speed=scenario.speed,
        folder=os.path.dirname(os.path.abspath(options.scenario)),
    )
    try:
        obey_signals(stream)
        stream.init(project=situation.project, permission_mode=options.permission_mode)
        return play(run, scenario, resumed=options.resume)
    except Interrupted:
        return end_interrupted(run)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except (Refused, OSError) as error:
        os.write(2, f"{error}\n".encode())
        code = 1
    except Interrupted:  # a second one, while the first was being dealt with
        code = 1
    except ScenarioError as error:
        os.write(2, f"scripted agent: {error}\n".encode())
        code = 2
    # Not sys.exit: an interrupt between the result and the end of the interpreter must not print a traceback.
    os._exit(code)
