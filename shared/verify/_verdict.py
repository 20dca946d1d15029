"""The decision as JSON that another program may read, in a versioned form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..formats import Claims
from ..status.freshness import Freshness
from ._model import CHECKS, Check, Decision, Keeper, Level, VerifiedCredential

SCHEMA_ID: Final = "urn:fdc:muniment.example:2027:verdict:1"
"""Grows by members only; a member that changes its meaning makes it 2."""


def render_verdict(decision: Decision) -> dict[str, Any]:
    """Documented by ``VERDICT_SCHEMA``. Instants are seconds since the epoch, ages are seconds."""
    return {
        "schema": SCHEMA_ID,
        "decision": decision.decision,
        "code": decision.code,
        "checked_at": decision.at,
        "level": {"name": decision.level.value, "number": decision.level.number},
        "checks": [_line(each) for each in decision.checks],
        "credentials": [_credential(each) for each in decision.credentials],
        "status": _status(decision),
        "pack": _pack(decision),
        **({"agreed": list(decision.agreed)} if decision.agreed else {}),
    }


def _line(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "code": check.code,
        "detail": check.detail,
        "where": check.where,
        "needed": check.needed,
    }


def _credential(credential: VerifiedCredential) -> dict[str, Any]:
    claims: Claims = credential.claims
    return {
        "query_id": credential.query_id,
        "format": credential.format,
        "vct": claims.vct,
        "issuer": claims.issuer,
        "issuer_name": credential.issuer_name,
        "issued_at": claims.issued_at,
        "expires_at": claims.expires_at,
        "claims": plain(claims.claims),
        "disclosed": [list(path) for path in claims.disclosed],
        **({} if credential.succeeded_by is None else {"succeeded_by": _keeper(credential.succeeded_by)}),
    }


def _keeper(keeper: Keeper) -> dict[str, Any]:
    succession = keeper.succession
    return {
        "entity": succession.successor,
        "name": {"en": keeper.name.en, "cy": keeper.name.cy},
        "since": succession.since,
        "private": succession.private,
        "note": {"en": succession.note.en, "cy": succession.note.cy},
    }


def plain(value: Any) -> Any:
    """Claims as JSON values of our own, which a reader may change without changing ours."""
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _status(decision: Decision) -> dict[str, Any] | None:
    if decision.status_iat is None:
        return None
    return {
        "as_of": decision.status_iat,
        "age": max(0, decision.at - decision.status_iat),
        "freshness": decision.status_freshness,
    }


def _pack(decision: Decision) -> dict[str, Any] | None:
    source = decision.source
    if source is None:
        return None
    return {
        "issuer": source.iss,
        "signer": source.signer,
        "seq": source.seq,
        "as_of": source.iat,
        "age": max(0, decision.at - source.iat),
        "expires_at": source.exp,
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": True}


_TEXT: Final = {"type": "string"}
_SECONDS: Final = {"type": "integer", "minimum": 0}

VERDICT_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": SCHEMA_ID,
    "title": "Verdict",
    "description": "What a check of one presentation came to, with one entry a check, in the order in which they are made.",
    **_object(
        schema={"const": SCHEMA_ID},
        decision={
            "enum": ["accepted", "rejected", "undecided"],
            "description": "accepted only if every needed check passed; undecided if one could not be made and none failed",
        },
        code={**_TEXT, "description": "that of the check which decided; empty when accepted"},
        checked_at={**_SECONDS, "description": "the instant for which everything was checked"},
        level={
            **_object(name={"enum": [each.value for each in Level]}, number={"type": "integer", "minimum": 0, "maximum": 3}),
            "description": "3 shown live; 2 shown live, could have been passed on; 1 a copy made out to this checker; 0 a copy anyone may hold",
        },
        checks={
            "type": "array",
            "minItems": len(CHECKS),
            "maxItems": len(CHECKS),
            "items": _object(
                name={"enum": list(CHECKS)},
                state={"enum": ["passed", "failed", "unchecked"]},
                code={**_TEXT, "description": "why it failed or was not made; on a passed check a remark, or empty"},
                detail={**_TEXT, "description": "for developers, in English"},
                where={**_TEXT, "description": "JSON pointer: /query id/position of the presentation, and further where known"},
                needed={"type": "boolean", "description": "false: an unchecked line does not stand in the way of acceptance"},
            ),
        },
        credentials={
            "type": "array",
            "description": "empty when rejected",
            "items": _object(
                query_id=_TEXT,
                format=_TEXT,
                vct=_TEXT,
                issuer={**_TEXT, "description": "the entity's identifier, a URI"},
                issuer_name={**_TEXT, "description": "the subject of its certificate"},
                issued_at=_SECONDS,
                expires_at=_SECONDS,
                claims={"type": "object", "description": "the type's claim tree, as far as it was disclosed"},
                disclosed={
                    "type": "array",
                    "description": "claims path pointers of what the holder could have withheld",
                    "items": {"type": "array", "items": {"type": ["string", "integer", "null"]}},
                },
            ),
        },
        status={
            "description": "date and age of the oldest word about a status that was relied upon; null if none was",
            "anyOf": [
                {"type": "null"},
                _object(
                    as_of=_SECONDS,
                    age=_SECONDS,
                    freshness={
                        "enum": list(Freshness),
                        "description": "fresh: younger than its issuer asks for; as_of: older, and to be told with its date; expired: no longer good",
                    },
                ),
            ],
        },
        pack={
            "description": "the checking pack that answered, where there was one",
            "anyOf": [
                {"type": "null"},
                _object(
                    issuer=_TEXT,
                    signer={**_TEXT, "description": "RFC 7638 thumbprint"},
                    seq=_SECONDS,
                    as_of=_SECONDS,
                    age=_SECONDS,
                    expires_at=_SECONDS,
                ),
            ],
        },
    ),
}
VERDICT_SCHEMA["properties"]["agreed"] = {
    "type": "array",
    "description": "where the holder was asked to agree to something: for each of those things the query id of the document that agreed",
    "items": _TEXT,
}
VERDICT_SCHEMA["properties"]["together"] = {
    **_object(agreed=_SECONDS | {"minimum": 1}, needed=_SECONDS | {"minimum": 1}, until=_SECONDS),
    "description": "where several people have to agree in answers of their own: how many have, how many must, and until when they can",
}
_WORDS: Final = _object(en=_TEXT, cy=_TEXT)
VERDICT_SCHEMA["properties"]["credentials"]["items"]["properties"]["succeeded_by"] = {
    **_object(
        entity={**_TEXT, "description": "its identifier, a URI"}, name=_WORDS, since=_SECONDS, private={"type": "boolean"}, note=_WORDS
    ),
    "description": "who has taken over from the issuer since; absent where nobody did",
}
