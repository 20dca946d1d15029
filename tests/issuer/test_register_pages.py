"""The pages of a registrar without a browser: who may do what, and what everybody reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.console import Browser, add
from support.federation import MINISTRY, critical
from support.federations import Member
from support.registering import COUNCIL, WIDER, Applicant
from support.registry import URL, Registry, Template, serving
from support.superior import BEN

from issuer.federation import publish, registered, registrar
from issuer.federation.registered import register_json
from issuer.office import Office
from issuer.pages.federated import link
from issuer.records import askers
from issuer.records.askers import State
from shared.clock import DAY
from shared.web import above

ONE = link("/console/register/one", COUNCIL)


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registrar", superior=True, authority_hints=(MINISTRY,)) as running:
        yield running


@pytest.fixture
def council(office: Registry) -> Applicant:
    return Applicant(office)


async def seated(registry: Registry, role: str = "approver") -> Browser:
    browser = Browser(registry)
    await add(registry, "Cara", role)
    await browser.sign_in("Cara", "correct-horse-battery")
    return browser


async def test_a_clerk_sees_and_decides_nothing(office: Registry, council: Applicant) -> None:
    found = await council.apply()
    browser = await seated(office, "clerk")
    assert "Council" in await browser.open("/console/register")
    assert "Approve it" not in await browser.open(ONE)
    for path in ("approve", "send-back", "end", "invite"):
        await browser.send(f"/console/register/{path}", {"entity": COUNCIL, "version": str(found.version)})
        assert browser.status == 403, path
    assert (await council.row()).waits


async def test_from_the_invitation_to_the_public_register(office: Registry, council: Applicant) -> None:
    browser = await seated(office)
    assert "Nobody above lets this office register anybody" in await browser.open("/console/register")
    top = Member(MINISTRY)
    said = top.of(Member(URL), **critical(may_register=["GB"]), iat=office.clock() - 60, exp=office.clock() + DAY)
    await office.office.storage.write(lambda tx: above.note(tx, MINISTRY, name="M", statement=said, fault="", at=office.clock()))
    assert "register organisations in: GB" in await browser.open("/console/register")
    assert 'value="GB"' in await browser.open("/console/register/invite")
    await browser.send("/console/register/invite", {"entity": "", "name": "", "country": ""})
    for words in ("Enter the identifier of the organisation", "Enter what the organisation is called", "Enter a country"):
        assert words in browser.text
    for fields, words in (
        ({"entity": "council", "name": "C", "country": "GB"}, "cannot be the identifier"),
        ({"entity": COUNCIL, "name": "C", "country": "GBR"}, "A country is two letters"),
        ({"entity": COUNCIL, "name": "x" * 121, "country": "GB"}, "120 characters or fewer"),
    ):
        await browser.send("/console/register/invite", fields)
        assert words in browser.text
    await browser.send("/console/register/invite", {"entity": COUNCIL, "name": "Anytown council", "country": "gb"})
    assert f"muniment-verifier uses apply {URL} " in browser.text
    code = browser.text.partition(f"uses apply {URL} ")[2].partition("<")[0].strip()
    assert "has not applied yet" in await browser.open(ONE)
    found = await registrar.apply(office.office, council.token(), code, shown=True)
    assert "You invited it. Somebody else has to look at it." in await browser.open(ONE)
    await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
    await publish.publish(office.office)
    browser = Browser(office)
    page = await browser.open("/registered")
    assert "The council" in page
    assert "Council tax" in page
    page = await browser.open(link("/registered", COUNCIL))
    for words in ("To talk to you about Margaret’s council tax", "They have not said.", "added", "Registered until"):
        assert words in page, words
    assert "Am beth y caiff Y cyngor ofyn" in await browser.open(link("/registered", COUNCIL) + "&lang=cy")
    await browser.open("/registered?entity=https://nobody.example")
    assert browser.status == 404


async def test_a_key_that_nobody_compared_is_not_approved(office: Registry, council: Applicant) -> None:
    found = await council.apply(shown=False)
    browser = await seated(office)
    assert "by telephone or in a meeting" in await browser.open(ONE)
    await browser.send("/console/register/approve", {"entity": COUNCIL, "version": str(found.version)})
    assert "Compare the fingerprint with the organisation itself first" in browser.text
    await browser.send("/console/register/approve", {"entity": COUNCIL, "version": str(found.version), "compared": "yes"})
    assert (await council.row()).state is State.ACTIVE
    assert "The council" in await browser.open("/registered")


async def test_what_was_changed_since_is_looked_at_again(office: Registry, council: Applicant) -> None:
    await council.apply()
    browser = await seated(office)
    for path, fields in (("approve", {}), ("send-back", {"why_back": "too wide"})):
        await browser.send(f"/console/register/{path}", {"entity": COUNCIL, "version": "1", **fields})
        assert browser.status == 409
        assert "This was changed since you looked" in browser.text


async def test_what_would_change_is_shown_and_sent_back_with_a_reason(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 60
    found = await registrar.apply(office.office, replace(council, uses=(WIDER,)).token(), "", shown=True)
    browser = await seated(office)
    page = await browser.open(ONE)
    for words in ("What would change", "asks for more", "kept for longer"):
        assert words in page, words
    await browser.send("/console/register/send-back", {"entity": COUNCIL, "version": str(found.version), "why_back": ""})
    assert "Say why" in browser.text
    await browser.send("/console/register/send-back", {"entity": COUNCIL, "version": str(found.version), "why_back": "too wide"})
    page = await browser.open(ONE)
    assert "too wide" in page
    assert "What would change" not in page
    await browser.send("/console/register/approve", {"entity": COUNCIL, "version": str(found.version + 1)})
    assert browser.status == 409


async def test_a_registration_is_ended_with_a_reason(office: Registry, council: Applicant) -> None:
    await council.enter()
    browser = await seated(office)
    await browser.send("/console/register/end", {"entity": COUNCIL, "why_end": ""})
    assert "Say why" in browser.text
    await browser.send("/console/register/end", {"entity": COUNCIL, "why_end": "merged", "compromised": "yes"})
    assert (await council.row()).state is State.ENDED
    page = await browser.open(ONE)
    assert "Ended at once: its key is in other hands" in page
    assert "End it now" not in page
    await browser.open("/registered")
    assert "Nobody yet." in browser.text


async def test_announced_applications_stand_on_the_public_page(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "slow", superior=True, authority_hints=(MINISTRY,), objection_days=30) as office:
        council = Applicant(office)
        await council.apply()
        browser = await seated(office)
        assert "counts after 30 days" in await browser.open(ONE)
        found = await council.row()
        await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
        assert "everybody may object" in await browser.open(ONE)
        assert "An application was announced" in await browser.open("/console/register")
        assert "unless somebody objects before" in await browser.open("/registered")
        assert "What follows counts from" in await browser.open(link("/registered", COUNCIL))


async def test_a_year_is_nearly_over(office: Registry, council: Applicant) -> None:
    await council.enter()
    office.clock.at += 310 * DAY
    browser = await seated(office)
    assert "It has to be argued again soon" in await browser.open("/console/register")


async def test_an_office_that_speaks_for_nobody_has_no_register(registry: Registry) -> None:
    browser = Browser(registry)
    for path in ("/registered", "/registered.json"):
        await browser.open(path)
        assert browser.status == 404


async def test_what_strangers_read_is_made_once_after_each_change(
    office: Registry, council: Applicant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody signs in for it, and who asks five times a second costs no more than who asks once."""
    made = 0

    async def counted(asked: Office) -> dict[str, object]:
        nonlocal made
        made += 1
        return await register_json(asked)

    monkeypatch.setattr(registered, "register_json", counted)
    found = await council.apply()
    approved = await registrar.approve(office.office, COUNCIL, BEN, version=found.version)
    first = await (await office.get("/registered.json")).json()
    assert await (await office.get("/registered.json")).json() == first
    assert (made, first["parties"][0]["identifier"]) == (1, COUNCIL)
    assert "The council" in await (await office.get("/registered")).text()
    monkeypatch.setattr(askers, "everybody", None)
    assert "The council" in await (await office.get("/registered")).text()
    monkeypatch.undo()
    await registrar.end(office.office, COUNCIL, "gone", BEN)
    assert approved.uses
    assert "ended" in (await (await office.get("/registered.json")).json())["parties"][0]
    assert "The council" not in await (await office.get("/registered")).text()
