"""A sign-in at the issuer's authorization server, from the wallet's side: push, send the person there, take the code back.

PAR, PKCE, ``state`` and ``iss`` always (HAIP 1.0 section 4, FAPI 2.0 section 5.3.3). Everything is a plain ``Flow``; a ``Protected``
fetch adds what proves who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..clock import Entropy
from ..codec import base64url, reader, strict_json
from ..errors import Malformed, Refused
from ..flow import Fetch, Fetched, Flow
from ..oauth import (
    AuthorizationRequest,
    PushedResponse,
    authorization_url,
    check_authorization_response,
    media_type,
    parse_error,
    parse_pushed_response,
    prepare_verifier,
    render_pushed_request,
)
from ._details import DETAIL_TYPE, AuthorizationDetail, detail_objects
from ._metadata import Configuration
from ._server import AsMetadata
from ._token import DPOP, AuthorizationCodeRequest, TokenResponse
from ._wallet import Metadata, fetch_token

_FORM = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
_MAX_CHALLENGE = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a wallet keeps, sealed, while the person is away: which server was asked, and what only the asker knows."""

    issuer: str
    server: str
    client_id: str
    redirect_uri: str
    state: str
    verifier: str


def prepare_sign_in(
    metadata: Metadata,
    configurations: Sequence[Configuration],
    *,
    client_id: str,
    redirect_uri: str,
    entropy: Entropy,
    issuer_state: str | None = None,
    dpop_jkt: str | None = None,
    by_details: bool = False,
) -> tuple[SignIn, AuthorizationRequest]:
    """A request for ``configurations`` by their scopes (HAIP section 4.2); by ``authorization_details`` where one has none or on demand.

    ``Refused`` where the server cannot be asked in a way that this wallet trusts.
    """
    if not metadata.server.takes_codes:
        raise Refused("the issuer's server does not take pushed requests with S256, name itself in its answers and tie tokens to keys")
    scopes = tuple(dict.fromkeys(each.scope for each in configurations if each.scope is not None))
    details: tuple[AuthorizationDetail, ...] = ()
    several = bool(metadata.issuer.authorization_servers)
    if by_details or any(each.scope is None for each in configurations):
        if DETAIL_TYPE not in metadata.server.detail_types:
            raise Refused("the issuer's server does not say how this document is asked for", where="/authorization_details_types_supported")
        locations = (metadata.issuer.issuer,) if several else ()
        scopes, details = (), tuple(AuthorizationDetail(configuration_id=each.id, locations=locations) for each in configurations)
    verifier, challenge = prepare_verifier(entropy)
    state = base64url.encode(entropy(32))
    sign_in = SignIn(
        issuer=metadata.issuer.issuer,
        server=metadata.server.issuer,
        client_id=client_id,
        redirect_uri=redirect_uri,
        state=state,
        verifier=verifier,
    )
    request = AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri,
        code_challenge=challenge,
        scope=scopes,
        details=tuple(detail_objects(details)),
        state=state,
        issuer_state=issuer_state,
        resource=metadata.issuer.issuer if several and scopes else None,
        dpop_jkt=dpop_jkt,
    )
    return sign_in, request


def push(server: AsMetadata, request: AuthorizationRequest) -> Flow[PushedResponse]:
    """Leave a request at the server (RFC 9126 section 2)."""
    if server.par_endpoint is None:
        raise Refused("the issuer's server does not take pushed requests", where="/pushed_authorization_request_endpoint")
    got = yield Fetch(url=server.par_endpoint, method="POST", headers=_FORM, body=render_pushed_request(request), max_bytes=65_536)
    return parse_pushed_response(_json(got, "the pushed request", (200, 201)))


def sign_in_url(server: AsMetadata, client_id: str, pushed: PushedResponse) -> str:
    """Where to send the person."""
    if server.authorization_endpoint is None:
        raise Refused("the issuer's server has no page for people", where="/authorization_endpoint")
    return authorization_url(server.authorization_endpoint, client_id, pushed.request_uri)


def finish_sign_in(server: AsMetadata, sign_in: SignIn, url: str) -> str:
    """The code in the address that the browser came back with. ``Refused`` if it is the answer of another server or to another sign-in."""
    if server.issuer != sign_in.server:
        raise Refused("this sign-in was begun at another server", where="iss")
    return check_authorization_response(url, redirect_uri=sign_in.redirect_uri, issuer=server.issuer, state=sign_in.state)


def redeem_code(server: AsMetadata, sign_in: SignIn, code: str) -> Flow[TokenResponse]:
    """Change the code for a token, which must be tied to our key (RFC 9449 section 5, HAIP 1.0 section 4)."""
    request = AuthorizationCodeRequest(
        code=code, redirect_uri=sign_in.redirect_uri, code_verifier=sign_in.verifier, client_id=sign_in.client_id
    )
    token = yield from fetch_token(server, request)
    if token.token_type != DPOP:
        raise Refused("the server did not tie the token to this wallet's key", where="/token_type")
    return token


def fresh_challenge(server: AsMetadata) -> Flow[str | None]:
    """A challenge for the proof of the wallet's key, or ``None`` where the server has no address for them (ABCA -07 section 8)."""
    if server.challenge_endpoint is None:
        return None
    got = yield Fetch(url=server.challenge_endpoint, method="POST", headers={"accept": "application/json"}, body=b"", max_bytes=16_384)
    return parse_challenge_response(_json(got, "the challenge", (200,)))


def parse_challenge_response(data: bytes | str) -> str:
    """The ``attestation_challenge``."""
    return reader.get_str(strict_json.load_object(data, max_bytes=16_384), "attestation_challenge", max_length=_MAX_CHALLENGE)


def render_challenge_response(challenge: str) -> dict[str, str]:
    """Serve it with ``Cache-Control: no-store``."""
    return {"attestation_challenge": challenge}


def _json(got: Fetched, what: str, statuses: tuple[int, ...]) -> bytes:
    if got.status not in statuses:
        raise parse_error(got)
    if media_type(got) != "application/json":
        raise Malformed(f"{what} was not answered with JSON")
    return got.body
