from __future__ import annotations

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import DAY, IDX, LIST, assertion, registry, status_cwt

from shared.codec import base64url, cbor, strict_json
from shared.cose import (
    CHALLENGE,
    DESK_CERTIFICATE,
    KEY_BINDING,
    RP_CERTIFICATE,
    SD_CWT,
    STATUS_ASSERTION,
    Typ,
    kid_of,
    parse_sign1,
    prepare_sign1,
)
from shared.errors import AlgorithmRefused, BadSignature, Malformed, StatusUnknown, TooLarge, Unavailable, VcError, WrongTyp
from shared.flow import Fetch, Fetched, run
from shared.keys import KeyId
from shared.status.assertion import AT_ONCE, VerifiedAssertion, fetch_assertions, parse_assertion, verify_assertion
from shared.status.freshness import Freshness, check_current, freshness
from shared.status.token_status_list import INVALID, parse_token

CLAIMS: dict[Any, Any] = {2: LIST, 6: AT, 4: AT + DAY, -70_002: IDX, -70_003: 1}


def made(claims: object = CLAIMS, *, typ: Typ = STATUS_ASSERTION, header: dict[Any, Any] | None = None) -> bytes:
    payload = cbor.dumps(claims)
    return registry().signer.finish(
        prepare_sign1(typ=typ, payload=payload, key=KeyId("issuer"), protected={4: bytes(8)} if header is None else header)
    )


def checked(data: bytes, *, uri: str = LIST, idx: int = IDX, at: int = AT) -> VerifiedAssertion:
    return verify_assertion(parse_assertion(data), uri=uri, idx=idx, key=registry().signer.public, at=at)


def test_it_says_one_thing_about_one_copy() -> None:
    said = checked(assertion(INVALID, iat=AT))
    assert (said.uri, said.idx, said.status, said.iat, said.exp, said.ttl) == (LIST, IDX, 1, AT, AT + DAY, 3600)
    assert said.kid == kid_of(registry().signer.public)
    assert parse_assertion(said.wire).status == INVALID


def test_the_wire_is_small_and_as_specified() -> None:
    data = assertion(iat=AT)
    assert len(data) <= 170
    sign1 = parse_sign1(data)
    assert sign1.protected == {1: -9, 4: kid_of(registry().signer.public), 16: 65_104}
    assert sign1.unprotected == {}
    assert cbor.loads(sign1.payload) == {2: LIST, 6: AT, 4: AT + DAY, -70_002: IDX, -70_003: 0}


def test_another_copy_another_key_another_time() -> None:
    data = assertion(iat=AT)
    for uri, idx in ((LIST + "0", IDX), (LIST, IDX + 1)):
        with pytest.raises(StatusUnknown):
            checked(data, uri=uri, idx=idx)
    with pytest.raises(BadSignature):
        verify_assertion(parse_assertion(data), uri=LIST, idx=IDX, key=Signer.new().public, at=AT)
    with pytest.raises(AlgorithmRefused):
        verify_assertion(parse_assertion(data), uri=LIST, idx=IDX, key=Signer.new("EdDSA").public, at=AT)
    checked(assertion(iat=AT + 60))
    with pytest.raises(StatusUnknown):
        checked(assertion(iat=AT + 61))


def test_fresh_then_as_of_then_nothing() -> None:
    said = checked(assertion(iat=AT), at=AT + 2 * DAY)
    found = {at: freshness(said, at=AT + at) for at in (-60, 0, 3600, 3601, DAY - 1, DAY)}
    assert found == {
        -60: Freshness.FRESH,
        0: Freshness.FRESH,
        3600: Freshness.FRESH,
        3601: Freshness.AS_OF,
        DAY - 1: Freshness.AS_OF,
        DAY: Freshness.EXPIRED,
    }
    check_current(said, at=AT + DAY - 1)
    with pytest.raises(StatusUnknown) as caught:
        check_current(said, at=AT + DAY)
    assert caught.value.where == "/exp"


def test_typ_swap_is_refused() -> None:
    for typ in (SD_CWT, KEY_BINDING, CHALLENGE, DESK_CERTIFICATE, RP_CERTIFICATE, Typ("status-assertion", "x"), Typ(65_105, "x")):
        with pytest.raises(WrongTyp):
            parse_assertion(made(typ=typ))
    with pytest.raises(WrongTyp):
        parse_assertion(status_cwt(size=64, x5c=()))
    with pytest.raises(WrongTyp):
        parse_token(assertion())


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({2: None}, "/sub"),
        ({2: 5}, "/sub"),
        ({6: None}, "/iat"),
        ({6: -1}, "/iat"),
        ({4: None}, "/exp"),
        ({4: AT + 7 * DAY + 1}, "/exp"),
        ({-70_002: None}, "/idx"),
        ({-70_002: -1}, "/idx"),
        ({-70_002: b"1"}, "/idx"),
        ({-70_003: None}, "/status"),
        ({-70_003: True}, "/status"),
        ({-70_003: 256}, "/status"),
    ],
)
def test_other_claims_are_malformed(changes: dict[int, object], where: str) -> None:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    with pytest.raises(Malformed) as caught:
        parse_assertion(made(claims))
    assert caught.value.where == where


def test_more_that_is_malformed() -> None:
    parse_assertion(made(CLAIMS | {4: AT + 7 * DAY}))
    for data in (made([]), made(header={4: "kid"}), made(header={4: bytes(7)}), made() + b"\0"):
        with pytest.raises(Malformed):
            parse_assertion(data)
    with pytest.raises(TooLarge):
        parse_assertion(bytes(2_049))


def test_nothing_rides_along_that_nobody_signed_or_knows() -> None:
    """docs/ovp.md section 2: no unknown members. A holder could otherwise hide words in what her phone staples."""
    protected, _, payload, signature = cbor2.loads(made()).value
    for bare in ({99: 1}, {4: bytes(8)}, {b"x": 1}, {33: b"x"}):
        with pytest.raises(Malformed):
            parse_assertion(cbor2.dumps(cbor2.CBORTag(18, [protected, bare, payload, signature])))
    for data in (
        made(CLAIMS | {1: "x"}),
        made(CLAIMS | {"x": 1}),
        made(CLAIMS | {b"x": 1}),
        made(header={}),
        made(header={4: bytes(8), 33: b"x"}),
    ):
        with pytest.raises(Malformed):
            parse_assertion(data)


def test_every_bit_is_signed() -> None:
    data = assertion(iat=AT)
    for at in range(len(data) * 8):
        bent = bytearray(data)
        bent[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(VcError):
            checked(bytes(bent))


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\xd2\x84" + tail))
def test_any_bytes_are_an_assertion_or_a_vc_error(data: bytes) -> None:
    with suppress(VcError):
        parse_assertion(data)


@given(
    st.dictionaries(
        st.sampled_from([2, 4, 6, -70_002, -70_003]),
        st.integers(-2, 2**64) | st.text(max_size=3) | st.binary(max_size=3) | st.none() | st.booleans() | st.lists(st.integers()),
    )
)
def test_any_claims_are_an_assertion_or_a_vc_error(claims: dict[int, object]) -> None:
    header = cbor.dumps({1: -9, 4: bytes(8), 16: STATUS_ASSERTION.value})
    with suppress(VcError):
        parse_assertion(cbor.dumps(cbor2.CBORTag(18, [header, {}, cbor.dumps(claims), bytes(64)])))


# --- asking -----------------------------------------------------------------------------------------------------------------------------


def office(fetch: Fetch, *, leave_out: int = 0) -> Fetched:
    asked = strict_json.load_object(fetch.body or b"")["idx"]
    texts = [base64url.encode(assertion(idx=idx)) for idx in asked[leave_out:]]
    return Fetched(status=200, body=strict_json.dumps({"assertions": texts}))


def test_a_batch_is_asked_for_in_the_order_of_its_indices() -> None:
    asked: list[Fetch] = []

    def driver(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return office(fetch)

    wanted = [7 * number % 251 for number in range(AT_ONCE + 1)]
    found = run(fetch_assertions(LIST, wanted), driver)
    assert sorted(found) == sorted(wanted)
    assert all(found[index].idx == index for index in wanted)
    assert [(fetch.url, fetch.method, set(fetch.headers)) for fetch in asked] == [
        (f"{LIST}/assertions", "POST", {"accept", "content-type"})
    ] * 2
    bodies = [strict_json.load_object(fetch.body or b"") for fetch in asked]
    assert [*bodies[0]["idx"], *bodies[1]["idx"]] == sorted(wanted)
    assert run(fetch_assertions(LIST, []), driver) == {}


def test_answers_that_are_none() -> None:
    with pytest.raises(Malformed):
        run(fetch_assertions(LIST, [1, 2]), lambda fetch: office(fetch, leave_out=1))
    for status in (204, 404, 429, 500):
        with pytest.raises(Unavailable):
            run(fetch_assertions(LIST, [1]), lambda _, code=status: Fetched(status=code, body=b'{"assertions":[]}'))  # type: ignore[misc]


@given(st.binary(max_size=60) | st.lists(st.text(max_size=9), max_size=3).map(lambda texts: strict_json.dumps({"assertions": texts})))
def test_any_answer_is_assertions_or_a_vc_error(body: bytes) -> None:
    with suppress(VcError):
        run(fetch_assertions(LIST, [1, 2]), lambda _: Fetched(status=200, body=body))
