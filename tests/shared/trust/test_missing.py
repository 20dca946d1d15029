"""Refusals say whom one would have to trust, so that a person can decide about it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, MINISTRY
from support.federations import justice
from support.signing import AT
from support.trial_verify import VCT, registry

from shared.errors import Untrusted
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.trust.missing import ENDS_AT, MADE_BY, SPOKEN_OF, MissingAnchor, missing_anchor
from shared.trust.policy import Policy

REALM = justice()


def refusal(policy: Policy, chain: Sequence[object] = ()) -> MissingAnchor | None:
    with pytest.raises(Untrusted) as caught:
        policy.check_issuer((), COURT, VCT, AT, trust_chain=chain)
    return missing_anchor(caught.value.detail)


def test_a_chain_that_came_along_names_its_end_whether_or_not_anybody_is_pinned() -> None:
    chain = [REALM[COURT].itself(), REALM[COURTS].of(REALM[COURT]), REALM[MINISTRY].of(REALM[COURTS])]
    for anchors in ((), (REALM.pin(COURT),)):
        policy = Policy(TrustAnchors(federation=anchors), federation=Federation(anchors))
        assert refusal(policy, chain) == MissingAnchor(entity=MINISTRY)
    assert refusal(Policy(TrustAnchors())) is None


def test_one_of_whom_nobody_speaks_is_named_itself() -> None:
    anchors = (REALM.pin(MINISTRY, without_snapshot=True),)
    assert refusal(Policy(TrustAnchors(federation=anchors), federation=Federation(anchors))) == MissingAnchor(body=COURT)


def test_a_certificate_names_its_authority() -> None:
    with pytest.raises(Untrusted) as caught:
        Policy(TrustAnchors()).check_issuer((registry().certificate.der,), COURT, VCT, AT)
    found = missing_anchor(caught.value.detail)
    assert found is not None
    assert found.authority
    assert not found.entity + found.body


@given(st.sampled_from([ENDS_AT, SPOKEN_OF, MADE_BY, ""]), st.text())
def test_anything_else_names_nobody_or_an_address(words: str, name: str) -> None:
    found = missing_anchor(words + name)
    if words == MADE_BY:
        assert found == MissingAnchor(authority="".join(char for char in name if char.isprintable()))
    elif found is not None and not name.startswith(("the certificates", "the chain", "no superior")):
        assert (found.entity + found.body).startswith(("https://", "http://"))


@pytest.mark.parametrize(
    "name", ["javascript:alert(1)", "https://court.example/?x", "https://court.example#x", "ftp://court.example", "court"]
)
def test_what_cannot_be_an_identifier_is_not_named(name: str) -> None:
    assert missing_anchor(ENDS_AT + name) is None
    assert missing_anchor(SPOKEN_OF + name) is None
