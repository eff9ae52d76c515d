"""What is offered to whom: decided by the command line, before anything that serves it is loaded."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from web.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Who may come, and how many."""

    rules: Rules
    sockets: Sequence[socket.socket]
    """That listen already, and outlive every crash of the server."""
    most_websockets: int
    heartbeat: float
    """Seconds between two questions whether a client is still there."""
    owners: bool = True
    """Whether other users of this machine are turned away."""
    cors: bool = True
    """Whether pages of any origin may read the data files."""
