"""The OpenAPI description of the routes, made from the table that serves them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from web.answers import Fault
from web.routes import JSON, Route

Schema = dict[str, Any]


def describe(routes: Sequence[Route], version: str) -> Schema:
    """The description of all routes, as JSON values."""
    types = [kind for route in routes for kind in (route.answer, route.body, route.query) if kind is not None]
    schemas, components = msgspec.json.schema_components([*types, Fault], ref_template="#/components/schemas/{name}")
    known = {id(kind): schema for kind, schema in zip(types, schemas, strict=False)}
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sprint Runner", "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(route: Route, known: dict[int, Schema], components: Schema) -> Schema:
    content = {route.media: {"schema": known.get(id(route.answer), {})}}
    answers: Schema = {"200": {"description": "it is so", "content": content}}
    if route.tagged:
        answers["304"] = {"description": "nothing has changed"}
    fault = {JSON: {"schema": {"$ref": "#/components/schemas/Fault"}}}
    for status in sorted({400, 403, *route.errors}):
        answers[str(status)] = {"description": "see `error` and `hint`", "content": fault}
    operation: Schema = {
        "summary": route.summary,
        "parameters": [*_path(route), *_query(route, components)],
        "responses": answers,
    }
    if route.body is not None:
        body = {JSON: {"schema": known[id(route.body)]}}
        operation["requestBody"] = {"required": False, "content": body}
    return operation


def _path(route: Route) -> Iterable[Schema]:
    for part in route.path.split("/"):
        if part.startswith("{"):
            number = {"type": "integer", "minimum": 0}
            yield {"name": part.strip("{}"), "in": "path", "required": True, "schema": number}


def _query(route: Route, components: Schema) -> Iterable[Schema]:
    if route.query is None:
        return
    described = components[route.query.__name__]
    for name, schema in described["properties"].items():
        yield {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": schema}
