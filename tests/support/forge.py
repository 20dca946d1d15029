"""A registry, its holder, and hand-made SD-JWTs: what no honest issuer signs, signed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from support.signing import AT, Signer, anchor, leaf

from shared.cose import kid_of
from shared.credentials import by_id
from shared.formats import Binding, Credential, CredentialFormat, Handover, Parsed, StatusReference, formats
from shared.jose.jwk import render_jwk
from shared.keys import KeyId

DAY = 86_400
MADE = AT - AT % DAY
ENDS = MADE + 30 * DAY
ISSUER_URI = "https://opg.example"
REPRESENTATION = by_id("representation")
ISSUER = Signer.new()
HOLDER = Signer.new()
STRANGER = Signer.new()
STATUS = StatusReference(uri="https://opg.example/status/1", idx=4711)
HANDOVER = Handover(response_uri="https://bank.example/response", key_thumbprint=bytes(range(32)))
BINDING = Binding(audience="x509_hash:bank", nonce="bank-nonce-0123456789A", handover=HANDOVER)
AUTHORITY = Signer.new()
ROOT = anchor(AUTHORITY)
LEAF = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI)
LPA_1: dict[str, Any] = {
    "representation_kind": "power_of_attorney",
    "instrument_type": "lpa-property-and-affairs",
    "attestation_basis": "register",
    "decision_rule": "jointly-and-severally",
    "usable_when": "when-has-capacity",
    "has_restrictions": False,
    "substitution": "not_allowed",
    "powers": ["council-tax", "banking"],
    "represented": {
        "given_name": "Margaret",
        "family_name": "Ashdown",
        "birthdate": "1938-11-02",
        "address": {"postal_code": "ZZ99 4CD"},
        "also_known_as": ["Peggy Ashdown", "Margaret Penhale"],
    },
    "proxy": {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original"},
    "grant_date": "2025-05-09",
    "registration_date": "2025-09-01",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4000",
    "issuing_authority": "Office of the Public Guardian (test)",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
}


def lpa(**changes: Any) -> dict[str, Any]:
    """LPA-1 with members replaced, or left out where the value is ``...``."""
    claims = deepcopy(LPA_1) | changes
    return {name: value for name, value in claims.items() if value is not ...}


def entropy(seed: str = "") -> Callable[[int], bytes]:
    """Bytes that look random, repeat never and are the same in every run."""
    state = [hashlib.sha256(seed.encode()).digest()]

    def draw(size: int) -> bytes:
        state[0] = hashlib.sha256(state[0]).digest()
        return hashlib.shake_256(state[0]).digest(size)

    return draw


def credential(**changes: Any) -> Credential:
    fields: dict[str, Any] = {
        "type": REPRESENTATION,
        "claims": LPA_1,
        "issuer": ISSUER_URI,
        "issued_at": MADE,
        "expires_at": ENDS,
        "status": STATUS,
        "kid": kid_of(ISSUER.public),
    }
    return Credential(**(fields | changes))


def issue(form: CredentialFormat | str = "dc+sd-jwt", *, holder: Signer | None = HOLDER, seed: str = "", **changes: Any) -> str:
    """A credential's wire form by ``ISSUER``; an mdoc always has its signer's certificate."""
    made: CredentialFormat = formats()[form] if isinstance(form, str) else form
    if made.name == "mso_mdoc":
        changes = {"x5c": (LEAF,)} | changes
    public = holder.public if holder is not None else None
    return ISSUER.finish(made.prepare(credential(**changes), key=KeyId("issuer"), holder=public, entropy=entropy(seed)))


def show(form: CredentialFormat, parsed: Parsed, binding: Binding = BINDING, *, holder: Signer = HOLDER, at: int = AT) -> str:
    """A presentation's wire form."""
    return holder.finish(form.present(parsed, binding, key=KeyId("holder"), at=at, alg=holder.public.alg))


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def disclosure(*parts: Any) -> str:
    """``disclosure("salt", "name", value)`` or ``disclosure("salt", value)``."""
    return b64(json.dumps(parts))


def hashed(text: str, alg: str = "sha256") -> str:
    return b64(hashlib.new(alg, text.encode()).digest())


def jws(payload: Mapping[str, Any] | bytes, signer: Signer = ISSUER, **header: Any) -> str:
    """A signed object of any header and payload; header members whose value is ``...`` are left out."""
    head = {name: value for name, value in ({"alg": signer.public.alg, "typ": "dc+sd-jwt"} | header).items() if value is not ...}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signing_input = f"{b64(json.dumps(head))}.{b64(body)}"
    return f"{signing_input}.{b64(signer.raw(signing_input.encode()))}"


def envelope(**members: Any) -> dict[str, Any]:
    """The payload of a credential of a type that this installation does not know, bound to ``HOLDER``."""
    base = {"iss": ISSUER_URI, "iat": MADE, "exp": ENDS, "vct": "https://types.example/other", "cnf": {"jwk": render_jwk(HOLDER.public)}}
    return {name: value for name, value in (base | members).items() if value is not ...}


def sd_jwt(payload: Mapping[str, Any] | bytes, disclosures: Sequence[str] = (), **header: Any) -> str:
    return "~".join([jws(payload, **header), *disclosures, ""])


def bound(presented: str, *, holder: Signer = HOLDER, typ: str = "kb+jwt", **changes: Any) -> str:
    """``presented`` with a key-binding JWT whose members are replaced, or left out where the value is ``...``."""
    claims = {"iat": AT, "aud": BINDING.audience, "nonce": BINDING.nonce, "sd_hash": hashed(presented)} | changes
    return presented + jws({name: value for name, value in claims.items() if value is not ...}, holder, typ=typ)
