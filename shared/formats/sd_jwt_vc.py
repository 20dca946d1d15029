"""SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) over RFC 9901: the format ``dc+sd-jwt``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ..clock import Entropy
from ..credentials import all_types
from ..credentials._derive import integrity
from ..errors import Malformed
from ..jose.jwk import render_jwk
from ..jose.jws import verify_jws
from ..jose.jwt import check_times
from ..keys import KeyId, PublicKey, Unsigned
from . import Claims, Credential, CredentialFormat, Parsed, Peeked
from ._binding import parse_holder
from ._envelope import check_issuable, check_status_there, identifier, parse_status, render_status, seconds
from ._presented import Presented
from ._sd_jwt import SD_ALG, Opened, Redaction, SdJwt, open_payload
from ._segments import certificates, header_segment, unsigned
from ._type import check_limits, redact

TYP: Final = "dc+sd-jwt"

NEVER: Final = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})
"""What is never selectively disclosable, members inside included (SD-JWT VC, "Registered JWT Claims"). ``_sd_alg`` cannot be."""
ENVELOPE: Final = NEVER | {"iat", SD_ALG}
"""Everything at the top that is no claim of the type."""
_JWK: Final = {"kty", "crv", "x", "y"}
_HOLDS_MEMBERS: Final = ("cnf", "status", "aka_vcts", "vct#integrity")


class _Inner:
    """The structure behind a ``Parsed``, and its opened payload once somebody needed it."""

    __slots__ = ("opened", "sd_jwt")

    def __init__(self, sd_jwt: SdJwt) -> None:
        self.sd_jwt = sd_jwt
        self.opened: Opened | None = None


class SdJwtVc(Presented):
    """See ``CredentialFormat``."""

    name: str = TYP
    withholds: bool = True

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        check_issuable(credential, holder)
        redaction = Redaction(entropy)
        payload: dict[str, Any] = {
            "iss": credential.issuer,
            "iat": credential.issued_at,
            "exp": credential.expires_at,
            "vct": credential.type.vct,
            "vct#integrity": integrity(credential.type),
        }
        if holder is not None:
            payload["cnf"] = {"jwk": render_jwk(holder)}
        if credential.status is not None:
            payload["status"] = render_status(credential.status)
        payload |= redact(credential.type, credential.claims, redaction)
        payload[SD_ALG] = redaction.alg
        segment = header_segment(credential.alg, TYP, credential.x5c)
        return unsigned(payload, TYP, segment, key, credential.alg, after=redaction.tail())

    def peek(self, parsed: Parsed) -> Peeked:
        opened = self._open(parsed)
        document = opened.document
        check_times(document, at=0, leeway=1 << 60)  # their form alone
        return Peeked(
            document=document,
            claims=_claims(document),
            disclosable=opened.paths,
            issued_at=seconds(document, "iat"),
            expires_at=seconds(document, "exp"),
            holder=parse_holder(parsed.payload),
        )

    def _parsed(self, wire: str, sd_jwt: SdJwt) -> Parsed:
        payload = sd_jwt.payload
        header = sd_jwt.jws.header
        return Parsed(
            format=TYP,
            wire=wire,
            header=header,
            payload=payload,
            disclosures=tuple([text for text, _, _ in sd_jwt.disclosures]),
            binding_token=sd_jwt.binding.jws.token if sd_jwt.binding is not None else None,
            vct=identifier(payload, "vct"),
            issuer=identifier(payload, "iss", optional=True),
            x5c=certificates(header),
            status=parse_status(payload),
            inner=_Inner(sd_jwt),
        )

    def _structure(self, parsed: Parsed) -> SdJwt:
        return _inner(parsed).sd_jwt

    def _open(self, parsed: Parsed) -> Opened:
        inner = _inner(parsed)
        if inner.opened is None:
            opened = open_payload(inner.sd_jwt, _plain(parsed.payload))
            _check_never(parsed.payload, opened)
            rules = all_types().get(parsed.vct)
            if rules is not None:
                check_limits(rules, parsed.payload, opened.document)
                check_status_there(rules, parsed.status)
            inner.opened = opened
        return inner.opened

    def _verify_signed(self, parsed: Parsed, issuer: PublicKey, at: int) -> Opened:
        verify_jws(_inner(parsed).sd_jwt.jws, issuer, typ=TYP)
        check_times(parsed.payload, at=at)
        opened = self._open(parsed)
        if "iat" not in parsed.payload:  # the one instant that may be withheld
            check_times(opened.document, at=at)
        return opened

    def _facts(self, parsed: Parsed, opened: Opened, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
        document = opened.document
        return Claims(
            vct=parsed.vct,
            issuer=parsed.issuer,
            claims=_claims(document),
            document=document,
            disclosed=opened.leaves,
            issued_at=seconds(document, "iat"),
            expires_at=seconds(document, "exp"),
            status=parsed.status,
            holder=holder,
            binding_claims=signed,
            signing_input_digest=hashlib.sha256(signing_input).digest(),
        )


def _inner(parsed: Parsed) -> _Inner:
    inner = parsed.inner
    if not isinstance(inner, _Inner):
        raise Malformed("this was parsed as another format")
    return inner


def _plain(payload: Mapping[str, Any]) -> list[str]:
    """Which of ``cnf`` and ``status`` have the usual members and nothing else, so that nothing can be hidden in them."""
    plain = []
    cnf = payload.get("cnf")
    jwk = cnf.get("jwk") if type(cnf) is dict and len(cnf) == 1 else None
    if type(jwk) is dict and jwk.keys() == _JWK and all(type(value) is str for value in jwk.values()):
        plain.append("cnf")
    status = payload.get("status")
    if status is not None and len(status) == 1 and len(status["status_list"]) == 2:  # as ``parse_status`` has read them
        plain.append("status")
    return plain


def _check_never(payload: Mapping[str, Any], opened: Opened) -> None:
    for path in opened.paths:
        if path[0] in NEVER:
            raise Malformed("this is never hidden", where=f"/{path[0]}")
    for name in _HOLDS_MEMBERS:
        # A digest without its disclosure leaves a trace too: opening removes it.
        if payload.get(name) != opened.document.get(name):
            raise Malformed("nothing in this is ever hidden", where=f"/{name}")


def _claims(document: Mapping[str, Any]) -> dict[str, Any]:
    claims = dict(document)
    for name in ENVELOPE:
        claims.pop(name, None)
    return claims


FORMAT: CredentialFormat = SdJwtVc()
