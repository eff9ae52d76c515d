"""Children for supervisors: each plays one small part per life, and everything is noted with its second.

A part is an async function of the child's stage name and its `task_status`. The last part of a list is played again
in every further life.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from actors.child import ChildSpec
from actors.supervisor import Crash
from actors.tree import Branch, Role

TaskStatus = trio.TaskStatus[None]
Part = Callable[["Troupe", str, TaskStatus], Awaitable[None]]


class Troupe:
    """Makes children and keeps the notes of a play."""

    def __init__(self) -> None:
        self._began = trio.current_time()
        self.notes: list[str] = []
        self.crashes: list[Crash] = []
        self.alive: list[str] = []
        self.root = Branch("root", Role.SUPERVISOR, clock=lambda: int(trio.current_time() * 1000))

    def note(self, text: str) -> None:
        self.notes.append(f"{self.second:g} {text}")

    @property
    def second(self) -> float:
        return round(trio.current_time() - self._began, 3)

    def child(self, id: str, *parts: Part, **spec: Any) -> ChildSpec:
        """A child that is up at once and stays, unless parts are given."""
        plays = parts or (up,)
        lives = 0

        async def start(branch: Branch, *, task_status: TaskStatus = trio.TASK_STATUS_IGNORED) -> None:
            nonlocal lives
            assert id not in self.alive, f"two lives of {id} at the same time"
            part, lives = plays[min(lives, len(plays) - 1)], lives + 1
            self.note(f"+{id}")
            self.alive.append(id)
            try:
                await part(self, id, task_status)
            finally:
                self.alive.remove(id)
                self.note(f"-{id}")

        return ChildSpec(id=id, start=start, **spec)

    async def report(self, crash: Crash) -> None:
        await trio.lowlevel.checkpoint()
        self.crashes.append(crash)

    def branches(self) -> list[str]:
        return [node.id for node in self.root.snapshot().children]

    def starts(self, id: str) -> list[float]:
        """The seconds at which a child was started."""
        return [float(second) for second, text in map(str.split, self.notes) if text == f"+{id}"]


async def up(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
    task_status.started()
    await trio.sleep_forever()


def up_after(seconds: float) -> Part:
    async def part(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        await trio.sleep(seconds)
        await up(troupe, id, task_status)

    return part


def ends_after(seconds: float, *, up: bool = True) -> Part:
    async def part(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        if up:
            task_status.started()
        await trio.sleep(seconds)

    return part


def crashes_after(seconds: float, *, up: bool = True) -> Part:
    async def part(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        await ends_after(seconds, up=up)(troupe, id, task_status)
        raise ValueError(f"{id} is broken")

    return part


def stops_in(seconds: float, *, then: Exception | None = None) -> Part:
    """Takes its time to end, and may crash over it."""

    async def part(troupe: Troupe, id: str, task_status: TaskStatus) -> None:
        try:
            await up(troupe, id, task_status)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(seconds)
            if then is not None:
                raise then

    return part
