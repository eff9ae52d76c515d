"""What `doctor` hands to its checks, and what they find."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from runner.outfit import Options
from runner.workspace.place import Where
from runner.workspace.project import Paths


class State(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    """A batch runs, but not as well as it could."""
    FAIL = "fail"
    """It would stop a batch, or keep it from starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found."""

    state: State = State.OK
    detail: str
    remedy: str = ""
    """What to do; empty when there is nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is examined."""

    where: Where
    options: Options
    environment: Mapping[str, str]
    paths: Paths | None
    """None when no project was found: then only the machine is looked at."""

    @property
    def project(self) -> Paths:
        """The paths, for checks that are made only when there is a project."""
        if self.paths is None:
            raise LookupError("no project")
        return self.paths


Check = Callable[[Case], Finding]
