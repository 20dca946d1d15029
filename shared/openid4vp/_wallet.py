"""What a wallet does with a request, fetch by fetch: get it, check it, answer it (OpenID4VP 1.0, HAIP 1.0 section 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import Malformed, VcError, WrongNonce
from ..flow import Fetch, Fetched, Flow
from ..oauth import media_type, parse_error
from ..trust.policy import Policy
from ..urls import check_link, render_form
from ..x509 import Crl
from ._client import STRICT, Admission, parse_client_id
from ._link import AuthorizationRequest, parse_authorization_link
from ._metadata import wallet_metadata
from ._request import MEDIA_TYPE, RequestObject, check_way_back, parse_request
from ._resolved import ResolvedRequest, resolved_of
from ._response import render_refusal
from ._signed import MAX_REQUEST, SignedRequest, check_unsigned, open_request

_POST = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}


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
    admit: Admission = STRICT,
) -> Flow[ResolvedRequest]:
    """Fetch and check the request that a link carries; nothing of the wallet is told to anybody but ``wallet_nonce`` (128 random bits),
    and what every wallet of this software says of itself.

    Raises the class that names the fault. If the request is truly by the key it names but asks what cannot be answered, the verifier is
    told so first (section 8.5): it learns the error and nothing else.
    """
    asked = parse_authorization_link(link, plain_http=plain_http, unsigned=admit.unsigned)
    signed = yield from _open(asked, wallet_nonce, at, admit)
    if asked.method == "post" and signed.claims.get("wallet_nonce") != wallet_nonce:
        raise WrongNonce("the request was not made for this wallet just now", where="/wallet_nonce")
    try:
        request = parse_request(signed.claims, plain_http=plain_http)
        return resolved_of(request, signed, policy=policy, at=at, crls=crls, admit=admit)
    except VcError as error:
        yield from _tell(signed.claims, error, plain_http)
        raise


def _open(asked: AuthorizationRequest, wallet_nonce: str, at: int, admit: Admission) -> Flow[SignedRequest]:
    if asked.parameters:
        return check_unsigned(asked.parameters, parse_client_id(asked.client_id), asked.client_id, at)
    token = asked.request or (yield from _fetch_request(asked, wallet_nonce))
    return (yield from open_request(token, client_id=asked.client_id, at=at, admit=admit))


def _fetch_request(asked: AuthorizationRequest, wallet_nonce: str) -> Flow[str]:
    url = asked.request_uri or ""
    if asked.method == "post":
        headers = {"accept": MEDIA_TYPE, "content-type": "application/x-www-form-urlencoded"}
        metadata = strict_json.dumps(wallet_metadata(parse_client_id(asked.client_id).prefix)).decode()
        body = render_form({"wallet_nonce": wallet_nonce, "wallet_metadata": metadata})
        got = yield Fetch(url=url, method="POST", headers=headers, body=body, max_bytes=MAX_REQUEST)
    else:
        got = yield Fetch(url=url, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_REQUEST)
    if got.status != 200:
        raise parse_error(got)
    if media_type(got) != MEDIA_TYPE:
        raise Malformed("what lies there is not a signed request")
    try:
        return got.body.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Malformed("what lies there is not a signed request") from error


def _tell(claims: Mapping[str, Any], error: VcError, plain_http: Collection[str]) -> Flow[None]:
    try:
        uri, state = check_way_back(claims, plain_http=plain_http)
        yield _post(uri, render_refusal(error, state))
    except VcError:
        return  # the refusal itself is what matters; that it could not be told changes nothing


def _post(uri: str, body: bytes) -> Fetch:
    return Fetch(url=uri, method="POST", headers=_POST, body=body, max_bytes=65_536)


def post_response(request: RequestObject, body: bytes, *, plain_http: Collection[str] = ()) -> Flow[PostResult]:
    """Send the answer, a ``body`` by ``render_response``. A refusal by the verifier is a result, for it may come with a receipt (section 8.2)."""
    got = yield _post(request.response_uri, body)
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
