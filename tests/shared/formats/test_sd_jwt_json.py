from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import HOLDER, ISSUER, STRANGER, bound, disclosure, hashed, jws
from support.signing import Signer

from shared.errors import BadSignature, Malformed, VcError
from shared.formats._sd_jwt import digest, open_payload, parse_sd_jwt
from shared.formats._sd_jwt_json import parse_sd_jwt_json
from shared.jose.jws import verify_jws

A = disclosure("salt-a", "a", 1)
PAYLOAD = {"_sd": [hashed(A)], "x": 1}
TOKEN = jws(PAYLOAD)
PROTECTED, BODY, SIGNATURE = TOKEN.split(".")
KB = bound(f"{TOKEN}~{A}~").rpartition("~")[2]


def flattened(**changes: Any) -> dict[str, Any]:
    obj = {"payload": BODY, "protected": PROTECTED, "signature": SIGNATURE, "header": {"disclosures": [A], "kb_jwt": KB}} | changes
    return {name: value for name, value in obj.items() if value is not ...}


def signature(signer: Signer, **header: Any) -> dict[str, Any]:
    protected, _, signed = jws(PAYLOAD, signer).split(".")
    return {"protected": protected, "signature": signed, "header": header}


def test_flattened_is_the_compact_one_taken_apart() -> None:
    (parsed,) = parse_sd_jwt_json(flattened())
    assert parsed == parse_sd_jwt(f"{TOKEN}~{A}~{KB}")
    assert open_payload(parsed).document == {"x": 1, "a": 1}
    (bare,) = parse_sd_jwt_json(flattened(header=...))
    assert bare == parse_sd_jwt(f"{TOKEN}~")


def test_general_has_several_signatures_over_one_payload() -> None:
    first, second = signature(ISSUER, disclosures=[A], kb_jwt=KB), signature(STRANGER, kid="two")
    parsed = parse_sd_jwt_json({"payload": BODY, "signatures": [first, second]})
    assert len(parsed) == 2
    for one, signer in zip(parsed, (ISSUER, STRANGER), strict=True):
        verify_jws(one.jws, signer.public, typ="dc+sd-jwt")
        assert open_payload(one).document == {"x": 1, "a": 1}
        assert one.presented == f"{parsed[0].jws.token}~{A}~"
        with pytest.raises(BadSignature):
            verify_jws(one.jws, HOLDER.public, typ="dc+sd-jwt")
    assert digest("sha-256", parsed[0].presented) == hashed(parsed[1].presented)


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        ({}, "/payload"),
        (flattened(payload=1), "/payload"),
        (flattened(signature=...), "/signature"),
        (flattened(signatures=[]), "/signature"),
        ({"payload": BODY, "signatures": []}, "/signatures"),
        ({"payload": BODY, "signatures": [1]}, "/signatures/0"),
        ({"payload": BODY, "signatures": [signature(ISSUER)] * 9}, "/signatures"),
        ({"payload": BODY, "signatures": [signature(ISSUER), signature(ISSUER, disclosures=[A])]}, "/signatures/1/header"),
        ({"payload": BODY, "signatures": [signature(ISSUER), signature(ISSUER, kb_jwt=KB)]}, "/signatures/1/header"),
        (flattened(header=[A]), "/header"),
        (flattened(header={"disclosures": A}), "/header/disclosures"),
        (flattened(header={"disclosures": [1]}), "/header/disclosures/0"),
        (flattened(header={"disclosures": [f"{A}~{A}"]}), "/disclosures/0"),
        (flattened(header={"kb_jwt": 1}), "/header/kb_jwt"),
        (flattened(protected=...), "/protected"),
        (flattened(protected=1), "/protected"),
        (flattened(payload=f"{BODY}.{BODY}"), ""),
    ],
)
def test_what_is_not_of_that_form(obj: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_sd_jwt_json(obj)
    assert caught.value.where == where


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["payload", "protected", "signature", "signatures", "header"]), JSON))
def test_any_object_parses_or_is_refused(changes: dict[str, Any]) -> None:
    for obj in (changes, flattened(**changes)):
        try:
            parse_sd_jwt_json(obj)
        except VcError as error:
            assert isinstance(error, Malformed)  # noqa: PT017 - there may be none
