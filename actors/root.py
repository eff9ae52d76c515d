"""The root of the supervision tree: its children, their order, their strategy. Nothing else."""

from collections.abc import Callable

from actors.control import Control
from actors.lifeline import Lifeline
from actors.recorder import Recorder
from actors.supervisor import ChildSpec, Intensity, Report, Restart, Strategy, Supervisor

RECORDER_SHUTDOWN_SECONDS = 15.0
CONTROL_SHUTDOWN_SECONDS = 140.0


def root(
    recorder: Recorder, lifeline: Lifeline, control: Control, *, report: Report, random: Callable[[], float]
) -> Supervisor:
    """Later children rely on earlier ones: a crash restarts everything after it, a stop goes backwards."""
    children = (
        ChildSpec(id="recorder", start=recorder.run, shutdown=RECORDER_SHUTDOWN_SECONDS, mailbox=recorder.mailbox),
        ChildSpec(id="lifeline", start=lifeline.run, restart=Restart.TRANSIENT),
        ChildSpec(id="control", start=control.run, shutdown=CONTROL_SHUTDOWN_SECONDS, mailbox=control.mailbox),
    )
    return Supervisor(
        children,
        strategy=Strategy.REST_FOR_ONE,
        intensity=Intensity(restarts=3, period=60.0),
        report=report,
        random=random,
    )
