"""The routes about the project's own files: the sprint, its stories, the original's log, and the raw files."""

from typing import TypeVar

Result = TypeVar("Result")
THREADS = 2
"""That read files at the same time."""


class SprintApi:
    def __init__(self, reads, paths): ...
    def routes(self):
        return []
