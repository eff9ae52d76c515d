"""The window: shows what goes on to whoever looks in, through the socket in the state folder.

`status` of another process connects, gets one answer and is cut off. Nothing is read from anybody, every connection
has a deadline, and only a few are served at once, so no looker can hold up anything. A window that cannot be opened,
or that crashes, costs the view and nothing else: root keeps it under a supervisor of its own, whose end it ignores.
"""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog
import trio

from actors.supervisor import ChildSpec, Report, Restart, Supervisor
from actors.tree import Branch, NodeState, Role
from runner.domain.overview import Overview
from runner.workspace import status_socket

ANSWER_SECONDS = 1.0
MOST_AT_ONCE = 4
OUT_OF_FILES_SECONDS = 0.1
REMOVE_SECONDS = 1.0
SHUTDOWN_SECONDS = 2.0

log = structlog.get_logger("window")

Look = Callable[[], Awaitable[Overview]]


class Window:
    """The actor that serves the socket."""

    def __init__(self, state: Path, look: Look) -> None:
        self._state = state
        self._look = look

    def spec(self, *, report: Report, random: Callable[[], float]) -> ChildSpec:
        """For root: a supervisor that restarts the window, and that nobody misses when it has given up."""
        child = ChildSpec(id="window", start=self.run, shutdown=SHUTDOWN_SECONDS)
        own = Supervisor([child], report=report, random=random)
        return ChildSpec(
            id="window-supervisor",
            start=own.run,
            restart=Restart.TEMPORARY,
            shutdown=2 * SHUTDOWN_SECONDS,
            role=Role.SUPERVISOR,
        )

    async def run(self, branch: Branch, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Answer until cancelled."""
        # Nobody waits for the window: the batch starts with or without it.
        task_status.started()
        try:
            # Not abandoned by a cancel: a socket that nobody holds would stay behind.
            listener = await trio.to_thread.run_sync(status_socket.listen, self._state)
        except OSError as error:
            branch.state, branch.last_error = NodeState.FAILED, error.strerror
            path = str(self._state / status_socket.NAME)
            log.warning("`status` cannot see this runner", path=path, reason=error.strerror)
            await trio.sleep_forever()
        with listener:
            try:
                await self._serve(trio.socket.from_stdlib_socket(listener))
            finally:
                await self._remove()

    async def _remove(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + REMOVE_SECONDS):
            await trio.to_thread.run_sync(status_socket.remove, self._state, abandon_on_cancel=True)

    async def _serve(self, listener: trio.socket.SocketType) -> None:
        places = trio.Semaphore(MOST_AT_ONCE)
        async with trio.open_nursery() as nursery:
            while True:
                # A place first: who finds none waits in the kernel and not in here.
                await places.acquire()
                connection = await self._next(listener)
                nursery.start_soon(self._answer, connection, places, name="window-answer")

    async def _next(self, listener: trio.socket.SocketType) -> trio.socket.SocketType:
        while True:
            try:
                return (await listener.accept())[0]
            except OSError:
                # Out of descriptors, or gone again already: the others are served all the same.
                await trio.sleep(OUT_OF_FILES_SECONDS)

    async def _answer(self, connection: trio.socket.SocketType, places: trio.Semaphore) -> None:
        """One look, one answer; who does not take it in time goes without the rest."""
        try:
            with connection, trio.move_on_after(ANSWER_SECONDS):
                answer = memoryview(msgspec.json.encode(await self._look()))
                while answer:
                    answer = answer[await connection.send(answer) :]
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has gone: nobody is left to be told
        finally:
            places.release()
