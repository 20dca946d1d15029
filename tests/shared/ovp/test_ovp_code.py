from __future__ import annotations

import hashlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared.clock import system_entropy
from shared.cose import thumbprint
from shared.errors import Malformed, VcError
from shared.ovp.code import code_audience, code_nonce, make_code, parse_code

BANK, USE = "https://bank.example", "bank-account"


@given(st.binary(min_size=8, max_size=8))
def test_round_trip(dice: bytes) -> None:
    code = make_code(entity=BANK, use=USE, entropy=lambda _size: dice)
    assert len(code) == 10
    assert parse_code(f" {code[:4]} {code[4:8]}-{code[8:]}", entity=BANK, use=USE) == code


def test_check_digits_and_nonce_are_as_written_down() -> None:
    code = make_code(entity=BANK, use=USE, entropy=bytes)
    bound = cbor2.dumps(["00000000", BANK, USE])
    assert code == f"00000000{int.from_bytes(hashlib.sha256(b'OVP1 code' + bound).digest()[:4], 'big') % 100:02d}"
    assert code_nonce(code, entity=BANK, use=USE) == hashlib.sha256(b"OVP1 answer" + bound).digest()
    assert code_nonce(code, entity=BANK, use="other") != code_nonce(code, entity=BANK, use=USE)


def test_the_audience_is_the_registered_key() -> None:
    public = Signer.new().public
    audience = code_audience(public)
    assert audience.startswith("c:")
    assert len(audience) == 45
    assert thumbprint(public)[:1] != b""


def test_a_code_for_another_body_or_use_is_noticed() -> None:
    """Two check digits find 99 of 100 mistakes; these codes are among those."""
    noticed = 0
    for _ in range(300):
        code = make_code(entity=BANK, use=USE, entropy=system_entropy)
        for entity, use in (("https://thief.example", USE), (BANK, "everything")):
            try:
                parse_code(code, entity=entity, use=use)
            except Malformed:
                noticed += 1
    assert noticed >= 570


@pytest.mark.parametrize("typed", ["", "123456789", "12345678901", "12345678x0", "١٢٣٤٥٦٧٨٩٠", "²²²²²²²²²²"])
def test_refused(typed: str) -> None:
    with pytest.raises(Malformed):
        parse_code(typed, entity=BANK, use=USE)


@given(st.text(max_size=14))
def test_a_code_or_an_error(typed: str) -> None:
    try:
        assert parse_code(typed, entity=BANK, use=USE).isdigit()
    except VcError:
        return
