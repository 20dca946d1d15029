"""W3C Verifiable Credentials Data Model 2.0, enveloped as ``vc+jwt`` (VC-JOSE-COSE section 3.1): one document, shown whole or not at all.

The payload is the JSON-LD document itself, as ``_vcdm`` has it. It is presented in a ``vp+jwt`` that the holder's key signs: ``aud``,
``nonce`` and ``iat`` in there are the holder binding. There is no selective disclosure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..clock import Entropy
from ..credentials import DISPUTED, ClaimPath, all_types
from ..errors import Malformed, NotBound, OverDisclosed, TooLarge, WrongTyp
from ..jose.jws import verify_jws
from ..jose.jwt import Jwt, parse_jwt
from ..keys import KeyId, PublicKey, Unsigned
from . import NOTHING, BearerType, Binding, Claims, Credential, CredentialFormat, Parsed, Peeked, _vcdm, _vp
from ._binding import check_binding, check_holder_signature, parse_holder
from ._envelope import check_bearer, check_status_there
from ._paths import select
from ._segments import certificates, header_segment, unsigned
from ._type import check_limits

TYP: Final = "vc+jwt"
MAX_BYTES: Final = 262_144


class VcJose:
    """See ``CredentialFormat``."""

    name: str = TYP
    withholds: bool = False

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        document = _vcdm.make(credential, holder, entropy)
        return unsigned(document, TYP, header_segment(credential.alg, TYP, credential.x5c, _vcdm.CTY), key, credential.alg)

    def parse(self, wire: str) -> Parsed:
        if len(wire) > MAX_BYTES:
            raise TooLarge(f"a credential of more than {MAX_BYTES} bytes")
        outer = parse_jwt(wire)
        if outer.jws.typ == _vp.TYP:
            return _parsed(wire, _enveloped(outer.claims), outer)
        return _parsed(wire, outer, None)

    def peek(self, parsed: Parsed) -> Peeked:
        inner = _inner(parsed)
        return Peeked(
            document=inner.jwt.claims,
            claims=inner.document.subject,
            disclosable=(),
            issued_at=inner.document.valid_from,
            expires_at=inner.document.valid_until,
            holder=parse_holder(inner.jwt.claims),
        )

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        inner = _inner(parsed)
        if inner.presentation is not None:
            raise Malformed("an issuer hands over no binding")
        _verify_signed(inner, issuer, at)
        _check_type(parsed, inner)
        if parse_holder(inner.jwt.claims) != holder:
            raise NotBound("the document is bound to another key")
        rules = all_types().get(parsed.vct)
        if rules is not None:
            rules.check(inner.document.subject)
        return _facts(parsed, inner, holder, NOTHING, inner.jwt.jws.signing_input)

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        inner = _inner(parsed)
        _verify_signed(inner, issuer, at)
        _check_type(parsed, inner)
        holder = parse_holder(inner.jwt.claims)
        shown = inner.presentation
        if isinstance(binding, BearerType):
            check_bearer(binding, parsed.vct, holder, bound=shown is not None)
            return _facts(parsed, inner, None, NOTHING, inner.jwt.jws.signing_input)
        if holder is None or shown is None:
            raise NotBound("nobody proves to hold this document")
        check_holder_signature(shown, holder, typ=_vp.TYP)
        check_binding(shown.claims, binding, at=at)
        return _facts(parsed, inner, holder, shown.claims, shown.jws.signing_input)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        """The document itself: ``OverDisclosed`` unless ``paths`` agree to all of its subject, for nothing in it can be withheld.

        That a detail is disputed is in no question, and goes along unasked as in every other format.
        """
        inner = _inner(parsed)
        wanted = select(inner.jwt.claims, paths)
        for leaf in _leaves(inner.document.subject, (_vcdm.SUBJECT,)):
            if leaf != (_vcdm.SUBJECT, DISPUTED) and not any(leaf[: len(path)] == path for path in wanted):
                raise OverDisclosed("this document can only be shown whole", where="/" + "/".join(str(part) for part in leaf))
        return _parsed(inner.jwt.jws.token, inner.jwt, None)

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        return _vp.prepare([(TYP, _inner(parsed).jwt.jws.token)], binding, key=key, at=at, alg=alg)


class _Inner:
    """The credential behind a ``Parsed``, and the presentation around it."""

    __slots__ = ("document", "jwt", "presentation")

    def __init__(self, jwt: Jwt, presentation: Jwt | None) -> None:
        self.document = _vcdm.read(jwt.claims)
        self.jwt = jwt
        self.presentation = presentation


def _inner(parsed: Parsed) -> _Inner:
    if not isinstance(parsed.inner, _Inner):
        raise Malformed("this was parsed as another format")
    return parsed.inner


def _parsed(wire: str, jwt: Jwt, presentation: Jwt | None) -> Parsed:
    if jwt.jws.typ != TYP:
        raise WrongTyp("this signed object is of another kind")
    inner = _Inner(jwt, presentation)
    document = inner.document
    return Parsed(
        format=TYP,
        wire=wire,
        header=jwt.header,
        payload=jwt.claims,
        binding_token=presentation.jws.token if presentation is not None else None,
        vct=document.vct,
        issuer=document.issuer,
        x5c=certificates(jwt.header),
        status=document.status,
        further=document.statuses[1:],
        inner=inner,
    )


def _enveloped(presentation: Mapping[str, Any]) -> Jwt:
    """The one credential inside a presentation."""
    found = _vp.contents(presentation)
    if len(found) != 1 or found[0][0] != TYP:
        raise Malformed("a presentation holds one enveloped credential", where="/verifiableCredential")
    _, wire, where = found[0]
    return parse_jwt(wire, where=where)


def _verify_signed(inner: _Inner, issuer: PublicKey, at: int) -> None:
    """Checks 3 and 4."""
    verify_jws(inner.jwt.jws, issuer, typ=TYP)
    _vcdm.check_period(inner.document.valid_from, inner.document.valid_until, inner.jwt.claims, at)


def _check_type(parsed: Parsed, inner: _Inner) -> None:
    rules = all_types().get(parsed.vct)
    if rules is not None:
        check_limits(rules, inner.document.subject, inner.document.subject)
        check_status_there(rules, parsed.status)


def _facts(parsed: Parsed, inner: _Inner, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
    return Claims(
        vct=parsed.vct,
        issuer=parsed.issuer,
        claims=inner.document.subject,
        document=inner.jwt.claims,
        disclosed=(),
        issued_at=inner.document.valid_from,
        expires_at=inner.document.valid_until,
        status=parsed.status,
        further=parsed.further,
        holder=holder,
        binding_claims=signed,
        signing_input_digest=hashlib.sha256(signing_input).digest(),
    )


def _leaves(value: Any, path: ClaimPath) -> list[ClaimPath]:
    if isinstance(value, dict) and value:
        return [leaf for name, member in value.items() for leaf in _leaves(member, (*path, name))]
    if isinstance(value, list) and value:
        return [leaf for at, item in enumerate(value) for leaf in _leaves(item, (*path, at))]
    return [path]


FORMAT: CredentialFormat = VcJose()
