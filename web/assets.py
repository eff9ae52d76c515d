"""The dashboard's files, read once: what is not among them cannot be asked for, whatever a path says."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from quart import Quart, Response, request

MEDIA = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
}
INDEX = "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as it is served."""

    body: bytes
    packed: bytes
    """The same for browsers that take gzip, which all do; empty where that is no shorter."""
    media: str
    etag: str


def load() -> Mapping[str, Asset]:
    """All files below `static/`, by their path; `/` is the index."""
    found = {f"/{path}": _asset(path, file) for path, file in _walk(files("web").joinpath("static"), "")}
    if f"/{INDEX}" in found:
        found["/"] = found[f"/{INDEX}"]
    return found


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir() if folder.is_dir() else ():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _walk(entry, f"{path}/")
        elif path.rpartition(".")[2] in MEDIA:
            found.append((path, entry))
    return found


def _asset(path: str, file: Traversable) -> Asset:
    body = file.read_bytes()
    # Without a time in it, so that the same file is the same everywhere.
    packed = gzip.compress(body, mtime=0)
    return Asset(
        body=body,
        packed=packed if len(packed) < len(body) else b"",
        media=MEDIA[path.rpartition(".")[2]],
        etag=hashlib.blake2b(body, digest_size=12).hexdigest(),
    )


def mount(app: Quart, assets: Mapping[str, Asset]) -> None:
    """Serve them; a browser asks each time whether its copy is still right."""
    for path in assets:
        app.add_url_rule(path, f"asset {path}", _serving(assets[path]), methods=["GET"])


def _serving(asset: Asset) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        packs = bool(asset.packed) and request.accept_encodings.quality("gzip") > 0
        # Weak: packed or not, it is the same page.
        etag = f'W/"{asset.etag}"'
        same = request.if_none_match.contains_weak(asset.etag)
        body = b"" if same else asset.packed if packs else asset.body
        response = Response(body, status=304 if same else 200, content_type=asset.media)
        if packs and not same:
            response.headers["content-encoding"] = "gzip"
        response.headers["vary"] = "Accept-Encoding"
        response.headers["etag"] = etag
        response.headers["cache-control"] = "no-cache"
        return response

    return serve
