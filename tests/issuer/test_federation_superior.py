"""An office as superior: who comes below it, and how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.registry import URL, Registry, Template, serving
from support.superior import ANA, BEN, COURT, SAYS, VCT, Below, Street, asked, chain_of, enrolled, row

from issuer.app import one_round
from issuer.federation import collect, enrol, publish
from issuer.federation.admission import INVITATION_DAYS
from issuer.records import subordinates
from issuer.records.subordinates import State
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, Malformed, Missing, NotEntitled, Untrusted
from shared.flow import Fetch, Fetched


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


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
