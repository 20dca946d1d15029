"""Is a request by whom it names? Certificates, DIDs, or nobody at all (OpenID4VP 1.0 sections 5 and 5.9.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .. import did
from ..errors import Expired, InvalidRequest, NotYetValid, Undecided, Untrusted, WrongAudience, WrongTyp
from ..flow import Flow
from ..jose import jwt
from ..jose.jws import ALGS
from ..jose.jwt import Jwt
from ..keys import PublicKey, Role
from ..trust.policy import Policy
from ..x509 import Cert, Crl, load_certificate, parse_x5c
from ._client import Admission, ClientId, Prefix, check_certificate, parse_client_id
from ._request import AUDIENCE, TYP

MAX_REQUEST: Final = 262_144  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The claims of a request that is by whom it names. ``chain`` (DER, leaf first) is not yet followed; a DID or nobody has none."""

    claims: Mapping[str, Any]
    client: ClientId
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def signer(self) -> Cert | None:
        """The certificate of the key that signed."""
        return load_certificate(self.chain[0]) if self.chain else None


def open_request(token: str, *, client_id: str, at: int, admit: Admission, moved: Mapping[str, Any] | None = None) -> Flow[SignedRequest]:
    """A request object by the one whom ``client_id`` names; only a ``did:web`` yields a ``Fetch``. Errors as ``check_request_object``.

    ``moved`` are members that stand in the header, of a request with several signatures (appendix A.3.2.2). ``Untrusted`` for a
    ``did:web`` that nobody here knows; ``InvalidRequest`` for what nobody signed, unless that is admitted.
    """
    client = parse_client_id(client_id)
    if client.prefix is not Prefix.DID:
        check = _unsigned if client.prefix is Prefix.REDIRECT_URI and admit.unsigned else _certified
        return check(_parse(token), client, client_id, at, moved)
    parsed = _parse(token)
    kid = parsed.header.get("kid")
    if type(kid) is not str or did.parse_did_url(kid, where="/kid").did != client.name:
        raise InvalidRequest("the request names a key of somebody else", where="/kid")
    if did.check_did(client.name) == "web" and not admit.unsigned and client.name not in admit.dids:
        raise Untrusted("nobody here knows this DID, so that it is not looked up")
    document = yield from did.resolve(client.name)
    claims = _verify(parsed, _key(document, kid), client_id, at, moved)
    return SignedRequest(claims=claims, client=client)


def check_request_object(token: str, *, client_id: str, at: int) -> SignedRequest:
    """A request object by the holder of the certificate that ``client_id`` names.

    Typ first (S1), then the certificate: not self-signed, for no other role, in force, the one that the ``client_id`` of link and object
    alike says (section 5.9.3); then signature, times and audience. The class that names the fault.
    """
    return _certified(_parse(token), parse_client_id(client_id), client_id, at, None)


def _parse(token: str) -> Jwt:
    parsed = jwt.parse_jwt(token, max_bytes=MAX_REQUEST)
    if parsed.header.get("typ") != TYP:
        raise WrongTyp("this is not a request for a presentation", where="/typ")
    return parsed


def _certified(parsed: Jwt, client: ClientId, client_id: str, at: int, moved: Mapping[str, Any] | None) -> SignedRequest:
    chain = parse_x5c(parsed.header.get("x5c"), "/x5c")
    signer = load_certificate(chain[0], "/x5c/0")
    if signer.is_self_issued:
        raise Untrusted("the one who asks has certified itself", where="/x5c/0")
    if signer.roles not in ((), (Role.RELYING_PARTY,)):  # S1; what others certify has none of our roles
        raise Untrusted("the certificate of the one who asks is for something else", where="/x5c/0")
    check_certificate(client, signer)
    claims = _verify(parsed, signer.public, client_id, at, moved)
    if at > signer.not_after:
        raise Expired("the certificate of the one who asks has run out", where="/x5c/0")
    if at < signer.not_before:
        raise NotYetValid("the certificate of the one who asks is not in force yet", where="/x5c/0")
    return SignedRequest(claims=claims, client=client, chain=chain)


def _unsigned(parsed: Jwt, client: ClientId, client_id: str, at: int, moved: Mapping[str, Any] | None) -> SignedRequest:
    """An address signs nothing, so that what looks signed by it is not what it seems (section 5.9.3)."""
    if parsed.header["alg"] != "none" or parsed.jws.signature or moved is not None:
        raise InvalidRequest("who is named by an address cannot sign", where="/alg")
    return check_unsigned(parsed.claims, client, client_id, at)


def check_unsigned(claims: Mapping[str, Any], client: ClientId, client_id: str, at: int) -> SignedRequest:
    """What nobody signed: its times, and that it names the one whom the link names."""
    jwt.check_times(claims, at=at)
    _check_client(claims, client_id)
    if "aud" in claims:
        _check_audience(claims)
    return SignedRequest(claims=claims, client=client)


def _verify(parsed: Jwt, key: PublicKey, client_id: str, at: int, moved: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Signature, times, audience, and the same client in link and object."""
    claims: Mapping[str, Any] = parsed.claims if moved is None else {**parsed.claims, **moved}
    _check_client(claims, client_id)
    jwt.verify_jwt(parsed, key, typ=TYP, at=at, algs=ALGS)
    # The specification's examples for the Digital Credentials API have none: their origins say for whom they are.
    if "aud" in claims or "expected_origins" not in claims:
        _check_audience(claims)
    return claims


def _check_client(claims: Mapping[str, Any], client_id: str) -> None:
    if claims.get("client_id") != client_id:
        raise InvalidRequest("the request is by somebody else than the link says", where="/client_id")


def _check_audience(claims: Mapping[str, Any]) -> None:
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise WrongAudience("the request is not meant for wallets", where="/aud")


def _key(document: did.DidDocument, kid: str) -> PublicKey:
    """A key for proving who is there, or for saying things: which of the two signs requests is not said anywhere."""
    try:
        return document.key(kid, did.AUTHENTICATION)
    except Untrusted:
        return document.key(kid, did.ASSERTION)


def find_asker(chain: Sequence[bytes], policy: Policy, at: int, crls: Sequence[Crl]) -> Cert | None:
    """Who asks, if that can be known. A withdrawn certificate is refused; one that leads nowhere is merely unknown."""
    try:
        return policy.check_relying_party(chain, at, crls) if chain else None
    except (Untrusted, Undecided):
        return None
