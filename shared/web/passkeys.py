"""Passkeys: what a browser is asked for, and whether what comes back is right (WebAuthn level 3 sections 7.1 and 7.2, by ``fido2``).

    options = creation_options(at_home, challenge, handle=…, name=…, known=[…])     into the page; the browser asks its person
    passkey = check_creation(at_home, text, challenge, …)                           ``Malformed``, ``SignInRequired``
    options = request_options(at_home, challenge)
    uses    = check_answer(at_home, text, challenge, passkey)                       ``SignInRequired``

``challenge`` is random, tied to the session in whose page it stands, and changes when it was used. No attestation is asked for: who made
an authenticator is no concern of ours. Passkeys are discoverable, so that a page knows nobody's name before somebody signs in.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from ..codec import base64url, reader, strict_json
from ..errors import Conflict, Malformed, SignInRequired, VcError
from ..storage import Row, Tx

ALGS = (-7, -8, -257)  # ES256, EdDSA, and RS256 for what comes with Windows
MAX_TEXT = 16_384
_RSA, _MIN_RSA = 3, 2048  # kind of key (RFC 9053), bits
MAX_KNOWN = 10
CHALLENGE_SIZE = 32
_SECONDS = 300
_UNFIT = (  # what the library raises over the bytes of a stranger
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    AssertionError,
    NotImplementedError,
    struct.error,
    UnsupportedAlgorithm,
)


@dataclass(frozen=True, slots=True)
class AtHome:
    """Where passkeys are made and used: the host that they are tied to, the one origin that may ask for them, and its name for people."""

    host: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    id: bytes
    subject: str
    handle: bytes
    data: bytes
    uses: int
    name: str
    made_at: int
    used_at: int | None
    host: str = ""  # that it was made or last used for, where that is known


def creation_options(at: AtHome, challenge: bytes, *, handle: bytes, name: str, known: Sequence[Passkey]) -> dict[str, Any]:
    """``PublicKeyCredentialCreationOptionsJSON``. ``name`` is what the person's own list of passkeys shows."""
    return {
        "rp": {"id": at.host, "name": at.name},
        "user": {"id": base64url.encode(handle), "name": name, "displayName": name},
        "challenge": base64url.encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGS],
        "timeout": _SECONDS * 1000,
        "excludeCredentials": [{"type": "public-key", "id": base64url.encode(each.id)} for each in known],
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"},
        "attestation": "none",
    }


def request_options(at: AtHome, challenge: bytes) -> dict[str, Any]:
    """``PublicKeyCredentialRequestOptionsJSON``; anybody's passkey will do."""
    return {
        "challenge": base64url.encode(challenge),
        "rpId": at.host,
        "timeout": _SECONDS * 1000,
        "allowCredentials": [],
        "userVerification": "required",
    }


def check_creation(at: AtHome, text: str, challenge: bytes) -> tuple[bytes, bytes, int]:
    """Id, data and counter of the new passkey; ``Malformed`` for anything but a right answer to ``challenge``."""
    try:
        answer = RegistrationResponse.from_dict(_read(text))
        made = _server(at).register_complete(_state(challenge), answer)
        data = made.credential_data
    except _UNFIT as error:
        raise Malformed("this is not a passkey made for this page") from error
    fits = data is not None and data.public_key.get(3) in ALGS and 1 <= len(data.credential_id) <= 1023 and not _is_short(data.public_key)
    if data is None or not fits or not _is_plain(answer.response.client_data, made):
        raise Malformed("this kind of passkey is not taken")
    return bytes(data.credential_id), bytes(data), made.counter


def peek_id(text: str) -> bytes:
    """Which passkey an answer says that it is by; ``SignInRequired`` for what is no answer."""
    try:
        return base64url.decode(_read(text)["rawId"])
    except (VcError, *_UNFIT) as error:
        raise SignInRequired("this is not the answer of a passkey") from error


def check_answer(at: AtHome, text: str, challenge: bytes, known: Passkey) -> int:
    """Its counter now; ``SignInRequired`` unless ``known`` has answered ``challenge`` here, with its person checked."""
    try:
        answer = AuthenticationResponse.from_dict(_read(text))
        _server(at).authenticate_complete(_state(challenge), [AttestedCredentialData(known.data)], answer)
        handle, data = answer.response.user_handle, answer.response.authenticator_data
    except (VcError, *_UNFIT) as error:
        raise SignInRequired("this is not the right answer of a passkey") from error
    if handle != known.handle:  # section 7.2 step 6: nobody was named before, so that the answer has to
        raise SignInRequired("this passkey is somebody else's")
    if not _is_plain(answer.response.client_data, data):
        raise SignInRequired("this answer was not given on our own page, or contradicts itself")
    uses = data.counter
    if (uses or known.uses) and uses <= known.uses:  # section 6.1.1: there may be two of it
        raise SignInRequired("this passkey was used elsewhere in the meantime")
    return uses


def _is_plain(client: CollectedClientData, data: AuthenticatorData) -> bool:
    """Given on a page that is in no frame of others, by a passkey that is not kept elsewhere where it never can be (section 6.1.3)."""
    return client.cross_origin is False and not (data.flags & data.FLAG.BS and not data.flags & data.FLAG.BE)


def _is_short(public: Mapping[int, Any]) -> bool:
    """Whether it is an RSA key of fewer than 2,048 bits."""
    modulus = public.get(-1)
    return public.get(1) == _RSA and not (isinstance(modulus, bytes) and int.from_bytes(modulus, "big").bit_length() >= _MIN_RSA)


def _read(text: str) -> Mapping[str, Any]:
    """What is needed of it, texts alone: of a number the library would make as many bytes."""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    said = strict_json.load_object(text.encode())
    response = {name: value for name, value in reader.get_object(said, "response").items() if isinstance(value, str)}
    return {**{name: reader.get_str(said, name) for name in ("id", "rawId", "type")}, "response": response, "clientExtensionResults": {}}


def _server(at: AtHome) -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(id=at.host, name=at.name), verify_origin=lambda origin: origin == at.origin)


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": base64url.encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


# --- rows --------------------------------------------------------------------------------------------------------------------------------


async def add(tx: Tx, new: Passkey) -> None:
    """``Conflict`` where it is known already, or its person has as many as anybody needs."""
    if len(await of(tx, new.subject)) >= MAX_KNOWN:
        raise Conflict(f"at most {MAX_KNOWN} passkeys are kept")
    made = await tx.execute(
        "INSERT INTO passkey (id, subject, handle, data, uses, name, made_at, used_at, host) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8) "
        "ON CONFLICT (id) DO NOTHING",
        new.id,
        new.subject,
        new.handle,
        new.data,
        new.uses,
        new.name,
        new.made_at,
        new.host,
    )
    if made != 1:
        raise Conflict("this passkey is known already")


async def find(tx: Tx, identifier: bytes) -> Passkey | None:
    row = await tx.fetchrow("SELECT * FROM passkey WHERE id = $1", identifier)
    return None if row is None else _passkey(row)


async def of(tx: Tx, subject: str) -> list[Passkey]:
    """Oldest first."""
    return [_passkey(row) for row in await tx.fetch("SELECT * FROM passkey WHERE subject = $1 ORDER BY made_at, id", subject)]


async def note_use(tx: Tx, known: Passkey, uses: int, at: int, *, host: str) -> bool:
    """False if somebody used it, or removed it, at the same moment."""
    sql = "UPDATE passkey SET uses = $1, used_at = $2, host = $5 WHERE id = $3 AND uses = $4"
    return await tx.execute(sql, uses, at, known.id, known.uses, host) == 1


async def move(tx: Tx, subject: str, other: str) -> None:
    """Those of ``other`` sign ``subject`` in from now on."""
    await tx.execute("UPDATE passkey SET subject = $1 WHERE subject = $2", subject, other)


async def remove(tx: Tx, subject: str, identifier: bytes) -> bool:
    """False if that subject has no such passkey."""
    return await tx.execute("DELETE FROM passkey WHERE subject = $1 AND id = $2", subject, identifier) == 1


async def remove_all(tx: Tx, subject: str) -> None:
    await tx.execute("DELETE FROM passkey WHERE subject = $1", subject)


def _passkey(row: Row) -> Passkey:
    return Passkey(
        id=bytes(row["id"]),
        subject=row["subject"],
        handle=bytes(row["handle"]),
        data=bytes(row["data"]),
        uses=int(row["uses"]),
        name=row["name"],
        made_at=int(row["made_at"]),
        used_at=row["used_at"],
        host=row["host"],
    )
