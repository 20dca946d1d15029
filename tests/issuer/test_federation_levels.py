"""Three levels over running services: a ministry lets a court service accredit, which lets a court speak; a stranger hears it all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.levels import come_below, gathered, hear
from support.registry import Registry
from support.superior import BEN, VCT, Below, enrolled, pin

from issuer.federation import enrol, publish
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms, parse_terms, render_terms
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import NotEntitled, VcError
from shared.flow import Fetch, Fetched
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation import Federation
from shared.trust.statements import parse_statement
from shared.web import above
from shared.web.context import FETCHER


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


async def test_what_those_above_said_before_is_not_taken_back(ministry: Registry, courts: Registry) -> None:
    """Whoever has their address can show yesterday's word, which knows nothing of the next key (S17)."""
    courts.clock.at = ministry.clock()
    await come_below(ministry, courts, Terms())
    storage, own = courts.office.storage, entity_of(courts.office)
    kept: dict[str, Fetched] = {}

    async def keeping(wanted: Fetch) -> Fetched:
        kept[wanted.url] = await courts.app[FETCHER](wanted)
        return kept[wanted.url]

    async def again(wanted: Fetch) -> Fetched:
        return kept[wanted.url]

    async def heard(fetch: above.Fetcher) -> tuple[int, str]:
        await above.ask(storage, ministry.url, fetch, own=courts.url, clock=courts.clock)
        (said,) = await storage.read(above.everybody)
        return len(parse_statement(said.statement).keys), said.fault

    assert await heard(keeping) == (1, "")
    courts.clock.at = ministry.clock.at = ministry.clock() + DAY
    await own.ring.rotate(now=False, actor="Iris")
    await own.tend()
    await hear(ministry)
    assert await heard(courts.app[FETCHER]) == (2, "")
    keys, fault = await heard(again)
    assert (keys, "older than before" in fault) == (2, True)


async def test_who_was_not_let_in_yet_hears_soon_that_it_was(ministry: Registry, courts: Registry) -> None:
    courts.clock.at = at = ministry.clock()
    storage = courts.office.storage

    async def due(after: int) -> list[str]:
        return await above.due(storage, [ministry.url], at + after)

    await above.ask(storage, ministry.url, courts.app[FETCHER], own=courts.url, clock=courts.clock)
    assert (await due(above.SOON - 1), await due(above.SOON)) == ([], [ministry.url])
    await come_below(ministry, courts, Terms())
    await above.ask(storage, ministry.url, courts.app[FETCHER], own=courts.url, clock=courts.clock)
    assert (await due(above.SOON), await due(above.EVERY)) == ([], [ministry.url])
