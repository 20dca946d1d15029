"""An office as a registrar of those who ask: what two persons agreed to, by the clock, until it ends, and no further than it is let."""

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
from support.registering import COUNCIL, WIDER, Applicant, known, registering
from support.registry import URL, Registry, Template, serving
from support.superior import ANA, BEN, Below, enrolled

from issuer.federation import publish, registered, registrar
from issuer.federation.export import export
from issuer.records import askers
from issuer.records.askers import State
from shared.clock import DAY
from shared.errors import Conflict, Missing
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.publication import parse_federation_publication
from shared.trust.relying_party import parse_rp_certificate
from shared.web import above


@pytest.fixture
async def office(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with registering(template, tmp_path / "registrar", storage_uri) as running:
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


async def test_what_was_argued_again_in_time_counts_on_its_day(template: Template, tmp_path: Path) -> None:
    """The year may end while everybody may object: what two persons agreed to is not forgotten with it."""
    async with serving(template, tmp_path / "slow", superior=True, authority_hints=(MINISTRY,), objection_days=30) as office:
        council = Applicant(office)
        await council.enter()
        office.clock.at += 30 * DAY
        await publish.tend(office.office)
        ends = office.clock() + registrar.YEAR
        office.clock.at = ends - 10 * DAY
        again = await registrar.apply(office.office, replace(council, uses=(WIDER,)).token(), "", shown=True)
        await registrar.approve(office.office, COUNCIL, BEN, version=again.version)
        office.clock.at = ends
        await publish.tend(office.office)
        assert (await known(office), (await council.row()).state) == ({}, State.ENDED)
        told = await registered.register_json(office.office)
        assert [each["identifier"] for each in told["announced"]] == [COUNCIL]
        office.clock.at += 20 * DAY
        await publish.tend(office.office)
        assert (await known(office))[COUNCIL].certificate.uses == (WIDER,)


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
