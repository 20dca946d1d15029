"""Copies that are not ready: an answer with a transaction, and the request that comes back for it (OpenID4VCI 1.0 sections 8.3 and 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import InvalidCredentialRequest, Malformed
from ._encryption import Encryption, parse_encryption, render_encryption
from ._messages import CredentialResponse

_MAX_REQUEST = 65_536  # bytes
_MAX_ID = 1_024  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredRequest:
    """Which transaction is asked for, and how the answer is to be encrypted, whatever was said before (section 9.1)."""

    transaction_id: str
    encryption: Encryption | None = None


def parse_deferred_request(data: bytes | str) -> DeferredRequest:
    """The JSON of a request; unknown members are ignored. ``InvalidCredentialRequest`` or ``InvalidEncryptionParameters``."""
    try:
        doc = strict_json.load_object(data, max_bytes=_MAX_REQUEST)
        transaction_id = reader.get_str(doc, "transaction_id", max_length=_MAX_ID)
    except Malformed as error:
        raise InvalidCredentialRequest(error.detail, where=error.where) from error
    return DeferredRequest(transaction_id=transaction_id, encryption=parse_encryption(doc))


def render_deferred_request(request: DeferredRequest) -> dict[str, Any]:
    """The JSON members."""
    encryption = {} if request.encryption is None else {"credential_response_encryption": render_encryption(request.encryption)}
    return {"transaction_id": request.transaction_id, **encryption}


def response_status(response: CredentialResponse) -> int:
    """202 for a transaction to come back for, 200 for copies (sections 8.3 and 9.2)."""
    return 200 if response.transaction_id is None else 202
