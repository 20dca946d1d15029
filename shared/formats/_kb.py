"""What both SD-JWT formats do in the same way: withhold disclosures, and prove with a ``kb+jwt`` who holds the rest (RFC 9901 section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..credentials import ClaimPath
from ..errors import NotBound, OtherPresentation
from ..jose.jwt import Jwt
from ..keys import KeyId, PublicKey, Unsigned
from . import Binding
from ._binding import binding_claims, check_binding, check_holder_signature
from ._paths import Chosen, select
from ._sd_jwt import Opened, SdJwt, digest
from ._segments import header_segment, unsigned

TYP: Final = "kb+jwt"


def withhold(sd_jwt: SdJwt, opened: Opened, paths: Sequence[ClaimPath]) -> SdJwt:
    """The same document with only those disclosures that ``paths`` need; its ``presented`` is its whole wire."""
    chosen = Chosen(select(opened.document, paths))
    disclosures = tuple([each for each, path in zip(sd_jwt.disclosures, opened.paths, strict=True) if path in chosen])
    wire = "~".join([sd_jwt.jws.token, *[text for text, _, _ in disclosures], ""])
    return SdJwt(sd_jwt.jws, sd_jwt.payload, sd_jwt.alg, disclosures, wire, None)


def bind(sd_jwt: SdJwt, binding: Binding, *, key: KeyId, at: int, alg: str) -> Unsigned[str]:
    """The presentation, lacking only the holder's signature."""
    payload = binding_claims(binding, at)
    payload["sd_hash"] = digest(sd_jwt.alg, sd_jwt.presented)
    return unsigned(payload, TYP, header_segment(alg, TYP), key, alg, before=sd_jwt.presented)


def check_bound(sd_jwt: SdJwt, holder: PublicKey | None, binding: Binding, *, at: int) -> Jwt:
    """The ``kb+jwt``, once ``holder`` proved to have signed it over this selection, for this party and time (section 7.3)."""
    token = sd_jwt.binding
    if holder is None or token is None:
        raise NotBound("nobody proves to hold this document")
    check_holder_signature(token, holder, typ=TYP)
    check_binding(token.claims, binding, at=at)
    if token.claims.get("sd_hash") != digest(sd_jwt.alg, sd_jwt.presented):
        raise OtherPresentation("the holder signed another selection", where="/sd_hash")
    return token
