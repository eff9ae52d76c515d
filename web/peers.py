"""Whose socket is at the other end of a connection, as the kernel tells it.

The runner can start agents that execute code as its user, so no other user of the machine may drive it. Linux lists
every socket with its owner; the owner of the other end is whoever opened it. Blocks: called in a thread.
"""

import os
import socket
import sys
from pathlib import Path

ROOT = 0
_TABLES = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}
_UID_FIELD = 7
Address = tuple[str, int]


def is_stranger(client: Address, server: Address, tables: Path = Path("/proc/net")) -> bool:
    """Whether the client's socket belongs to neither this user nor root; False where the kernel does not tell.

    A connection from another machine is in no table: what is let through there is decided by the token.
    """
    if sys.platform != "linux":
        return False
    owner = owner_of(client, server, tables)
    return owner is not None and owner not in (os.geteuid(), ROOT)


def owner_of(client: Address, server: Address, tables: Path = Path("/proc/net")) -> int | None:
    """The user id of the socket that `client` is the local end of; None when there is no such socket here."""
    family = socket.AF_INET6 if ":" in client[0] else socket.AF_INET
    wanted = f" {_written(client, family)} {_written(server, family)} ".encode()
    try:
        listing = (tables / _TABLES[family]).read_bytes()
    except OSError:
        return None
    start = listing.find(wanted)
    if start < 0:
        return None
    line = listing[listing.rfind(b"\n", 0, start) + 1 : listing.find(b"\n", start)]
    return int(line.split()[_UID_FIELD])


def _written(address: Address, family: socket.AddressFamily) -> str:
    """An address as the kernel writes it: each group of four bytes in the machine's own order, in hexadecimal."""
    packed = socket.inet_pton(family, address[0])
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{address[1]:04X}"
