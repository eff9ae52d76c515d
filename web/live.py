"""The WebSocket: brings a browser up to where delivery is, hands it over, and hears what it says.

A client comes with `?after=SEQ` or with nothing. With it, it gets every event after SEQ from the database, at the
pace at which it reads; when that is too far back or unknown, or without it, the state in one `init`. Then it is
joined to delivery. What it says meanwhile is read all the time: so its end is noticed, and its pings are answered.
"""

from contextlib import suppress
from typing import Literal

import msgspec
import trio
from quart import Websocket, websocket

from runner.domain.errors import DatabaseError, RunnerError
from web import frames
from web.answers import Cycles
from web.control_api import ControlApi, StartBody, StopBody
from web.conversation import Disconnected
from web.delivery import Delivery
from web.outbox import REPLAY_SECONDS, Outbox
from web.panorama import Panorama
from web.records import REPLAY_LIMIT, Records
from web.routes import LARGEST
from web.transport import outbox_of
from web.watcher import Watcher

PAGE = 500
READY_SECONDS = 10.0
"""For delivery to begin, which needs the database."""
FLOOD_MESSAGES = 100
"""Messages a client may send in `FLOOD_SECONDS`; a page sends one or two a second."""
FLOOD_SECONDS = 5.0


class Said(msgspec.Struct, frozen=True):
    """A message from a client: a `type`, or an `action` with what belongs to it."""

    type: Literal["ping", "ack", "watch"] | None = None
    seq: int = 0
    overview: bool = False
    """Whether it wants to be sent what goes on."""
    action: Literal["start", "stop", "pause", "resume"] | None = None
    id: int | str | None = None
    """Given back with the reply."""
    max_cycles: Cycles | None = None
    new: bool = False
    after: Literal["command", "story", "cycle", "now"] = "command"


_read = msgspec.json.Decoder(Said).decode
_PONG = b'{"type":"pong"}'


class Live:
    """The handler of `/ws`."""

    def __init__(self, delivery: Delivery, records: Records, control: ControlApi, panorama: Panorama) -> None:
        self._delivery = delivery
        self._records = records
        self._control = control
        self._panorama = panorama

    async def handle(self) -> None:
        """Serve one browser until it goes."""
        here: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]  # what the proxy stands for
        outbox = outbox_of(here.scope["state"])
        await here.accept()
        # In the connection's nursery: one of its own, kept all day, would be an eighth of what a client costs.
        outbox.alongside(self._bring_up, outbox, _after(here), here.args.get("of", ""))
        try:
            with suppress(Disconnected):
                await self._listen(here, outbox, Watcher(outbox, self._delivery, self._panorama))
        finally:
            outbox.finish()
            self._delivery.leave(outbox)

    # --- out --------------------------------------------------------------------------------------------------------

    async def _bring_up(self, outbox: Outbox, after: int | None, of: str) -> None:
        """Send what the client lacks, then join it to delivery."""
        outbox.pace(REPLAY_SECONDS)
        try:
            with trio.fail_after(READY_SECONDS):
                await self._delivery.ready()
            last = await self._records.last_seq()
            known = after is not None and last - REPLAY_LIMIT <= after <= last
            if known and of:
                # Another project may have a runner at this port by now, whose numbers mean other events.
                known = of == await self._records.identity()
            at = after if known and after is not None else await self._greet(outbox)
            while not self._delivery.join(outbox, at):
                at = await self._replay(outbox, at)
        except (RunnerError, trio.TooSlowError) as error:
            self._tell(outbox, "error", {"error": str(error) or "no events can be had at this moment", "hint": ""})
            outbox.say_goodbye(frames.close(frames.UNABLE, "no events"))
            outbox.finish()

    async def _greet(self, outbox: Outbox) -> int:
        greeting, seq = await self._records.greeting()
        outbox.push(frames.text(greeting), trio.current_time())
        await outbox.drained()
        return seq

    async def _replay(self, outbox: Outbox, after: int) -> int:
        events = await self._records.events(after, PAGE)
        if not events:
            raise DatabaseError(f"the events after {after} are not in the database any more")
        outbox.push(b"".join(map(frames.event, events)), trio.current_time())
        await outbox.drained()
        return events[-1].seq

    def _tell(self, outbox: Outbox, kind: str, payload: object) -> None:
        self._delivery.send(outbox, msgspec.json.encode({"type": kind, "payload": payload}))

    # --- in ---------------------------------------------------------------------------------------------------------

    async def _listen(self, here: Websocket, outbox: Outbox, watcher: Watcher) -> None:
        """Hear the client; one that floods is told so and cut off."""
        heard, since = 0, trio.current_time()
        while True:
            text = await here.receive()
            now = trio.current_time()
            if now - since > FLOOD_SECONDS:
                heard, since = 0, now
            heard += 1
            if heard > FLOOD_MESSAGES:
                outbox.say_goodbye(frames.close(frames.POLICY, "too many messages"))
                outbox.finish()
                return
            await self._answer(text, outbox, watcher)

    async def _answer(self, text: str | bytes, outbox: Outbox, watcher: Watcher) -> None:
        try:
            said = _read(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            self._tell(outbox, "error", {"error": f"not understood: {str(error)[:200]}", "hint": ""})
            return
        if said.action is not None:
            self._tell(outbox, "reply", {"id": said.id, "action": said.action, **await self._outcome(said)})
        elif said.type == "ping":
            self._delivery.send(outbox, _PONG)
        elif said.type == "watch":
            watcher.watch(said.overview)
        elif said.type == "ack" and 0 <= said.seq <= LARGEST:
            self._delivery.acknowledge(outbox, said.seq)

    async def _outcome(self, said: Said) -> dict[str, object]:
        """What came of an action: the same as over HTTP."""
        try:
            match said.action:
                case "start":
                    answer: object = await self._control.start(StartBody(max_cycles=said.max_cycles, new=said.new))
                case "stop":
                    answer = await self._control.stop(StopBody(after=said.after))
                case "pause":
                    answer = await self._control.pause()
                case _:
                    answer = await self._control.resume()
        except RunnerError as error:
            return {"ok": False, "error": error.message, "hint": error.hint}
        return {"ok": True, "answer": answer}


def _after(here: Websocket) -> int | None:
    """The `seq` up to which the client has everything; None when it does not say, or says nonsense."""
    text = here.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(LARGEST)) else None
