"""Token, nonce, credential and notification messages, both ways (OpenID4VCI 1.0 sections 6, 7, 8 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..codec import reader, strict_json
from ..errors import (
    InvalidCredentialRequest,
    InvalidEncryptionParameters,
    InvalidNotificationRequest,
    InvalidProof,
    InvalidRequest,
    Malformed,
    UnsupportedGrantType,
)
from ..oauth import is_words
from ..urls import parse_form, render_form
from ._offer import PRE_AUTHORIZED

REFRESH = "refresh_token"
_MAX_REQUEST = 262_144  # bytes; 100 key proofs of 2 KB
_MAX_PROOFS = 100
_MAX_CODE = 1_024  # characters of a code, token or identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAuthorizedRequest:
    """``grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code``."""

    code: str
    tx_code: str | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """``grant_type=refresh_token`` (RFC 6749 section 6)."""

    refresh_token: str
    client_id: str | None = None


TokenRequest = PreAuthorizedRequest | RefreshRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationDetail:
    """What a token is good for, named copy by copy (section 6.2)."""

    configuration_id: str
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the kind of token, not one
    expires_in: int | None = None  # seconds
    refresh_token: str | None = None
    details: tuple[AuthorizationDetail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """Exactly one of the two names, and the compact key proofs (``proofs.jwt``)."""

    configuration_id: str | None = None
    identifier: str | None = None
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialResponse:
    """Copies in any order, or the receipt for later (``transaction_id`` with ``interval`` seconds)."""

    credentials: tuple[str, ...] = ()
    notification_id: str | None = None
    transaction_id: str | None = None
    interval: int | None = None


class Event(StrEnum):
    ACCEPTED = "credential_accepted"
    FAILURE = "credential_failure"
    DELETED = "credential_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequest:
    notification_id: str
    event: Event
    description: str | None = None


# --- token endpoint --------------------------------------------------------------------------------------------------------------------


def parse_token_request(body: bytes | str) -> TokenRequest:
    """The form of a token request. ``InvalidRequest`` or ``UnsupportedGrantType``; unknown parameters are ignored (section 6.1)."""
    try:
        form = parse_form(body, max_bytes=_MAX_REQUEST)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    grant = _form_value(form, "grant_type")
    if grant == PRE_AUTHORIZED:
        return PreAuthorizedRequest(
            code=_form_value(form, "pre-authorized_code"),
            tx_code=_optional_form_value(form, "tx_code"),
            client_id=_optional_form_value(form, "client_id"),
        )
    if "tx_code" in form:
        raise InvalidRequest("tx_code belongs to a pre-authorized code", where="tx_code")
    if grant == REFRESH:
        return RefreshRequest(refresh_token=_form_value(form, "refresh_token"), client_id=_optional_form_value(form, "client_id"))
    raise UnsupportedGrantType("this server knows pre-authorized codes and refresh tokens", where="grant_type")


def _form_value(form: Mapping[str, str], name: str) -> str:
    value = _optional_form_value(form, name)
    if value is None:
        raise InvalidRequest(f"{name} is missing", where=name)
    return value


def _optional_form_value(form: Mapping[str, str], name: str) -> str | None:
    """A parameter sent without a value counts as omitted (RFC 6749 section 3.2)."""
    value = form.get(name) or None
    if value is not None and len(value) > _MAX_CODE:
        raise InvalidRequest(f"{name} is too long", where=name)
    return value


def render_token_request(request: TokenRequest) -> bytes:
    """The form body."""
    if isinstance(request, PreAuthorizedRequest):
        form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": request.code}
        if request.tx_code is not None:
            form["tx_code"] = request.tx_code
    else:
        form = {"grant_type": REFRESH, "refresh_token": request.refresh_token}
    if request.client_id is not None:
        form["client_id"] = request.client_id
    return render_form(form)


def parse_token_response(data: bytes | str) -> TokenResponse:
    """The JSON of a successful token response; unknown members are ignored (section 6.2)."""
    doc = strict_json.load_object(data)
    token_type = reader.get_str(doc, "token_type")
    if token_type.lower() != "bearer":
        raise Malformed("only bearer tokens are understood here", where="/token_type")
    return TokenResponse(
        access_token=reader.get_str(doc, "access_token", max_length=16_384),
        expires_in=reader.get_int(doc, "expires_in", optional=True),
        refresh_token=reader.get_str(doc, "refresh_token", optional=True, max_length=16_384),
        details=_details(doc),
    )


def _details(doc: Mapping[str, Any]) -> tuple[AuthorizationDetail, ...]:
    details = []
    for position, entry in enumerate(reader.get_objects(doc, "authorization_details", optional=True, max_items=64) or ()):
        where = f"/authorization_details/{position}"
        if reader.get_str(entry, "type", where) != "openid_credential":
            continue
        identifiers = reader.get_strings(entry, "credential_identifiers", where, min_items=1, max_items=_MAX_PROOFS)
        configuration_id = reader.get_str(entry, "credential_configuration_id", where)
        details.append(AuthorizationDetail(configuration_id=configuration_id, identifiers=identifiers))
    return tuple(details)


def render_token_response(response: TokenResponse) -> dict[str, Any]:
    """The JSON members; serve them with ``Cache-Control: no-store``."""
    doc: dict[str, Any] = {"access_token": response.access_token, "token_type": response.token_type}
    if response.expires_in is not None:
        doc["expires_in"] = response.expires_in
    if response.refresh_token is not None:
        doc["refresh_token"] = response.refresh_token
    if response.details:
        doc["authorization_details"] = [
            {
                "type": "openid_credential",
                "credential_configuration_id": detail.configuration_id,
                "credential_identifiers": list(detail.identifiers),
            }
            for detail in response.details
        ]
    return doc


# --- nonce endpoint --------------------------------------------------------------------------------------------------------------------


def parse_nonce_response(data: bytes | str) -> str:
    """The ``c_nonce``."""
    return reader.get_str(strict_json.load_object(data, max_bytes=16_384), "c_nonce", max_length=_MAX_CODE)


def render_nonce_response(nonce: str) -> dict[str, Any]:
    """Serve it with ``Cache-Control: no-store`` (section 7.2)."""
    return {"c_nonce": nonce}


# --- credential endpoint ---------------------------------------------------------------------------------------------------------------


def parse_credential_request(data: bytes | str, *, max_proofs: int = _MAX_PROOFS) -> CredentialRequest:
    """The JSON of a credential request. ``InvalidCredentialRequest``, ``InvalidProof`` or ``InvalidEncryptionParameters``."""
    try:
        doc = strict_json.load_object(data, max_bytes=_MAX_REQUEST)
        configuration_id = reader.get_str(doc, "credential_configuration_id", optional=True, max_length=_MAX_CODE)
        identifier = reader.get_str(doc, "credential_identifier", optional=True, max_length=_MAX_CODE)
    except Malformed as error:
        raise InvalidCredentialRequest(error.detail, where=error.where) from error
    if (configuration_id is None) == (identifier is None):
        raise InvalidCredentialRequest("name a configuration or an identifier, and not both", where="/credential_configuration_id")
    if "credential_response_encryption" in doc:
        raise InvalidEncryptionParameters("responses are not encrypted here", where="/credential_response_encryption")
    return CredentialRequest(configuration_id=configuration_id, identifier=identifier, proofs=_proofs(doc, max_proofs))


def _proofs(doc: Mapping[str, Any], max_proofs: int) -> tuple[str, ...]:
    """Exactly one proof type, each proof once (section 8.2, appendix F)."""
    try:
        proofs = reader.get_object(doc, "proofs", optional=True)
        if proofs is None:
            return ()
        if set(proofs) != {"jwt"}:
            raise InvalidProof("exactly one proof type, jwt, is understood here", where="/proofs")
        jwts = reader.get_strings(proofs, "jwt", "/proofs", min_items=1, max_items=max_proofs)
    except Malformed as error:
        raise InvalidProof(error.detail, where=error.where) from error
    if len(set(jwts)) != len(jwts):
        raise InvalidProof("a key proof is sent twice", where="/proofs/jwt")
    return jwts


def render_credential_request(request: CredentialRequest) -> dict[str, Any]:
    """The JSON members."""
    doc: dict[str, Any] = {}
    if request.configuration_id is not None:
        doc["credential_configuration_id"] = request.configuration_id
    if request.identifier is not None:
        doc["credential_identifier"] = request.identifier
    if request.proofs:
        doc["proofs"] = {"jwt": list(request.proofs)}
    return doc


def parse_credential_response(data: bytes | str) -> CredentialResponse:
    """Copies, or a transaction to come back for; never both (section 8.3). Unknown members are ignored."""
    doc = strict_json.load_object(data, max_bytes=16_000_000)
    copies = reader.get_objects(doc, "credentials", optional=True, min_items=1, max_items=_MAX_PROOFS)
    transaction = reader.get_str(doc, "transaction_id", optional=True, max_length=_MAX_CODE)
    if (copies is None) == (transaction is None):
        raise Malformed("either copies or a transaction are answered", where="/credentials")
    if copies is None:
        return CredentialResponse(transaction_id=transaction, interval=reader.get_int(doc, "interval", minimum=1))
    return CredentialResponse(
        credentials=tuple(
            reader.get_str(entry, "credential", f"/credentials/{position}", max_length=1_000_000) for position, entry in enumerate(copies)
        ),
        notification_id=reader.get_str(doc, "notification_id", optional=True, max_length=_MAX_CODE),
    )


def render_credential_response(response: CredentialResponse) -> dict[str, Any]:
    """The JSON members; status 200 for copies, 202 for a transaction."""
    if response.transaction_id is not None:
        return {"transaction_id": response.transaction_id, "interval": response.interval}
    doc: dict[str, Any] = {"credentials": [{"credential": wire} for wire in response.credentials]}
    if response.notification_id is not None:
        doc["notification_id"] = response.notification_id
    return doc


# --- notification endpoint -------------------------------------------------------------------------------------------------------------


def parse_notification(data: bytes | str) -> NotificationRequest:
    """The JSON of a notification; ``InvalidNotificationRequest`` (section 11.1)."""
    try:
        doc = strict_json.load_object(data, max_bytes=16_384)
        notification_id = reader.get_str(doc, "notification_id", max_length=_MAX_CODE)
        event = reader.get_str(doc, "event")
        description = reader.get_str(doc, "event_description", optional=True, max_length=_MAX_CODE)
    except Malformed as error:
        raise InvalidNotificationRequest(error.detail, where=error.where) from error
    if event not in set(Event):
        raise InvalidNotificationRequest("this event is unknown", where="/event")
    if description is not None and not is_words(description):
        raise InvalidNotificationRequest("a description is ASCII without quote and backslash", where="/event_description")
    return NotificationRequest(notification_id=notification_id, event=Event(event), description=description)


def render_notification(request: NotificationRequest) -> dict[str, Any]:
    """The JSON members."""
    doc: dict[str, Any] = {"notification_id": request.notification_id, "event": str(request.event)}
    if request.description is not None:
        doc["event_description"] = request.description
    return doc
