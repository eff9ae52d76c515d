"""The settings file as the web reads and changes it: in a thread, one change at a time."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from runner.domain.errors import ProjectError, UsageError
from runner.settings import Settings, load_settings, save_settings


class Preferences:
    """The settings in force: file, environment and command line together."""

    def __init__(self, file: Path, environment: Mapping[str, str], options: Mapping[str, int | str | None]) -> None:
        self._file = file
        self._environment = environment
        self._options = options
        self._limiter = trio.CapacityLimiter(1)
        self._latest = Settings()

    async def load(self) -> Settings:
        """As they are now. Raises ProjectError when the file says nonsense."""
        self._latest = await trio.to_thread.run_sync(self._load, limiter=self._limiter, abandon_on_cancel=True)
        return self._latest

    async def latest(self) -> Settings:
        """As they were when they last made sense: a slip in the file must not hide what runs."""
        with suppress(ProjectError):
            await self.load()
        return self._latest

    async def change(self, changes: Mapping[str, int | str]) -> Settings:
        """Write all changes into the file, or none. Raises UsageError, and ProjectError for what is there already."""
        # Not abandoned: what has been begun is written to its end, before the next one.
        await trio.to_thread.run_sync(partial(save_settings, self._file, changes), limiter=self._limiter)
        return await self.load()

    def _load(self) -> Settings:
        try:
            return load_settings(self._file, self._environment, self._options)
        except UsageError as error:
            # It is not whoever asks that has made the mistake.
            raise ProjectError(error.message, hint=error.hint) from None
