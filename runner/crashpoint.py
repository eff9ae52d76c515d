"""Places where a test may end the program: on either side of whatever becomes visible or lasting in one instant.

Every commit, rename and spawn stands in a `with crashpoints(...)` block. In production the two calls of a block do
nothing; tests set a trap that counts them and kills the process at one. The runner and the guard use this, so it
imports next to nothing. Nothing here is read from the environment or from files: no operator can set a trap off.
"""

from __future__ import annotations

from collections.abc import Callable

_trap: Callable[[str], None] | None = None


def set_trap(trap: Callable[[str], None] | None) -> None:
    """Have `trap` called with the name of each point that is passed, in whatever thread that is; None: nobody."""
    global _trap
    _trap = trap


def crashpoint(name: str) -> None:
    """A point; does nothing unless a trap is set."""
    if _trap is not None:
        _trap(name)


class crashpoints:
    """A block whose effect is all or nothing: a point before it, and one after it when it has succeeded."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        crashpoint(f"before {self._name}")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            crashpoint(f"after {self._name}")
