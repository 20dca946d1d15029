from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, DAY, MINISTRY, Body, Tree, signed
from support.signing import AT, Signer

from shared.errors import (
    AlgorithmRefused,
    BadSignature,
    Expired,
    Malformed,
    NotEntitled,
    NotYetValid,
    TooLarge,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.keys import KeyId
from shared.trust.chain import verify_trust_chain
from shared.trust.federation_keys import render_jwks
from shared.trust.statements import parse_statement
from shared.trust.trust_marks import (
    DELEGATION_TYP,
    MAX_BYTES,
    MAX_LIFE,
    TYP,
    check_trust_mark,
    parse_delegation,
    parse_trust_mark,
    prepare_delegation,
    prepare_trust_mark,
)

KIND = "https://justice.example/marks/inspected"
KEY = KeyId("federation")
TREE = Tree()
OWNER = Body("https://owner.example")
CHAIN = TREE.chain()  # the court issues marks here


def mark(*, by: Signer = TREE.leaf.signer, header: Mapping[str, Any] = MappingProxyType({}), **claims: Any) -> str:
    said = {"iss": COURT, "sub": COURTS, "trust_mark_type": KIND, "iat": AT - 60, "exp": AT + DAY}
    return signed(said | claims, by, **{"typ": TYP, **header})


def delegation(*, by: Signer = OWNER.signer, header: Mapping[str, Any] = MappingProxyType({}), **claims: Any) -> str:
    said = {"iss": OWNER.entity, "sub": COURT, "trust_mark_type": KIND, "iat": AT - 60}
    return signed(said | claims, by, **{"typ": DELEGATION_TYP, **header})


def check(token: str, **top: Any) -> None:
    anchor = parse_statement(TREE.top.itself(**{"trust_mark_issuers": {KIND: [MINISTRY, COURT]}, **top}))
    check_trust_mark(parse_trust_mark(token), CHAIN, anchor, COURTS, at=AT)


OWNED = {"trust_mark_owners": {KIND: {"sub": OWNER.entity, "jwks": render_jwks((OWNER.key,))}}}


def test_a_mark_counts() -> None:
    check(mark())
    found = parse_trust_mark(mark(ref="https://justice.example/ref"))
    assert (found.iss, found.sub, found.trust_mark_type, found.iat, found.exp) == (COURT, COURTS, KIND, AT - 60, AT + DAY)
    assert (found.delegation, found.claims["ref"]) == (None, "https://justice.example/ref")


def test_trust_mark_without_exp() -> None:
    """S14: where the specification lets it live for ever."""
    with pytest.raises(Malformed) as caught:
        parse_trust_mark(mark(exp=None))
    assert caught.value.where == "/exp"


@pytest.mark.parametrize("life", [0, -1, MAX_LIFE + 1])
def test_a_mark_lives_31_days_at_most(life: int) -> None:
    with pytest.raises(Malformed):
        parse_trust_mark(mark(exp=AT - 60 + life))
    check(mark(exp=AT - 60 + MAX_LIFE))


@pytest.mark.parametrize("issuers", [{}, {KIND: []}, {KIND: [MINISTRY]}, {"urn:other": [COURT]}])
def test_empty_trust_mark_issuers(issuers: dict[str, list[str]]) -> None:
    """S14: where the specification lets anybody issue marks of the type. So too for an issuer whom nobody names."""
    with pytest.raises(NotEntitled):
        check(mark(), trust_mark_issuers=issuers)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "https://nobody.example"}, Untrusted),
        ({"sub": COURT}, Untrusted),
        ({"iat": AT + 61}, NotYetValid),
        ({"exp": AT}, Expired),
        ({"by": Signer.new()}, Untrusted),
        ({"by": Signer.new(), "header": {"kid": TREE.leaf.key.kid}}, BadSignature),
        ({"header": {"alg": "ES384"}}, AlgorithmRefused),
    ],
)
def test_marks_that_do_not_count(claims: dict[str, Any], error: type[VcError]) -> None:
    """Section 7.3."""
    with pytest.raises(error):
        check(mark(**claims))


def test_a_mark_counts_in_the_federation_of_its_issuer_only() -> None:
    elsewhere = parse_statement(OWNER.itself(trust_mark_issuers={KIND: [COURT]}))
    with pytest.raises(Untrusted):
        check_trust_mark(parse_trust_mark(mark()), CHAIN, elsewhere, COURTS, at=AT)


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ({"iss": "x"}, "/iss"),
        ({"sub": None}, "/sub"),
        ({"iat": None}, "/iat"),
        ({"trust_mark_type": 1}, "/trust_mark_type"),
        ({"delegation": 1}, "/delegation"),
        ({"delegation": "x"}, "/delegation"),
        ({"delegation": delegation(sub=None)}, "/delegation/sub"),
        ({"header": {"kid": None}}, "/kid"),
    ],
)
def test_marks_of_another_form(claims: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_trust_mark(mark(**claims))
    assert caught.value.where == where


def test_another_kind_of_object_is_no_mark() -> None:
    with pytest.raises(WrongTyp):
        parse_trust_mark(TREE.leaf.itself())
    with pytest.raises(WrongTyp) as caught:
        parse_trust_mark(mark(delegation=mark()))
    assert caught.value.where == "/delegation/typ"
    with pytest.raises(TooLarge):
        parse_trust_mark(mark(more="x" * MAX_BYTES))


def test_an_owner_delegates() -> None:
    """Section 7.2.2."""
    check(mark(delegation=delegation()), **OWNED)
    check(mark(delegation=delegation(exp=AT + 1)), **OWNED)


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (None, Untrusted),
        (delegation(iss=MINISTRY), Untrusted),
        (delegation(sub=COURTS), Untrusted),
        (delegation(trust_mark_type="urn:other"), Untrusted),
        (delegation(iat=AT + 61), NotYetValid),
        (delegation(exp=AT), Expired),
        (delegation(by=TREE.leaf.signer), Untrusted),
        (delegation(by=TREE.leaf.signer, header={"kid": OWNER.key.kid}), BadSignature),
    ],
)
def test_delegations_that_do_not_count(made: str | None, error: type[VcError]) -> None:
    with pytest.raises(error):
        check(mark(delegation=made), **OWNED)


def test_a_delegation_by_an_owner_whom_the_anchor_does_not_know() -> None:
    with pytest.raises(Untrusted):
        check(mark(delegation=delegation()))


def test_marks_and_delegations_are_written_and_read_back() -> None:
    word = OWNER.signer.finish(
        prepare_delegation(owner=OWNER.entity, issuer=COURT, trust_mark_type=KIND, at=AT, exp=None, key=KEY, signer=OWNER.key)
    )
    ended = OWNER.signer.finish(
        prepare_delegation(owner=OWNER.entity, issuer=COURT, trust_mark_type=KIND, at=AT, exp=AT + 9, key=KEY, signer=OWNER.key)
    )
    assert (parse_delegation(word).exp, parse_delegation(ended).exp) == (None, AT + 9)
    said: dict[str, Any] = {"issuer": COURT, "subject": COURTS, "trust_mark_type": KIND, "at": AT, "key": KEY, "signer": TREE.leaf.key}
    check(TREE.leaf.signer.finish(prepare_trust_mark(**said, exp=AT + DAY)))
    check(TREE.leaf.signer.finish(prepare_trust_mark(**said, exp=AT + DAY, delegation=word, more={"ref": "urn:a"})), **OWNED)
    with pytest.raises(Malformed):
        prepare_trust_mark(**said, exp=AT + 32 * DAY)


# --- in a chain --------------------------------------------------------------------------------------------------------------------------


def held(*marks: str) -> dict[str, Any]:
    return {"trust_marks": [{"trust_mark_type": KIND, "trust_mark": each} for each in marks]}


def carried(*marks: str, issuers: tuple[str, ...]) -> list[str]:
    """Who issued those marks of the court that count in its chain."""
    leaf = TREE.leaf.itself(**held(*marks))
    return [each.iss for each in TREE.chain(leaf=leaf, top=TREE.top.itself(trust_mark_issuers={KIND: list(issuers)})).trust_marks]


def test_a_chain_says_which_marks_of_its_own_bodies_count() -> None:
    by_all = [mark(iss=each.entity, sub=COURT, by=each.signer) for each in TREE.bodies]
    assert carried(*by_all, issuers=(COURT, COURTS, MINISTRY)) == [COURT, COURTS, MINISTRY]
    assert carried(*by_all, issuers=(COURTS,)) == [COURTS]
    assert carried(*by_all, issuers=()) == []


def test_a_mark_that_does_not_count_takes_nothing_else_away() -> None:
    """Of an unknown issuer, without an end, about somebody else, or by the key of another body."""
    unknown = mark(iss=OWNER.entity, sub=COURT, by=OWNER.signer)
    endless = mark(iss=COURTS, sub=COURT, by=TREE.middle.signer, exp=None)
    foreign = mark(iss=COURTS, sub=COURTS, by=TREE.middle.signer)
    forged = mark(iss=MINISTRY, sub=COURT, by=TREE.middle.signer)
    good = mark(iss=COURTS, sub=COURT, by=TREE.middle.signer)
    assert carried(unknown, endless, foreign, forged, good, issuers=(OWNER.entity, COURTS, MINISTRY)) == [COURTS]


def test_without_the_anchors_configuration_no_mark_counts() -> None:
    """It alone says whose marks count; a chain may come without it (section 4)."""
    tokens = TREE.tokens(leaf=TREE.leaf.itself(**held(mark(iss=COURTS, sub=COURT, by=TREE.middle.signer))))
    assert verify_trust_chain(tokens[:-1], [TREE.top.pin()], at=AT).trust_marks == ()


VALUES = st.none() | st.integers(-1, AT + DAY) | st.text(max_size=3) | st.sampled_from([COURT, KIND, delegation(), mark()])


@given(st.dictionaries(st.sampled_from(["iss", "sub", "iat", "exp", "trust_mark_type", "delegation"]), VALUES))
def test_a_mark_or_an_error(claims: dict[str, Any]) -> None:
    for parse, token in ((parse_trust_mark, mark(**claims)), (parse_delegation, delegation(**claims))):
        with suppress(VcError):
            parse(token)
