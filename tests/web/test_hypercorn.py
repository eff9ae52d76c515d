"""What `web/transport.py` and `web/conversation.py` rely on in the libraries that they subclass.

A newer Hypercorn or Quart-Trio that changes one of these fails here by name, instead of somewhere under load.
"""

import inspect
from importlib.metadata import requires, version

import pytest
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from quart import Quart
from quart.asgi import ASGIWebsocketConnection
from quart_trio.asgi import TrioASGIWebsocketConnection

from web.conversation import Conversation, make_app
from web.transport import Connection, PlainProtocol, configuration


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (TCPServer.__init__, ["self", "app", "config", "context", "state", "stream"]),
        (TCPServer.run, ["self"]),
        (TCPServer.protocol_send, ["self", "event"]),
        (TCPServer._read_data, ["self"]),
        (H11Protocol._check_protocol, ["self", "event"]),
        (H11Protocol._create_stream, ["self", "request"]),
        (H11Protocol.stream_send, ["self", "event"]),
        (TaskGroup.spawn_app, ["self", "app", "config", "scope", "send"]),
        (Lifespan.__init__, ["self", "app", "config", "state"]),
        (WorkerContext.__init__, ["self", "max_requests"]),
        (ASGIWebsocketConnection.handle_websocket, ["self", "websocket", "send"]),
        (TrioASGIWebsocketConnection._create_websocket_from_scope, ["self", "send"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_what_is_overridden_or_called_has_this_shape(function: object, takes: list[str]):
    assert parameters(function) == takes


def test_a_protocol_is_made_of_nine_things():
    taken = [name for name in parameters(H11Protocol.__init__) if name != "self"]
    assert taken == [
        *("app", "config", "context", "task_group", "connection_state", "ssl", "client", "server", "send"),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "overridden"),
    [
        (Connection, TCPServer, {"__init__", "run", "protocol_send", "_read_data"}),
        (PlainProtocol, H11Protocol, {"_check_protocol", "_create_stream", "stream_send"}),
        (Conversation, TrioASGIWebsocketConnection, {"__call__"}),
    ],
    ids=["connection", "protocol", "conversation"],
)
def test_what_is_overridden_is_there_to_be_overridden(ours: type, theirs: type, overridden: set[str]):
    own = {name for name, value in vars(ours).items() if inspect.isfunction(value)}
    assert overridden <= own
    assert {name for name in own if hasattr(theirs, name)} == overridden


def test_nothing_of_the_stock_sending_is_left():
    """Its send is shielded without a deadline: one stalled browser would hold up everybody."""
    source = inspect.getsource(TCPServer)
    shielded = [name for name, value in vars(TCPServer).items() if "shield" in _source(value)]
    assert "shield" in source
    assert set(shielded) <= {"protocol_send", "_idle_timeout"}


def _source(value: object) -> str:
    return inspect.getsource(value) if inspect.isfunction(value) else ""


@pytest.mark.parametrize(
    "name",
    [
        *("accesslog", "errorlog", "include_server_header", "keep_alive_timeout", "h11_max_incomplete_size"),
        *("websocket_max_message_size", "wsgi_max_body_size", "max_app_queue_size"),
    ],
)
def test_what_is_configured_is_known(name: str):
    assert hasattr(Config, name)
    assert hasattr(configuration(), name)


def test_the_application_takes_our_websockets():
    app = make_app("test")
    assert isinstance(app, Quart)
    assert app.asgi_websocket_class is Conversation


@pytest.mark.parametrize("package", ["hypercorn", "quart", "quart-trio"])
def test_what_is_subclassed_has_an_upper_bound(package: str):
    needed = [text for text in requires("sprint-runner") or [] if text.split(">")[0].split("<")[0] == package]
    assert len(needed) == 1
    assert "<" in needed[0], f"{package} {version(package)} is not bounded"
