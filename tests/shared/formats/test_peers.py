"""Two independent implementations judge what we make, and we what they make; then all three judge what is broken.

Where a peer takes what it should refuse, ``TAKEN`` names the section that says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwcrypto.jwk import JWK
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier
from support.forge import HOLDER, ISSUER, unb64
from support.grown import AUD, BREAKS, DAY, NONCE, Break, Dice, envelope, grown, members
from support.signing import Signer

from shared.clock import system_clock
from shared.errors import VcError
from shared.formats import Binding, formats
from shared.formats._sd_jwt import Redaction, open_payload, parse_sd_jwt
from shared.jose.jwk import render_jwk

COUNTERPARTS = {"sd-jwt": "judge and mint of SD-JWTs", "openvc-core": "judge and mint of SD-JWT VCs"}

FORM = formats()["dc+sd-jwt"]
BINDING = Binding(audience=AUD, nonce=NONCE)
ISSUER_JWK = render_jwk(ISSUER.public)
OPENVC = SdJwtVcProofSuite()
GOOD, EACH = 120, 12


# --- the three judges ----------------------------------------------------------------------------------------------------------------


def ours(wire: str) -> Mapping[str, Any] | None:
    try:
        return FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=system_clock()).document
    except VcError:
        return None


def by_sd_jwt(wire: str) -> Mapping[str, Any] | None:
    try:
        verifier = SDJWTVerifier(wire, lambda _iss, _header: JWK(**ISSUER_JWK), AUD, NONCE)
        found: Mapping[str, Any] = verifier.get_verified_payload()
    except Exception:  # noqa: BLE001 - whatever a peer raises is its refusal
        return None
    return found


def by_openvc(wire: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = OPENVC.verify(
            wire, public_key_jwk=ISSUER_JWK, audience=AUD, nonce=NONCE, require_key_binding=True
        ).claims
    except Exception:  # noqa: BLE001 - whatever a peer raises is its refusal
        return None
    return found


PEERS: dict[str, Callable[[str], Mapping[str, Any] | None]] = {"sd-jwt": by_sd_jwt, "openvc-core": by_openvc}


@pytest.mark.parametrize("part", range(4))
def test_all_open_the_same_document(part: int) -> None:
    for at in range(part, GOOD, 4):
        wire = grown(f"good {at}").wire()
        document = ours(wire)
        assert document is not None
        for name, judge in PEERS.items():
            assert judge(wire) == document, (at, name)


# --- what they make ------------------------------------------------------------------------------------------------------------------


def private(signer: Signer) -> JWK:
    return JWK.from_pyca(signer.private)


def pem(signer: Signer) -> bytes:
    return signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def wrapped(dice: Dice, plain: Any) -> Any:
    """``plain`` with parts marked for hiding in the way of the ``sd-jwt`` package."""
    if isinstance(plain, dict):
        return {SDObj(name) if dice.below(2) else name: wrapped(dice, below) for name, below in plain.items()}
    if isinstance(plain, list):
        return [
            SDObj(wrapped(dice, below)) if dice.below(2) and not isinstance(below, dict | list) else wrapped(dice, below) for below in plain
        ]
    return plain


def test_what_sd_jwt_makes() -> None:
    for at in range(GOOD // 3):
        dice = Dice(f"theirs {at}")
        plain = members(dice, Redaction(dice.bytes), 3)[1]
        issued = SDJWTIssuer(
            {**envelope(), **wrapped(dice, plain)},
            private(ISSUER),
            JWK(**render_jwk(HOLDER.public)),
            add_decoy_claims=bool(dice.below(2)),
            extra_header_parameters={"typ": "dc+sd-jwt"},
        ).sd_jwt_issuance
        whole = open_payload(parse_sd_jwt(issued)).document
        assert whole == {**envelope(), **plain}
        holder = SDJWTHolder(issued)
        holder.create_presentation(dict.fromkeys(plain, True), NONCE, AUD, private(HOLDER))
        wire = holder.sd_jwt_presentation
        document = ours(wire)
        assert document is not None
        assert document == by_sd_jwt(wire) == by_openvc(wire)


def test_what_openvc_makes() -> None:
    issuer_key = P256SigningKey.from_pem(pem(ISSUER), "issuer")
    holder_key = P256SigningKey.from_pem(pem(HOLDER), "holder")
    for at in range(GOOD // 3):
        dice = Dice(f"openvc {at}")
        plain = members(dice, Redaction(dice.bytes), 2)[1]
        issued = OPENVC.issue(
            {"iss": "https://opg.example", **plain},
            signing_key=issuer_key,
            disclosable=[name for name in plain if dice.below(2)],
            holder_jwk=render_jwk(HOLDER.public),
            vct="https://types.example/1",
            expires_in_s=DAY,
            decoys=dice.below(3),
        )
        wire = OPENVC.create_presentation(issued, holder_key=holder_key, audience=AUD, nonce=NONCE)
        document = ours(wire)
        assert document is not None
        assert plain.items() <= document.items()
        assert document == by_openvc(wire) == by_sd_jwt(wire)


# --- what is broken ------------------------------------------------------------------------------------------------------------------

TAKEN = {
    ("unreferenced", "sd-jwt"): "RFC 9901 section 7.1 step 5",
    ("digest_twice_in_arrays", "sd-jwt"): "RFC 9901 section 7.1 step 4",
    ("digest_of_member_in_array_too", "sd-jwt"): "RFC 9901 section 7.1 step 4",
    ("name_no_string", "sd-jwt"): "RFC 9901 section 4.2.1: the claim name is a string",
    ("name_sd", "sd-jwt"): "RFC 9901 section 7.1 step 3.3.2.2",
    ("name_dots", "sd-jwt"): "RFC 9901 section 7.1 step 3.3.2.2",
    ("digest_no_string", "sd-jwt"): "RFC 9901 section 4.2.4.1: an array of strings",
    ("stale_binding", "sd-jwt"): "RFC 9901 section 7.3 step 5.5",
    ("future_binding", "sd-jwt"): "RFC 9901 section 7.3 step 5.5",
    ("undated_binding", "sd-jwt"): "RFC 9901 section 4.3: iat is required",
    ("expired", "sd-jwt"): "RFC 9901 section 7.1 step 6",
    ("not_yet_valid", "sd-jwt"): "RFC 9901 section 7.1 step 6",
    ("other_typ", "sd-jwt"): "SD-JWT VC, JOSE Header: the package knows RFC 9901 alone, as below",
    ("no_vct", "sd-jwt"): "SD-JWT VC, Registered JWT Claims: vct is required",
    ("hidden_vct", "sd-jwt"): "SD-JWT VC, Registered JWT Claims: never in a disclosure",
    ("hidden_exp", "sd-jwt"): "SD-JWT VC, Registered JWT Claims: never in a disclosure",
    ("hidden_status", "sd-jwt"): "SD-JWT VC, Registered JWT Claims: never in a disclosure",
}


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_all_refuse_what_is_broken(spoil: Break) -> None:
    took = dict.fromkeys(PEERS, 0)
    for at in range(EACH):
        case, dice = grown(f"{spoil.__name__} {at}"), Dice(f"break {at}")
        assert ours(case.wire()) is not None
        case.payload = json.loads(json.dumps(case.payload))
        spoil(case, dice)
        wire = case.wire()
        assert ours(wire) is None
        for name, judge in PEERS.items():
            took[name] += judge(wire) is not None
    for name, number in took.items():
        assert (number > 0) == ((spoil.__name__, name) in TAKEN), (name, number, EACH)


def test_all_refuse_a_stripped_binding() -> None:
    for at in range(EACH):
        presented = grown(f"strip {at}").presented
        assert ours(presented) is None
        assert all(judge(presented) is None for judge in PEERS.values())


def test_all_refuse_a_changed_byte() -> None:
    for at in range(EACH * 4):
        dice = Dice(f"byte {at}")
        wire = grown(f"byte {at}").wire()
        spot = dice.below(len(wire) - 1)
        swapped = dice.of("AZaz09-_".replace(wire[spot], ""))
        spoilt = wire[:spot] + swapped + wire[spot + 1 :]
        assert ours(spoilt) is None
        if len(unb64(wire.rpartition(".")[2])) == 64:
            assert all(judge(spoilt) is None for judge in PEERS.values()), (at, spot)
