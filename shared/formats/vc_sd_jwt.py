"""W3C Verifiable Credentials Data Model 2.0, secured as an SD-JWT, ``vc+sd-jwt`` (VC-JOSE-COSE section 3.2) over RFC 9901.

The document is that of ``_vcdm``; details below ``credentialSubject`` are hidden one by one as the type says, and nothing else in it ever
is by us. It is shown with a ``kb+jwt``, as a ``dc+sd-jwt`` is, and is no such thing: the ``typ`` of each is refused as the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..clock import Entropy
from ..credentials import ClaimPath, all_types
from ..errors import BadDisclosure, Malformed, NotBound
from ..jose.jws import verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from . import NOTHING, BearerType, Binding, Claims, Credential, CredentialFormat, Parsed, Peeked, _kb, _vcdm
from ._binding import parse_holder
from ._envelope import check_bearer, check_status_there
from ._sd_jwt import SD_ALG, Opened, Redaction, SdJwt, open_payload, parse_sd_jwt
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


class VcSdJwt:
    """See ``CredentialFormat``."""

    name: str = TYP

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        payload = _vcdm.make(credential, holder, entropy)
        redaction = Redaction(entropy)
        payload[_vcdm.SUBJECT] = redact(credential.type, credential.claims, redaction)
        payload[SD_ALG] = redaction.alg
        segment = header_segment(credential.alg, TYP, credential.x5c, _vcdm.CTY)
        return unsigned(payload, TYP, segment, key, credential.alg, after=redaction.tail())

    def parse(self, wire: str) -> Parsed:
        return _parsed(wire, parse_sd_jwt(wire, typ=TYP))

    def peek(self, parsed: Parsed) -> Peeked:
        opened, inner = _open(parsed), _inner(parsed)
        return Peeked(
            document=opened.document,
            claims=opened.document[_vcdm.SUBJECT],
            disclosable=opened.paths,
            issued_at=inner.document.valid_from,
            expires_at=inner.document.valid_until,
            holder=parse_holder(parsed.payload),
        )

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        if parsed.binding_token is not None:
            raise Malformed("an issuer hands over no binding")  # RFC 9901 section 7.2
        opened = _verify_signed(parsed, issuer, at)
        if opened.unexplained:
            raise BadDisclosure("something is hidden from its own holder")  # S3
        if parse_holder(parsed.payload) != holder:
            raise NotBound("the document is bound to another key")
        rules = all_types().get(parsed.vct)
        claims = _facts(parsed, opened, holder, NOTHING, _inner(parsed).sd_jwt.jws.signing_input)
        if rules is not None:
            rules.check(claims.claims)
        return claims

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        opened = _verify_signed(parsed, issuer, at)
        sd_jwt = _inner(parsed).sd_jwt
        holder = parse_holder(parsed.payload)
        if isinstance(binding, BearerType):
            check_bearer(binding, parsed.vct, holder, bound=sd_jwt.binding is not None)
            return _facts(parsed, opened, None, NOTHING, sd_jwt.jws.signing_input)
        token = _kb.check_bound(sd_jwt, holder, binding, at=at)
        return _facts(parsed, opened, holder, token.claims, token.jws.signing_input)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        shown = _kb.withhold(_inner(parsed).sd_jwt, _open(parsed), paths)
        return _parsed(shown.presented, shown)

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        return _kb.bind(_inner(parsed).sd_jwt, binding, key=key, at=at, alg=alg)


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


def _parsed(wire: str, sd_jwt: SdJwt) -> Parsed:
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


def _open(parsed: Parsed) -> Opened:
    """The opened payload, with everything that may not be hidden in clear."""
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


def check_never(payload: Mapping[str, Any], opened: Opened) -> None:
    """``Malformed`` if something of ``NEVER`` was hidden: shown by a disclosure, or as a digest that opening removed without a trace."""
    for path in opened.paths:
        if path[0] in NEVER:
            raise Malformed("this is never hidden", where=f"/{path[0]}")
    for name in NEVER & payload.keys():
        if payload[name] != opened.document[name]:
            raise Malformed("nothing in this is ever hidden", where=f"/{name}")


def _verify_signed(parsed: Parsed, issuer: PublicKey, at: int) -> Opened:
    """Checks 3 to 5: signature, validity, digests and disclosures."""
    inner = _inner(parsed)
    verify_jws(inner.sd_jwt.jws, issuer, typ=TYP)
    _vcdm.check_period(inner.document.valid_from, inner.document.valid_until, parsed.payload, at)
    return _open(parsed)


def _facts(parsed: Parsed, opened: Opened, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
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


FORMAT: CredentialFormat = VcSdJwt()
