"""Nonce, credential and notification messages, both ways (OpenID4VCI 1.0 sections 7, 8 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..codec import reader, strict_json
from ..errors import (
    InvalidCredentialRequest,
    InvalidNotificationRequest,
    InvalidProof,
    Malformed,
)
from ..oauth import is_words
from ._encryption import Encryption, parse_encryption, render_encryption

_MAX_REQUEST = 262_144  # bytes; 100 key proofs of 2 KB
_MAX_PROOFS = 100
_MAX_CODE = 1_024  # characters of a code, token or identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """Exactly one of the two names; compact key proofs (``proofs.jwt``) or one key attestation (``proofs.attestation``), or neither."""

    configuration_id: str | None = None
    identifier: str | None = None
    proofs: tuple[str, ...] = ()
    attestation: str | None = None
    encryption: Encryption | None = None  # of the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialResponse:
    """Copies in any order, or the receipt for later (``transaction_id`` with ``interval`` seconds).

    ``report_pass`` is a member of our own: what reports to a donor are left with (``shared.donor``). It is in no copy, so that nobody is ever shown it.
    """

    credentials: tuple[str, ...] = ()
    notification_id: str | None = None
    report_pass: str | None = None
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
    encryption = parse_encryption(doc)
    jwts, attestation = _proofs(doc, max_proofs)
    return CredentialRequest(
        configuration_id=configuration_id, identifier=identifier, proofs=jwts, attestation=attestation, encryption=encryption
    )


def _proofs(doc: Mapping[str, Any], max_proofs: int) -> tuple[tuple[str, ...], str | None]:
    """Exactly one proof type, each proof once (section 8.2, appendix F)."""
    try:
        proofs = reader.get_object(doc, "proofs", optional=True)
        if proofs is None:
            return (), None
        if set(proofs) == {"attestation"}:
            return (), reader.get_strings(proofs, "attestation", "/proofs", min_items=1, max_items=1)[0]
        if set(proofs) != {"jwt"}:
            raise InvalidProof("exactly one proof type, jwt or attestation, is understood here", where="/proofs")
        jwts = reader.get_strings(proofs, "jwt", "/proofs", min_items=1, max_items=max_proofs)
    except Malformed as error:
        raise InvalidProof(error.detail, where=error.where) from error
    if len(set(jwts)) != len(jwts):
        raise InvalidProof("a key proof is sent twice", where="/proofs/jwt")
    return jwts, None


def render_credential_request(request: CredentialRequest) -> dict[str, Any]:
    """The JSON members."""
    doc: dict[str, Any] = {}
    if request.configuration_id is not None:
        doc["credential_configuration_id"] = request.configuration_id
    if request.identifier is not None:
        doc["credential_identifier"] = request.identifier
    if request.attestation is not None:
        doc["proofs"] = {"attestation": [request.attestation]}
    elif request.proofs:
        doc["proofs"] = {"jwt": list(request.proofs)}
    if request.encryption is not None:
        doc["credential_response_encryption"] = render_encryption(request.encryption)
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
        report_pass=reader.get_str(doc, "report_pass", optional=True, max_length=_MAX_CODE),
    )


def render_credential_response(response: CredentialResponse) -> dict[str, Any]:
    """The JSON members; status 200 for copies, 202 for a transaction."""
    if response.transaction_id is not None:
        return {"transaction_id": response.transaction_id, "interval": response.interval}
    doc: dict[str, Any] = {"credentials": [{"credential": wire} for wire in response.credentials]}
    if response.notification_id is not None:
        doc["notification_id"] = response.notification_id
    if response.report_pass is not None:
        doc["report_pass"] = response.report_pass
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
