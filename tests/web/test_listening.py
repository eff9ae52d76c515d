"""Where the dashboard listens, and what is said of it."""

import socket
from contextlib import closing

import pytest

from runner.domain.errors import UsageError
from web.listening import address, is_loopback, listen


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", "")),
    ],
)
def test_only_the_loopback_is_the_loopback(host: str, is_ours: bool):
    assert is_loopback(host) is is_ours


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("localhost", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("10.0.0.1", "http://10.0.0.1:80"),
    ],
)
def test_address_is_one_that_leads_there_from_here(host: str, shown: str):
    assert address(host, 80) == shown


def test_both_families_of_the_loopback_are_served_on_one_port():
    sockets, port = listen("127.0.0.1", 0)
    try:
        assert {sock.getsockname()[1] for sock in sockets} == {port}
        for sock in sockets:
            with closing(socket.create_connection(sock.getsockname()[:2])):
                pass
    finally:
        for sock in sockets:
            sock.close()


def test_port_that_is_taken_is_refused():
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port} of 127\.0\.0\.1 is taken"):
            listen("127.0.0.1", port)


def test_address_of_another_machine_is_refused():
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1, port 0"):
        listen("192.0.2.1", 0)
