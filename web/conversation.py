"""A WebSocket of Quart-Trio in a single task: its handler asks for the next message itself.

Quart-Trio gives each WebSocket a reading task, a handling task and a channel between them. A page keeps its WebSocket
open all day, so what one costs is multiplied by all that watch. Here the handler reads, which it does all the time
anyway; the end of the connection is an exception to it.
"""

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.asgi import ASGIWebsocketConnection
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIWebsocketConnection


class Disconnected(Exception):
    """The client has gone."""


class Messages:
    """What the client says, straight from the server: the receiving end of a channel that is not there."""

    def __init__(self, receive: ASGIReceiveCallable) -> None:
        self._receive = receive

    async def receive(self) -> str | bytes:
        """The next message. Raises Disconnected."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.receive":
                return event.get("text") or event.get("bytes") or ""
            if event["type"] == "websocket.disconnect":
                raise Disconnected


class Conversation(TrioASGIWebsocketConnection):
    """One WebSocket, for `app.asgi_websocket_class`."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Run the handler; it is over when the handler is."""
        self.receive_channel = Messages(receive)  # type: ignore[assignment]  # all that is asked of it is `receive`
        websocket = self._create_websocket_from_scope(send)
        # The base class's: what Quart-Trio adds is a nursery that there is no use for.
        await ASGIWebsocketConnection.handle_websocket(self, websocket, send)


def make_app(name: str) -> QuartTrio:
    """A Quart-Trio application whose WebSockets are such."""
    app = QuartTrio(name, static_folder=None)
    app.asgi_websocket_class = Conversation
    return app
