"""Errors an operator can meet, split by whose fault they are.

Every part raises these; only the command line turns them into one line and an exit code. `message` says what
happened and where, `hint` says what to do next. Programming mistakes are ordinary exceptions and never land
here.
"""

from typing import ClassVar


class RunnerError(Exception):
    """A foreseen condition: shown to the operator as one line, never as a traceback."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(RunnerError):
    """The call itself is wrong: an option, a folder that is not empty, nothing to resume."""


class Refused(UsageError):
    """Not possible now; the message says why."""


class ProjectError(RunnerError):
    """The project being run lacks or spoils something: no project, config, prompts, folders."""


class SprintFileError(ProjectError):
    """`sprint-status.yaml` is missing, unreadable or not what it has to be; names file and line."""


class SprintFileMissing(SprintFileError):
    """There is no `sprint-status.yaml` yet."""


class AgentUnavailable(RunnerError):
    """The agent's executable does not exist or cannot be executed."""


class DatabaseError(RunnerError):
    """The database is corrupt, of a newer version, locked for long or cannot be written."""


class DatabaseLocked(DatabaseError):
    """Another program holds the database; it may let go at any moment."""


class DatabaseDamaged(DatabaseError):
    """What the database says cannot be trusted: nothing can be resumed from it."""


class ProjectHeld(RunnerError):
    """Another runner works on this project."""

    exit_code = 3


class BatchFailed(RunnerError):
    """The batch could not go on: an escalation reached the top of the supervision tree."""

    exit_code = 1


class RecordsLost(BatchFailed):
    """What a run stands on was cleared away under it: nothing of it is on record any more."""


class NonDeterminism(BatchFailed):
    """A batch on record went another way than this version of the program would."""

    def __init__(self, *, expected: str, got: str) -> None:
        """`expected` names what is on record, `got` what is asked for in its place."""
        super().__init__(
            f"the batch does not fit this version: on record is {expected}, asked for is {got}",
            hint="resume it with the version that began it, or close it with --new",
        )
        self.expected = expected
        self.got = got
