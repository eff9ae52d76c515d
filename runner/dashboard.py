"""Where the dashboard is served and who may come: decided and opened before anything starts.

`outfit` opens it, `app` builds the site on it. Beyond the loopback everybody has to show a token, which the operator
chooses (`SPRINT_RUNNER_TOKEN`) or finds in the address that is printed at the start.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.domain.errors import ProjectError, UsageError
from runner.settings import Settings
from runner.workspace.reading import read_regular
from web.listening import address, is_loopback, listen
from web.offer import Offer
from web.rules import Rules, hosts

TOKEN_VARIABLE = "SPRINT_RUNNER_TOKEN"
TOKEN_FILE = "token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}\Z")
_TOKEN_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the command line was told about the dashboard."""

    server: bool = True
    host: str = "127.0.0.1"
    port: int | None = None
    """None: as the settings say; 0: any free one."""
    allow_hosts: tuple[str, ...] = ()
    unsafe_bind: bool = False
    any_user: bool = False
    no_cors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One that is open, and waits to be served."""

    url: str
    offer: Offer

    @property
    def invitation(self) -> str:
        """The address for a browser, with the token where one is asked for."""
        token = self.offer.rules.token
        return f"{self.url}/?token={token}" if token else f"{self.url}/"


def open_dashboard(serving: Serving, settings: Settings, environment: Mapping[str, str]) -> Dashboard | None:
    """Listen where it was asked for; None when it was not. Raises UsageError."""
    if not serving.server:
        return None
    public = not is_loopback(serving.host)
    if public and not serving.unsafe_bind:
        raise UsageError(
            f"--host {serving.host} can be reached from other machines, and whoever reaches it can start agents",
            hint="add --unsafe-bind if that is meant; everybody has to show a token then",
        )
    token = _token(environment) if public else ""
    sockets, port = listen(serving.host, settings.server_port if serving.port is None else serving.port)
    rules = Rules(hosts=hosts(port, bound=serving.host, allowed=serving.allow_hosts), port=port, token=token)
    offer = Offer(
        rules=rules,
        sockets=sockets,
        most_websockets=settings.max_websockets,
        heartbeat=settings.websocket_heartbeat_seconds,
        owners=not (serving.any_user or public),
        cors=not serving.no_cors,
    )
    return Dashboard(url=address(serving.host, port), offer=offer)


def _token(environment: Mapping[str, str]) -> str:
    given = environment.get(TOKEN_VARIABLE)
    if given is None:
        return secrets.token_urlsafe(32)
    if not _TOKEN.match(given):
        raise UsageError(
            f"{TOKEN_VARIABLE} is no token",
            hint="use 16 to 200 letters, digits, _ and -, or unset it to have one made",
        )
    return given


def keep_token(state: Path, token: str) -> None:
    """Leave the token to the commands that are clients of this runner; none is left of an earlier one.

    Raises ProjectError.
    """
    file = state / TOKEN_FILE
    try:
        file.unlink(missing_ok=True)
        if token:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as kept:
                kept.write(token)
    except OSError as error:
        raise ProjectError(f"cannot keep the token in {file}: {error.strerror}", hint=f"remove {file}") from None


def kept_token(state: Path, environment: Mapping[str, str]) -> str:
    """The token of the runner that holds a project; empty when it asks for none."""
    try:
        text = read_regular(state / TOKEN_FILE, limit=_TOKEN_LIMIT).decode("ascii", "replace").strip()
    except OSError:
        text = environment.get(TOKEN_VARIABLE, "")
    return text if _TOKEN.match(text) else ""
