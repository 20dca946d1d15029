from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import BANK, KEY, USE, Counter
from support.signing import AT, Signer

from shared.clock import DAY
from shared.codec import cbor
from shared.cose import CHALLENGE, RP_CERTIFICATE, parse_sign1, prepare_sign1, thumbprint
from shared.errors import (
    BadSignature,
    Expired,
    Malformed,
    NotYetValid,
    OverDisclosed,
    PurposeMismatch,
    TooLarge,
    Untrusted,
    VcError,
    WrongAudience,
    WrongTyp,
)
from shared.ovp.challenge import check_challenge, parse_challenge
from shared.trust.relying_party import Register, Want


def test_who_asks_for_what_and_why() -> None:
    counter = Counter()
    data = counter.challenge(nonce=bytes(16), ttl=120)
    challenge = parse_challenge(data)
    asker = check_challenge(challenge, counter.register(), at=AT)
    assert (asker.entity, asker.name.en, asker.desk, asker.use) == (BANK, "The Bank", "Counter 3", USE)
    assert asker.wants == (Want(vct=65_001, required=(1, 4), optional=(8,)),)
    assert (challenge.nonce, challenge.ttl, challenge.staple) == (bytes(16), 120, False)
    assert challenge.digest == hashlib.sha256(data).digest()
    assert challenge.info == b"OVP1" + challenge.digest
    assert challenge.aud == thumbprint(counter.desk.public)
    assert challenge.audience.startswith("l:")
    assert len(challenge.audience) == 45
    assert parse_challenge(counter.challenge(staple=True)).staple
    assert challenge.transaction is None
    assert parse_challenge(counter.challenge(transaction=b"T" * 16)).transaction == b"T" * 16


def test_what_is_registered_as_required_may_be_asked_as_optional() -> None:
    counter = Counter()
    asked = (Want(vct=65_001, required=(), optional=(1, 2)),)
    assert check_challenge(parse_challenge(counter.challenge(wants=asked)), counter.register(), at=AT).wants == asked


@pytest.mark.parametrize(
    "want",
    [
        Want(vct=65_001, required=(1, 2)),  # registered as optional
        Want(vct=65_001, required=(3,)),
        Want(vct=65_001, required=(), optional=(3,)),
        Want(vct=65_002, required=(1,)),
    ],
)
def test_asking_for_more_than_was_registered(want: Want) -> None:
    counter = Counter()
    with pytest.raises(OverDisclosed) as caught:
        check_challenge(parse_challenge(counter.challenge(wants=[want])), counter.register(), at=AT)
    assert caught.value.where == "/5/0"


def test_challenge_aud_not_own_key() -> None:
    """Rightly signed by a certified desk, but the answer would be made out to another key (S5)."""
    counter = Counter()
    payload = cbor2.loads(parse_sign1(counter.challenge()).payload)
    payload[4] = thumbprint(Signer.new().public)
    challenge = parse_challenge(_signed(counter, payload))
    with pytest.raises(WrongAudience):
        check_challenge(challenge, counter.register(), at=AT)


def test_challenge_of_a_desk_that_nobody_vouches_for() -> None:
    counter = Counter()
    challenge = parse_challenge(counter.challenge())
    with pytest.raises(Untrusted):
        check_challenge(challenge, Register(), at=AT)
    with pytest.raises(Untrusted):
        check_challenge(parse_challenge(Counter().challenge()), counter.register(), at=AT)


def test_challenge_by_another_key_than_the_certified_one() -> None:
    counter = Counter()
    thief = replace(counter, desk=Signer.new())
    stolen = parse_challenge(thief.challenge(certificate=counter.desk_certificate()))
    with pytest.raises(BadSignature):
        check_challenge(stolen, counter.register(), at=AT)


def test_a_challenge_ends() -> None:
    counter = Counter()
    register = counter.register()
    challenge = parse_challenge(counter.challenge(ttl=300))
    check_challenge(challenge, register, at=AT + 299)
    with pytest.raises(Expired):
        check_challenge(challenge, register, at=AT + 300)
    early = parse_challenge(counter.challenge(certificate=counter.desk_certificate(at=AT - DAY), at=AT + 61))
    with pytest.raises(NotYetValid):
        check_challenge(early, register, at=AT)
    with pytest.raises(Expired):  # the desk's certificate
        check_challenge(parse_challenge(counter.challenge(at=AT + 7 * DAY)), register, at=AT + 7 * DAY)


def test_a_use_that_is_not_registered() -> None:
    counter = Counter()
    with pytest.raises(PurposeMismatch):
        check_challenge(parse_challenge(counter.challenge(use="mortgage")), counter.register(), at=AT)


def test_unsigned_challenges_do_not_exist() -> None:
    counter = Counter()
    payload = parse_sign1(counter.challenge()).payload
    bare = cbor2.dumps(cbor2.CBORTag(18, [b"", {}, payload, b""]))
    for data in (payload, bare):
        with pytest.raises(Malformed):
            parse_challenge(data)


def test_typ_is_looked_at_first() -> None:
    counter = Counter()
    unsigned = prepare_sign1(typ=RP_CERTIFICATE, payload=b"\xa0", key=KEY)
    with pytest.raises(WrongTyp):
        parse_challenge(counter.desk.finish(unsigned))
    for data in (counter.rp_certificate(), counter.desk_certificate()):
        with pytest.raises(WrongTyp):
            parse_challenge(data)
    swapped = counter.challenge(certificate=counter.rp_certificate())
    with pytest.raises(WrongTyp) as caught:
        parse_challenge(swapped)
    assert caught.value.where == "/13"


def _signed(counter: Counter, payload: dict[int, Any], protected: dict[int, Any] | None = None, unprotected: Any = None) -> bytes:
    header = {13: cbor2.loads(counter.desk_certificate())} if protected is None else protected
    data = cbor.dumps(payload, canonical=True)
    return counter.desk.finish(prepare_sign1(typ=CHALLENGE, payload=data, key=KEY, protected=header, unprotected=unprotected))


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        (1, 2, "/1"),
        (1, True, "/1"),
        (2, bytes(15), "/2"),
        (3, None, "/3"),
        (4, "x" * 32, "/4"),
        (5, [], "/5"),
        (5, [[1, [-1], []]], "/5/0/1/0"),
        (6, "", "/6"),
        (7, None, "/7"),
        (7, bytes(33), "/7"),
        (8, 0, "/8"),
        (8, 301, "/8"),
        (9, False, "/9"),
        (9, 1, "/9"),
        (10, 0, "/10"),
    ],
)
def test_members_that_are_not_right(key: int, value: object, where: str) -> None:
    counter = Counter()
    payload = cbor2.loads(parse_sign1(counter.challenge()).payload)
    payload[key] = value
    if value is None:
        del payload[key]
    with pytest.raises(Malformed) as caught:
        parse_challenge(_signed(counter, payload))
    assert caught.value.where == where


def test_headers_that_are_not_right() -> None:
    counter = Counter()
    payload = cbor2.loads(parse_sign1(counter.challenge()).payload)
    inner = cbor2.loads(counter.desk_certificate())
    for protected, unprotected in (({}, None), ({13: b""}, None), ({13: inner, 4: b""}, None), ({13: inner}, {99: 1})):
        with pytest.raises(Malformed):
            parse_challenge(_signed(counter, payload, protected, unprotected))


def test_no_bit_of_a_challenge_can_be_flipped() -> None:
    counter = Counter()
    data, register = counter.challenge(), counter.register()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises(VcError):
            check_challenge(parse_challenge(bytes(flipped)), register, at=AT)


def test_bounds_of_size() -> None:
    assert len(Counter().challenge()) <= 450
    with pytest.raises(TooLarge):
        parse_challenge(bytes(2_861))


@given(st.binary(max_size=200))
def test_a_challenge_or_an_error(data: bytes) -> None:
    with pytest.raises(VcError):
        parse_challenge(data)
