"""What OpenID Federation 1.0 section 8 promises of a superior's endpoints, as an OpenAPI document for a program that tries to break it."""

from __future__ import annotations

from typing import Any

ERROR = {
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {
        "error": {
            "enum": [
                "invalid_request",
                "not_found",
                "invalid_trust_anchor",
                "invalid_trust_chain",
                "temporarily_unavailable",
                "server_error",
            ]
        },
        "error_description": {"type": "string", "minLength": 1, "maxLength": 1000},
    },
}
JWS = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}
ENTITIES = {"type": "array", "items": {"type": "string", "format": "uri"}}


def answers(media_type: str, schema: dict[str, Any], *errors: int, status: int = 200) -> dict[str, Any]:
    told = {str(each): {"description": "Refused", "content": {"application/json": {"schema": ERROR}}} for each in errors}
    return {str(status): {"description": "Told", "content": {media_type: {"schema": schema}}}} | told


def query(name: str, *, required: bool = False, known: str = "", **schema: Any) -> dict[str, Any]:
    example = {"examples": {"known": {"value": known}}} if known else {}
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string", "minLength": 1, **schema}, **example}


def get(responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"parameters": list(parameters), "responses": responses}}


def post(*members: str) -> dict[str, Any]:
    """Texts that only somebody with a code or a key can write."""
    body = {"type": "object", "required": list(members), "properties": {name: {"type": "string"} for name in members}}
    responses = answers("application/json", {"type": "object"}, 400, 403, 404, 409, 413, status=202)
    return {"post": {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}, "responses": responses}}


def document(url: str, sub: str, kind: str, mark: str) -> dict[str, Any]:
    """``sub`` is somebody below ``url``, with a trust ``mark`` of ``kind``."""
    about = query("sub", required=True, known=sub)
    flag: dict[str, Any] = {"enum": ["true", "false"]}
    types = {"name": "entity_type", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "maxItems": 3}}
    form = {"type": "object", "required": ["trust_mark"], "properties": {"trust_mark": {"type": "string", "minLength": 1, "example": mark}}}
    paths = {
        "/.well-known/openid-federation": get(answers("application/entity-statement+jwt", JWS)),
        "/federation/fetch": get(answers("application/entity-statement+jwt", JWS, 400, 404), about),
        "/federation/list": get(
            answers("application/json", ENTITIES, 400),
            types,
            query("trust_mark_type", known=kind),
            query("trust_marked", **flag),
            query("intermediate", **flag),
        ),
        "/federation/resolve": get(
            answers("application/resolve-response+jwt", JWS, 400, 404), about, query("trust_anchor", required=True, known=url), types
        ),
        "/federation/trust-mark": get(
            answers("application/trust-mark+jwt", JWS, 400, 404), query("trust_mark_type", required=True, known=kind), about
        ),
        "/federation/trust-marked": get(
            answers("application/json", ENTITIES, 400, 404), query("trust_mark_type", required=True, known=kind), query("sub", known=sub)
        ),
        "/federation/historical-keys": get(answers("application/jwk-set+jwt", JWS)),
        "/federation/trust": get(answers("application/json", {"type": "object", "required": ["snapshot", "artefacts"]})),
        "/federation/trust-mark-status": {
            "post": {
                "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
                "responses": answers("application/trust-mark-status-response+jwt", JWS, 400, 404, 413, 415),
            }
        },
        "/federation/join": post("code", "configuration"),
        "/federation/register": post("code", "application"),
        "/federation/succession": post("statement", "acceptance"),
    }
    return {"openapi": "3.1.0", "info": {"title": "OpenID Federation 1.0, section 8", "version": "1"}, "paths": paths}
