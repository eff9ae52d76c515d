"""One question to the kernel over netlink: who has opened the socket with these two ends.

The kernel looks it up in its hash table and has answered before `send` returns, however many sockets there are; its
list in `/proc/net` takes a millisecond for each few hundred. Linux only. Never waits.
"""

import errno
import os
import socket
import struct
from ipaddress import ip_address

Address = tuple[str, int]

_FAMILY = getattr(socket, "AF_NETLINK", -1)
_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ERROR = 2
_LISTEN = 10
_ANY_STATE = _NO_COOKIE = 0xFFFFFFFF
_HEAD = struct.Struct("=IHHII")
"""Length, type, flags, sequence number, port id."""
_WHICH = struct.Struct("=BBBxI")
"""Family, protocol, extensions, states."""
_ENDS = struct.Struct("!HH16s16s")
_WHERE = struct.Struct("=III")
"""Interface and cookie, both any."""
_OWNER = struct.Struct("=II")
"""User id and inode..."""
_OWNER_AT = _HEAD.size + 4 + _ENDS.size + _WHERE.size + 12
"""...behind what was asked for, a timer and two queues."""
_ANSWER_BYTES = 4096


def owner(client: Address, server: Address) -> int | None:
    """The user id of the open socket whose own end is `client`; None when there is none.

    Raises OSError where the kernel does not answer such questions.
    """
    if _FAMILY < 0:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    with socket.socket(_FAMILY, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as asker:
        asker.setblocking(False)
        asker.send(_question(client, server))
        answer = asker.recv(_ANSWER_BYTES)
    _, kind, _, _, _ = _HEAD.unpack_from(answer)
    if kind == _ERROR:
        (code,) = struct.unpack_from("=i", answer, _HEAD.size)
        if -code == errno.ENOENT:
            return None
        raise OSError(-code, os.strerror(-code))
    # Where no connection has these ends, the kernel answers with whoever listens at the first of them.
    if answer[_HEAD.size + 1] == _LISTEN:
        return None
    user, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    # Of a socket that its process has closed the kernel says that it is root's.
    return int(user) if inode else None


def _question(client: Address, server: Address) -> bytes:
    ends = ip_address(client[0]), ip_address(server[0])
    family = socket.AF_INET if ends[0].version == 4 else socket.AF_INET6
    asked = (
        _WHICH.pack(family, socket.IPPROTO_TCP, 0, _ANY_STATE)
        + _ENDS.pack(client[1], server[1], ends[0].packed, ends[1].packed)
        + _WHERE.pack(0, _NO_COOKIE, _NO_COOKIE)
    )
    return _HEAD.pack(_HEAD.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked
