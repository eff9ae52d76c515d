"""The command line as typed values: what click has read, handed to the commands unchanged."""

from dataclasses import dataclass
from pathlib import Path

from runner.workspace.place import Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as they were given; None where one was not."""

    cycles: str | None = None
    resume: bool = False
    new: bool = False
    dry_run: bool = False
    demo: bool = False
    project: Path | None = None
    status_file: Path | None = None
    database: Path | None = None
    agent: str | None = None
    agent_command: str | None = None
    scenario: Path | None = None
    permission_mode: str | None = None
    host: str | None = None
    port: int | None = None
    no_server: bool = False
    allow_host: tuple[str, ...] = ()
    unsafe_bind: bool = False
    any_user: bool = False
    no_cors: bool = False
    url: str | None = None
    as_json: bool = False
    log_level: str = "info"
    log_format: str = "text"

    @property
    def where(self) -> Where:
        """The part that says where a command looks."""
        return Where(project=self.project, status_file=self.status_file, database=self.database)
