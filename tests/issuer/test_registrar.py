"""An office as a registrar of those who ask: by two persons, under the organisation's own key, by the clock, and no further than it is let."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.airplane import COUNCIL_TAX
from support.federation import MINISTRY, critical
from support.federations import Member
from support.registering import COUNCIL, WIDER, Applicant, known, posted
from support.registry import URL, Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, Below, Street, enrolled

from issuer.app import one_round
from issuer.federation import applying, collect, publish, registered, registrar
from issuer.federation.export import export
from issuer.records import askers
from issuer.records.askers import State
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, Malformed, Missing, Untrusted, VcError
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.publication import parse_federation_publication
from shared.trust.relying_party import parse_rp_certificate
from shared.web import above

CLERK = Actor(role="clerk", name="Cleo")


@pytest.fixture
async def office(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(
        template, tmp_path / "registrar", storage=storage_uri, superior=True, authority_hints=(MINISTRY,), objection_days=0
    ) as running:
        await one_round(running.app)
        yield running


@pytest.fixture
def council(office: Registry) -> Applicant:
    return Applicant(office)


async def certificates(office: Registry) -> list[bytes]:
    document = await publish.newest(office.office)
    return list(parse_federation_publication(document or b"").of(RP_CERTIFICATE))


async def test_who_two_persons_let_in_is_registered_for_whoever_pinned_the_ministry(office: Registry, council: Applicant) -> None:
    waiting = await council.apply()
    assert waiting.waits
    assert await known(office) == {}, "nobody has looked yet"
    await registrar.approve(office.office, COUNCIL, BEN, version=waiting.version)
    await publish.publish(office.office)
    (one,) = (await known(office)).values()
    assert (one.certificate.entity, one.certificate.country, one.certificate.uses) == (COUNCIL, "GB", (COUNCIL_TAX,))
    assert (one.certificate.name.cy, one.by.entity) == ("Y cyngor", URL)
    assert one.certificate.registrar is not None
    assert one.certificate.registrar.address == f"{URL}/registered.json"
    assert one.certificate.public == council.signer.public


@pytest.mark.parametrize("may", [(), ("IE",)])
async def test_what_no_superior_lets_it_register_counts_for_nothing(may: tuple[str, ...], office: Registry, council: Applicant) -> None:
    await council.enter()
    assert await known(office, may=may) == {}
    assert await known(office) != {}


# --- inviting and applying -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "name", "country", "error"),
    [
        ("council", "Council", "GB", Malformed),
        (f"{COUNCIL}/", "Council", "GB", Malformed),
        (COUNCIL, " ", "GB", Malformed),
        (COUNCIL, "x" * 121, "GB", Malformed),
        (COUNCIL, "Council", "gb", Malformed),
    ],
)
async def test_invitations_that_cannot_be(entity: str, name: str, country: str, error: type[VcError], office: Registry) -> None:
    with pytest.raises(error):
        await registrar.invite(office.office, entity, name, country, ANA)


async def test_a_clerk_decides_nothing(office: Registry, council: Applicant) -> None:
    with pytest.raises(Forbidden):
        await registrar.invite(office.office, COUNCIL, "Council", "GB", CLERK)
    found = await council.apply()
    with pytest.raises(Forbidden):
        await registrar.approve(office.office, COUNCIL, CLERK, version=found.version)
    with pytest.raises(Forbidden):
        await registrar.refuse(office.office, COUNCIL, "no", CLERK, version=found.version)
    with pytest.raises(Forbidden):
        await registrar.end(office.office, COUNCIL, "no", CLERK)


async def test_an_office_that_speaks_for_nobody_registers_nobody(registry: Registry) -> None:
    with pytest.raises(Forbidden):
        await Applicant(registry).invited()
    assert (await registry.get("/registered")).status == 404
    with pytest.raises(Forbidden):
        await registrar.read_application(registry.office, "x", "")


async def test_there_is_an_end_to_how_many(office: Registry, council: Applicant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrar, "MAX_ASKERS", 1)
    await council.invited()
    await council.invited()
    with pytest.raises(Conflict):
        await Applicant(office, entity="https://bank.example").invited()


async def test_a_code_serves_once_and_for_whom_it_was_made(office: Registry, council: Applicant) -> None:
    code, other = await council.invited(), Applicant(office, entity="https://bank.example")
    with pytest.raises(Untrusted):
        await registrar.apply(office.office, other.token(), code, shown=True)
    with pytest.raises(Missing):
        await registrar.apply(office.office, council.token(), "nonsense", shown=True)
    await registrar.apply(office.office, council.token(), code, shown=True)
    with pytest.raises(Missing):
        await registrar.apply(office.office, council.token(at=office.clock() + 1), code, shown=True)
    late = await council.invited()
    office.clock.at += 14 * DAY
    with pytest.raises(Missing):
        await registrar.apply(office.office, council.token(), late, shown=True)


async def test_two_that_use_one_code_at_once(office: Registry, council: Applicant) -> None:
    code = await council.invited()
    done = await asyncio.gather(
        *(registrar.apply(office.office, council.token(at=office.clock() - each), code, shown=True) for each in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, VcError) for each in done) == 1


async def test_an_application_for_another_registrar_or_again_is_refused(office: Registry, council: Applicant) -> None:
    with pytest.raises(Untrusted):
        await registrar.apply(office.office, council.token(registrar="https://other.example"), await council.invited(), shown=True)
    await council.enter()
    with pytest.raises(Conflict):
        await registrar.apply(office.office, council.token(), "", shown=True)


async def test_a_key_has_one_owner_and_one_use(office: Registry, council: Applicant) -> None:
    """S1: neither another organisation's key, nor that of a body below, nor our own."""
    await council.enter()
    with pytest.raises(Conflict):
        await Applicant(office, entity="https://bank.example", signer=council.signer).apply()
    body = Below()
    await enrolled(office, body)
    with pytest.raises(Conflict):
        await Applicant(office, entity="https://bank.example", signer=body.documents).apply()
    with pytest.raises(Conflict):
        await registrar._check_key_apart(_never(), _said(council), await _own(office, council))


def _never() -> Any:
    """No transaction is asked before it is refused."""
    return None


def _said(council: Applicant) -> Any:
    from shared.trust.application import parse_application

    return parse_application(council.token())


async def _own(office: Registry, council: Applicant) -> set[str]:
    from issuer.federation.keys import name_of, own_names

    return {*(await own_names(office.office)), name_of(council.signer.public)}


# --- looking ---------------------------------------------------------------------------------------------------------------------------


async def test_whoever_invited_does_not_approve_and_what_was_looked_at_counts(office: Registry, council: Applicant) -> None:
    found = await council.apply()
    with pytest.raises(Forbidden):
        await registrar.approve(office.office, COUNCIL, ANA, version=found.version)
    with pytest.raises(Conflict):
        await registrar.approve(office.office, COUNCIL, BEN, version=found.version - 1)
    await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
    with pytest.raises(Conflict):
        await registrar.approve(office.office, COUNCIL, BEN, version=found.version + 1)
    with pytest.raises(Missing):
        await registrar.approve(office.office, "https://nobody.example", BEN, version=1)


async def test_a_key_that_its_own_address_does_not_show_is_compared(office: Registry, council: Applicant) -> None:
    found = await council.apply(shown=False)
    with pytest.raises(Conflict) as caught:
        await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
    assert caught.value.where == "/compared"
    await registrar.approve(office.office, COUNCIL, BEN, version=found.version, compared=True)


async def test_the_clock_looks_at_the_address_while_somebody_waits(office: Registry, council: Applicant) -> None:
    await council.apply(shown=False)
    nobody, street = Street(office, []), council.street
    await applying.visit(office.office, nobody)
    await applying.visit(office.office, street)
    assert (len(nobody.asked), street.asked) == (1, []), "not before its time"
    office.clock.at += collect.SOON
    other = replace(council, signer=Signer.new()).street
    await applying.visit(office.office, other)
    assert (await council.row()).shown_at is None, "another key"
    office.clock.at += collect.SOON
    await applying.visit(office.office, street)
    assert (await council.row()).shown_at == office.clock()
    office.clock.at += collect.SOON
    await applying.visit(office.office, street)
    assert len(street.asked) == 1


async def test_applied_for_over_the_network(office: Registry, council: Applicant) -> None:
    code = await council.invited()
    status, told = await posted(office, {"application": council.token(), "code": code})
    assert (status, told["state"]) == (202, "invited"), "its address answers nobody here: a person compares"
    assert (await council.row()).shown_at is None
    for body, expected in (
        ({"application": council.token(at=office.clock() + 1)}, 404),
        ({"application": council.token(), "code": code}, 404),
        ({"application": "x", "code": code}, 400),
        ({"code": code}, 400),
        ([], 400),
    ):
        status, told = await posted(office, body)
        assert (status, "error" in told) == (expected, True)


async def test_what_is_sent_back_is_dropped_and_what_counts_stays(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    again = await registrar.apply(office.office, replace(council, uses=(WIDER,)).token(), "", shown=True)
    assert again.wanted_by == COUNCIL
    with pytest.raises(Malformed):
        await registrar.refuse(office.office, COUNCIL, " ", BEN, version=again.version)
    dropped = await registrar.refuse(office.office, COUNCIL, "too wide", BEN, version=again.version)
    assert (dropped.state, dropped.wanted, dropped.uses) == (State.ACTIVE, None, (COUNCIL_TAX,))
    with pytest.raises(Conflict):
        await registrar.refuse(office.office, COUNCIL, "again", BEN, version=dropped.version)
    assert (await known(office))[COUNCIL].certificate.uses == (COUNCIL_TAX,)


async def test_a_registered_organisation_applies_for_more_under_its_own_key(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    wider, stranger = replace(council, uses=(WIDER,)), replace(council, signer=Signer.new())
    with pytest.raises(Missing):
        await registrar.apply(office.office, stranger.token(), "", shown=True)
    found = await registrar.apply(office.office, wider.token(), "", shown=False)
    await registrar.approve(office.office, COUNCIL, ANA, version=found.version)
    await publish.publish(office.office)
    assert (await known(office))[COUNCIL].certificate.uses == (WIDER,)
    told = await registered.register_json(office.office)
    assert [each["change"] for each in told["parties"][0]["versions"][1]["changes"]] == ["widened"]


async def test_another_key_takes_another_invitation(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    moved = replace(council, signer=Signer.new())
    await moved.enter()
    assert (await known(office))[COUNCIL].certificate.public == moved.signer.public


async def test_nobody_moves_a_registered_organisation_to_another_country_alone(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    code = await council.invited("IE")
    await publish.publish(office.office)
    assert list(await known(office, may=("GB", "IE"))) == [COUNCIL]
    assert (await known(office))[COUNCIL].certificate.country == "GB"
    own = await registrar.apply(office.office, council.token(), "", shown=True)
    assert own.next_country == "GB", "what it applies for itself has nothing to do with that invitation"
    with pytest.raises(Missing):
        await registrar.read_application(office.office, council.token(at=office.clock() + 1), code)
    found = await registrar.apply(office.office, council.token(at=office.clock() + 1), await council.invited("IE"), shown=True)
    assert (found.country, found.next_country) == ("GB", "IE")
    with pytest.raises(Forbidden):
        await registrar.approve(office.office, COUNCIL, ANA, version=found.version)
    moved = await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
    assert (moved.country, moved.wanted_country) == ("IE", None)
    await publish.publish(office.office)
    assert await known(office) == {}
    assert (await known(office, may=("IE",)))[COUNCIL].certificate.country == "IE"


async def test_an_invitation_that_comes_to_nothing_changes_no_country(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    found = await registrar.apply(office.office, council.token(), await council.invited("IE"), shown=True)
    dropped = await registrar.refuse(office.office, COUNCIL, "it is here", BEN, version=found.version)
    assert (dropped.country, dropped.wanted_country) == ("GB", None)
    await council.invited("IE")
    ended = await registrar.end(office.office, COUNCIL, "gone", BEN)
    assert (ended.country, ended.wanted_country) == ("GB", None)
    await council.invited("IE")
    assert (await council.row()).country == "IE", "it is in force nowhere"


# --- by the clock ----------------------------------------------------------------------------------------------------------------------


async def test_an_announced_registration_waits_for_objections(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "slow", superior=True, authority_hints=(MINISTRY,), objection_days=30) as office:
        council = Applicant(office)
        announced = await council.enter()
        assert announced.counts_at == office.clock() + 30 * DAY
        assert await known(office) == {}
        told = await registered.register_json(office.office)
        assert (told["parties"], told["announced"][0]["identifier"]) == ([], COUNCIL)
        office.clock.at += 30 * DAY - 1
        await publish.tend(office.office)
        assert await known(office) == {}
        office.clock.at += 1
        await asyncio.gather(publish.tend(office.office), registrar.settle(office.office))
        await publish.tend(office.office)
        assert (await known(office)).keys() == {COUNCIL}
        history = await office.office.storage.read(lambda tx: askers.history(tx, COUNCIL))
        assert [each.kind for each in history] == ["approved", "announced", "applied", "invited"]
        again = await registrar.apply(office.office, replace(council, uses=(WIDER,)).token(), "", shown=True)
        objected = await registrar.approve(office.office, COUNCIL, BEN, version=again.version)
        await registrar.refuse(office.office, COUNCIL, "the public objected", ANA, version=objected.version)
        office.clock.at += 31 * DAY
        await publish.tend(office.office)
        assert (await known(office))[COUNCIL].certificate.uses == (COUNCIL_TAX,)


async def test_certificates_are_renewed_by_the_clock_for_a_year(office: Registry, council: Applicant) -> None:
    await council.enter()
    (first,) = await certificates(office)
    office.clock.at += 15 * DAY
    await publish.tend(office.office)
    assert await certificates(office) == [first]
    office.clock.at += DAY
    await publish.tend(office.office)
    (second,) = map(parse_rp_certificate, await certificates(office))
    assert second.issued_at == office.clock()
    assert second.expires_at == office.clock() + 31 * DAY
    office.clock.at += 340 * DAY
    await publish.tend(office.office)
    (last,) = map(parse_rp_certificate, await certificates(office))
    ends = (await council.row()).ends_at or 0
    assert last.expires_at <= ends
    office.clock.at = ends
    await publish.tend(office.office)
    assert await certificates(office) == []
    assert (await council.row()).state is State.ENDED
    history = await office.office.storage.read(lambda tx: askers.history(tx, COUNCIL))
    assert (history[0].kind, history[0].actor.name) == ("lapsed", "timer")
    again = await registrar.apply(office.office, council.token(), await council.invited(), shown=True)
    await registrar.approve(office.office, COUNCIL, BEN, version=again.version)
    await publish.publish(office.office)
    assert (await known(office)).keys() == {COUNCIL}, "argued again"


async def test_two_processes_say_the_same(template: Template, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/shared.db"
    how: dict[str, Any] = {"storage": storage, "superior": True, "authority_hints": (MINISTRY,)}
    async with (
        serving(template, tmp_path / "one", **how) as one,
        serving(template, tmp_path / "two", join=True, **how) as two,
    ):
        await Applicant(one).enter()
        for office in (one, two):
            office.clock.at += 16 * DAY
        await asyncio.gather(publish.tend(one.office), publish.tend(two.office))
        assert await certificates(one) == await certificates(two) != []


# --- ending ----------------------------------------------------------------------------------------------------------------------------


async def test_one_person_ends_a_registration_and_two_let_it_in_again(office: Registry, council: Applicant) -> None:
    await council.enter()
    await registrar.end(office.office, COUNCIL, "merged", ANA)
    await publish.publish(office.office)
    assert await known(office) == {}
    with pytest.raises(Conflict):
        await registrar.end(office.office, COUNCIL, "again", ANA)
    told = await registered.register_json(office.office)
    assert told["parties"][0]["ended"] == office.clock()
    office.clock.at += 60
    await council.enter()
    assert (await known(office)).keys() == {COUNCIL}


async def test_a_reported_key_counts_for_nothing_and_never_begins_again(office: Registry, council: Applicant) -> None:
    """S15, also where the organisation is below this office too."""
    await enrolled(office, council.at_home, name="Council")
    office.clock.at += 60
    await council.enter()
    assert (await known(office)).keys() == {COUNCIL}
    await registrar.end(office.office, COUNCIL, "stolen", ANA, compromised=True)
    await registrar.end(office.office, COUNCIL, "said again", ANA, compromised=True)
    await publish.publish(office.office)
    assert await known(office) == {}
    office.clock.at += 60
    with pytest.raises(Conflict):
        await council.apply()
    moved = replace(council, entity="https://other.example")
    with pytest.raises(Conflict):
        await moved.apply()


async def test_who_was_only_invited_can_be_ended(office: Registry, council: Applicant) -> None:
    code = await council.invited()
    await registrar.end(office.office, COUNCIL, "a mistake", BEN)
    with pytest.raises(Missing):
        await registrar.apply(office.office, council.token(), code, shown=True)
    assert (await registered.register_json(office.office))["parties"] == []


async def test_another_body_that_names_a_registered_key_takes_nothing_from_its_owner(office: Registry, council: Applicant) -> None:
    await council.enter()
    thief = Below("https://thief.example", metadata=council.at_home.metadata)
    await enrolled(office, thief, name="Thief")
    assert (await known(office)).keys() == {COUNCIL}


async def test_a_key_that_became_another_s_while_it_waited(office: Registry, council: Applicant) -> None:
    bank = Applicant(office, entity="https://bank.example", signer=council.signer)
    first, second = await council.apply(), await bank.apply()
    await registrar.approve(office.office, COUNCIL, BEN, version=first.version)
    with pytest.raises(Conflict):
        await registrar.approve(office.office, bank.entity, BEN, version=second.version)
    await publish.publish(office.office)
    assert (await known(office)).keys() == {COUNCIL}


async def test_the_register_is_exported_with_the_rest(office: Registry, council: Applicant, tmp_path: Path) -> None:
    assert "/registered.json" not in await export(office.office, tmp_path / "before")
    await council.enter()
    assert "/registered.json" in await export(office.office, tmp_path / "after")
    (party,) = json.loads((tmp_path / "after" / "registered.json").read_text())["parties"]
    assert party["identifier"] == COUNCIL


async def test_countries_are_told_by_those_above(office: Registry) -> None:
    assert await registrar.countries(office.office) == ()
    top, own = Member(MINISTRY), Member(URL)
    said = top.of(own, **critical(may_register=["GB", "IE"]), iat=office.clock() - 60, exp=office.clock() + DAY)
    await office.office.storage.write(lambda tx: above.note(tx, MINISTRY, name="M", statement=said, fault="", at=office.clock()))
    assert await registrar.countries(office.office) == ("GB", "IE")
    office.clock.at += DAY
    assert await registrar.countries(office.office) == ()


async def test_the_register_is_the_same_for_everybody(office: Registry, council: Applicant) -> None:
    await council.enter()
    answer = await office.get("/registered.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (party,) = json.loads(await answer.text())["parties"]
    assert (party["identifier"], party["country"], party["registrar"]["identifier"]) == (COUNCIL, "GB", URL)
