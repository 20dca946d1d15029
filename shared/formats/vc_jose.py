"""W3C Verifiable Credentials Data Model 2.0, enveloped as ``vc+jwt`` (VC-JOSE-COSE): one document, shown whole or not at all.

The payload is the JSON-LD document itself. Our claim tree hangs below ``credentialSubject``; an inline context gives each of its
names an IRI below the type's ``vct``, so that nobody has to fetch a context to read it, and names the type. ``cnf`` and ``status`` are
the JWT claims that bind the copy and say where its status stands. It is presented in a ``vp+jwt`` that the holder's key signs: ``aud``,
``nonce`` and ``iat`` in there are the holder binding. There is no selective disclosure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ..clock import Entropy
from ..credentials import ClaimPath, CredentialType, all_types
from ..errors import Malformed, NotBound, OverDisclosed, TooLarge, WrongTyp
from ..jose.jwk import render_jwk
from ..jose.jws import verify_jws
from ..jose.jwt import Jwt, check_times, parse_jwt
from ..keys import KeyId, PublicKey, Unsigned
from . import NOTHING, BearerType, Binding, Claims, Credential, CredentialFormat, Parsed, Peeked
from ._binding import binding_claims, check_binding, check_holder_signature, parse_holder
from ._envelope import MAX_IDENTIFIER, check_bearer, check_issuable, check_status_there, identifier, parse_status, render_status
from ._paths import select
from ._segments import certificates, header_segment, unsigned
from ._type import check_limits, check_members

TYP: Final = "vc+jwt"
PRESENTATION_TYP: Final = "vp+jwt"
CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
MAX_BYTES: Final = 262_144
_DATA: Final = "data:application/vc+jwt,"
_SUBJECT: Final = "credentialSubject"
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")  # RFC 3339, as XML Schema dateTimeStamp


class VcJose:
    """See ``CredentialFormat``."""

    name: str = TYP

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        check_issuable(credential, holder)
        check_members(credential.type, credential.claims)
        document: dict[str, Any] = {
            "@context": [CONTEXT, _context(credential.type)],
            "type": ["VerifiableCredential", credential.type.vcdm_type],
            # A number of its own for each copy, so that copies of one document cannot be told to belong together.
            "id": f"urn:uuid:{_uuid(entropy(16))}",
            "issuer": credential.issuer,
            "validFrom": _render_instant(credential.issued_at),
            "validUntil": _render_instant(credential.expires_at),
            _SUBJECT: dict(credential.claims),
        }
        if holder is not None:
            document["cnf"] = {"jwk": render_jwk(holder)}
        if credential.status is not None:
            document["status"] = render_status(credential.status)
        segment = header_segment(credential.alg, TYP, credential.x5c, "vc")
        return unsigned(document, TYP, segment, key, credential.alg)

    def parse(self, wire: str) -> Parsed:
        if len(wire) > MAX_BYTES:
            raise TooLarge(f"a credential of more than {MAX_BYTES} bytes")
        outer = parse_jwt(wire)
        if outer.jws.typ == PRESENTATION_TYP:
            return _parsed(wire, _enveloped(outer.claims), outer)
        return _parsed(wire, outer, None)

    def peek(self, parsed: Parsed) -> Peeked:
        inner = _inner(parsed)
        document = inner.jwt.claims
        return Peeked(
            document=document,
            claims=inner.subject,
            disclosable=(),
            issued_at=inner.valid_from,
            expires_at=inner.valid_until,
            holder=parse_holder(document),
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
            rules.check(inner.subject)
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
        check_holder_signature(shown, holder, typ=PRESENTATION_TYP)
        check_binding(shown.claims, binding, at=at)
        return _facts(parsed, inner, holder, shown.claims, shown.jws.signing_input)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        """The document itself: ``OverDisclosed`` unless ``paths`` agree to all of its subject, for nothing in it can be withheld."""
        inner = _inner(parsed)
        wanted = select(inner.jwt.claims, paths)
        for leaf in _leaves(inner.jwt.claims[_SUBJECT], (_SUBJECT,)):
            if not any(leaf[: len(path)] == path for path in wanted):
                raise OverDisclosed("this document can only be shown whole", where="/" + "/".join(str(part) for part in leaf))
        return _parsed(inner.jwt.jws.token, inner.jwt, None)

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        presentation = {
            "@context": [CONTEXT],
            "type": ["VerifiablePresentation"],
            "verifiableCredential": [
                {"@context": CONTEXT, "type": "EnvelopedVerifiableCredential", "id": _DATA + _inner(parsed).jwt.jws.token},
            ],
        }
        payload = presentation | binding_claims(binding, at) | presentation
        return unsigned(payload, PRESENTATION_TYP, header_segment(alg, PRESENTATION_TYP), key, alg)


class _Inner:
    """The credential behind a ``Parsed``, and the presentation around it."""

    __slots__ = ("jwt", "presentation", "subject", "valid_from", "valid_until")

    def __init__(self, jwt: Jwt, presentation: Jwt | None) -> None:
        document = jwt.claims
        self.jwt = jwt
        self.presentation = presentation
        self.valid_from = _instant(document, "validFrom")
        self.valid_until = _instant(document, "validUntil")
        subject = document.get(_SUBJECT)
        if type(subject) is not dict or not subject:
            raise Malformed("the document is about one subject", where=f"/{_SUBJECT}")
        self.subject: dict[str, Any] = subject


def _inner(parsed: Parsed) -> _Inner:
    if not isinstance(parsed.inner, _Inner):
        raise Malformed("this was parsed as another format")
    return parsed.inner


def _parsed(wire: str, jwt: Jwt, presentation: Jwt | None) -> Parsed:
    if jwt.jws.typ != TYP:
        raise WrongTyp("this signed object is of another kind")
    document = jwt.claims
    if "vc" in document or "vp" in document:
        raise Malformed("the payload is the document itself", where="/vc" if "vc" in document else "/vp")  # VC-JOSE-COSE section 3.1.1
    issuer = _issuer(document)
    return Parsed(
        format=TYP,
        wire=wire,
        header=jwt.header,
        payload=document,
        binding_token=presentation.jws.token if presentation is not None else None,
        vct=_vct(document),
        issuer=issuer,
        x5c=certificates(jwt.header),
        status=parse_status(document),
        inner=_Inner(jwt, presentation),
    )


def _enveloped(presentation: Mapping[str, Any]) -> Jwt:
    """The one credential inside a presentation (VCDM 2.0 section 4.13, VC-JOSE-COSE section 3.1.2)."""
    _check_base(presentation, "VerifiablePresentation")
    where = "/verifiableCredential"
    listed = presentation.get("verifiableCredential")
    held = listed[0] if type(listed) is list and len(listed) == 1 else listed
    if type(held) is not dict or "EnvelopedVerifiableCredential" not in _as_list(held.get("type")):
        raise Malformed("a presentation holds one enveloped credential", where=where)
    data = held.get("id")
    if type(data) is not str or not data.startswith(_DATA):
        raise Malformed(f"an enveloped credential begins with {_DATA}", where=f"{where}/id")
    return parse_jwt(data[len(_DATA) :], where=f"{where}/id")


def _check_base(document: Mapping[str, Any], kind: str) -> None:
    contexts = document.get("@context")
    if type(contexts) is not list or not contexts or contexts[0] != CONTEXT:
        raise Malformed("the first context is that of the data model 2.0", where="/@context")
    if kind not in _as_list(document.get("type")):
        raise Malformed(f"the type is not {kind}", where="/type")


def _as_list(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def _vct(document: Mapping[str, Any]) -> str:
    """What the document's own context says that its type is; the empty string for a document without such a context."""
    _check_base(document, "VerifiableCredential")
    names = [name for name in _as_list(document["type"]) if name != "VerifiableCredential"]
    inline = [context for context in document["@context"] if type(context) is dict]
    if len(names) != 1 or len(inline) != 1 or type(names[0]) is not str:
        return ""
    vct = inline[0].get(names[0])
    if type(vct) is not str or len(vct) > MAX_IDENTIFIER:
        return ""
    rules = all_types().get(vct)
    if rules is not None and inline[0] != _context(rules):
        # Another meaning for the same words would be another document.
        raise Malformed("the context is not that of its type", where="/@context")
    return vct


def _context(rules: CredentialType) -> dict[str, Any]:
    return {rules.vcdm_type: rules.vct, "@vocab": f"{rules.vct}#"}


def _issuer(document: Mapping[str, Any]) -> str:
    """``issuer`` as a URI or an object with ``id``; a JWT ``iss`` says the same (VC-JOSE-COSE section 3.2.1)."""
    issuer = document.get("issuer")
    name = identifier(issuer, "id") if type(issuer) is dict else identifier(document, "issuer")
    if document.get("iss", name) != name:
        raise Malformed("two issuers are named", where="/iss")
    if "jti" in document and document["jti"] != document.get("id"):
        raise Malformed("two numbers are named", where="/jti")
    return name


def _verify_signed(inner: _Inner, issuer: PublicKey, at: int) -> None:
    """Checks 3 and 4. The data model's period and, where the JWT has times as well, those of the signature."""
    verify_jws(inner.jwt.jws, issuer, typ=TYP)
    period = {"nbf": inner.valid_from, "exp": inner.valid_until}
    check_times({name: value for name, value in period.items() if value}, at=at)
    check_times(inner.jwt.claims, at=at)


def _check_type(parsed: Parsed, inner: _Inner) -> None:
    rules = all_types().get(parsed.vct)
    if rules is not None:
        check_limits(rules, inner.subject, inner.subject)
        check_status_there(rules, parsed.status)


def _facts(parsed: Parsed, inner: _Inner, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
    return Claims(
        vct=parsed.vct,
        issuer=parsed.issuer,
        claims=inner.subject,
        document=inner.jwt.claims,
        disclosed=(),
        issued_at=inner.valid_from,
        expires_at=inner.valid_until,
        status=parsed.status,
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


def _render_instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(document: Mapping[str, Any], name: str) -> int:
    """Epoch seconds of a dateTimeStamp (VCDM 2.0 section 4.9); 0 where it is absent."""
    value = document.get(name)
    if name not in document:
        return 0
    matched = _INSTANT.fullmatch(value) if type(value) is str else None
    if matched is None:
        raise Malformed("an instant with its time zone is demanded here", where=f"/{name}")
    date, time, _, zone = matched.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{time}{'+00:00' if zone == 'Z' else zone}")
    except ValueError as error:
        raise Malformed("this instant does not exist", where=f"/{name}") from error
    return int(at.timestamp())


def _uuid(random: bytes) -> str:
    """RFC 9562 section 5.4, version 4."""
    number = bytes([*random[:6], random[6] & 0x0F | 0x40, random[7], random[8] & 0x3F | 0x80, *random[9:]]).hex()
    return "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))


FORMAT: CredentialFormat = VcJose()
