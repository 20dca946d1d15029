"""A JSON API as a table of routes: strict decoding, the routes of aiohttp, the OpenAPI 3.1 document and a page that shows it, from one source.

    class Make(Struct, frozen=True, forbid_unknown_fields=True): ...

    async def make(request: web.Request, *, body: Make) -> Reply:
        return Reply(Made(...), headers={"Location": ...})

    ROUTES = [Route("POST", "/api/credentials", make, body=Make, out=Made, status=201, summary="…", scope="issue", errors=(Conflict,))]
    add_routes(app, ROUTES, guard=require_scope, title="Issuer", prefix="/api")   # also serves /api/openapi.json and /api/docs

A handler gets ``body=`` (a Struct, or bytes for ``raw`` media types) and ``query=`` (a Struct) when its route names them, and returns the
``out`` Struct, a ``Reply`` around it, or a finished aiohttp response. Every error is RFC 9457 with a pointer into the body.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import msgspec
from aiohttp import web

from ..codec import strict_json
from ..errors import (
    Forbidden,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    Malformed,
    Missing,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMediaType,
    VcError,
)
from .context import BODIES
from .problem import PROBLEM, Problem, speak, title_of

Handler = Callable[..., Awaitable[Any]]
_SEGMENT = "[A-Za-z0-9_-]{1,200}"
"""What an identifier in a path looks like, where the route does not say otherwise."""
IDEMPOTENCY = "Idempotency-Key"
Guard = Callable[[web.Request, str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Param:
    """A header or path parameter, for the document; query parameters are a Struct. ``schema`` is JSON Schema."""

    name: str
    where: str = "header"
    description: str = ""
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``path`` is whole (``/api/credentials/{id}``); ``scope`` "" means that no API key is asked for, several with spaces between
    that one has to have all of them. ``nothing`` is when it answers 204, beside ``out``.

    A medium in both ``body`` and ``raw`` is described by the one and handed over as the other. ``refused`` is what answers with 400 beside
    a problem, where judging is what the operation is for.
    """

    method: str
    path: str
    handler: Handler
    body: Any = None
    out: Any = None
    query: Any = None
    raw: tuple[str, ...] = ()
    status: int = 200
    summary: str = ""
    description: str = ""
    scope: str = ""
    errors: tuple[type[VcError], ...] = ()
    params: tuple[Param, ...] = ()
    tag: str = ""
    max_body: int = 0
    media: str = "application/json"
    refused: Any = None
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """``out`` with headers, or another status than the route's own."""

    out: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0


def idempotency_key(request: web.Request) -> str:
    """The caller's own name for what it asks, by which it asks for it once; empty where it gave none."""
    keys = request.headers.getall(IDEMPOTENCY, [])
    if keys and (len(keys) != 1 or not 1 <= len(keys[0]) <= 200):
        raise InvalidRequest(f"send one {IDEMPOTENCY} of 1 to 200 characters", where=IDEMPOTENCY)
    return keys[0] if keys else ""


def add_routes(
    app: web.Application,
    routes: Sequence[Route],
    *,
    title: str,
    prefix: str = "/api",
    guard: Guard | None = None,
    description: str = "",
    version: str = "1",
) -> None:
    """Register ``routes`` with ``app`` and, under ``prefix``, ``openapi.json`` and ``docs``. Errors there are problem+json."""

    @cache  # few ever ask for it, and it takes as long as half of a start
    def described() -> tuple[dict[str, Any], bytes]:
        whole = document(routes, title=title, description=description, version=version)
        return whole, msgspec.json.encode(whole)

    async def show_document(_: web.Request) -> web.Response:
        return web.Response(body=described()[1], content_type="application/json", headers={"Cache-Control": "no-cache"})

    async def show_page(request: web.Request) -> web.StreamResponse:
        from .pages import render  # noqa: PLC0415 - a service without pages needs no templates

        whole, _ = described()
        return await render(request, "api_docs.html", document=whole, operations=operations(whole))

    speak(app, PROBLEM, prefix)
    for route in routes:
        add = app.router.add_get if route.method == "GET" else partial(app.router.add_route, route.method)  # GET brings HEAD with it
        add(route.path, _served(route, guard))
        if route.max_body:
            app[BODIES][_template(route.path)] = route.max_body
    app.router.add_get(f"{prefix}/openapi.json", show_document)
    app.router.add_get(f"{prefix}/docs", show_page)


def _served(route: Route, guard: Guard | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    guards = _guards(route, guard)
    patterns = {one.name: re.compile(one.schema.get("pattern", ".*"), re.DOTALL) for one in _path_params(route)}

    async def serve(request: web.Request) -> web.StreamResponse:
        if any(not pattern.fullmatch(request.match_info[name]) for name, pattern in patterns.items()):
            raise Missing("there is nothing at this address")
        for check, scope in guards:
            await check(request, scope)
        for one in route.params:
            if one.required and one.where == "header" and not request.headers.get(one.name):
                raise Malformed(f"the header {one.name} is missing")
        arguments: dict[str, Any] = {}
        if route.query is not None:
            arguments["query"] = read_query(request, route.query)
        elif request.query_string:
            raise Malformed("this address takes no query parameters")
        if route.body is not None or route.raw:
            arguments["body"] = await _read_body(request, route)
        return _answer(await route.handler(request, **arguments), route)

    return serve


def _guards(route: Route, guard: Guard | None) -> list[tuple[Guard, str]]:
    """One for each scope."""
    if route.scope and guard is None:
        raise ValueError(f"{route.path} asks for the scope {route.scope}, and nobody guards it")
    return [(guard, scope) for scope in route.scope.split() if guard is not None]


def _answer(out: object, route: Route) -> web.StreamResponse:
    if isinstance(out, web.StreamResponse):
        return out
    reply = out if isinstance(out, Reply) else Reply(out)
    if reply.out is None:
        return web.Response(status=reply.status or 204, headers=reply.headers)
    body = msgspec.json.encode(reply.out)
    return web.Response(status=reply.status or route.status, body=body, headers=reply.headers, content_type=route.media)


async def _read_body(request: web.Request, route: Route) -> object:
    if request.content_type in route.raw:
        return await request.read()
    if route.body is None or request.content_type != "application/json":
        taken = ", ".join(dict.fromkeys((["application/json"] if route.body is not None else []) + list(route.raw)))
        raise UnsupportedMediaType(f"this address takes {taken}")
    if (charset := request.charset) is not None and charset.lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("JSON is read as UTF-8 only")
    data = await request.read()
    return decode(data, route.body, max_bytes=len(data))  # the size was bounded while reading


def decode(data: bytes, kind: Any, *, max_bytes: int = 1_000_000) -> Any:
    """``data`` as JSON of type ``kind``. ``Malformed`` with a JSON pointer: duplicate members, wrong types, unknown or missing members."""
    return convert(strict_json.loads(data, max_bytes=max_bytes), kind)


def convert(value: object, kind: Any, *, strict: bool = True) -> Any:
    """A JSON value as type ``kind``; ``Malformed`` with a pointer. JSON has one kind of number: 286.0 is the whole number 286."""
    try:
        return msgspec.convert(_whole(value), kind, strict=strict)
    except msgspec.ValidationError as error:
        said, pointer = _located(str(error))
        raise Malformed(said, where=pointer) from error


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    return [_whole(member) for member in value] if isinstance(value, list) else value


def _located(said: str) -> tuple[str, str]:
    """The sentence and path of msgspec and path as a sentence and a JSON pointer (RFC 6901)."""
    text, _, path = said.partition(" - at `$")
    pointer = "".join(f"/{name or index}" for name, index in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", path.partition("[...]")[0]))
    if member := re.fullmatch(r"Object (?:missing required|contains unknown) field `(.+)`", text):
        pointer += "/" + member[1].replace("~", "~0").replace("/", "~1")
    return text[:1].lower() + text[1:], pointer


def read_query(request: web.Request, kind: Any) -> Any:
    """The query parameters as Struct ``kind``; a repeated or unknown one is ``Malformed``."""
    query = request.query
    if len(set(query)) != len(query):
        raise Malformed("a query parameter is repeated")
    try:
        return msgspec.convert(dict(query), kind, strict=False)
    except msgspec.ValidationError as error:
        said, pointer = _located(str(error))
        raise Malformed(f"query parameter: {said}", where=pointer) from error


# --- the document ------------------------------------------------------------------------------------------------------------------


def document(routes: Sequence[Route], *, title: str, description: str = "", version: str = "1") -> dict[str, Any]:
    """OpenAPI 3.1. Schemas come from the Structs, error answers from the error classes."""
    kinds = _kinds(routes)
    schemas, components = _bounded(msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}"))
    of = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_template(route.path), {})[route.method.lower()] = _operation(route, of, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"api_key": {"type": "http", "scheme": "bearer", "description": "An API key of this service."}},
        },
    }


def _bounded(schema: Any) -> Any:
    """Whole numbers are those that all programs read alike (RFC 7493 section 2.2): ``strict_json`` refuses larger ones."""
    if isinstance(schema, list | tuple):
        return type(schema)(_bounded(one) for one in schema)
    if not isinstance(schema, dict):
        return schema
    bounds = {"minimum": -strict_json.MAX_INTEGER, "maximum": strict_json.MAX_INTEGER} if schema.get("type") == "integer" else {}
    return bounds | {name: _bounded(part) for name, part in schema.items()}


def _kinds(routes: Sequence[Route]) -> list[Any]:
    found: list[Any] = [Problem]
    for route in routes:
        found += [
            kind
            for kind in (route.body, route.out, route.query, route.refused)
            if kind is not None and not any(kind is one for one in found)
        ]
    return found


def _template(path: str) -> str:
    return re.sub(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", r"{\1}", path)


def _operation(route: Route, of: Mapping[int, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", "operation"),
        "summary": route.summary,
        "parameters": _parameters(route, of, components),
        "responses": _responses(route, of),
    }
    if route.description:
        operation["description"] = route.description
    if route.tag:
        operation["tags"] = [route.tag]
    if route.scope:
        operation["security"] = [{"api_key": route.scope.split()}]
    content = {media: {"schema": {"type": "string", "format": "binary"}} for media in route.raw}
    if route.body is not None:
        content["application/json"] = {"schema": of[id(route.body)]}
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_params(route: Route) -> list[Param]:
    """One Param for each name in the path, with the pattern that its values must have."""
    told = {one.name: one for one in route.params if one.where == "path"}
    forms = dict(re.findall(r"\{(\w+):([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", route.path))
    return [
        told.get(name) or Param(name, "path", schema={"type": "string", "pattern": f"^{forms.get(name, _SEGMENT)}$"})
        for name in re.findall(r"\{(\w+)\}", _template(route.path))
    ]


def _parameters(route: Route, of: Mapping[int, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    params = _path_params(route) + [one for one in route.params if one.where != "path"]
    out: list[dict[str, Any]] = [
        {
            "name": one.name,
            "in": one.where,
            "required": one.required or one.where == "path",
            "description": one.description,
            "schema": dict(one.schema),
        }
        for one in params
    ]
    if route.query is not None:
        schema = components[of[id(route.query)]["$ref"].rpartition("/")[2]]
        required = schema.get("required", ())
        out += [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": part.get("description", ""),
                "schema": part,
            }
            for name, part in schema["properties"].items()
        ]
    return out


def errors_of(route: Route) -> dict[int, list[type[VcError]]]:
    """The error classes that a route may answer with, by status; the usual ones are added to its own."""
    kinds: list[type[VcError]] = [Malformed, TooMany, Unavailable, *route.errors]
    if route.scope:
        kinds += [InvalidToken, InsufficientScope, Forbidden]
    if "{" in route.path:
        kinds.append(Missing)
    if route.body is not None or route.raw:
        kinds += [TooLarge, UnsupportedMediaType]
    by_status: dict[int, list[type[VcError]]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return dict(sorted(by_status.items()))


def _responses(route: Route, of: Mapping[int, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done."}
    if route.out is not None:
        answer["content"] = {route.media: {"schema": of[id(route.out)]}}
    responses = {str(route.status if route.out is not None or route.status != 200 else 204): answer}
    if route.nothing:
        responses["204"] = {"description": route.nothing}
    for status, kinds in errors_of(route).items():
        codes = ", ".join(f"`{kind.code}`" for kind in kinds)
        responses[str(status)] = {
            "description": f"{title_of(kinds[0])}: {codes}",
            "content": {"application/problem+json": {"schema": of[id(Problem)]}},
        }
    if route.refused is not None:
        responses["400"]["content"][route.media] = {"schema": of[id(route.refused)]}
    return responses


def operations(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations in order, flat, for the documentation page."""
    return [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
