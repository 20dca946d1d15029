"""Requests and answers that only the other side can read (OpenID4VCI 1.0 sections 8.2, 10 and 12.2.4): ECDH-ES with AES-GCM, no compression.

``alg`` and ``kid`` are those of the key that the other side published; what a token says of itself chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import InvalidEncryptionParameters, Malformed, Refused, TooLarge, VcError
from ..jose import jwe

JWT = "application/jwt"
JSON = "application/json"
_MAX_KEYS = 16
_MAX_ITEMS = 64
_MAX_MESSAGE = 16_000_000  # bytes; a batch of portraits


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEncryption:
    """``credential_request_encryption``: the issuer's keys as they came, of which some may be of kinds that are not used here."""

    keys: tuple[Mapping[str, Any], ...]
    encs: tuple[str, ...] = jwe.ENCS
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEncryption:
    """``credential_response_encryption`` of an issuer: what it can encrypt with."""

    algs: tuple[str, ...] = (jwe.ALG,)
    encs: tuple[str, ...] = jwe.ENCS
    required: bool = False


@dataclass(frozen=True, slots=True)
class Encryption:
    """For whom a message is encrypted, and how: a public key with ``alg`` (and ``kid``), and the content encryption."""

    jwk: Mapping[str, Any]
    enc: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The JSON of a message, and whether it came encrypted."""

    data: bytes
    encrypted: bool


# --- metadata --------------------------------------------------------------------------------------------------------------------------


def parse_request_encryption(doc: Mapping[str, Any]) -> RequestEncryption | None:
    """The member of an issuer's document, or ``None`` where it reads no encrypted requests."""
    where = "/credential_request_encryption"
    part = reader.get_object(doc, where[1:], optional=True)
    if part is None:
        return None
    required = reader.get_bool(part, "encryption_required", where)
    keys = reader.get_objects(reader.get_object(part, "jwks", where), "keys", f"{where}/jwks", min_items=1, max_items=_MAX_KEYS)
    encs = reader.get_strings(part, "enc_values_supported", where, min_items=1, max_items=_MAX_ITEMS)
    return RequestEncryption(keys=keys, encs=encs, required=required)


def parse_response_encryption(doc: Mapping[str, Any]) -> ResponseEncryption | None:
    """The member of an issuer's document, or ``None`` where it encrypts nothing."""
    where = "/credential_response_encryption"
    part = reader.get_object(doc, where[1:], optional=True)
    if part is None:
        return None
    required = reader.get_bool(part, "encryption_required", where)
    algs = reader.get_strings(part, "alg_values_supported", where, min_items=1, max_items=_MAX_ITEMS)
    encs = reader.get_strings(part, "enc_values_supported", where, min_items=1, max_items=_MAX_ITEMS)
    return ResponseEncryption(algs=algs, encs=encs, required=required)


def render_request_encryption(part: RequestEncryption) -> dict[str, Any]:
    return {
        "jwks": {"keys": [dict(key) for key in part.keys]},
        "enc_values_supported": list(part.encs),
        "encryption_required": part.required,
    }


def render_response_encryption(part: ResponseEncryption) -> dict[str, Any]:
    return {
        "alg_values_supported": list(part.algs),
        "enc_values_supported": list(part.encs),
        "encryption_required": part.required,
    }


# --- the parameters of one answer ------------------------------------------------------------------------------------------------------


def parse_encryption(doc: Mapping[str, Any]) -> Encryption | None:
    """``credential_response_encryption`` of a request; ``InvalidEncryptionParameters`` for what cannot be encrypted for."""
    where = "/credential_response_encryption"
    try:
        part = reader.get_object(doc, where[1:], optional=True)
        if part is None:
            return None
        if "zip" in part:
            raise InvalidEncryptionParameters("answers are not compressed here", where=f"{where}/zip")
        found = Encryption(reader.get_object(part, "jwk", where), reader.get_str(part, "enc", where))
        if found.enc not in jwe.ENCS:
            raise InvalidEncryptionParameters("only A128GCM and A256GCM are used here", where=f"{where}/enc")
        _check_key(found.jwk, f"{where}/jwk")
    except InvalidEncryptionParameters:
        raise
    except VcError as error:
        raise InvalidEncryptionParameters(error.detail, where=error.where) from error
    return found


def _check_key(jwk: Mapping[str, Any], where: str = "") -> None:
    """A public P-256 key for ECDH-ES that says so: ``alg`` is not optional (section 10)."""
    reader.get_str(jwk, "alg", where)
    try:
        jwe.check_recipient(jwk)
    except VcError as error:
        raise error.within(where) from error.__cause__


def render_encryption(encryption: Encryption) -> dict[str, Any]:
    return {"jwk": dict(encryption.jwk), "enc": encryption.enc}


def check_encryption(
    asked: Encryption | None, *, encrypted: bool, requests: RequestEncryption | None, answers: ResponseEncryption | None
) -> None:
    """Whether a request that came ``encrypted`` or not, asking for an answer so or not, fits what the issuer published.

    ``InvalidEncryptionParameters`` otherwise. An answer is never encrypted for a key that came unencrypted (section 8.2).
    """
    where = "/credential_response_encryption"
    if requests is not None and requests.required and not encrypted:
        raise InvalidEncryptionParameters("requests are encrypted here")
    if asked is None:
        if answers is not None and answers.required:
            raise InvalidEncryptionParameters("answers are encrypted here: send a key", where=where)
        return
    if answers is None:
        raise InvalidEncryptionParameters("answers are not encrypted here", where=where)
    if not encrypted:
        raise InvalidEncryptionParameters("a key for the answer comes in an encrypted request", where=where)
    if asked.jwk["alg"] not in answers.algs or asked.enc not in answers.encs:
        raise InvalidEncryptionParameters("answers are not encrypted in that way here", where=where)


# --- messages --------------------------------------------------------------------------------------------------------------------------


def choose_key(part: RequestEncryption) -> Encryption:
    """The first of the issuer's keys that is of use here, with the strongest content encryption that both know; ``Refused`` without any."""
    encs = [enc for enc in reversed(jwe.ENCS) if enc in part.encs]
    for jwk in part.keys if encs else ():
        try:
            reader.get_str(jwk, "kid")
            _check_key(jwk)
        except VcError:
            continue
        return Encryption(jwk, encs[0])
    raise Refused("the issuer has no key that this wallet can encrypt for", where="/credential_request_encryption")


def answer_key(part: ResponseEncryption, private_jwk: Mapping[str, Any]) -> Encryption:
    """How a wallet wants its answer, for a key of ``jose.jwe.generate_ephemeral``; ``Refused`` where the issuer can do nothing known here."""
    encs = [enc for enc in reversed(jwe.ENCS) if enc in part.encs]
    if jwe.ALG not in part.algs or not encs:
        raise Refused("the issuer encrypts answers in ways that this wallet does not know", where="/credential_response_encryption")
    return Encryption(jwe.public_half(private_jwk), encs[0])


def seal_message(doc: Mapping[str, Any], encryption: Encryption | None) -> tuple[bytes, str]:
    """The body of a request or an answer and its media type: JSON, or a JWT that only the key's owner can read."""
    plain = strict_json.dumps(doc)
    if encryption is None:
        return plain, JSON
    return jwe.encrypt(plain, encryption.jwk, enc=encryption.enc).encode("ascii"), JWT


def open_message(body: bytes, media_type: str, keys: Sequence[Mapping[str, Any]], *, max_bytes: int = _MAX_MESSAGE) -> Opened:
    """The JSON in a body of ``media_type``, with the one of the private ``keys`` that its ``kid`` names.

    ``InvalidEncryptionParameters`` for what cannot be decrypted, ``Malformed`` for another media type, ``TooLarge``.
    """
    if media_type == JSON:
        return Opened(body, encrypted=False)
    if media_type != JWT:
        raise Malformed("a message is JSON or an encrypted JWT")
    if len(body) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes")
    try:
        token = body.decode("ascii").strip()
        kid = jwe.peek_header(token, max_bytes=max_bytes).get("kid")
        key = next((each for each in keys if each.get("kid") == kid), None)
        if key is None:
            raise InvalidEncryptionParameters("encrypted for a key that is not, or no longer, ours", where="/kid")
        return Opened(jwe.decrypt(token, key, max_bytes=max_bytes), encrypted=True)
    except InvalidEncryptionParameters:
        raise
    except (VcError, UnicodeDecodeError) as error:
        detail = error.detail if isinstance(error, VcError) else "an encrypted JWT is made of ASCII characters"
        raise InvalidEncryptionParameters(detail) from error
