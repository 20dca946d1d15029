"""The pages of a federation without a browser: who may do what, and what is said when it cannot be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.console import Browser, add
from support.registry import Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, COURT, SAYS, VCT, Below, Street, enrolled, row

from issuer.federation import collect, enrol, publish
from issuer.federation.terms import Choice, Terms, parse_terms
from issuer.pages import federated
from issuer.pages.federated import link
from issuer.records import subordinates
from issuer.records.subordinates import State
from shared.clock import DAY
from shared.trust.entitlements import Entitlement, Grants

BODY = link("/console/federation/body", COURT)


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", superior=True) as running:
        yield running


async def seated(registry: Registry, role: str = "approver") -> Browser:
    browser = Browser(registry)
    await add(registry, "Cara", role)
    await browser.sign_in("Cara", "correct-horse-battery")
    return browser


async def waiting(registry: Registry, *, published: bool = True) -> Below:
    body = Below()
    code = await enrol.invite(registry.office, COURT, "Leeds court", SAYS, ANA)
    await enrol.join(registry.office, code, body.said(registry.clock()), published=published)
    return body


async def test_a_clerk_sees_and_decides_nothing(ministry: Registry) -> None:
    await waiting(ministry)
    browser = await seated(ministry, "clerk")
    assert "Leeds court" in await browser.open("/console/federation")
    text = await browser.open(BODY)
    assert "Approve it" not in text
    assert "Invite a body" not in await browser.open("/console/federation")
    for path in ("propose", "end", "invite"):
        await browser.open(link(f"/console/federation/{path}", COURT))
        assert browser.status == 403, path
    for path in ("approve", "send-back", "propose", "end", "invite"):
        await browser.send(f"/console/federation/{path}", {"entity": COURT, "version": "2"})
        assert browser.status == 403, path
    assert (await row(ministry)).state is State.WAITING


async def test_a_body_that_still_uses_a_key_of_the_worst_day_is_told_so(ministry: Registry) -> None:
    """Its federation key is a new one, that of its documents is not."""
    body = Below()
    await enrolled(ministry, body)
    await enrol.end(ministry.office, COURT, "stolen", ANA, compromised=True)
    body.signer = Signer.new()
    ministry.clock.at += collect.EVERY
    await enrolled(ministry, body)
    text = await (await seated(ministry)).open(BODY)
    assert "In force" in text
    assert "nothing was taken of what it says of itself: a key that has ended does not begin again" in text


async def test_the_list_for_citizens_is_made_once_after_each_change(ministry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    await enrolled(ministry, Below())
    assert "Leeds court" in await (await ministry.get("/federated")).text()
    with monkeypatch.context() as bent:
        bent.setattr(federated, "view", None)
        assert "Leeds court" in await (await ministry.get("/federated")).text()
    await enrol.end(ministry.office, COURT, "stolen", ANA, compromised=True)
    assert "Leeds court" not in await (await ministry.get("/federated")).text()


async def test_keys_that_nobody_compared_are_not_approved(ministry: Registry) -> None:
    await waiting(ministry, published=False)
    browser = await seated(ministry)
    assert "by telephone or in a meeting" in await browser.open(BODY)
    await browser.send("/console/federation/approve", {"entity": COURT})
    assert (browser.status, browser.errors()) == (400, ["compared"])
    await browser.send("/console/federation/approve", {"entity": COURT, "compared": "yes"})
    assert (await row(ministry)).state is State.ACTIVE


async def test_whoever_looked_at_something_else_looks_again(ministry: Registry) -> None:
    await waiting(ministry)
    browser = await seated(ministry)
    await browser.open(BODY)
    for path, more in (("approve", {}), ("send-back", {"why_back": "x"}), ("propose", {"says": VCT})):
        await browser.send(f"/console/federation/{path}", {"entity": COURT, "version": "1", **more})
        assert browser.status == 409, path
        assert "changed since you looked" in browser.text
    await browser.open(BODY)
    await browser.send("/console/federation/send-back", {"entity": COURT})
    assert browser.errors() == ["why_back"]
    await browser.send("/console/federation/send-back", {"entity": COURT, "why_back": "not theirs"})
    assert "not theirs" in browser.text
    assert (await row(ministry)).state is State.ENDED


async def test_what_ends_soon_is_told_before_it_ends(ministry: Registry) -> None:
    at = ministry.clock()
    terms = Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=at - DAY, until=at + 30 * DAY),)))
    await enrolled(ministry, Below(), terms)
    browser = await seated(ministry)
    assert "ends soon" in await browser.open("/console/federation")
    ministry.clock.at += DAY  # its word of itself is over, and its address says nothing newer
    await collect.visit(ministry.office, Street(ministry, []))
    await browser.sign_in("Cara", "correct-horse-battery")
    text = await browser.open("/console/federation")
    assert "shows nothing newer" in text
    assert "nothing was taken of what it says of itself" in text


async def test_wrong_answers_are_put_right_beside_their_fields(ministry: Registry) -> None:
    browser = await seated(ministry)
    await browser.open("/console/federation/invite")
    for fields, wrong in (
        ({}, ["entity", "name"]),
        ({"entity": "court", "name": "C"}, ["entity"]),
        ({"entity": COURT, "name": "C" * 121}, ["name"]),
        ({"entity": COURT, "name": "C", "until": "soon"}, ["until"]),
        ({"entity": COURT, "name": "C", "until": "2020-01-01"}, ["until"]),
        ({"entity": COURT, "name": "C", "says": "x" * 5_000}, ["says"]),
        ({"entity": COURT, "name": "C", "marks": "m " * 20 + " ".join(f"m{n}" for n in range(20))}, ["marks"]),
        ({"entity": COURT, "name": "C", "registers": "GB Wales"}, ["registers"]),
        ({"entity": COURT, "name": "C", "registrars": "gb"}, ["registrars"]),
        ({"entity": COURT, "name": "C", "since": "2020-01-01"}, ["since"]),
        ({"entity": COURT, "name": "C", "since": "2090-02-01", "until": "2090-01-01"}, ["until"]),
        ({"entity": COURT, "name": "C", "levels": "9"}, ["levels"]),
        ({"entity": COURT, "name": "C", "levels": "one"}, ["levels"]),
        ({"entity": COURT, "name": "C", "permitted": "https://courts.example"}, ["permitted"]),
        ({"entity": COURT, "name": "C", "excluded": "127.0.0.1"}, ["excluded"]),
        ({"entity": COURT, "name": "C", "kinds": "federation_entity"}, ["kinds"]),
        ({"entity": COURT, "name": "C", "policy": "{"}, ["policy"]),
        ({"entity": COURT, "name": "C", "policy": '{"a": {"b": {"one_of": 5}}}'}, ["policy"]),
    ):
        await browser.send("/console/federation/invite", fields | {"step": "send"})
        assert (browser.status, browser.errors()) == (400, wrong), fields
    fields = {"entity": f"{COURT}/", "name": "Court", "says": f"{VCT}, urn:b\nurn:c", "registers": "GB"}
    await browser.send("/console/federation/invite", fields)
    assert "Check the answers" in browser.text
    assert await ministry.office.storage.read(subordinates.everybody) == []
    await browser.send("/console/federation/invite", fields | {"step": "change"})
    assert 'value="Court"' in browser.text
    assert await ministry.office.storage.read(subordinates.everybody) == []
    await browser.send("/console/federation/invite", fields | {"step": "send"})
    assert "is invited" in browser.text
    wanted = parse_terms((await row(ministry)).wanted_terms or "")
    assert [each.vct for each in wanted.grants.entitlements] == [VCT, "urn:b", "urn:c"]
    assert wanted.grants.may_register == ("GB",)


async def test_a_code_of_nobody_makes_the_office_ask_nobody(ministry: Registry) -> None:
    browser = Browser(ministry)
    await browser.open("/federated/join")
    for code in ("", "wrong", "a" * 10_000, "\N{SNOWMAN}"):
        await browser.send("/federated/join", {"code": code})
        assert (browser.status, browser.errors()) == (400, ["code"])
    code = await enrol.invite(ministry.office, COURT, "Leeds court", SAYS, ANA)
    await browser.send("/federated/join", {"code": code})
    assert "own address does not show" in browser.text
    assert (await enrol.invited(ministry.office, code)).entity == COURT  # a try that did not work costs nothing


async def test_everybody_reads_who_may_make_what(ministry: Registry) -> None:
    found = await enrolled(ministry, Below())
    text = await Browser(ministry).open("/federated")
    assert "Leeds court" in text
    assert VCT in text
    await enrol.end(ministry.office, COURT, "merged", BEN)
    assert "no new documents" in await Browser(ministry).open("/federated")
    await enrol.end(ministry.office, COURT, "stolen", BEN, compromised=True)
    assert "Leeds court" not in await Browser(ministry).open("/federated")
    assert found.state is State.ACTIVE


async def test_an_office_sees_what_is_said_of_it_and_that_it_could_not_be_read(template: Template, tmp_path: Path) -> None:
    ministry = Below("https://justice.example", superior="https://nobody.example")
    async with serving(template, tmp_path / "office", authority_hints=(ministry.entity,)) as office:
        browser = await seated(office, "clerk")
        assert "said nothing of us yet" in await browser.open("/console/federation")
        await collect.visit(office.office, Street(office, []))
        assert "could not be read" in await browser.open("/console/federation")
        assert (await office.get("/federated")).status == 404


async def test_what_is_chosen_keeps_its_beginning() -> None:
    before = Terms(grants=Grants(entitlements=(Entitlement(vct="a", since=5), Entitlement(vct="b", since=5, until=7))))
    chosen = Choice(says=("a", "b", "a"), until=3 * DAY).terms(before, DAY + 10)
    assert chosen.grants.entitlements == (Entitlement(vct="a", since=5, until=3 * DAY), Entitlement(vct="b", since=DAY, until=3 * DAY))
    kept = Choice(says=("c",)).terms(before, 10).replacing(before, 20)
    assert [(each.vct, each.since, each.until) for each in kept.grants.entitlements] == [("c", 0, None), ("a", 5, 20), ("b", 5, 7)]
    assert publish.MARK_DAYS <= 31
