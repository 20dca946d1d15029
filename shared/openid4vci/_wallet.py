"""What a wallet does, fetch by fetch: offer, metadata, token, nonce, credentials, notification (OpenID4VCI 1.0).

Signing stands between two fetches and belongs to a custodian, so ``obtain`` joins the flows; everything else is a plain ``Flow``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..codec import reader, strict_json
from ..errors import InvalidNonce, Malformed, NotBound, Refused, Unavailable, VcError
from ..flow import Fetch, Fetched, Flow, arun
from ..formats import Parsed, formats
from ..jose import jwe, jwk
from ..keys import KeyId, PublicKey
from ..oauth import CheckProvider, media_type, parse_error
from ..urls import well_known
from ._deferred import DeferredRequest, render_deferred_request, response_status
from ._encryption import JWT, Encryption, answer_key, choose_key, open_message, seal_message
from ._messages import (
    CredentialRequest,
    CredentialResponse,
    NotificationRequest,
    parse_credential_response,
    parse_nonce_response,
    render_credential_request,
    render_notification,
)
from ._metadata import ISSUER_DOCUMENT, Configuration, IssuerMetadata, parse_issuer_metadata, verify_signed_metadata
from ._offer import PRE_AUTHORIZED, CredentialOffer, parse_offer, parse_offer_link
from ._server import AUTHORIZATION_CODE, SERVER_DOCUMENT, AsMetadata, parse_as_metadata
from ._token import PreAuthorizedRequest, RefreshRequest, TokenRequest, TokenResponse, parse_token_response, render_token_request

_MAX_SERVERS = 4
_MAX_ANSWER = 16_000_000  # bytes
_JSON = {"accept": "application/json"}
_SIGNED = {"accept": "application/jwt, application/json;q=0.5"}
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


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who may sign an issuer's metadata: a check of (chain, time), such as ``Policy.check_metadata_signer`` of that issuer, and the time."""

    check: CheckProvider
    at: int


def fetch_metadata(
    issuer: str,
    *,
    authorization_server: str | None = None,
    grant: str = PRE_AUTHORIZED,
    plain_http: Collection[str] = (),
    signed: SignedBy | None = None,
) -> Flow[Metadata]:
    """The issuer's document and that of its authorization server, each from its inserted well-known address.

    ``authorization_server`` is an offer's hint and must be one of the issuer's (section 12.2.4); without it, it is the first that knows
    ``grant``. With ``signed`` a signed document is asked for, and taken from nobody else; an issuer that signs none gives the plain one.
    """
    got = yield Fetch(url=well_known(issuer, ISSUER_DOCUMENT), headers=_JSON if signed is None else _SIGNED)
    about = _about(got, issuer, plain_http, signed)
    for server in (servers := _servers(about, authorization_server, grant)):
        got = yield Fetch(url=well_known(server, SERVER_DOCUMENT), headers=_JSON)
        found = parse_as_metadata(_json_body(got, "the server's metadata"), issuer=server, plain_http=plain_http)
        if grant in found.grant_types or len(servers) == 1:
            return Metadata(about, found)
    raise Refused("none of the issuer's servers takes codes of that kind", where="/authorization_servers")


def _about(got: Fetched, issuer: str, plain_http: Collection[str], signed: SignedBy | None) -> IssuerMetadata:
    if signed is None or got.status != 200 or media_type(got) != JWT:
        return parse_issuer_metadata(_json_body(got, "the issuer's metadata"), issuer=issuer, plain_http=plain_http)
    token = got.body.decode("latin-1").strip()
    return verify_signed_metadata(token, issuer=issuer, check_signer=signed.check, at=signed.at, plain_http=plain_http)


def offer_metadata(offer: CredentialOffer, *, plain_http: Collection[str] = (), signed: SignedBy | None = None) -> Flow[Metadata]:
    """``fetch_metadata`` for an offer; refused if the issuer does not know what it offers.

    A code that is in the offer is preferred to a sign-in; an offer that names no way means a sign-in (section 4.1.1).
    """
    known = offer.pre_authorized or offer.authorization_code
    metadata = yield from fetch_metadata(
        offer.issuer,
        authorization_server=None if known is None else known.authorization_server,
        grant=PRE_AUTHORIZED if offer.pre_authorized is not None else AUTHORIZATION_CODE,
        plain_http=plain_http,
        signed=signed,
    )
    for position, name in enumerate(offer.configuration_ids):
        if name not in metadata.issuer.configurations:
            where = f"/credential_configuration_ids/{position}"
            raise Malformed("the invitation names a document that its issuer does not know", where=where)
    return metadata


def _servers(about: IssuerMetadata, hint: str | None, grant: str) -> tuple[str, ...]:
    servers = about.authorization_servers
    if hint is None:
        return servers[:_MAX_SERVERS] or (about.issuer,)
    if hint not in servers:
        raise Malformed("the invitation names a server that is not the issuer's", where=f"/grants/{grant}/authorization_server")
    return (hint,)


def redeem(metadata: Metadata, offer: CredentialOffer, *, tx_code: str | None = None, client_id: str | None = None) -> Flow[TokenResponse]:
    """Change the offer's code for a token. A code that the person was given apart goes along if, and only if, it is asked for."""
    grant = offer.pre_authorized
    if grant is None:
        raise Refused("this invitation carries no code", where="/grants")
    if (grant.tx_code is None) != (tx_code is None):
        raise Refused("the invitation says whether a collection code is needed", where="tx_code")
    request = PreAuthorizedRequest(code=grant.code, tx_code=tx_code, client_id=client_id)
    return (yield from fetch_token(metadata.server, request))


def refresh(metadata: Metadata, refresh_token: str, *, client_id: str | None = None) -> Flow[TokenResponse]:
    """A new token for new copies."""
    return (yield from fetch_token(metadata.server, RefreshRequest(refresh_token=refresh_token, client_id=client_id)))


def fetch_token(server: AsMetadata, request: TokenRequest) -> Flow[TokenResponse]:
    """Ask ``server`` for a token, whatever for."""
    got = yield Fetch(url=server.token_endpoint, method="POST", headers=_FORM, body=render_token_request(request), max_bytes=65_536)
    return parse_token_response(_json_body(got, "the token"))


def fresh_nonce(metadata: Metadata) -> Flow[str | None]:
    """A new ``c_nonce``, or ``None`` where the issuer does without (section 7)."""
    if metadata.issuer.nonce_endpoint is None:
        return None
    got = yield Fetch(url=metadata.issuer.nonce_endpoint, method="POST", headers=_JSON, body=b"", max_bytes=16_384)
    return parse_nonce_response(_json_body(got, "the nonce"))


@dataclass(frozen=True, slots=True)
class AttestedKeys:
    """The ``attestation`` proof: one key attestation instead of key proofs."""

    token: str


Proofs = Sequence[str] | AttestedKeys


def identifiers_of(configuration: Configuration, token: TokenResponse) -> tuple[str, ...]:
    """The documents of ``configuration`` that a token names; none where it names configurations only."""
    return tuple(name for detail in token.details if detail.configuration_id == configuration.id for name in detail.identifiers)


def credential_request(
    configuration: Configuration, token: TokenResponse, proofs: Proofs, *, identifier: str | None = None
) -> CredentialRequest:
    """Named by identifier if, and only if, the token response gave identifiers (section 8.2): ``identifier``, else the first of them."""
    identifiers = identifiers_of(configuration, token)
    if identifier is not None and identifier not in identifiers:
        raise Refused("the token is not good for a document of that identifier", where="/credential_identifier")
    named = (
        CredentialRequest(identifier=identifier or identifiers[0]) if identifiers else CredentialRequest(configuration_id=configuration.id)
    )
    if isinstance(proofs, AttestedKeys):
        return replace(named, attestation=proofs.token)
    return replace(named, proofs=tuple(proofs))


def request_credentials(
    metadata: Metadata, token: TokenResponse, request: CredentialRequest, *, encrypted: bool = False
) -> Flow[CredentialResponse]:
    """Ask once. ``InvalidNonce`` when the issuer wants another nonce, its other refusals by their own classes.

    Request and answer are encrypted where the issuer demands it; with ``encrypted`` also where it merely can.
    """
    secret, encryption = _answer_encryption(metadata.issuer, encrypted=encrypted)
    doc = render_credential_request(replace(request, encryption=encryption))
    url = metadata.issuer.credential_endpoint
    return (yield from _ask(metadata.issuer, token, url, doc, secret=secret))


def request_deferred(metadata: Metadata, token: TokenResponse, transaction_id: str, *, encrypted: bool = False) -> Flow[CredentialResponse]:
    """Ask for copies that were not ready: they are now, or the same transaction waits ``interval`` seconds more (section 9)."""
    url = metadata.issuer.deferred_endpoint
    if url is None:
        raise Refused("the issuer does not say where its document is collected later", where="/deferred_credential_endpoint")
    secret, encryption = _answer_encryption(metadata.issuer, encrypted=encrypted)
    doc = render_deferred_request(DeferredRequest(transaction_id=transaction_id, encryption=encryption))
    response = yield from _ask(metadata.issuer, token, url, doc, secret=secret)
    if response.transaction_id not in (None, transaction_id):
        raise Malformed("the issuer answers about another transaction", where="/transaction_id")
    return response


def _answer_encryption(about: IssuerMetadata, *, encrypted: bool) -> tuple[Mapping[str, Any] | None, Encryption | None]:
    """A new private key for one answer, and what the issuer is told of it; neither where the answer comes in clear."""
    answers = about.response_encryption
    if answers is None or not (answers.required or encrypted):
        return None, None
    secret = jwe.generate_ephemeral()
    return secret, answer_key(answers, secret)


def _ask(
    about: IssuerMetadata, token: TokenResponse, url: str, doc: Mapping[str, Any], *, secret: Mapping[str, Any] | None
) -> Flow[CredentialResponse]:
    """A key for the answer never travels in clear (section 8.2)."""
    requests = about.request_encryption
    if requests is None and secret is not None:
        raise Refused("the issuer has no key to encrypt the request for", where="/credential_request_encryption")
    key = choose_key(requests) if requests is not None and (requests.required or secret is not None) else None
    body, kind = seal_message(doc, key)
    headers = {"authorization": token.authorization, "content-type": kind, "accept": "application/json" if secret is None else JWT}
    got = yield Fetch(url=url, method="POST", headers=headers, body=body, max_bytes=_MAX_ANSWER)
    response = parse_credential_response(_answer(got, secret))
    if response_status(response) != got.status:
        raise Malformed("the status of the answer says something else than the answer")
    return response


def _answer(got: Fetched, secret: Mapping[str, Any] | None) -> bytes:
    """The JSON of an answer: encrypted if, and only if, that was asked for. Refusals always come in clear (section 8.3.1.2)."""
    if secret is None:
        return _json_body(got, "the answer", also=(202,))
    if got.status not in {200, 202}:
        raise parse_error(got)
    if media_type(got) != JWT:
        raise Malformed("the answer did not come encrypted")
    return open_message(got.body, JWT, (secret,)).data


async def ask_copies(
    metadata: Metadata,
    token: TokenResponse,
    configuration: Configuration,
    *,
    prove: Callable[[str | None], Awaitable[Proofs]],
    fetch: Callable[[Fetch], Awaitable[Fetched]],
    identifier: str | None = None,
    encrypted: bool = False,
) -> CredentialResponse:
    """Fresh nonce, proofs over it by ``prove``, request; once more with another nonce if the issuer has forgotten the first.

    What is answered may be a transaction to come back for (``request_deferred``).
    """

    async def ask() -> CredentialResponse:
        proofs = await prove(await arun(fresh_nonce(metadata), fetch))
        request = credential_request(configuration, token, proofs, identifier=identifier)
        return await arun(request_credentials(metadata, token, request, encrypted=encrypted), fetch)

    try:
        return await ask()
    except InvalidNonce:
        return await ask()


async def obtain(
    metadata: Metadata,
    token: TokenResponse,
    configuration: Configuration,
    *,
    prove: Callable[[str | None], Awaitable[Proofs]],
    fetch: Callable[[Fetch], Awaitable[Fetched]],
) -> CredentialResponse:
    """``ask_copies``, but ``Unavailable`` with the issuer's interval when the copies are not ready."""
    response = await ask_copies(metadata, token, configuration, prove=prove, fetch=fetch)
    if response.transaction_id is not None:
        raise Unavailable("the issuer needs more time for this document", retry_after=response.interval or 60)
    return response


def notify(metadata: Metadata, token: TokenResponse, notification: NotificationRequest) -> Flow[None]:
    """Tell the issuer what became of the copies; nothing if it does not listen (section 11)."""
    endpoint = metadata.issuer.notification_endpoint
    if endpoint is None:
        return
    headers = {"authorization": token.authorization, "content-type": "application/json", **_JSON}
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
