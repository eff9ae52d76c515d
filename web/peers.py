"""Whose socket is at the other end of a connection, by the kernel's list of all sockets.

The runner can start agents that execute code as its user, so no other user of the machine may drive it. Linux lists
every socket with its owner; the owner of the other end is whoever opened it. Read where the kernel cannot be asked
for a single one (`sock_diag`). Blocks: called in a thread.

Asked only where the runner listens on the loopback: whoever connects there is on this machine and has a socket in
the list. One that has none (any more) is taken for a stranger: it may have sent its request and closed at once, so
that nobody could see whose it was.
"""

import os
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

ROOT = 0
LOOKS = 2
"""The list is read in pieces while others come and go: a socket can be missed once."""
_UID_FIELD, _INODE_FIELD = 7, 9
_ORPHAN = b"0"
"""The inode of a socket that its process has closed; the kernel says then that it is root's."""
Address = tuple[str, int]


def is_stranger(client: Address, server: Address, tables: Path = Path("/proc/net")) -> bool:
    """Whether the client's socket cannot be seen to belong to this user or to root; False where there is no list."""
    if sys.platform != "linux" or not (tables / "tcp").exists():
        return False
    return all(is_foreign(owner_of(client, server, tables)) for _ in range(LOOKS))


def is_foreign(owner: int | None) -> bool:
    """Whether this is neither our own user nor root; a socket that nobody owns any more is nobody we know."""
    return owner not in (os.geteuid(), ROOT)


def owner_of(client: Address, server: Address, tables: Path = Path("/proc/net")) -> int | None:
    """The user id of the open socket that `client` is the local end of; None when there is no such socket here."""
    for table, wanted in _rows(client, server):
        try:
            listing = (tables / table).read_bytes()
        except OSError:
            continue
        start = listing.find(wanted)
        if start >= 0:
            fields = listing[listing.rfind(b"\n", 0, start) + 1 : listing.find(b"\n", start)].split()
            return None if fields[_INODE_FIELD] == _ORPHAN else int(fields[_UID_FIELD])
    return None


def _rows(client: Address, server: Address) -> Iterator[tuple[str, bytes]]:
    """In which table the socket may stand, and what its row holds.

    An IPv4 connection can be made through a socket of IPv6: it stands in the other table then.
    """
    ends = [(ip_address(host), port) for host, port in (client, server)]
    if ends[0][0].version == 4:
        yield "tcp", _row(ends)
        ends = [(IPv6Address(f"::ffff:{host}"), port) for host, port in ends]
    yield "tcp6", _row(ends)


def _row(ends: list[tuple[IPv4Address | IPv6Address, int]]) -> bytes:
    return f" {' '.join(_written(host, port) for host, port in ends)} ".encode()


def _written(host: IPv4Address | IPv6Address, port: int) -> str:
    """An address as the kernel writes it: each group of four bytes in the machine's own order, in hexadecimal."""
    packed = host.packed
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
