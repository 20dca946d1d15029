"""What the W3C's test suites speak with: issue a credential, verify a credential or a presentation (VC API, now VCALM 1.0).

Pure functions and flows over the rest of the house; a service only routes. What is issued is any credential of the data model 2.0, as
``vc+jwt`` under a DID of the service. What is verified is enveloped, ``vc+jwt`` or ``vc+sd-jwt``: its structure, who signed it, its period
and its status. These endpoints judge documents and not who holds them: one that is bound to a holder (``cnf``) is verified only inside a
presentation by that key, and never as if whoever brings it held it (security rule S2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .codec import reader, strict_json
from .did import AUTHENTICATION, is_did, resolve
from .errors import (
    AlgorithmRefused,
    BadSignature,
    Expired,
    InvalidRequest,
    IssuerKeysUnknown,
    Malformed,
    NotBound,
    NotYetValid,
    StatusIndexOutOfRange,
    StatusUnknown,
    TooLarge,
    Unavailable,
    VcError,
    WrongTyp,
)
from .flow import Flow
from .formats import Binding, Claims, _vcdm, _vp
from .formats._binding import check_binding, check_holder_signature, parse_holder
from .formats._sd_jwt import open_payload, parse_sd_jwt
from .formats._segments import certificates
from .formats.vc_sd_jwt import check_never
from .jose.jws import Jws, verify_jws
from .jose.jwt import Jwt, parse_jwt, prepare_jwt
from .keys import KeyId, PublicKey, Unsigned
from .status.bitstring import problem_of
from .trust.federation import FederatedIssuer
from .vcdm import ENVELOPED_CREDENTIAL, ENVELOPED_PRESENTATION, check_credential, check_presentation, envelope, enveloped, instant
from .verify import DEFAULT_AGE, Knowledge, check_issuer, check_status_of

MAX_BODY: Final = 524_288  # bytes
MAX_CREDENTIAL: Final = 262_144  # bytes of what is signed
_TYP: Final = "vc+jwt"
_NOT_TO_SAY: Final = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "status", "vc", "vp", "_sd", "_sd_alg")
_STATUS_LIST: Final = "BitstringStatusListCredential"
_MODEL: Final = "https://www.w3.org/TR/vc-data-model#"

prepare_presentation = _vp.prepare
"""A holder's ``vp+jwt`` over credentials in either format: for ``check_presentation_request``, and for whoever else reads such."""


# --- issuing ---------------------------------------------------------------------------------------------------------------------------


def parse_issue_request(body: bytes) -> dict[str, Any]:
    """The ``credential`` to be issued. ``options`` has nothing that would change a ``vc+jwt``, and is passed over."""
    request = strict_json.load_object(body, max_bytes=MAX_BODY)
    reader.get_object(request, "options", optional=True)
    return reader.get_object(request, "credential")


def prepare_credential(credential: Mapping[str, Any], *, did: str, name: str, key: KeyId, alg: str = "ES256") -> Unsigned[str]:
    """The credential under the issuer ``did``, lacking only the signature of its key, whose DID URL is ``name``.

    ``Malformed`` with a pointer for what is no credential of the data model; ``InvalidRequest`` where another issuer is named, where the
    credential says what is the signature's to say, and for a status list, which is signed in its own place (S1).
    """
    document = _issued_by(credential, did)
    check_credential(document, "/credential")
    said = next((each for each in _NOT_TO_SAY if each in document), None)
    if said is not None:
        raise InvalidRequest("this is not part of a credential", where=f"/credential/{said}")
    if _STATUS_LIST in document["type"]:
        raise InvalidRequest("status lists are not made here", where="/credential/type")
    parse_holder(document)
    if len(strict_json.dumps(document)) > MAX_CREDENTIAL:
        raise TooLarge(f"a credential of more than {MAX_CREDENTIAL} bytes", where="/credential")
    return prepare_jwt(document, typ=_TYP, key=key, alg=alg, header={"cty": _vcdm.CTY, "kid": name})


def _issued_by(credential: Mapping[str, Any], did: str) -> dict[str, Any]:
    """With ``did`` as the issuer; an object keeps its other members."""
    issuer = credential.get("issuer", did)
    named = issuer.get("id", did) if type(issuer) is dict else issuer
    if type(named) is str and named != did:
        raise InvalidRequest(f"credentials are issued here as {did}", where="/credential/issuer")
    return {**credential, "issuer": {**issuer, "id": named} if type(issuer) is dict else issuer}


def render_issued(token: str) -> dict[str, Any]:
    """The answer, status 201."""
    return {"verifiableCredential": envelope(f"application/{_TYP}", token)}


# --- verifying -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verification:
    """``problems`` are empty exactly if it is verified."""

    problems: tuple[VcError, ...] = ()

    @property
    def status(self) -> int:
        return 400 if self.problems else 200

    def render(self) -> dict[str, Any]:
        """``{"verified": …}``, and what was wrong as RFC 9457 has it."""
        if not self.problems:
            return {"verified": True}
        return {"verified": False, "problemDetails": [_problem(each) for each in self.problems]}


def _problem(error: VcError) -> dict[str, Any]:
    return {"type": _kind(error), "title": error.code, "detail": error.detail, **({"pointer": error.where} if error.where else {})}


def _kind(error: VcError) -> str:
    """The names of the data model's section 7.1 and of Bitstring Status List's section 3.5."""
    if isinstance(error, StatusIndexOutOfRange | StatusUnknown):
        return problem_of(error)
    if isinstance(error, Malformed | InvalidRequest):
        return f"{_MODEL}MALFORMED_VALUE_ERROR"
    if isinstance(error, BadSignature | AlgorithmRefused | WrongTyp):
        return f"{_MODEL}CRYPTOGRAPHIC_SECURITY_ERROR"
    return f"{_MODEL}RANGE_ERROR" if isinstance(error, Expired | NotYetValid) else "about:blank"


def check_credential_request(body: bytes, known: Knowledge) -> Flow[Verification]:
    """``{"verifiableCredential": {EnvelopedVerifiableCredential}}``; never raises for what a stranger sent."""
    try:
        request = strict_json.load_object(body, max_bytes=MAX_BODY)
        held = reader.get_object(request, "verifiableCredential")
        media_type, wire = enveloped(held, ENVELOPED_CREDENTIAL, "/verifiableCredential")
        secured = _parse(_vp.MEDIA_TYPES.get(media_type, ""), wire, "/verifiableCredential/id")
        yield from _check(secured, known)
        if secured.holder is not None:
            raise NotBound("this document is for its holder alone: it is verified in a presentation", where="/verifiableCredential")
    except VcError as error:
        return Verification((error,))
    return Verification()


def check_presentation_request(body: bytes, known: Knowledge) -> Flow[Verification]:
    """``{"verifiablePresentation": {EnvelopedVerifiablePresentation}, "options": {"challenge", "domain"}}``, both of which are demanded.

    Every credential in it is verified, and bound to the key that signed the presentation: by its ``cnf``, or else as one about the holder,
    whose DID has that key. Never raises for what a stranger sent.
    """
    try:
        request = strict_json.load_object(body, max_bytes=MAX_BODY)
        options = reader.get_object(request, "options")
        binding = Binding(audience=reader.get_str(options, "domain", "/options"), nonce=reader.get_str(options, "challenge", "/options"))
        held = reader.get_object(request, "verifiablePresentation")
        media_type, wire = enveloped(held, ENVELOPED_PRESENTATION, "/verifiablePresentation")
        if media_type != f"application/{_vp.TYP}":
            raise Malformed(f"a presentation here is application/{_vp.TYP}", where="/verifiablePresentation/id")
        yield from _check_presentation(parse_jwt(wire, max_bytes=MAX_BODY, where="/verifiablePresentation/id"), binding, known)
    except VcError as error:
        return Verification((error,))
    return Verification()


def _check_presentation(shown: Jwt, binding: Binding, known: Knowledge) -> Flow[None]:
    if shown.jws.typ != _vp.TYP:
        raise WrongTyp("this signed object is of another kind")
    check_presentation(shown.claims)
    contents = [_parse(name, wire, where) for name, wire, where in _vp.contents(shown.claims)]
    for secured in contents:
        yield from _check(secured, known)
    holder = yield from _holder(shown)
    for secured in contents:
        _check_held(secured, shown, holder)
    check_binding(shown.claims, binding, at=known.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secured:
    """A parsed, unverified credential: ``signed`` is what the issuer signed, ``document`` the same with every disclosure at hand."""

    typ: str
    jws: Jws
    signed: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def holder(self) -> PublicKey | None:
        return parse_holder(self.signed)

    def subjects(self) -> list[Any]:
        subject = self.document["credentialSubject"]
        return subject if type(subject) is list else [subject]


def _parse(name: str, wire: str, where: str) -> _Secured:
    """Structure only; a ``kb+jwt`` behind a ``vc+sd-jwt`` binds nothing here, for the presentation does."""
    if name == "vc+sd-jwt":
        sd_jwt = parse_sd_jwt(wire, typ=name)
        if sd_jwt.binding is not None:
            raise Malformed("a document in an envelope has no binding of its own", where=where)
        opened = open_payload(sd_jwt)
        check_never(sd_jwt.payload, opened)
        secured = _Secured(typ=name, jws=sd_jwt.jws, signed=sd_jwt.payload, document=opened.document)
    elif name == _TYP:
        jwt = parse_jwt(wire, max_bytes=MAX_BODY, where=where)
        if jwt.jws.typ != name:
            raise WrongTyp("this signed object is of another kind", where=where)
        secured = _Secured(typ=name, jws=jwt.jws, signed=jwt.claims, document=jwt.claims)
    else:
        raise Malformed("an envelope here holds application/vc+jwt or application/vc+sd-jwt", where=where)
    if "vc" in secured.signed or "vp" in secured.signed:
        raise Malformed("the payload is the document itself", where=where)  # VC-JOSE-COSE section 3.1.3
    check_credential(secured.document)
    return secured


def _check(secured: _Secured, known: Knowledge) -> Flow[None]:
    """Who signed it, and may say it; its period; its status."""
    document, header = secured.document, secured.jws.header
    entity, vct = _vcdm.issuer_of(document), _vcdm.vct_of(document)
    issuer = yield from check_issuer(entity, vct, certificates(header), known, name=header.get("kid"))
    verify_jws(secured.jws, issuer.public, typ=secured.typ)
    begins, ends = instant(document, "validFrom"), instant(document, "validUntil")
    _vcdm.check_period(begins, ends, secured.signed, known.at)
    if isinstance(issuer, FederatedIssuer):
        issuer.check_said(begins or known.at, document)
    statuses = _vcdm.statuses(document)
    if statuses:
        claims = Claims(
            vct=vct,
            issuer=entity,
            claims={},
            document=document,
            disclosed=(),
            issued_at=begins,
            expires_at=ends,
            status=statuses[0],
            further=statuses[1:],
            holder=None,
            binding_claims={},
            signing_input_digest=b"",
        )
        age, limit = DEFAULT_AGE["high"], known.material.max_status_age
        yield from check_status_of(claims, issuer, age if limit is None else min(age, limit), known)


def _holder(shown: Jwt) -> Flow[str]:
    """The holder's DID, once it proved to be the one whose key signed; the empty string for a presentation that names nobody.

    ``NotBound`` for any other name: nothing would show whose it is, and whoever reads it might take it as proved.
    """
    holder = shown.claims.get("holder")
    if holder is None:
        return ""
    name = holder.get("id") if type(holder) is dict else holder
    if type(name) is not str or not is_did(name):
        raise NotBound("a holder is named by a DID here, or not at all", where="/verifiablePresentation")
    kid = shown.header.get("kid")
    try:
        document = yield from resolve(name)
    except Unavailable as error:
        raise IssuerKeysUnknown(f"which keys {name} has is not known here: {error.detail}") from error
    check_holder_signature(shown, document.key(kid if type(kid) is str else "", AUTHENTICATION), typ=_vp.TYP)
    return name


def _check_held(secured: _Secured, shown: Jwt, holder: str) -> None:
    key = secured.holder
    if key is not None:
        check_holder_signature(shown, key, typ=_vp.TYP)
    elif not holder or any(each.get("id") != holder for each in secured.subjects()):
        raise NotBound("nothing ties this document to whoever presents it", where="/verifiableCredential")
