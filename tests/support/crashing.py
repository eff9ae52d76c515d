"""The runner, with a window that crashes once for each file `crash` that is put into the project."""

import sys
from pathlib import Path

import trio

from actors.tree import Branch
from actors.window import Window
from runner.__main__ import main

FILE = Path(sys.argv[sys.argv.index("--project") + 1]) / "crash"
genuine = Window.run


async def crash() -> None:
    while not FILE.exists():  # noqa: ASYNC110 - nothing announces a file
        await trio.sleep(0.01)
    FILE.unlink()
    raise RuntimeError("what no part of the runner foresees")


async def run(self: Window, branch: Branch, *, task_status: trio.TaskStatus[None]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crash)
        await genuine(self, branch, task_status=task_status)


Window.run = run  # type: ignore[assignment,method-assign]

if __name__ == "__main__":
    main()
