"""An office as superior: who comes below it and how, what it says of them, and what others read in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.registry import URL, Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, COURT, SAYS, VCT, Below, Street, enrolled, pin, row

from issuer.app import one_round
from issuer.federation import collect, enrol, publish
from issuer.federation.admission import INVITATION_DAYS
from issuer.federation.terms import Choice, Terms, parse_terms
from issuer.records import subordinates
from issuer.records.subordinates import State
from issuer.sessions import Actor
from shared.clock import DAY, floor_day
from shared.codec import strict_json
from shared.errors import Conflict, Forbidden, Malformed, Missing, NotEntitled, Untrusted, VcError
from shared.flow import Fetch, Fetched
from shared.jose.jws import parse_jws, verify_jws
from shared.keys import Role
from shared.trust.artefact import ENTITY_STATEMENT, TRUST_MARK
from shared.trust.chain import verify_trust_chain
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation import Federation
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.publication import fetch_publication, parse_publication
from shared.trust.snapshot import KeyState, verify_snapshot_of
from shared.trust.statements import parse_statement
from shared.trust.superiors import gather
from shared.trust.trust_marks import parse_trust_mark

MARK = "https://justice.example/marks/inspected"


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


async def asked(registry: Registry, path: str, **query: str) -> tuple[int, str, str]:
    answer = await registry.get(f"{path}?{urlencode(query)}")
    return answer.status, answer.content_type, await answer.text()


async def chain_of(registry: Registry, body: Below, **how: Any) -> Any:
    """As a stranger builds it: three fetched statements, one pinned key."""
    tokens = [
        body.said(registry.clock()),
        (await asked(registry, "/federation/fetch", sub=body.entity))[2],
        (await asked(registry, "/.well-known/openid-federation"))[2],
    ]
    return verify_trust_chain(tokens, [await pin(registry, **how)], at=registry.clock())


# --- enrolment -------------------------------------------------------------------------------------------------------------------------


async def test_a_body_that_two_people_let_in_may_say_what_it_was_granted(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body)
    chain = await chain_of(ministry, body)
    assert chain.check_entitled(VCT, ministry.clock()).since == 1_700_000_000
    with pytest.raises(NotEntitled):
        chain.check_entitled("urn:other", ministry.clock())


async def test_nobody_is_spoken_of_before_a_second_person_has_looked(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    with pytest.raises(Conflict, match="nothing waits"):
        await enrol.approve(office, COURT, BEN, version=1)
    joined = await enrol.join(office, code, body.said(ministry.clock()), published=True)
    await publish.publish(office)
    assert (await asked(ministry, "/federation/fetch", sub=COURT))[0] == 404
    with pytest.raises(Forbidden, match="somebody else"):
        await enrol.approve(office, COURT, ANA, version=joined.version)
    with pytest.raises(Forbidden):
        await enrol.approve(office, COURT, Actor(role="clerk", name="Cled"), version=joined.version)
    with pytest.raises(Conflict, match="look again"):
        await enrol.approve(office, COURT, BEN, version=joined.version - 1)
    assert (await enrol.approve(office, COURT, BEN, version=joined.version)).state is State.ACTIVE


async def test_keys_that_the_bodys_own_address_does_not_show_are_compared_by_a_person(ministry: Registry) -> None:
    office, thief = ministry.office, Below()
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    joined = await enrol.join(office, code, thief.said(ministry.clock()), published=False)
    with pytest.raises(Conflict, match="fingerprints"):
        await enrol.approve(office, COURT, BEN, version=joined.version)
    await collect.visit(office, Street(ministry, [Below()]))  # the true body's address, with its own key
    assert (await row(ministry)).published_at is None
    ministry.clock.at += collect.SOON
    await collect.visit(office, Street(ministry, [thief]))
    assert (await row(ministry)).published_at == ministry.clock()
    refused = await enrol.refuse(office, COURT, "not theirs", ANA, version=joined.version)
    assert (refused.state, refused.wanted_keys) == (State.ENDED, None)


async def test_a_code_serves_once_and_for_the_invited_body_only(ministry: Registry) -> None:
    office, at = ministry.office, ministry.clock()
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    for body, words in ((Below("https://other.example"), "invited body"), (Below(superior="https://elsewhere.example"), "superior")):
        with pytest.raises(Untrusted, match=words):
            await enrol.join(office, code, body.said(at), published=True)
    answers = await asyncio.gather(*(enrol.join(office, code, Below().said(at), published=True) for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    assert all(isinstance(each, Missing | Conflict) for each in answers if isinstance(each, BaseException))
    late = await enrol.invite(office, "https://late.example", "Late", SAYS, ANA)
    ministry.clock.at += INVITATION_DAYS * DAY
    with pytest.raises(Missing):
        await enrol.invited(office, late)


async def test_a_body_that_shows_something_older_freezes_nobody(ministry: Registry) -> None:
    """A second machine of it, or an old backup: what it said last goes on being published, and the fault is shown (S17)."""
    body = Below()
    await enrolled(ministry, body)
    first = await row(ministry)
    ministry.clock.at += collect.EVERY + 10
    street, at = Street(ministry, [body]), ministry.clock.at
    ministry.clock.at -= 2 * collect.EVERY
    older = body.said(ministry.clock.at)
    ministry.clock.at = at

    async def answer(fetch: Fetch) -> Fetched:
        found = await street(fetch)
        return Fetched(status=found.status, body=older.encode())

    await collect.visit(ministry.office, answer)
    shown = await row(ministry)
    assert (shown.configuration, "older than before" in shown.fault) == (first.configuration, True)
    ministry.clock.at += collect.EVERY + 10
    await collect.visit(ministry.office, street)
    shown = await row(ministry)
    assert shown.fault == ""
    assert shown.configuration != first.configuration


@pytest.mark.parametrize("host", ["leeds.courts.example/", "LEEDS.courts.example", "leeds.courts.example:443", "leeds.courts.example/a/"])
async def test_nobody_is_invited_under_a_name_by_which_no_service_calls_itself(host: str, ministry: Registry) -> None:
    """It would be a body of its own beside the true one, and its code of no use to anybody."""
    with pytest.raises(Malformed, match="small letters"):
        await enrol.invite(ministry.office, f"https://{host}", "Leeds court", SAYS, ANA)
    enrol.check_spelling("http://localhost:8080/Court")


async def test_one_key_is_one_bodys(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    await enrolled(ministry, body)
    twin = Below("https://twin.example", signer=body.signer)
    code = await enrol.invite(office, twin.entity, "Twin", SAYS, ANA)
    with pytest.raises(Conflict, match="another body"):
        await enrol.join(office, code, twin.said(ministry.clock()), published=True)
    with pytest.raises(Conflict):
        await enrol.invite(office, URL, "Ourselves", SAYS, ANA)


async def test_two_who_decide_at_once_decide_once(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    version = (await enrol.join(office, code, body.said(ministry.clock()), published=True)).version
    answers = await asyncio.gather(
        *(enrol.approve(office, COURT, BEN, version=version) for _ in range(8)),
        *(enrol.refuse(office, COURT, "no", ANA, version=version) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    events = await office.storage.read(lambda tx: subordinates.history(tx, COURT))
    assert [each.kind for each in events].count("approved") + [each.kind for each in events].count("refused") == 1


async def test_who_is_invited_by_several_at_once_has_one_code(ministry: Registry) -> None:
    made = await asyncio.gather(*(enrol.invite(ministry.office, COURT, "Leeds court", SAYS, ANA) for _ in range(8)), return_exceptions=True)
    codes = [each for each in made if isinstance(each, str)]
    answers = await asyncio.gather(*(enrol.invited(ministry.office, each) for each in codes), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    assert all(isinstance(each, Missing) for each in answers if isinstance(each, BaseException))
    assert all(isinstance(each, Conflict) for each in made if isinstance(each, BaseException))


# --- what changes ----------------------------------------------------------------------------------------------------------------------


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


# --- what is published -----------------------------------------------------------------------------------------------------------------


async def test_it_is_all_published_as_one_numbered_whole(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,)))
    answer = await ministry.get("/federation/trust")
    assert (answer.status, answer.content_type) == (200, "application/json")
    told, anchor = parse_publication(await answer.read()), await pin(ministry)
    verify_snapshot_of(told.snapshot, URL, [each.public for each in anchor.keys], seen=None, at=ministry.clock())
    statements = [parse_statement(each.decode()) for each in told.of(ENTITY_STATEMENT)]
    assert [(each.iss, each.sub) for each in statements] == [(URL, URL), (URL, COURT), (COURT, COURT)]
    (mark,) = [parse_trust_mark(each.decode()) for each in told.of(TRUST_MARK)]
    assert (mark.sub, mark.trust_mark_type, mark.exp - mark.iat) == (COURT, MARK, 14 * DAY)
    assert {(each.entity, each.role) for each in told.snapshot.keys.values()} == {
        (URL, Role.FEDERATION),
        (COURT, Role.FEDERATION),
        (COURT, Role.CREDENTIAL_ISSUER),
    }
    own = statements[0].metadata["federation_entity"]
    assert own["muniment_trust_endpoint"] == f"{URL}/federation/trust"
    first = await publish.publish(ministry.office)
    assert (await publish.publish(ministry.office)).seq == first.seq
    ministry.clock.at += DAY
    assert (await publish.publish(ministry.office)).seq == first.seq + 1


async def test_ten_processes_that_publish_at_once_publish_one_number(ministry: Registry) -> None:
    await enrolled(ministry, Below())
    ministry.clock.at += DAY
    made = await asyncio.gather(*(publish.publish(ministry.office) for _ in range(10)))
    assert len({(each.seq, each.document) for each in made}) == 1


async def test_marks_are_renewed_withdrawn_and_told(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    found = await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,)))
    status, kind, first = await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK)
    assert (status, kind) == (200, "application/trust-mark+jwt")
    assert await told(ministry, first) == "active"
    assert json.loads((await asked(ministry, "/federation/trust-marked", trust_mark_type=MARK))[2]) == [COURT]
    ministry.clock.at += 8 * DAY
    await publish.publish(office)
    second = (await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK))[2]
    assert second != first
    assert (await told(ministry, first), await told(ministry, second)) == ("active", "active")
    wanted = await enrol.propose(office, COURT, SAYS, ANA, version=found.version)
    await enrol.approve(office, COURT, BEN, version=wanted.version)
    await publish.publish(office)
    assert (await told(ministry, first), await told(ministry, second)) == ("revoked", "revoked")
    assert (await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK))[0] == 404
    answer = await ministry.http.post(f"{ministry.base}/federation/trust-mark-status", data={"trust_mark": first[:-4] + "AAAA"})
    assert (answer.status, (await answer.json())["error"]) == (404, "not_found")


async def told(registry: Registry, mark: str) -> str:
    answer = await registry.http.post(f"{registry.base}/federation/trust-mark-status", data={"trust_mark": mark})
    assert (answer.status, answer.content_type) == (200, "application/trust-mark-status-response+jwt")
    claims = await signed(registry, await answer.text(), "trust-mark-status-response+jwt")
    assert claims["trust_mark"] == mark
    return str(claims["status"])


async def signed(registry: Registry, token: str, typ: str) -> dict[str, Any]:
    """The claims, by the pinned key under its name."""
    jws, (key,) = parse_jws(token), (await pin(registry)).keys
    verify_jws(jws, key.public, typ=typ)
    assert jws.header["kid"] == key.kid
    return strict_json.load_object(jws.payload)


async def test_the_list_is_filtered_as_the_specification_has_it(ministry: Registry) -> None:
    await enrolled(ministry, Below(), replace(SAYS, trust_marks=(MARK,)))
    bank = Below("https://bank.example", metadata={"openid_credential_verifier": {}})
    await enrolled(ministry, bank, Terms(), name="Bank")

    async def listed(**query: str) -> Any:
        status, kind, text = await asked(ministry, "/federation/list", **query)
        assert (status, kind) == (200, "application/json")
        return json.loads(text)

    assert await listed() == [bank.entity, COURT]
    assert await listed(entity_type="openid_credential_verifier") == [bank.entity]
    assert await listed(trust_marked="true") == await listed(trust_mark_type=MARK) == [COURT]
    assert await listed(intermediate="true") == []
    assert await listed(intermediate="false", unknown="ignored") == [bank.entity, COURT]
    answer = await ministry.get("/federation/list?entity_type=openid_credential_issuer&entity_type=federation_entity")
    assert await answer.json() == [COURT]


async def test_it_resolves_who_is_right_below_it(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,), policy={"openid_credential_issuer": {"contact": {"value": "x"}}}))
    status, kind, token = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL)
    assert (status, kind) == (200, "application/resolve-response+jwt")
    claims = await signed(ministry, token, "resolve-response+jwt")
    assert claims["metadata"]["openid_credential_issuer"]["contact"] == "x"
    chain = verify_trust_chain(claims["trust_chain"], [await pin(ministry)], at=ministry.clock())
    assert claims["exp"] == min(chain.exp, parse_trust_mark(claims["trust_marks"][0]["trust_mark"]).exp)
    assert (await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL))[2] == token
    part = await signed(
        ministry, (await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL, entity_type="openid_provider"))[2],
        "resolve-response+jwt",
    )  # fmt: skip
    assert part["metadata"] == {}
    own = await signed(ministry, (await asked(ministry, "/federation/resolve", sub=URL, trust_anchor=URL))[2], "resolve-response+jwt")
    assert len(own["trust_chain"]) == 1
    status, _, text = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor="https://other.example")
    assert (status, json.loads(text)["error"]) == (404, "invalid_trust_anchor")
    ministry.clock.at += 2 * DAY  # what the body said of itself has run out
    status, _, text = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL)
    assert (status, json.loads(text)["error"]) == (400, "invalid_trust_chain")


async def test_keys_of_its_own_that_ended_stay_known(ministry: Registry) -> None:
    answer = await ministry.get("/federation/historical-keys")
    assert (answer.status, answer.content_type) == (200, "application/jwk-set+jwt")
    claims = await signed(ministry, await answer.text(), "jwk-set+jwt")
    assert (claims["iss"], claims["keys"]) == (URL, [])


RUBBISH = (
    ("/federation/fetch", 400, "invalid_request"),
    ("/federation/fetch?sub=", 400, "invalid_request"),
    ("/federation/fetch?sub=a&sub=b", 400, "invalid_request"),
    (f"/federation/fetch?{urlencode({'sub': URL})}", 400, "invalid_request"),
    ("/federation/fetch?sub=%00", 400, "invalid_request"),
    ("/federation/fetch?sub=%ff", 404, "not_found"),
    (f"/federation/fetch?sub={'a' * 7_000}", 404, "not_found"),
    ("/federation/list?intermediate=perhaps", 400, "invalid_request"),
    ("/federation/list?trust_marked=true&trust_marked=true", 400, "invalid_request"),
    ("/federation/resolve?sub=x", 400, "invalid_request"),
    (f"/federation/resolve?{urlencode({'sub': 'https://x.example', 'trust_anchor': URL})}", 404, "not_found"),
    ("/federation/trust-mark?sub=x", 400, "invalid_request"),
    ("/federation/trust-mark?sub=x&trust_mark_type=y", 404, "not_found"),
    ("/federation/trust-marked", 400, "invalid_request"),
)


async def test_rubbish_is_answered_in_the_codes_of_the_specification(ministry: Registry) -> None:
    for path, status, code in RUBBISH:
        answer = await ministry.get(path)
        assert (answer.status, answer.content_type) == (status, "application/json"), path
        assert (await answer.json())["error"] == code
    for body in (b"", b"trust_mark=x", b"trust_mark=" + b"a" * 200_000, b"\xff\xfe", b"a=1&a=2", b"trust_mark=a.b.c"):
        for path in ("/federation/trust-mark-status", "/federation/join"):
            answer = await ministry.http.post(ministry.base + path, data=body)
            assert answer.status in {400, 404, 413}, path
            assert "error" in await answer.json()


async def test_an_office_that_is_no_superior_answers_nothing_of_the_kind(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "office") as office:
        for path in ("/federation/fetch?sub=x", "/federation/list", "/federation/trust"):
            assert (await office.get(path)).status == 404
        with pytest.raises(Forbidden, match="superior"):
            enrol.check_superior(office.office)


def test_terms_are_read_back_and_rubbish_is_refused() -> None:
    for text in ('{"entitlements":1}', '{"other":1}', "[]", "{", '{"constraints":{"max_path_length":-1}}', '{"trust_marks":[1]}'):
        with pytest.raises(VcError):
            parse_terms(text)
