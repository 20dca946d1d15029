"""How somebody comes into a register: invited, applied for under its own key, looked at by a second person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.airplane import COUNCIL_TAX
from support.registering import COUNCIL, WIDER, Applicant, known, posted, registering
from support.registry import Registry, Template
from support.signing import Signer
from support.superior import ANA, BEN, Below, Street, enrolled

from issuer.federation import applying, collect, publish, registered, registrar
from issuer.records.askers import State
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, Malformed, Missing, Untrusted, VcError

CLERK = Actor(role="clerk", name="Cleo")


@pytest.fixture
async def office(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with registering(template, tmp_path / "registrar", storage_uri) as running:
        yield running


@pytest.fixture
def council(office: Registry) -> Applicant:
    return Applicant(office)


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
