"""Receipts of desks without a network: what they are bound to, who may give them, and how large they are. Single faults are in receipt.json."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import ANSWERED, BANK, SHOWN, USE, Counter
from support.signing import AT

from shared.clock import DAY
from shared.codec.base45 import encode
from shared.cose import DESK_RECEIPT, parse_sign1, verify_sign1
from shared.errors import Expired, KeyRoleRefused, Malformed, OtherPresentation, Untrusted, VcError, WrongTyp
from shared.keys import SIGNS, Role, check_role
from shared.ovp import envelope
from shared.ovp.challenge import parse_challenge
from shared.ovp.receipt import DeskReceipt, check_desk_receipt, parse_desk_receipt, verify_desk_receipt
from shared.trust.relying_party import Register, RpCertificate


def check(receipt: DeskReceipt, register: Register, *, content: bytes = SHOWN, at: int = AT) -> RpCertificate:
    return check_desk_receipt(receipt, register, content=content, nonce=ANSWERED, use=USE.id, sent_at=AT, at=at)


def test_what_a_desk_says_that_it_decided() -> None:
    counter = Counter()
    data = counter.receipt(decision="rejected", code="revoked", salt=b"S" * 16, pack=b"P" * 32)
    receipt = parse_desk_receipt(data)
    party = check(receipt, counter.register())
    assert (party.entity, receipt.desk.name, receipt.data) == (BANK, "Counter 3", data)
    assert (receipt.decision, receipt.code, receipt.use) == ("rejected", "revoked", USE.id)
    assert (receipt.nonce, receipt.issued_at, receipt.salt, receipt.pack) == (ANSWERED, AT, b"S" * 16, b"P" * 32)
    assert receipt.digest == hashlib.sha256(b"S" * 16 + SHOWN).digest()
    plain = parse_desk_receipt(counter.receipt())
    assert (plain.decision, plain.code, plain.pack) == ("accepted", "", None)


def test_receipt_of_other_presentation() -> None:
    """S25, for a receipt by hand: it is of one presentation, and whoever lost that learns nothing from it."""
    counter = Counter()
    receipt, register = parse_desk_receipt(counter.receipt()), counter.register()
    assert SHOWN not in receipt.data
    assert verify_desk_receipt(receipt, register, at=AT).entity == BANK
    with pytest.raises(OtherPresentation):
        check(receipt, register, content=SHOWN[:-1])


def test_on_paper_it_outlives_the_certificate_of_its_desk_and_not_the_registered_key() -> None:
    counter = Counter()
    receipt = parse_desk_receipt(counter.receipt(at=AT + 6 * DAY))
    assert check(receipt, counter.register(), at=AT + 30 * DAY).entity == BANK
    later = Register.of([counter.rp_certificate(at=AT + 60 * DAY)], counter.trust(), at=AT + 60 * DAY)
    assert check(receipt, later, at=AT + 60 * DAY).entity == BANK
    with pytest.raises(Expired):
        check(receipt, counter.register(), at=AT + 31 * DAY)
    rekeyed = Counter(anchor=counter.anchor, desk=counter.desk)
    with pytest.raises(Untrusted):
        check(receipt, rekeyed.register())


def test_a_desk_signs_questions_and_receipts_and_neither_is_the_other() -> None:
    """S1: told apart by ``typ``, which is signed."""
    counter = Counter()
    assert SIGNS[Role.DESK] == {"challenge", "desk-receipt"}
    assert [role for role in Role if "desk-receipt" in SIGNS[role]] == [Role.DESK]
    with pytest.raises(KeyRoleRefused):
        check_role(Role.RELYING_PARTY, "desk-receipt")
    with pytest.raises(WrongTyp):
        parse_desk_receipt(counter.challenge())
    with pytest.raises(WrongTyp):
        parse_challenge(counter.receipt())
    with pytest.raises(WrongTyp):
        verify_sign1(parse_sign1(counter.challenge()), counter.desk.public, typ=DESK_RECEIPT)


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"decision": "perhaps"}, "/6"), ({"decision": "rejected"}, "/8"), ({"decision": "undecided"}, "/8")],
)
def test_no_desk_makes_one_that_nobody_reads(changes: dict[str, str], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        Counter().receipt(**changes)
    assert caught.value.where == where


def test_no_bit_of_a_receipt_can_be_flipped() -> None:
    counter = Counter()
    data, register = counter.receipt(decision="undecided", code="status_stale", pack=bytes(32)), counter.register()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises(VcError):
            check(parse_desk_receipt(bytes(flipped)), register)


def test_it_fits_one_small_code() -> None:
    """Version 22 at level L takes 1,460 characters; a use and a reason as long as they get in practice."""
    data = Counter().receipt(decision="undecided", code="status_index_out_of_range", pack=bytes(32), use="u" * 60)
    assert len(data) <= 560
    text = envelope.render_text(envelope.RECEIPT, data)
    assert len(text) <= 900
    assert len(text) <= len(envelope.RECEIPT + encode(data))
    assert envelope.parse_text(text) == (envelope.RECEIPT, data)


@given(st.binary(max_size=200))
def test_a_receipt_or_an_error(data: bytes) -> None:
    with pytest.raises(VcError):
        parse_desk_receipt(data)
