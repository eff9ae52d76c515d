"""Routes as values: what each is called, takes and answers, so that serving, describing and testing read one table.

The API modules make lists of `Route`; `mount` puts them into the Quart application and is the only place where
requests become typed values, and answers and errors become JSON; `openapi` describes the same lists.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from quart import Quart, Response, request

from runner.domain.errors import DatabaseError, ProjectError, Refused, RunnerError, UsageError
from web.answers import Fault

JSON = "application/json"
log = structlog.get_logger("web")


class Problem(Exception):
    """A request that cannot be answered as it was meant to be."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request holds, checked."""

    path: Mapping[str, int] = field(default_factory=dict)
    query: Any = None
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is no JSON, or has a status of its own."""

    body: bytes
    media: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    """With names in braces for what varies; those are whole numbers."""
    summary: str
    handle: Callable[[Asked], Awaitable[object]]
    answer: Any
    """The type of the answer, for the description."""
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    errors: tuple[int, ...] = ()
    """Statuses beside 200 that an operator may meet; 400 and 403 may always come."""
    tagged: bool = False
    """Whether the answer carries an ETag, and is 304 for who has it already."""
    media: str = JSON


FAULTS: Mapping[int, str] = {
    400: "a WebSocket is asked for where there is none, or a page where there is one",
    404: "there is nothing here",
    405: "this method is not for this address",
}
"""What the framework answers before a route has been found."""

LARGEST = 2**53
"""Beyond it, numbers in JSON lose their last digits."""


def mount(app: Quart, routes: Iterable[Route]) -> None:
    """Have the application serve these routes, and answer in JSON where there is none."""
    # An address is the one that is asked for or none: nobody is sent elsewhere.
    app.url_map.merge_slashes = False
    for route in routes:
        rule = route.path.replace("{", "<").replace("}", ">")
        app.add_url_rule(rule, f"{route.method} {route.path}", _serving(route), methods=[route.method])
    for status, words in FAULTS.items():
        app.register_error_handler(status, _fault_handler(status, words))


def _fault_handler(status: int, words: str) -> Callable[[Exception], Awaitable[Response]]:
    async def handle(error: Exception) -> Response:
        return _faulty(Problem(status, words, "the addresses are described at /api/openapi.json"))

    return handle


def _serving(route: Route) -> Callable[..., Awaitable[Response]]:
    async def serve(**names: str) -> Response:
        try:
            asked = Asked(path=_numbers(names), query=_query(route), body=await _body(route))
            return _response(route, await route.handle(asked))
        except Problem as problem:
            return _faulty(problem)
        except RunnerError as error:
            return _faulty(Problem(_status(error), error.message, error.hint))
        except Exception as error:
            log.error("a request failed", path=route.path, exc_info=error)
            return _faulty(Problem(500, "the runner made a mistake over this", "see its log"))

    return serve


def _status(error: RunnerError) -> int:
    match error:
        case DatabaseError():
            return 503
        case Refused() | ProjectError():
            return 409
        case UsageError():
            return 400
        case _:
            return 503


def _numbers(names: Mapping[str, str]) -> dict[str, int]:
    for text in names.values():
        if not (text.isascii() and text.isdigit() and len(text) < len(str(LARGEST))):
            raise Problem(404, "there is nothing here")
    return {name: int(text) for name, text in names.items()}


def _query(route: Route) -> object:
    given = request.args
    allowed = () if route.query is None else route.query.__struct_fields__
    for name in given:
        if name not in allowed:
            raise Problem(400, f"unknown parameter {name[:50]!r}", f"known are: {', '.join(allowed) or 'none'}")
        if len(given.getlist(name)) > 1:
            raise Problem(400, f"parameter {name} stands there twice")
    if route.query is None:
        return None
    try:
        return msgspec.convert(given.to_dict(), route.query, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, f"parameters: {error}") from None


async def _body(route: Route) -> object:
    if route.body is None:
        return None
    data = await request.get_data()
    try:
        return msgspec.json.decode(data or b"{}", type=route.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not what it has to be: {str(error)[:200]}") from None


def _response(route: Route, answer: object) -> Response:
    if not isinstance(answer, Answer):
        answer = Answer(body=msgspec.json.encode(answer))
    response = Response(answer.body, status=answer.status, content_type=answer.media)
    response.headers["cache-control"] = "no-cache"
    response.headers.update(answer.headers)
    if route.tagged and answer.status == 200:
        etag = hashlib.blake2b(answer.body, digest_size=12).hexdigest()
        response.set_etag(etag)
        if request.if_none_match.contains_weak(etag):
            response.status_code = 304
            response.set_data(b"")
    return response


def _faulty(problem: Problem) -> Response:
    fault = Fault(error=problem.error, hint=problem.hint)
    response = Response(msgspec.json.encode(fault), status=problem.status, content_type=JSON)
    response.headers["cache-control"] = "no-store"
    return response
