"""What this office's own verifier tells it: signed events of what was shown there, and of what has become of that.

The key is named in the setting ``listens_to``, so nobody else's word counts. An event is of now, for this address, and does its work once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from issuer.following import BECAME, Heard, News, hear
from issuer.office import Office
from shared.codec import strict_json
from shared.errors import Expired, Malformed, Untrusted
from shared.jose.jwk import thumbprint
from shared.jose.jwt import get_time, parse_jwt, verify_jwt
from shared.x509 import load_certificate, parse_x5c

PATH: Final = "/api/events"
TYP: Final = "webhook+jwt"
DECIDED, CHANGED = "presentation.decided", "presentation.changed"
OLDEST: Final = 300  # seconds since it was signed; each try is signed anew


async def listen(office: Office, token: str, *, oldest: int = OLDEST) -> list[Heard]:
    """What came of each document that an event is about; nothing of one that is about something else.

    ``Malformed``, ``BadSignature``, ``Untrusted`` for a key that is not named, ``Expired`` for one that was signed ``oldest`` seconds ago.
    """
    return [await hear(office, told) for told in news_of(read_event(office, token, oldest=oldest))]


def read_event(office: Office, token: str, *, oldest: int = OLDEST) -> Mapping[str, Any]:
    """Its claims."""
    jwt, at = parse_jwt(token), office.clock()
    chain = parse_x5c(jwt.header.get("x5c"), where="/x5c")
    key = load_certificate(chain[0]).public
    if thumbprint(key) not in office.settings.listens_to:
        raise Untrusted("the key that signed this is not one that this office listens to", where="/x5c")
    claims = verify_jwt(jwt, key, typ=TYP, at=at)
    if claims.get("aud") != office.url(PATH):
        raise Malformed("this was told to somebody else", where="/aud")
    if get_time(claims, "iat") < at - oldest:
        raise Expired("this was signed too long ago", where="/iat")
    return claims


def news_of(claims: Mapping[str, Any]) -> Iterator[News]:
    """One for each document that was accepted, or that has become something else. Contents are there if the verifier sends them along."""
    data, event = claims.get("data"), claims.get("event")
    if not isinstance(data, Mapping) or not isinstance(claims.get("jti"), str):
        raise Malformed("an event has a jti and data", where="/data")
    became = _became(event, data)
    contents = data.get("contents")
    for each in _objects(data.get("documents")) if became else ():
        name = each.get("id")
        shown = contents.get(name) if isinstance(contents, Mapping) else None
        yield News(
            id=f"{claims['jti']} {name}",
            vct=str(each.get("type")),
            became=became,
            claims=shown if isinstance(shown, Mapping) else {},
            request=str(data.get("request") or ""),
        )


def _became(event: object, data: Mapping[str, Any]) -> str:
    if event == DECIDED:
        return "shown" if data.get("decision") == "accepted" else ""
    became = data.get("became") if event == CHANGED else ""
    return became if became in BECAME else ""


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def by_hand(text: bytes, fallback: str) -> News:
    """News as somebody of the office writes them into a file: the kind (``vct``), what it ``became``, its ``claims``, and, if it was for one,
    the ``request``; ``id`` if they may come twice. ``Malformed``.
    """
    doc = strict_json.load_object(text)
    claims, became, vct = doc.get("claims", {}), doc.get("became", "shown"), doc.get("vct")
    known = {"id", "vct", "became", "claims", "request"}
    if unknown := sorted(set(doc) - known):
        raise Malformed("this is no part of such a file", where=f"/{unknown[0]}")
    if (
        not isinstance(vct, str)
        or not isinstance(claims, dict)
        or not all(isinstance(doc.get(name, ""), str) for name in known - {"claims"})
    ):
        raise Malformed("a file of news names vct, and claims as they were shown", where="/vct")
    return News(id=f"by hand {doc.get('id') or fallback}", vct=vct, became=became, claims=claims, request=doc.get("request", ""))
