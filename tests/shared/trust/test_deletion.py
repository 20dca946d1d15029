"""Records of what was deleted when one body took over from another: by whom they count, and that a stranger's bytes do no harm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, KEY, Asker
from support.signing import AT

from shared.errors import BadSignature, KeyRoleRefused, Malformed, NotYetValid, TooLarge, Untrusted, VcError, WrongTyp
from shared.jose.jwt import parse_jwt
from shared.keys import SIGNS, Role, check_role
from shared.trust.deletion import MAX_USE, TYP, Deletion, peek_deletion, prepare_deletion, verify_deletion

BANK = Asker.new()
RECORD = Deletion(entity=ENTITY, outgoing="https://abc.example", statement="s" * 43, use="parking", count=3, at=AT)


def signed(record: Deletion = RECORD, by: Asker = BANK) -> str:
    return by.signer.finish(prepare_deletion(record, key=KEY, x5c=[by.certificate], alg=by.signer.public.alg))


def bent(**changes: Any) -> str:
    claims = {**parse_jwt(signed()).claims, **changes}
    return BANK.sign_claims({name: value for name, value in claims.items() if value is not None}, typ=TYP)


@pytest.mark.parametrize("record", [RECORD, replace(RECORD, use="", count=1), replace(RECORD, outgoing=ENTITY)])
def test_what_is_signed_is_read(record: Deletion) -> None:
    token = signed(record)
    assert verify_deletion(token, policy=BANK.policy(), at=AT) == peek_deletion(token) == record
    claims = parse_jwt(token).claims
    assert set(claims) == {"iss", "sub", "iat", "statement", "intendedUseIdentifier", "count"}


def test_by_nobody_else() -> None:
    other = Asker.new()
    with pytest.raises(Untrusted):
        verify_deletion(signed(by=other), policy=BANK.policy(), at=AT)
    with pytest.raises(Untrusted) as refused:
        verify_deletion(signed(replace(RECORD, entity="https://other.example")), policy=BANK.policy(), at=AT)
    assert refused.value.where == "/iss"
    with pytest.raises(NotYetValid):
        verify_deletion(signed(replace(RECORD, at=AT + 3_600)), policy=BANK.policy(), at=AT)
    head, payload, tail = signed().split(".")
    with pytest.raises(BadSignature):
        verify_deletion(f"{head}.{payload}.{'B' if tail[0] == 'A' else 'A'}{tail[1:]}", policy=BANK.policy(), at=AT)


def test_only_a_key_of_its_role_signs_one() -> None:
    check_role(Role.RELYING_PARTY, TYP)
    for role in set(SIGNS) - {Role.RELYING_PARTY}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, TYP)


@pytest.mark.parametrize("typ", [*sorted(set().union(*SIGNS.values()) - {TYP}), "JWT", ""])
def test_no_other_kind_is_read_as_one(typ: str) -> None:
    token = BANK.sign_claims(dict(parse_jwt(signed()).claims), typ=typ)
    with pytest.raises(WrongTyp):
        peek_deletion(token)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "bank"}, Malformed),
        ({"sub": None}, Malformed),
        ({"iat": "now"}, Malformed),
        ({"count": 0}, Malformed),
        ({"count": True}, Malformed),
        ({"statement": ""}, Malformed),
        ({"intendedUseIdentifier": "x" * (MAX_USE + 1)}, TooLarge),
        ({"intendedUseIdentifier": None}, Malformed),
    ],
)
def test_malformed(changes: dict[str, Any], error: type[VcError]) -> None:
    with pytest.raises(error):
        peek_deletion(bent(**changes))


@given(
    st.one_of(
        st.text(max_size=200),
        st.dictionaries(st.sampled_from(["iss", "sub", "iat", "count", "statement"]), st.integers() | st.text(max_size=9)),
    )
)
def test_a_value_or_an_error(found: Any) -> None:
    token = found if isinstance(found, str) else BANK.sign_claims(json.loads(json.dumps(found)), typ=TYP)
    try:
        peek_deletion(token)
    except VcError:
        return
    raise AssertionError


def test_a_chain_is_needed() -> None:
    with pytest.raises(Malformed):
        peek_deletion(BANK.sign_claims(dict(parse_jwt(signed()).claims), typ=TYP, header={}))
