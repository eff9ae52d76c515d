"""Which runner a command speaks to: the one at `--url`, else the one that holds the project.

All commands that are clients of a running runner come here first. Also what they make of an answer before it is
printed: nothing that a server says may do more to a terminal than show itself.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from runner.commands.given import Given
from runner.dashboard import TOKEN_VARIABLE, kept_token
from runner.display.words import clean
from runner.domain.errors import ProjectError, RunnerError, UsageError
from runner.domain.events import Envelope
from runner.store import queries
from runner.store.database import open_reader
from runner.workspace.holder import Holder, described, find_holder
from runner.workspace.place import DATABASE, find_root
from runner.workspace.root import STATE_FOLDER
from web.client import Address, NoRunner, Unanswered, is_header_text, read_address, strange
from web.listening import is_loopback

Answer = TypeVar("Answer")

START_SECONDS = 3.0
"""For a runner that has just been started to say where its dashboard is."""
_LOOK_SECONDS = 0.05
_EVERYWHERE = ("0.0.0.0", "::")
_LARGEST = 1 << 53


class Starting(Unanswered):
    """It holds the project, and has not said yet where it can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where the runner is to be looked for, as often as somebody asks: it may be another one each time."""

    given: Given
    environment: Mapping[str, str]

    @property
    def is_fixed(self) -> bool:
        """Whether the operator has named the address."""
        return self.given.url is not None

    def find(self) -> Address:
        """Where it is now. Raises NoRunner when none works, Unanswered when it cannot be reached."""
        if self.given.url is not None:
            return self._named(self.given.url)
        state = find_root(self.given.where) / STATE_FOLDER
        return address_of(state, holder_of(state), self.environment)

    def wait(self) -> Address:
        """As `find`, with patience for a runner that is starting; blocks."""
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.find()
            except Starting:
                if time.monotonic() > end:
                    raise
            time.sleep(_LOOK_SECONDS)

    def record(self, after: int, limit: int) -> Sequence[Envelope]:
        """What the project's database has after an event, for when no runner works; blocks. Raises RunnerError."""
        if self.is_fixed:
            return ()
        database = find_root(self.given.where) / STATE_FOLDER / DATABASE
        if not database.exists():
            return ()
        with closing(open_reader(database)) as connection:
            return [row.envelope for row in queries.events_after(connection, after, limit=limit)]

    def _named(self, url: str) -> Address:
        """What the operator names, with the token that it asks for."""
        address = read_address(url)
        if address.token:
            return address
        token = self.environment.get(TOKEN_VARIABLE, "")
        if not is_header_text(token):
            raise UsageError(f"{TOKEN_VARIABLE} is no token", hint="copy it from the address that the runner printed")
        return replace(address, token=token or self._kept(address))

    def _kept(self, address: Address) -> str:
        """The token of the project's runner, if that is the one that is meant: nobody else may be told it."""
        try:
            state = find_root(self.given.where) / STATE_FOLDER
            theirs = address_of(state, find_holder(state), {})
        except (OSError, RunnerError):
            return ""
        same_host = theirs.host == address.host or (theirs.host in _EVERYWHERE and is_loopback(address.host))
        return theirs.token if same_host and theirs.port == address.port else ""


def reach(given: Given, environment: Mapping[str, str]) -> Address:
    """Where the runner is that a command speaks to. Raises RunnerError when there is none."""
    return Whereabouts(given=given, environment=environment).wait()


def holder_of(state: Path) -> Holder | None:
    """The runner that holds the project. Raises ProjectError when nobody can tell."""
    try:
        return find_holder(state)
    except OSError as error:
        raise ProjectError(
            f"cannot tell whether a runner works in {state.parent}: {error.strerror}",
            hint="the project has to be readable, and on a file system where folders can be locked",
        ) from None


def address_of(state: Path, held: Holder | None, environment: Mapping[str, str]) -> Address:
    """Where the holder of a project can be reached. Raises NoRunner, Starting and Unanswered."""
    if held is None:
        raise NoRunner(
            f"no runner works on {state.parent}",
            hint="start one there: `sprint-runner` waits for a start, with --cycles N it begins at once",
        )
    by = "the runner" if held.pid is None else f"the runner (pid {held.pid})"
    if held.url:
        return replace(read_address(held.url), token=kept_token(state, environment))
    if described(state).pid != held.pid:
        raise Starting(f"{by} is starting and cannot be reached yet", hint="try again")
    raise Unanswered(
        f"{by} was started with --no-server and cannot be spoken to",
        hint="`status` shows what it does, Ctrl-C or SIGINT stops it",
    )


def cleaned(address: Address, answer: Answer) -> Answer:
    """The same answer with nothing in it that a terminal or a clock could stumble over. Raises Unanswered."""
    try:
        return msgspec.convert(_cleaned(msgspec.to_builtins(answer)), type(answer))
    except (ValueError, RecursionError) as error:
        raise strange(address, str(error)) from None


def _cleaned(value: object) -> object:
    match value:
        case str():
            return clean(value)
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case dict():
            return {key: _cleaned(item) for key, item in value.items()}
        case int() if abs(value) >= _LARGEST:
            raise ValueError("a number that nobody can mean")
        case _:
            return value
