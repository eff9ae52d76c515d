"""The root of the supervision tree: its children, their order, their strategy. Nothing else."""

from collections.abc import Callable, Sequence

from actors.control import Control
from actors.lifeline import Lifeline
from actors.recorder import Recorder
from actors.supervisor import ChildSpec, Intensity, Report, Restart, Strategy, Supervisor
from actors.tree import Role

RECORDER_SHUTDOWN_SECONDS = 15.0
CONTROL_SHUTDOWN_SECONDS = 170.0


def root(
    recorder: Recorder,
    lifeline: Lifeline,
    control: Control,
    *,
    beside: Sequence[ChildSpec] = (),
    web: Sequence[ChildSpec] = (),
    report: Report,
    random: Callable[[], float],
) -> Supervisor:
    """Later children rely on earlier ones: a start goes forwards, a stop backwards.

    A crash restarts the crashed one alone: mailboxes outlive their actors, so nobody has to begin anew over it.
    `beside` are temporary children that nothing relies on, `web` what serves the dashboard.
    """
    children = (
        # First: so they are there while everything else stops.
        *beside,
        ChildSpec(
            id="recorder",
            start=recorder.run,
            shutdown=RECORDER_SHUTDOWN_SECONDS,
            mailbox=recorder.mailbox,
            give_up=recorder.give_up,
        ),
        # It reads what the recorder has made, and shows how the others start and stop.
        *web,
        ChildSpec(id="lifeline", start=lifeline.run, restart=Restart.TRANSIENT),
        ChildSpec(id="control", start=control.run, shutdown=CONTROL_SHUTDOWN_SECONDS, role=Role.SUPERVISOR),
    )
    return Supervisor(
        children,
        strategy=Strategy.ONE_FOR_ONE,
        intensity=Intensity(restarts=3, period=60.0),
        report=report,
        random=random,
    )
