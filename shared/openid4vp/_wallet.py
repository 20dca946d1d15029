"""What a wallet does with a request, fetch by fetch: get it, check it, answer it (OpenID4VP 1.0, HAIP 1.0 section 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import (
    Expired,
    InvalidRequest,
    Malformed,
    NotYetValid,
    Undecided,
    Untrusted,
    VcError,
    WrongAudience,
    WrongNonce,
    WrongTyp,
)
from ..flow import Fetch, Fetched, Flow
from ..jose import jwt
from ..keys import Role
from ..oauth import media_type, parse_error
from ..trust.policy import Policy
from ..urls import check_link, render_form
from ..x509 import Cert, Crl, load_certificate, parse_x5c
from ._link import AuthorizationRequest, check_client_id, client_id_of, parse_authorization_link
from ._request import ALGS, AUDIENCE, MEDIA_TYPE, TYP, RequestObject, check_way_back, parse_request
from ._response import render_refusal, render_response
from ._use import IntendedUse, find_use

_MAX_REQUEST = 262_144  # bytes
_POST = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """A request that may be shown to a person.

    ``asker`` is the certificate of who asks, if it leads to an organisation that is trusted here; ``None`` means "we could not check
    who this is". ``signer`` is the key's certificate in either case. ``use`` is why they ask, in their own words, or ``None``.
    """

    request: RequestObject
    signer: Cert
    asker: Cert | None
    use: IntendedUse | None


@dataclass(frozen=True, slots=True)
class PostResult:
    """How the verifier took it. ``refusal`` is its refusal, if it refused; a ``receipt`` (JWS, unchecked) may come either way."""

    redirect_uri: str | None = None
    receipt: str | None = None
    refusal: VcError | None = None


def resolve_request(
    link: str,
    *,
    wallet_nonce: str,
    policy: Policy,
    at: int,
    crls: Sequence[Crl] = (),
    plain_http: Collection[str] = (),
) -> Flow[ResolvedRequest]:
    """Fetch and check the request that a link carries; nothing of the wallet is told to anybody but ``wallet_nonce`` (128 random bits).

    Raises the class that names the fault. If the request is truly by the key it names but asks what cannot be answered, the verifier is
    told so first (section 8.5): it learns the error and nothing else.
    """
    asked = parse_authorization_link(link, plain_http=plain_http)
    token = yield from _fetch_request(asked, wallet_nonce)
    claims, chain = check_request_object(token, client_id=asked.client_id, at=at)
    if asked.method == "post" and asked.request_uri is not None and claims.get("wallet_nonce") != wallet_nonce:
        raise WrongNonce("the request was not made for this wallet just now", where="/wallet_nonce")
    try:
        request = parse_request(claims, plain_http=plain_http)
        use = find_use(request.verifier_info)
    except VcError as error:
        yield from _tell(claims, error, plain_http)
        raise
    return ResolvedRequest(request=request, signer=load_certificate(chain[0]), asker=_asker(chain, policy, at, crls), use=use)


def _fetch_request(asked: AuthorizationRequest, wallet_nonce: str) -> Flow[str]:
    if asked.request is not None:
        return asked.request
    url = asked.request_uri or ""
    if asked.method == "post":
        headers = {"accept": MEDIA_TYPE, "content-type": "application/x-www-form-urlencoded"}
        body = render_form({"wallet_nonce": wallet_nonce})
        got = yield Fetch(url=url, method="POST", headers=headers, body=body, max_bytes=_MAX_REQUEST)
    else:
        got = yield Fetch(url=url, headers={"accept": MEDIA_TYPE}, max_bytes=_MAX_REQUEST)
    if got.status != 200:
        raise parse_error(got)
    if media_type(got) != MEDIA_TYPE:
        raise Malformed("what lies there is not a signed request")
    try:
        return got.body.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Malformed("what lies there is not a signed request") from error


def check_request_object(token: str, *, client_id: str, at: int) -> tuple[Mapping[str, Any], tuple[bytes, ...]]:
    """The claims of a request object that is what it says it is, and its signer's chain (DER, leaf first), not yet followed.

    Typ first (S1), then the certificate: not self-signed, for no other role, in force, its hash is the ``client_id`` of link and object alike
    (section 5.9.3); then signature, times and audience.
    """
    parsed = jwt.parse_jwt(token, max_bytes=_MAX_REQUEST)
    if parsed.header.get("typ") != TYP:
        raise WrongTyp("this is not a request for a presentation", where="/typ")
    check_client_id(client_id)
    chain = parse_x5c(parsed.header.get("x5c"), "/x5c")
    signer = load_certificate(chain[0], "/x5c/0")
    if signer.parsed.issuer == signer.parsed.subject:
        raise Untrusted("the one who asks has certified itself", where="/x5c/0")
    if signer.roles not in ((), (Role.RELYING_PARTY,)):  # S1; what others certify has none of our roles
        raise Untrusted("the certificate of the one who asks is for something else", where="/x5c/0")
    if client_id != client_id_of(signer.der) or parsed.claims.get("client_id") != client_id:
        raise InvalidRequest("the request is by somebody else than the link says", where="/client_id")
    claims = jwt.verify_jwt(parsed, signer.public, typ=TYP, at=at, algs=ALGS)
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise WrongAudience("the request is not meant for wallets", where="/aud")
    if at > signer.not_after:
        raise Expired("the certificate of the one who asks has run out", where="/x5c/0")
    if at < signer.not_before:
        raise NotYetValid("the certificate of the one who asks is not in force yet", where="/x5c/0")
    return claims, chain


def _asker(chain: Sequence[bytes], policy: Policy, at: int, crls: Sequence[Crl]) -> Cert | None:
    """Who asks, if that can be known. A withdrawn certificate is refused; one that leads nowhere is merely unknown."""
    try:
        return policy.check_relying_party(chain, at, crls)
    except (Untrusted, Undecided):
        return None


def _tell(claims: Mapping[str, Any], error: VcError, plain_http: Collection[str]) -> Flow[None]:
    try:
        uri, state = check_way_back(claims, plain_http=plain_http)
        yield _post(uri, render_refusal(error, state))
    except VcError:
        return  # the refusal itself is what matters; that it could not be told changes nothing


def _post(uri: str, body: bytes) -> Fetch:
    return Fetch(url=uri, method="POST", headers=_POST, body=body, max_bytes=65_536)


def post_response(request: RequestObject, vp_token: Mapping[str, Sequence[str]], *, plain_http: Collection[str] = ()) -> Flow[PostResult]:
    """Send the answer, locked. A refusal by the verifier is a result, for it may come with a receipt (section 8.2)."""
    got = yield _post(request.response_uri, render_response(request, vp_token))
    return _result(got, plain_http)


def post_refusal(request: RequestObject, error: VcError, *, plain_http: Collection[str] = ()) -> Flow[PostResult]:
    """Tell the verifier that it gets nothing: ``AccessDenied`` when the person says no or holds nothing that answers (section 8.5)."""
    got = yield _post(request.response_uri, render_refusal(error, request.state))
    return _result(got, plain_http)


def _result(got: Fetched, plain_http: Collection[str]) -> PostResult:
    """Redirects of the post itself are errors (section 8.2); where to go next stands in the JSON."""
    members = _members(got)
    receipt = reader.get_str(members, "receipt", optional=True, max_length=65_536)
    if got.status != 200:
        return PostResult(receipt=receipt, refusal=parse_error(got))
    redirect = reader.get_str(members, "redirect_uri", optional=True)
    if redirect is not None:
        check_link(redirect, where="/redirect_uri", plain_http=plain_http)
    return PostResult(redirect_uri=redirect, receipt=receipt)


def _members(got: Fetched) -> dict[str, Any]:
    if media_type(got) == "application/json":
        return strict_json.load_object(got.body, max_bytes=65_536)
    if got.status == 200:
        raise Malformed("the answer did not come as JSON")
    return {}
