"""An office as superior: what becomes of what it granted, and of the keys of those below it, as they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.registry import URL, Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, COURT, SAYS, VCT, Below, Street, asked, chain_of, enrolled, pin, row

from issuer.app import one_round
from issuer.federation import collect, enrol, publish
from issuer.federation.terms import Choice, Terms, parse_terms
from issuer.records import subordinates
from issuer.records.subordinates import State
from shared.clock import DAY, floor_day
from shared.errors import Conflict, Forbidden, Malformed, NotEntitled, VcError
from shared.keys import Role
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation import Federation
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.publication import fetch_publication, parse_publication
from shared.trust.snapshot import KeyState
from shared.trust.superiors import gather


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


async def test_authority_that_ended_does_not_unsay_what_was_said_before(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    found, before = await enrolled(ministry, body), ministry.clock()
    ministry.clock.at += 10 * DAY
    other = Terms(grants=Grants(entitlements=(Entitlement(vct="urn:new", since=before),)))
    wanted = await enrol.propose(office, COURT, other, BEN, version=found.version)
    with pytest.raises(Forbidden):
        await enrol.approve(office, COURT, BEN, version=wanted.version)
    await enrol.approve(office, COURT, ANA, version=wanted.version)
    await publish.publish(office)
    chain = await chain_of(ministry, body)
    assert chain.check_entitled(VCT, before).until == ministry.clock()
    with pytest.raises(NotEntitled):
        chain.check_entitled(VCT, ministry.clock())
    chain.check_entitled("urn:new", ministry.clock())
    await enrol.end(office, COURT, "merged", ANA)
    await publish.publish(office)
    chain = await chain_of(ministry, body)
    chain.check_entitled("urn:new", ministry.clock() - 1)
    with pytest.raises(NotEntitled):
        chain.check_entitled("urn:new", ministry.clock())
    ministry.clock.at += 31 * DAY
    await publish.publish(office)
    assert (await asked(ministry, "/federation/fetch", sub=COURT))[0] == 404
    with pytest.raises(Conflict, match="ended"):
        await enrol.end(office, COURT, "again", ANA)


async def test_a_body_whose_keys_were_stolen_is_spoken_of_no_more_at_once(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    await enrolled(ministry, body)
    await enrol.end(office, COURT, "stolen", ANA, compromised=True)
    made = parse_publication((await publish.publish(office)).document or b"")
    assert (await asked(ministry, "/federation/fetch", sub=COURT))[0] == 404
    fates = {each.role: each.state for each in made.snapshot.keys.values() if each.entity == COURT}
    assert fates == {Role.FEDERATION: KeyState.COMPROMISED, Role.CREDENTIAL_ISSUER: KeyState.COMPROMISED}
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    with pytest.raises(Conflict, match="ended"):
        await enrol.join(office, code, body.said(ministry.clock()), published=True)
    body.signer, body.documents = Signer.new(), Signer.new()
    joined = await enrol.join(office, code, body.said(ministry.clock()), published=True)
    await enrol.approve(office, COURT, BEN, version=joined.version)
    await publish.publish(office)
    await chain_of(ministry, body)


async def test_accredited_twice_at_the_same_time_is_refused_before_anybody_signs_it(ministry: Registry) -> None:
    body, old = Below(), Entitlement(vct=VCT, since=1_700_000_000)
    found = await enrolled(ministry, body, Terms(grants=Grants(accredits=(old,))))
    again = Terms(grants=Grants(accredits=(old, replace(old, since=1_750_000_000))))
    with pytest.raises(Malformed, match="twice"):
        await enrol.propose(ministry.office, COURT, again, ANA, version=found.version)


async def test_other_limits_do_not_unsay_what_was_said_within_those_before(ministry: Registry) -> None:
    """Of what a body says itself and lets others say; and nothing that is wider reaches back."""
    office, body, old = ministry.office, Below(), Entitlement(vct=VCT, since=1_700_000_000)
    found, before = await enrolled(ministry, body, Terms(grants=Grants(entitlements=(old,), accredits=(old,)))), ministry.clock()
    ministry.clock.at += 10 * DAY
    scottish, at = replace(old, jurisdiction=("GB-SCT",)), ministry.clock()
    narrower = Terms(grants=Grants(entitlements=(scottish,), accredits=(scottish,)))
    wanted = await enrol.propose(office, COURT, narrower, ANA, version=found.version)
    terms = parse_terms((await enrol.approve(office, COURT, BEN, version=wanted.version)).terms)
    ended = replace(old, until=at)
    assert terms.grants.entitlements == (replace(scottish, since=floor_day(at)), ended)
    assert terms.grants.accredits == (replace(scottish, since=at), ended), "their times are apart"
    await publish.publish(office)
    assert [each.jurisdiction for each in (await chain_of(ministry, body)).entitlements if each.covers(before)] == [None]
    ministry.clock.at += 60
    wider = Terms(grants=Grants(entitlements=(replace(old, since=floor_day(at), jurisdiction=("GB-SCT", "GB-NIR")),)))
    wanted = await enrol.propose(office, COURT, wider, ANA, version=wanted.version + 1)
    terms = parse_terms((await enrol.approve(office, COURT, BEN, version=wanted.version)).terms)
    assert [(each.jurisdiction, each.until) for each in terms.grants.entitlements] == [
        (("GB-SCT", "GB-NIR"), None),
        (("GB-SCT",), ministry.clock()),
        (None, at),
    ]


async def test_a_body_that_has_ended_joins_again_before_it_counts(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    await enrolled(ministry, body)
    await enrol.end(office, COURT, "let in wrongly", ANA)
    ministry.clock.at += DAY
    code = await enrol.invite(office, COURT, "The court of Leeds", SAYS, ANA)
    invited = await row(ministry)
    assert (invited.waits, invited.name) == (False, "The court of Leeds")
    with pytest.raises(Conflict, match="nothing waits"):
        await enrol.approve(office, COURT, BEN, version=invited.version)
    joined = await enrol.join(office, code, body.said(ministry.clock()), published=True)
    assert (await enrol.approve(office, COURT, BEN, version=joined.version)).state is State.ACTIVE


async def test_what_is_approved_later_begins_on_the_day_of_the_approval(ministry: Registry) -> None:
    """Also what ended meanwhile and is to go on; an earlier day that both persons saw stands."""
    office, body, past = ministry.office, Below(), Entitlement(vct="urn:past", since=1_700_000_000)
    lapsing = Entitlement(vct="urn:lapsing", since=1_700_000_000, until=ministry.clock() + DAY)
    found, day = await enrolled(ministry, body, Terms(grants=Grants(entitlements=(lapsing,)))), floor_day(ministry.clock())
    chosen = Choice(says=(VCT, "urn:lapsing")).terms(parse_terms(found.terms), ministry.clock())
    spent = Entitlement(vct="urn:spent", since=day, until=day + 2 * DAY)
    wanted = replace(chosen, grants=Grants(entitlements=(*chosen.grants.entitlements, past, spent)))
    version = (await enrol.propose(office, COURT, wanted, ANA, version=found.version)).version
    ministry.clock.at += 30 * DAY
    approved = parse_terms((await enrol.approve(office, COURT, BEN, version=version)).terms)
    assert [(each.vct, each.since, each.until) for each in approved.grants.entitlements] == [
        (VCT, day + 30 * DAY, None),
        ("urn:lapsing", day + 30 * DAY, None),
        ("urn:past", 1_700_000_000, None),
        ("urn:lapsing", 1_700_000_000, lapsing.until),
    ]


async def test_a_document_key_that_a_body_gave_up_is_retired(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body)
    before = body.documents
    ministry.clock.at += collect.EVERY
    await collect.visit(ministry.office, Street(ministry, [_with_new_documents(body)]))
    keys = await ministry.office.storage.read(lambda tx: subordinates.keys(tx, COURT))
    assert sorted((each.role, each.state) for each in keys) == [
        (Role.CREDENTIAL_ISSUER, KeyState.ACTIVE),
        (Role.CREDENTIAL_ISSUER, KeyState.VERIFY_ONLY),
        (Role.FEDERATION, KeyState.ACTIVE),
    ]
    ministry.clock.at += collect.EVERY
    body.metadata = Below(signer=body.signer).metadata
    body.documents = before
    await collect.visit(ministry.office, Street(ministry, []))
    assert (await row(ministry)).fault == "nobody answers"


async def test_a_body_that_names_the_key_of_another_is_not_heard_and_takes_nothing(ministry: Registry) -> None:
    """None of the keys beside it is kept either; its last word stays, and the fault is shown."""
    first, second = Below(), Below("https://bank.example")
    await enrolled(ministry, first)
    await enrolled(ministry, second, name="Bank")
    before = await row(ministry, second.entity)
    fresh, taken = FederationKey.of(Signer.new().public), FederationKey.of(first.documents.public)
    second.metadata = {"openid_credential_issuer": {"jwks": render_jwks([fresh, taken])}}
    ministry.clock.at += collect.EVERY
    await collect.visit(ministry.office, Street(ministry, [first, second]))
    after = await row(ministry, second.entity)
    assert (after.configuration, "another body" in after.fault) == (before.configuration, True)
    keys = await ministry.office.storage.read(lambda tx: subordinates.keys(tx, second.entity))
    assert len(keys) == 2
    assert (await row(ministry)).fault == ""


def _with_new_documents(body: Below) -> Below:
    body.metadata = Below().metadata
    return body


async def test_who_relies_gathers_it_at_the_same_address_as_the_word_of_the_anchor_of_certificates(ministry: Registry) -> None:
    """One document of two snapshots, each by its own key; neither is taken for the other."""
    body = Below()
    await enrolled(ministry, body)
    anchor, at = await pin(ministry), ministry.clock()
    gathered = await ministry.run(gather(anchor, at=at))
    assert not gathered.faults
    chain = Federation(anchors=(anchor,), words=gathered.words).chain(COURT, at, vct=VCT)
    chain.check_entitled(VCT, at)
    certificates = await ministry.run(fetch_publication(URL))
    assert certificates.snapshot.jws.token != gathered.words[0].snapshot.jws.token
    assert certificates.of("application/pkix-crl")


def test_terms_are_read_back_and_rubbish_is_refused() -> None:
    for text in ('{"entitlements":1}', '{"other":1}', "[]", "{", '{"constraints":{"max_path_length":-1}}', '{"trust_marks":[1]}'):
        with pytest.raises(VcError):
            parse_terms(text)
