"""The sockets of the dashboard, opened before anything starts: a port that is taken stops the start."""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress

from runner.domain.errors import UsageError

_HERE = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""An address at which this machine itself finds what listens there."""
BACKLOG = 1024
"""Connections that may wait to be accepted."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> tuple[Sequence[socket.socket], int]:
    """Sockets that listen, and their port; 0 takes any free one. Raises UsageError.

    On the loopback both families are served where there are both: `localhost` may mean either.
    """
    try:
        first = _listener("127.0.0.1" if host == "localhost" else host, port)
    except OSError as error:
        raise _refusal(host, port, error) from None
    taken = int(first.getsockname()[1])
    sockets = [first]
    if host in ("localhost", "127.0.0.1"):
        with suppress(OSError):  # this machine may not know IPv6
            sockets.append(_listener("::1", taken))
    return sockets, taken


def _listener(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # What an earlier run has just left must not keep us out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _refusal(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is taken by another program",
            hint="give another with --port (0: any free one), or --no-server",
        )
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} needs root", hint="give one from 1024 on with --port")
    return UsageError(f"cannot listen on {host}, port {port}: {error.strerror}", hint="give another --host or --port")


def address(host: str, port: int) -> str:
    """Where the dashboard is, for people of this machine."""
    shown = _HERE.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
