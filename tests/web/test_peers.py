"""Who is at the other end, out of tables as the kernel writes them."""

import os
import socket
import struct
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from web import sock_diag
from web.peers import Address, is_stranger, owner_of

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables below are of a little-endian machine")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + (
    "   0: 0100007F:2230 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0\n"
    "   1: 0100007F:C001 0100007F:2230 01 00000000:00000000 00:00000000 00000000  1000        0 101 1 0\n"
    "   2: 0100007F:2230 0100007F:C001 01 00000000:00000000 00:00000000 00000000    77        0 102 1 0\n"
    "   3: 0100007F:C002 0100007F:2230 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n"
    "   4: 0100007F:C003 0100007F:2230 06 00000000:00000000 00:00000000 00000000     0        0 0 3\n"
    "   5: 0100007F:C004 0100007F:2230 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0\n"
)
TCP6 = HEAD + (
    "   0: 00000000000000000000000001000000:C005 00000000000000000000000001000000:2230"
    " 01 00000000:00000000 00:00000000 00000000  1001        0 104 1 0\n"
    "   1: 0000000000000000FFFF00000100007F:C006 0000000000000000FFFF00000100007F:2230"
    " 01 00000000:00000000 00:00000000 00000000  1002        0 105 1 0\n"
)
SERVER, SERVER6 = ("127.0.0.1", 0x2230), ("::1", 0x2230)


@dataclass(frozen=True)
class Case:
    name: str
    client: Address
    owner: int | None
    server: Address = SERVER

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("the client's end, not ours", ("127.0.0.1", 0xC001), 1000),
    Case("root", ("127.0.0.1", 0xC004), 0),
    Case("IPv6", ("::1", 0xC005), 1001, SERVER6),
    Case("IPv4 through a socket of IPv6", ("127.0.0.1", 0xC006), 1002),
    Case("closed by its process: the kernel calls it root's", ("127.0.0.1", 0xC002), None),
    Case("gone but for its last wait", ("127.0.0.1", 0xC003), None),
    Case("gone", ("127.0.0.1", 0xC009), None),
    Case("another server's", ("127.0.0.1", 0xC001), None, ("127.0.0.1", 0x2231)),
]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=str)
def test_owner_is_read_from_the_kernels_table(tables: Path, case: Case):
    assert owner_of(case.client, case.server, tables) == case.owner


@pytest.mark.parametrize("case", CASES, ids=str)
def test_only_this_user_and_root_are_no_strangers(tables: Path, case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert is_stranger(case.client, case.server, tables) == (case.owner not in (0, 1000))


def test_without_a_table_nobody_is_a_stranger(tmp_path: Path):
    assert not is_stranger(("127.0.0.1", 0xC001), SERVER, tmp_path)


def test_machine_without_ipv6_has_one_table(tables: Path):
    (tables / "tcp6").unlink()
    assert owner_of(("127.0.0.1", 0xC001), SERVER, tables) == 1000
    assert owner_of(("127.0.0.1", 0xC006), SERVER, tables) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table")
@pytest.mark.parametrize(
    ("server_host", "through"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "::ffff:127.0.0.1")]
)
def test_real_socket_of_this_process_is_ours(server_host: str, through: str):
    family = socket.AF_INET6 if ":" in server_host else socket.AF_INET
    with closing(socket.create_server((server_host, 0), family=family)) as listener:
        server = (server_host, listener.getsockname()[1])
        with closing(socket.create_connection((through, server[1]))) as sock:
            client = (server_host, sock.getsockname()[1])
            assert owner_of(client, server) == os.geteuid()
            assert sock_diag.owner(client, server) == os.geteuid()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert is_stranger(client, server)
        assert sock_diag.owner(client, server) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's answer")
def test_who_listens_where_a_client_was_is_not_taken_for_it():
    """A client that has gone could have had the port on which one of ours listens now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = ("127.0.0.1", listener.getsockname()[1])
        assert sock_diag.owner(client, SERVER) is None
        assert owner_of(client, SERVER) is None
