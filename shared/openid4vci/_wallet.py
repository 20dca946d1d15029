"""What a wallet does, fetch by fetch: offer, metadata, token, nonce, credentials, notification (OpenID4VCI 1.0).

Signing stands between two fetches and belongs to a custodian, so ``obtain`` joins the flows; everything else is a plain ``Flow``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..codec import reader, strict_json
from ..errors import InvalidNonce, Malformed, NotBound, Refused, Unavailable, VcError
from ..flow import Fetch, Fetched, Flow, arun
from ..formats import Parsed, formats
from ..jose import jwk
from ..keys import KeyId, PublicKey
from ..oauth import media_type, parse_error
from ..urls import well_known
from ._messages import (
    CredentialRequest,
    CredentialResponse,
    NotificationRequest,
    PreAuthorizedRequest,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    parse_credential_response,
    parse_nonce_response,
    parse_token_response,
    render_credential_request,
    render_notification,
    render_token_request,
)
from ._metadata import (
    ISSUER_DOCUMENT,
    SERVER_DOCUMENT,
    AsMetadata,
    Configuration,
    IssuerMetadata,
    parse_as_metadata,
    parse_issuer_metadata,
)
from ._offer import PRE_AUTHORIZED, CredentialOffer, parse_offer, parse_offer_link

_MAX_SERVERS = 4
_JSON = {"accept": "application/json"}
_FORM = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What issuer and authorization server say about themselves, fetched together."""

    issuer: IssuerMetadata
    server: AsMetadata


def resolve_offer(link: str, *, plain_http: Collection[str] = ()) -> Flow[CredentialOffer]:
    """The offer that a link carries, or that lies where it says. The answer is JSON, never signed (section 4.1.3)."""
    found = parse_offer_link(link, plain_http=plain_http)
    if isinstance(found, CredentialOffer):
        return found
    got = yield Fetch(url=found.uri, headers=_JSON, max_bytes=16_384)
    return parse_offer(_json_body(got, "the invitation"), plain_http=plain_http)


def fetch_metadata(issuer: str, *, authorization_server: str | None = None, plain_http: Collection[str] = ()) -> Flow[Metadata]:
    """The issuer's document and that of its authorization server, each from its inserted well-known address.

    ``authorization_server`` is an offer's hint and must be one of the issuer's (section 12.2.4).
    """
    got = yield Fetch(url=well_known(issuer, ISSUER_DOCUMENT), headers=_JSON)
    about = parse_issuer_metadata(_json_body(got, "the issuer's metadata"), issuer=issuer, plain_http=plain_http)
    for server in (servers := _servers(about, authorization_server)):
        got = yield Fetch(url=well_known(server, SERVER_DOCUMENT), headers=_JSON)
        found = parse_as_metadata(_json_body(got, "the server's metadata"), issuer=server, plain_http=plain_http)
        if PRE_AUTHORIZED in found.grant_types or len(servers) == 1:
            return Metadata(about, found)
    raise Refused("none of the issuer's servers takes the code of an invitation", where="/authorization_servers")


def offer_metadata(offer: CredentialOffer, *, plain_http: Collection[str] = ()) -> Flow[Metadata]:
    """``fetch_metadata`` for an offer; refused if the issuer does not know what it offers, or offers it in a way not known here."""
    if offer.pre_authorized is None:
        raise Refused("this invitation needs a sign-in at the issuer, which this wallet does not do", where="/grants")
    hint = offer.pre_authorized.authorization_server
    metadata = yield from fetch_metadata(offer.issuer, authorization_server=hint, plain_http=plain_http)
    for position, name in enumerate(offer.configuration_ids):
        if name not in metadata.issuer.configurations:
            where = f"/credential_configuration_ids/{position}"
            raise Malformed("the invitation names a document that its issuer does not know", where=where)
    return metadata


def _servers(about: IssuerMetadata, hint: str | None) -> tuple[str, ...]:
    servers = about.authorization_servers
    if hint is None:
        return servers[:_MAX_SERVERS] or (about.issuer,)
    if hint not in servers:
        raise Malformed("the invitation names a server that is not the issuer's", where=f"/grants/{PRE_AUTHORIZED}/authorization_server")
    return (hint,)


def redeem(metadata: Metadata, offer: CredentialOffer, *, tx_code: str | None = None, client_id: str | None = None) -> Flow[TokenResponse]:
    """Change the offer's code for a token. A code that the person was given apart goes along if, and only if, it is asked for."""
    grant = offer.pre_authorized
    if grant is None:
        raise Refused("this invitation carries no code", where="/grants")
    if (grant.tx_code is None) != (tx_code is None):
        raise Refused("the invitation says whether a collection code is needed", where="tx_code")
    request = PreAuthorizedRequest(code=grant.code, tx_code=tx_code, client_id=client_id)
    return (yield from _token(metadata.server, request))


def refresh(metadata: Metadata, refresh_token: str, *, client_id: str | None = None) -> Flow[TokenResponse]:
    """A new token for new copies."""
    return (yield from _token(metadata.server, RefreshRequest(refresh_token=refresh_token, client_id=client_id)))


def _token(server: AsMetadata, request: TokenRequest) -> Flow[TokenResponse]:
    got = yield Fetch(url=server.token_endpoint, method="POST", headers=_FORM, body=render_token_request(request), max_bytes=65_536)
    return parse_token_response(_json_body(got, "the token"))


def fresh_nonce(metadata: Metadata) -> Flow[str | None]:
    """A new ``c_nonce``, or ``None`` where the issuer does without (section 7)."""
    if metadata.issuer.nonce_endpoint is None:
        return None
    got = yield Fetch(url=metadata.issuer.nonce_endpoint, method="POST", headers=_JSON, body=b"", max_bytes=16_384)
    return parse_nonce_response(_json_body(got, "the nonce"))


def credential_request(configuration: Configuration, token: TokenResponse, proofs: Sequence[str]) -> CredentialRequest:
    """Named by identifier if, and only if, the token response gave identifiers (section 8.2)."""
    identifiers = [name for detail in token.details if detail.configuration_id == configuration.id for name in detail.identifiers]
    if identifiers:
        return CredentialRequest(identifier=identifiers[0], proofs=tuple(proofs))
    return CredentialRequest(configuration_id=configuration.id, proofs=tuple(proofs))


def request_credentials(metadata: Metadata, token: TokenResponse, request: CredentialRequest) -> Flow[CredentialResponse]:
    """Ask once. ``InvalidNonce`` when the issuer wants another nonce, its other refusals by their own classes."""
    if metadata.issuer.needs_encryption:
        raise Refused("this issuer demands encrypted answers, which this wallet does not read yet", where="/credential_response_encryption")
    body = strict_json.dumps(render_credential_request(request))
    headers = {"authorization": f"Bearer {token.access_token}", "content-type": "application/json", **_JSON}
    got = yield Fetch(url=metadata.issuer.credential_endpoint, method="POST", headers=headers, body=body, max_bytes=16_000_000)
    return parse_credential_response(_json_body(got, "the answer", also=(202,)))


async def obtain(
    metadata: Metadata,
    token: TokenResponse,
    configuration: Configuration,
    *,
    prove: Callable[[str | None], Awaitable[Sequence[str]]],
    fetch: Callable[[Fetch], Awaitable[Fetched]],
) -> CredentialResponse:
    """Fresh nonce, proofs over it by ``prove``, request; once more with another nonce if the issuer has forgotten the first.

    ``Unavailable`` with the issuer's interval when the copies are not ready.
    """

    async def ask() -> CredentialResponse:
        proofs = await prove(await arun(fresh_nonce(metadata), fetch))
        return await arun(request_credentials(metadata, token, credential_request(configuration, token, proofs)), fetch)

    try:
        response = await ask()
    except InvalidNonce:
        response = await ask()
    if response.transaction_id is not None:
        raise Unavailable("the issuer needs more time for this document", retry_after=response.interval or 60)
    return response


def notify(metadata: Metadata, token: TokenResponse, notification: NotificationRequest) -> Flow[None]:
    """Tell the issuer what became of the copies; nothing if it does not listen (section 11)."""
    endpoint = metadata.issuer.notification_endpoint
    if endpoint is None:
        return
    headers = {"authorization": f"Bearer {token.access_token}", "content-type": "application/json", **_JSON}
    body = strict_json.dumps(render_notification(notification))
    got = yield Fetch(url=endpoint, method="POST", headers=headers, body=body, max_bytes=65_536)
    if not 200 <= got.status < 300:
        raise parse_error(got)


def match_copies(
    response: CredentialResponse, keys: Mapping[KeyId, PublicKey], *, format_name: str
) -> tuple[dict[KeyId, Parsed], tuple[Parsed, ...]]:
    """Which copy belongs to which key, whatever their order (section 8.3), and the copies without a key.

    ``NotBound`` for a copy that is tied to a key that is not ours or that has one already; ``Malformed`` for one that comes with a
    holder's signature (RFC 9901 section 7.2).
    """
    if format_name not in formats():
        raise Refused("this wallet does not know that format", where="/format")
    known = {jwk.thumbprint(public): key for key, public in keys.items()}
    bound: dict[KeyId, Parsed] = {}
    bearer: list[Parsed] = []
    for position, wire in enumerate(response.credentials):
        where = f"/credentials/{position}/credential"
        parsed = _parse_copy(wire, format_name, where)
        thumbprint = _thumbprint(parsed, where)
        if thumbprint is None:
            bearer.append(parsed)
            continue
        key = known.pop(thumbprint, None)
        if key is None:
            raise NotBound("a copy is tied to a key that is not ours, or no longer free", where=where)
        bound[key] = parsed
    return bound, tuple(bearer)


def _parse_copy(wire: str, format_name: str, where: str) -> Parsed:
    try:
        parsed = formats()[format_name].parse(wire)
    except VcError as error:
        raise error.within(where) from error.__cause__
    if parsed.binding_token is not None:
        raise Malformed("an issuer does not sign for the holder", where=where)
    return parsed


def _thumbprint(parsed: Parsed, where: str) -> str | None:
    if parsed.holder is not None:
        return jwk.thumbprint(parsed.holder)
    confirmation = reader.get_object(parsed.payload, "cnf", where, optional=True)
    if confirmation is None:
        return None
    return jwk.thumbprint(jwk.parse_public_jwk(reader.get_object(confirmation, "jwk", f"{where}/cnf"), where=f"{where}/cnf/jwk"))


# --- answers ---------------------------------------------------------------------------------------------------------------------------


def _json_body(got: Fetched, what: str, *, also: tuple[int, ...] = ()) -> bytes:
    if got.status != 200 and got.status not in also:
        raise parse_error(got)
    if media_type(got) != "application/json":
        raise Malformed(f"{what} did not come as JSON")
    return got.body
