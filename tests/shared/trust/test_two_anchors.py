"""One key under two pinned anchors: what either says of its end holds under both (security rules S15, S16)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.chains import named
from support.signing import AT
from support.trial_verify import BANK, DAY, ISSUER, VCT, registry, stranger
from support.trusting import Publisher, also_under, ended

from shared.errors import CertificateRevoked, Untrusted
from shared.trust.anchors import TrustAnchors
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.snapshot import COPY_LIFE, KeyState


def twice(first: dict[str, Any], second: dict[str, Any]) -> Policy:
    """Each anchor says something of the registry's key."""
    told = (Publisher(**first), Publisher(by=also_under(registry()), **second))
    crls = tuple(crl for each in told for crl in ((each.crl(),) if each.crls is None else each.crls))
    return Policy(TrustAnchors(anchors=tuple(each.pin for each in told)), {each.pin.fingerprint: each.snapshot() for each in told}, crls)


def turned(asked: Policy) -> Policy:
    return replace(asked, anchors=TrustAnchors(anchors=tuple(reversed(asked.anchors.anchors))))


GONE = {"keys": (ended(KeyState.COMPROMISED, AT - DAY),)}
LONG_RETIRED = {"keys": (ended(KeyState.VERIFY_ONLY, AT - COPY_LIFE),)}
LATE: dict[str, Any] = {"at": AT - 8 * DAY, "crls": ()}


@pytest.mark.parametrize(("first", "second"), [({}, GONE), (GONE, {}), (LATE, GONE), (GONE, LATE)])
def test_compromised_under_one_anchor_is_compromised_under_all(first: dict[str, Any], second: dict[str, Any]) -> None:
    """S15, S16: in whichever order the anchors are pinned, and where one alone could not be decided."""
    for asked in (twice(first, second), turned(twice(first, second))):
        with pytest.raises(CertificateRevoked):
            asked.check_issuer(registry().x5c, ISSUER, VCT, AT)


@pytest.mark.parametrize(("first", "second"), [({}, LONG_RETIRED), (LATE, LONG_RETIRED)])
def test_over_under_one_anchor_is_over_under_all(first: dict[str, Any], second: dict[str, Any]) -> None:
    for asked in (twice(first, second), turned(twice(first, second))):
        with pytest.raises(Untrusted):
            asked.check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_an_anchor_pinned_for_another_entity_ends_nobody_elses_key() -> None:
    asked = twice({}, GONE)
    first, second = asked.anchors.anchors
    elsewhere = replace(asked, anchors=TrustAnchors(anchors=(first, replace(second, entity=BANK))))
    assert named(elsewhere.check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)
    anybody = replace(asked, anchors=TrustAnchors(anchors=(first, replace(second, entity=None))))
    with pytest.raises(CertificateRevoked):
        anybody.check_issuer(registry().x5c, ISSUER, VCT, AT)
    recently = twice({}, {"keys": (ended(KeyState.VERIFY_ONLY, AT - DAY),)})
    assert named(recently.check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)


def test_pages_are_told_of_the_end_that_another_anchor_knows_of() -> None:
    def states(asked: Policy) -> set[str]:
        own = Own(entity=BANK, name="Bank", public=stranger().signer.public)
        told = json.loads(page_keys(asked, registry().x5c, own, at=AT))["issuers"]
        return {each["state"] for each in told[:1]}  # the second anchor has not certified this certificate

    assert states(twice({}, {})) == {"active"}
    assert states(twice({}, GONE)) == states(twice(LATE, GONE)) == {"compromised"}
    assert states(twice({}, LONG_RETIRED)) == states(twice(LATE, LONG_RETIRED)) == {"ended"}
    assert states(twice({}, {"keys": (ended(KeyState.VERIFY_ONLY, AT - DAY),)})) == {"verify-only"}
