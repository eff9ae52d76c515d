"""The settings file as the web reads and changes it: in a thread, one change at a time."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import trio

from runner.settings import Settings, load_settings, save_settings


class Preferences:
    """The settings in force: file, environment and command line together."""

    def __init__(self, file: Path, environment: Mapping[str, str], options: Mapping[str, int | str | None]) -> None:
        self._file = file
        self._environment = environment
        self._options = options
        self._limiter = trio.CapacityLimiter(1)

    async def load(self) -> Settings:
        """As they are now. Raises UsageError when the file says nonsense."""
        return await self._in_thread(partial(load_settings, self._file, self._environment, self._options))

    async def change(self, changes: Mapping[str, int | str]) -> Settings:
        """Write all changes into the file, or none. Raises UsageError."""

        def change() -> Settings:
            save_settings(self._file, changes)
            return load_settings(self._file, self._environment, self._options)

        return await self._in_thread(change)

    async def _in_thread(self, work: Callable[[], Settings]) -> Settings:
        return await trio.to_thread.run_sync(work, limiter=self._limiter)
