"""W3C Verifiable Credentials Data Model 2.0, secured as an SD-JWT, ``vc+sd-jwt`` (VC-JOSE-COSE section 3.2) over RFC 9901.

The document is that of ``_vcdm``; details below ``credentialSubject`` are hidden one by one as the type says, and nothing else in it ever
is by us. It is shown with a ``kb+jwt``, as a ``dc+sd-jwt`` is, and is no such thing: the ``typ`` of each is refused as the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ..clock import Entropy
from ..credentials import all_types
from ..errors import Malformed
from ..jose.jws import verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from . import Claims, Credential, CredentialFormat, Parsed, Peeked, _vcdm
from ._binding import parse_holder
from ._envelope import check_status_there
from ._presented import Presented
from ._sd_jwt import SD_ALG, Opened, Redaction, SdJwt, open_payload
from ._segments import certificates, header_segment, unsigned
from ._type import check_limits, redact

TYP: Final = "vc+sd-jwt"

NEVER: Final = frozenset(
    {
        *("@context", "type", "issuer", "validFrom", "validUntil", "credentialStatus", "credentialSchema", "relatedResource"),
        *("termsOfUse", "iss", "jti", "nbf", "exp", "iat", "cnf", "status", "vc", "vp"),
    }
)
"""What is never selectively disclosable, members inside included (VC-JOSE-COSE section 3.2.1, security rule S3)."""


class VcSdJwt(Presented):
    """See ``CredentialFormat``."""

    name: str = TYP
    withholds: bool = True

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        payload = _vcdm.make(credential, holder, entropy)
        redaction = Redaction(entropy)
        payload[_vcdm.SUBJECT] = redact(credential.type, credential.claims, redaction)
        payload[SD_ALG] = redaction.alg
        segment = header_segment(credential.alg, TYP, credential.x5c, _vcdm.CTY)
        return unsigned(payload, TYP, segment, key, credential.alg, after=redaction.tail())

    def peek(self, parsed: Parsed) -> Peeked:
        opened, inner = self._open(parsed), _inner(parsed)
        return Peeked(
            document=opened.document,
            claims=opened.document[_vcdm.SUBJECT],
            disclosable=opened.paths,
            issued_at=inner.document.valid_from,
            expires_at=inner.document.valid_until,
            holder=parse_holder(parsed.payload),
        )

    def _parsed(self, wire: str, sd_jwt: SdJwt) -> Parsed:
        inner = _Inner(sd_jwt)
        return Parsed(
            format=TYP,
            wire=wire,
            header=sd_jwt.jws.header,
            payload=sd_jwt.payload,
            disclosures=tuple([text for text, _, _ in sd_jwt.disclosures]),
            binding_token=sd_jwt.binding.jws.token if sd_jwt.binding is not None else None,
            vct=inner.document.vct,
            issuer=inner.document.issuer,
            x5c=certificates(sd_jwt.jws.header),
            status=inner.document.status,
            further=inner.document.statuses[1:],
            inner=inner,
        )

    def _structure(self, parsed: Parsed) -> SdJwt:
        return _inner(parsed).sd_jwt

    def _open(self, parsed: Parsed) -> Opened:
        inner = _inner(parsed)
        if inner.opened is None:
            opened = open_payload(inner.sd_jwt)
            check_never(parsed.payload, opened)
            rules = all_types().get(parsed.vct)
            if rules is not None:
                check_limits(rules, inner.document.subject, opened.document[_vcdm.SUBJECT])
                check_status_there(rules, parsed.status)
            inner.opened = opened
        return inner.opened

    def _verify_signed(self, parsed: Parsed, issuer: PublicKey, at: int) -> Opened:
        inner = _inner(parsed)
        verify_jws(inner.sd_jwt.jws, issuer, typ=TYP)
        _vcdm.check_period(inner.document.valid_from, inner.document.valid_until, parsed.payload, at)
        return self._open(parsed)

    def _facts(self, parsed: Parsed, opened: Opened, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
        document = _inner(parsed).document
        return Claims(
            vct=parsed.vct,
            issuer=parsed.issuer,
            claims=opened.document[_vcdm.SUBJECT],
            document=opened.document,
            disclosed=opened.leaves,
            issued_at=document.valid_from,
            expires_at=document.valid_until,
            status=parsed.status,
            further=parsed.further,
            holder=holder,
            binding_claims=signed,
            signing_input_digest=hashlib.sha256(signing_input).digest(),
        )


class _Inner:
    """The structure behind a ``Parsed``, and its opened payload once somebody needed it."""

    __slots__ = ("document", "opened", "sd_jwt")

    def __init__(self, sd_jwt: SdJwt) -> None:
        self.sd_jwt = sd_jwt
        self.document = _vcdm.read(sd_jwt.payload)
        self.opened: Opened | None = None


def _inner(parsed: Parsed) -> _Inner:
    if not isinstance(parsed.inner, _Inner):
        raise Malformed("this was parsed as another format")
    return parsed.inner


def check_never(payload: Mapping[str, Any], opened: Opened) -> None:
    """``Malformed`` if something of ``NEVER`` was hidden: shown by a disclosure, or as a digest that opening removed without a trace."""
    for path in opened.paths:
        if path[0] in NEVER:
            raise Malformed("this is never hidden", where=f"/{path[0]}")
    for name in NEVER & payload.keys():
        if payload[name] != opened.document[name]:
            raise Malformed("nothing in this is ever hidden", where=f"/{name}")


FORMAT: CredentialFormat = VcSdJwt()
