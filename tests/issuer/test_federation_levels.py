"""Three levels over running services: a ministry lets a court service accredit, which lets a court speak; a stranger hears it all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.levels import come_below, gathered
from support.registry import Registry
from support.superior import BEN, VCT, Below, enrolled, pin

from issuer.federation import enrol, publish
from issuer.federation.terms import Terms, parse_terms, render_terms
from shared.codec import strict_json
from shared.errors import NotEntitled, VcError
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation import Federation


async def test_who_may_let_others_speak_lets_them_and_no_further(ministry: Registry, courts: Registry) -> None:
    at, court = ministry.clock(), Below(superior=courts.url)
    courts.clock.at = at
    await come_below(ministry, courts, Terms(grants=Grants(accredits=(Entitlement(vct=VCT, since=at - 50),))))
    both = (Entitlement(vct=VCT, since=at - 90), Entitlement(vct="urn:never-granted", since=at - 90))
    await enrolled(courts, court, Terms(grants=Grants(entitlements=both)))
    told = await gathered(ministry)
    assert not told.faults
    assert [each.path for each in told.words] == [(ministry.url,), (ministry.url, courts.url)]
    chain = Federation(anchors=(await pin(ministry),), words=told.words).chain(court.entity, at, vct=VCT)
    assert chain.check_entitled(VCT, at).since == at - 50
    for vct, made_at in ((VCT, at - 60), ("urn:never-granted", at)):
        with pytest.raises(NotEntitled):
            chain.check_entitled(vct, made_at)


async def test_what_the_ministry_ends_has_ended_at_every_level(ministry: Registry, courts: Registry) -> None:
    at, court = ministry.clock(), Below(superior=courts.url)
    courts.clock.at = at
    await come_below(ministry, courts, Terms(grants=Grants(accredits=(Entitlement(vct=VCT, since=at - 50),))))
    await enrolled(courts, court, Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=at - 50),))))
    await enrol.end(ministry.office, courts.url, "stolen", BEN, compromised=True)
    await publish.publish(ministry.office)
    told = await gathered(ministry)
    assert [each.path for each in told.words] == [(ministry.url,)]
    with pytest.raises(VcError, match="no superior"):
        Federation(anchors=(await pin(ministry),), words=told.words).chain(court.entity, at)


# --- terms as they are read ------------------------------------------------------------------------------------------------------------

ENTRIES = st.lists(st.fixed_dictionaries({"vct": st.sampled_from(["a", "b"]), "from": st.integers(0, 9)}), max_size=3)
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "entitlements": ENTRIES,
        "accredits": ENTRIES,
        "may_register": st.lists(st.sampled_from(["GB", "FR"]), max_size=2),
        "constraints": st.dictionaries(st.sampled_from(["max_path_length", "other"]), st.integers(-1, 3)),
        "metadata_policy": st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.none()), max_size=2),
        "trust_marks": st.lists(st.text(max_size=4), max_size=3),
        "other": st.none(),
    },
)


@given(TERMS.map(strict_json.dumps) | st.binary(max_size=80))
def test_terms_are_a_value_that_is_read_back_or_refused(data: bytes) -> None:
    with suppress(VcError):
        terms = parse_terms(data)
        assert parse_terms(render_terms(terms)) == terms
