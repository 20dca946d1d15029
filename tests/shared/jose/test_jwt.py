from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer

from shared.errors import AlgorithmRefused, BadSignature, Expired, Malformed, NotYetValid, VcError, WrongTyp
from shared.jose import jws, jwt
from shared.keys import KeyId

SIGNER = Signer.new()
KEY = KeyId("holder")


def parsed(claims: dict[str, Any], typ: str = "kb+jwt") -> jwt.Jwt:
    return jwt.parse_jwt(SIGNER.finish(jwt.prepare_jwt(claims, typ=typ, key=KEY)))


def verified(claims: dict[str, Any], **options: Any) -> dict[str, Any]:
    return jwt.verify_jwt(parsed(claims), SIGNER.public, typ="kb+jwt", at=AT, **options)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_round_trip(alg: str) -> None:
    signer = Signer.new(alg)
    claims = {"iss": "https://issuer.example", "exp": AT + 1, "nested": {"é": [1, None]}}
    token = jwt.parse_jwt(signer.finish(jwt.prepare_jwt(claims, typ="receipt+jwt", key=KEY, alg=alg, header={"kid": "1"})))
    assert dict(token.header) == {"alg": alg, "typ": "receipt+jwt", "kid": "1"}
    assert jwt.verify_jwt(token, signer.public, typ="receipt+jwt", at=AT) == claims


def test_order_of_the_checks() -> None:
    token = parsed({"exp": 1})
    with pytest.raises(WrongTyp):
        jwt.verify_jwt(token, Signer.new("EdDSA").public, typ="vp+jwt", at=AT)
    with pytest.raises(AlgorithmRefused):
        jwt.verify_jwt(token, Signer.new("EdDSA").public, typ="kb+jwt", at=AT)
    with pytest.raises(BadSignature):
        jwt.verify_jwt(token, Signer.new().public, typ="kb+jwt", at=AT)
    with pytest.raises(Expired):
        jwt.verify_jwt(token, SIGNER.public, typ="kb+jwt", at=AT)


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b'"a"', b'{"a":1,"a":2}', b"\xff", b"{}x"])
def test_payload_is_one_object(payload: bytes) -> None:
    token = SIGNER.finish(jws.prepare_jws(typ="kb+jwt", payload=payload, key=KEY))
    with pytest.raises(Malformed) as caught:
        jwt.parse_jwt(token, where="/w")
    assert caught.value.where == "/w"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": AT + 1, "nbf": AT, "iat": AT},
        {"exp": AT - 59},
        {"exp": AT - 59.5},
        {"nbf": AT + 60},
        {"iat": AT + 60},
    ],
)
def test_in_force_give_or_take_the_leeway(claims: dict[str, Any]) -> None:
    assert verified(claims) == claims


@pytest.mark.parametrize(
    ("error", "claims"),
    [
        (Expired, {"exp": AT - 60}),
        (Expired, {"exp": 0}),
        (Expired, {"exp": -1.5}),
        (NotYetValid, {"nbf": AT + 61}),
        (NotYetValid, {"iat": AT + 60.5}),
    ],
)
def test_not_in_force(error: type[VcError], claims: dict[str, Any]) -> None:
    with pytest.raises(error) as caught:
        verified(claims)
    assert caught.value.where == f"/{next(iter(claims))}"


def test_without_leeway() -> None:
    with pytest.raises(Expired):
        verified({"exp": AT}, leeway=0)
    with pytest.raises(NotYetValid):
        verified({"nbf": AT + 1}, leeway=0)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [None, True, False, "1800000000", [AT], {}])
def test_times_are_numbers(name: str, value: object) -> None:
    with pytest.raises(Malformed) as caught:
        verified({name: value})
    assert caught.value.where == f"/{name}"


@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat", "aud"]),
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats() | st.text(),
    )
)
def test_times_or_an_error(claims: dict[str, Any]) -> None:
    try:
        jwt.check_times(claims, at=AT)
    except VcError:
        return
    assert claims.get("exp", AT) > AT - 60
