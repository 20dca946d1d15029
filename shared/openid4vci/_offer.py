"""Credential offers: by value, by reference, and the links that carry them (OpenID4VCI 1.0 section 4.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import Malformed, TooLarge
from ..urls import Links, check_https, check_identifier, query_of, with_query

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
SCHEME = "openid-credential-offer://"
_MAX_OFFER = 16_384  # bytes
_MAX_CONFIGURATIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TxCode:
    """How the collection code looks, so that the entry field can be drawn; the code itself travels apart."""

    input_mode: str = "numeric"  # or "text"
    length: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAuthorizedGrant:
    code: str
    tx_code: TxCode | None = None
    authorization_server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCodeGrant:
    issuer_state: str | None = None
    authorization_server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOffer:
    issuer: str
    configuration_ids: tuple[str, ...]
    pre_authorized: PreAuthorizedGrant | None = None
    authorization_code: AuthorizationCodeGrant | None = None


@dataclass(frozen=True, slots=True)
class OfferReference:
    """Where an offer lies (``credential_offer_uri``)."""

    uri: str


def parse_offer(data: bytes | str, *, plain_http: Collection[str] = ()) -> CredentialOffer:
    """The offer object. ``Malformed`` with a pointer; unknown members are ignored (section 4.1.1)."""
    offer = strict_json.load_object(data, max_bytes=_MAX_OFFER)
    issuer = check_identifier(reader.get_str(offer, "credential_issuer"), where="/credential_issuer", plain_http=plain_http)
    ids = reader.get_strings(offer, "credential_configuration_ids", min_items=1, max_items=_MAX_CONFIGURATIONS)
    if len(set(ids)) != len(ids):
        raise Malformed("a configuration is offered twice", where="/credential_configuration_ids")
    grants = reader.get_object(offer, "grants", optional=True) or {}
    return CredentialOffer(
        issuer=issuer,
        configuration_ids=ids,
        pre_authorized=_pre_authorized(grants),
        authorization_code=_authorization_code(grants),
    )


def _pre_authorized(grants: Mapping[str, Any]) -> PreAuthorizedGrant | None:
    grant = reader.get_object(grants, PRE_AUTHORIZED, "/grants", optional=True)
    if grant is None:
        return None
    where = f"/grants/{PRE_AUTHORIZED}"
    return PreAuthorizedGrant(
        code=reader.get_str(grant, "pre-authorized_code", where, max_length=1_024),
        tx_code=_tx_code(reader.get_object(grant, "tx_code", where, optional=True), f"{where}/tx_code"),
        authorization_server=reader.get_str(grant, "authorization_server", where, optional=True),
    )


def _tx_code(tx_code: Mapping[str, Any] | None, where: str) -> TxCode | None:
    """Present means needed, "even if empty" (section 4.1.1)."""
    if tx_code is None:
        return None
    mode = reader.get_str(tx_code, "input_mode", where, optional=True) or "numeric"
    if mode not in {"numeric", "text"}:
        raise Malformed("the input mode is numeric or text", where=f"{where}/input_mode")
    return TxCode(
        input_mode=mode,
        length=reader.get_int(tx_code, "length", where, optional=True, minimum=1, maximum=64),
        description=reader.get_str(tx_code, "description", where, optional=True, max_length=300),
    )


def _authorization_code(grants: Mapping[str, Any]) -> AuthorizationCodeGrant | None:
    grant = reader.get_object(grants, "authorization_code", "/grants", optional=True)
    if grant is None:
        return None
    where = "/grants/authorization_code"
    return AuthorizationCodeGrant(
        issuer_state=reader.get_str(grant, "issuer_state", where, optional=True, max_length=1_024),
        authorization_server=reader.get_str(grant, "authorization_server", where, optional=True),
    )


def render_offer(offer: CredentialOffer) -> dict[str, Any]:
    """The offer object, ready for JSON."""
    grants: dict[str, Any] = {}
    if offer.pre_authorized is not None:
        grants[PRE_AUTHORIZED] = _render_pre_authorized(offer.pre_authorized)
    if offer.authorization_code is not None:
        grant = offer.authorization_code
        grants["authorization_code"] = _present(issuer_state=grant.issuer_state, authorization_server=grant.authorization_server)
    return {
        "credential_issuer": offer.issuer,
        "credential_configuration_ids": list(offer.configuration_ids),
        **({"grants": grants} if grants else {}),
    }


def _render_pre_authorized(grant: PreAuthorizedGrant) -> dict[str, Any]:
    code = grant.tx_code
    tx_code = None if code is None else _present(input_mode=code.input_mode, length=code.length, description=code.description)
    return {
        "pre-authorized_code": grant.code,
        **_present(tx_code=tx_code, authorization_server=grant.authorization_server),
    }


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def offer_links(offer: CredentialOffer | OfferReference, page: str) -> Links:
    """``page`` (the issuer's own invitation page, or a wallet's ``/offer``) with the offer in its query, and the scheme link."""
    if isinstance(offer, OfferReference):
        parameters = {"credential_offer_uri": offer.uri}
    else:
        parameters = {"credential_offer": strict_json.dumps(render_offer(offer)).decode()}
    return Links(https=with_query(page, parameters), scheme=with_query(SCHEME, parameters))


def parse_offer_link(link: str, *, plain_http: Collection[str] = ()) -> CredentialOffer | OfferReference:
    """What a link of any scheme carries: ``credential_offer`` xor ``credential_offer_uri`` (section 4.1)."""
    try:
        parameters = query_of(link.strip())
    except TooLarge as error:
        raise TooLarge("this invitation is too long for a link") from error
    value, uri = parameters.get("credential_offer"), parameters.get("credential_offer_uri")
    if (value is None) == (uri is None):
        raise Malformed("an invitation carries an offer, or says where it lies, and not both", where="credential_offer")
    if uri is not None:
        return OfferReference(check_https(uri, where="credential_offer_uri", plain_http=plain_http))
    return parse_offer(value or "", plain_http=plain_http)
