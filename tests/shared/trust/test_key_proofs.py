"""What proves that a body holds a key, and what proves nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, DAY, Body, signed
from support.signing import AT, Signer

from shared.errors import AlgorithmRefused, BadSignature, Expired, Malformed, NotYetValid, TooLarge, Untrusted, VcError, WrongTyp
from shared.keys import SIGNS, KeyId
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.key_proofs import (
    COMPROMISED,
    ENDS,
    MEMBER,
    ROLES,
    check_key_proof,
    compromised_keys,
    key_ends,
    prepare_key_proof,
    proven,
    proven_federation_keys,
)
from shared.trust.statements import parse_statement

ISSUES, TYP = "openid_credential_issuer", "credential-issuer-key-proof+jwt"
SIGNER, OTHER = Signer.new(), Signer.new("EdDSA")
KEYS = (FederationKey.of(SIGNER.public), FederationKey("the-other", OTHER.public))


def a_proof(signer: Signer = SIGNER, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return signed({"iss": COURT, "iat": AT, "exp": AT + DAY, **claims}, signer, **{"typ": TYP, **(header or {})})


def test_a_key_proves_that_its_body_holds_it() -> None:
    for key, signer in zip(KEYS, (SIGNER, OTHER), strict=True):
        token = signer.finish(prepare_key_proof(entity=COURT, kind=ISSUES, at=AT, exp=AT + DAY, key=KeyId("k"), public=key))
        assert check_key_proof(token, KEYS, COURT, ISSUES, at=AT) == key
    for kind, role in ROLES.items():
        unsigned = prepare_key_proof(entity=COURT, kind=kind, at=AT, exp=AT + DAY, key=KeyId("k"), public=KEYS[0])
        assert [each for each, typs in SIGNS.items() if unsigned.typ in typs] == [role]


def test_a_proof_is_for_one_role_alone() -> None:
    """S1: what a key of questions signed does not make it one of documents, even of the same body."""
    for kind in ROLES.keys() - {ISSUES}:
        token = SIGNER.finish(prepare_key_proof(entity=COURT, kind=kind, at=AT, exp=AT + DAY, key=KeyId("k"), public=KEYS[0]))
        assert check_key_proof(token, KEYS, COURT, kind, at=AT) == KEYS[0]
        with pytest.raises(WrongTyp):
            check_key_proof(token, KEYS, COURT, ISSUES, at=AT)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (a_proof(header={"typ": "JWT"}), WrongTyp),
        (a_proof(header={"typ": "openid4vci-proof+jwt"}), WrongTyp),
        (a_proof(header={"kid": None}), Malformed),
        (a_proof(header={"kid": "unknown"}), Untrusted),
        (a_proof(header={"kid": "the-other"}), AlgorithmRefused),
        (a_proof(OTHER, header={"kid": KEYS[0].kid, "alg": "ES256"}), BadSignature),
        (a_proof(iss=COURTS), Untrusted),
        (a_proof(iss=None), Malformed),
        (a_proof(iat=None), Malformed),
        (a_proof(exp=None), Malformed),
        (a_proof(exp=AT), Malformed),
        (a_proof(iat=-5, exp=5), Malformed),
        (a_proof(exp=AT + 8 * DAY), Malformed),
        (a_proof(iat=AT + 61), NotYetValid),
        (a_proof(iat=AT - DAY, exp=AT), Expired),
        (a_proof(more="x" * 2_000), TooLarge),
        ("a.b", Malformed),
    ],
)
def test_what_proves_nothing(token: str, error: type[VcError]) -> None:
    """Another kind of object, another's key or name, dates out of force, and what cannot be read."""
    with pytest.raises(error):
        check_key_proof(token, KEYS, COURT, ISSUES, at=AT)
    assert proven(COURT, ISSUES, KEYS, {MEMBER: [token]}, at=AT) == ()


def test_a_proof_that_was_copied_proves_nothing_for_who_copied_it() -> None:
    members = {MEMBER: [a_proof()]}
    assert proven(COURT, ISSUES, KEYS, members, at=AT) == (KEYS[0],)
    assert proven(COURTS, ISSUES, KEYS, members, at=AT) == ()


def test_keys_are_proven_one_by_one() -> None:
    second = a_proof(OTHER, header={"kid": "the-other"})
    assert proven(COURT, ISSUES, KEYS, {MEMBER: [second, "rubbish", a_proof(), second]}, at=AT) == KEYS
    assert proven(COURT, ISSUES, KEYS, {}, at=AT) == ()
    for wrong in ("text", [1], ["x"] * 17):
        with pytest.raises(Malformed):
            proven(COURT, ISSUES, KEYS, {MEMBER: wrong}, at=AT)


FEDERATION = {"typ": "federation-key-proof+jwt"}


def test_federation_keys_that_prove_themselves() -> None:
    """The one that signed needs no proof beside its signature; the others do."""
    body, after = Body(COURT), Signer.new()
    keys = (body.key, FederationKey.of(after.public), FederationKey.of(Signer.new().public))

    def told(*proofs: str) -> tuple[FederationKey, ...]:
        said = parse_statement(body.itself(jwks=render_jwks(keys), metadata={"federation_entity": {MEMBER: list(proofs)}}))
        return proven_federation_keys(said, at=AT)

    assert told() == keys[:1]
    assert told(a_proof(after, header=FEDERATION)) == keys[:2]
    assert told(a_proof(after, header=FEDERATION, iss=COURTS), a_proof(SIGNER, header=FEDERATION), a_proof(after)) == keys[:1]


def test_keys_that_are_reported() -> None:
    assert compromised_keys({}) == frozenset()
    assert compromised_keys({COMPROMISED: ["a", "b"]}) == {"a", "b"}
    for wrong in ("a", [1], {"a": 1}, ["a"] * 10_001):
        with pytest.raises(Malformed):
            compromised_keys({COMPROMISED: wrong})


@given(
    st.text(max_size=60)
    | st.dictionaries(
        st.sampled_from(["iss", "iat", "exp"]),
        st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    ).map(lambda claims: signed({"iss": COURT, "iat": AT, "exp": AT + DAY, **claims}, SIGNER, typ=TYP))
)
def test_any_text_is_a_proof_or_an_error(token: str) -> None:
    with suppress(VcError):
        assert check_key_proof(token, KEYS, COURT, ISSUES, at=AT) == KEYS[0]


def test_a_body_says_since_when_its_keys_only_verify() -> None:
    """S15: of the keys that it names, by their names there; of others it says nothing."""
    assert key_ends({}, KEYS) == {}
    assert key_ends({ENDS: {KEYS[0].kid: AT, "unknown": 7}}, KEYS) == {KEYS[0].kid: AT}
    for ends, where in (([], f"/{ENDS}"), ({KEYS[0].kid: -1}, f"/{ENDS}/{KEYS[0].kid}"), ({KEYS[0].kid: None}, f"/{ENDS}/{KEYS[0].kid}")):
        with pytest.raises(Malformed) as fault:
            key_ends({ENDS: ends}, KEYS)
        assert fault.value.where == where


@given(st.dictionaries(st.sampled_from([KEYS[0].kid, "the-other", "x"]), st.none() | st.integers() | st.text(max_size=3), max_size=3))
def test_what_is_said_of_ends_is_read_or_refused(ends: dict[str, Any]) -> None:
    with suppress(VcError):
        assert all(type(each) is int for each in key_ends({ENDS: ends}, KEYS).values())
