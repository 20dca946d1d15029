"""The pages about what this office was told: what is certain is done, what is not is compared by a person, and a mistake is put right."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.console import Browser, add
from support.own_verifier import OwnVerifier, of_margaret, tell
from support.registry import Registry, Template, serving

from issuer import deciding_news
from issuer.records.sweep import sweep
from issuer.sessions import Actor
from shared.clock import DAY
from shared.credentials import by_id
from shared.web import log

OWN = OwnVerifier.new()
SHOWN = f"/console/events/tell?what={by_id('life-event').vct}%20shown"


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", listens_to=(OWN.name,)) as running:
        yield running


@pytest.fixture
async def clerk(registry: Registry) -> Browser:
    browser = Browser(registry)
    await add(registry, "Cleo Clerk", "clerk")
    await browser.sign_in("Cleo Clerk", "correct-horse-battery")
    return browser


def death(**changes: str) -> list[tuple[str, str]]:
    """The death of MARGARET as a clerk types it."""
    fields = {
        "registration_state": "registered",
        "event_type": "death",
        "subject.given_name": "Margaret",
        "subject.family_name": "Ashdown",
        "subject.birthdate.day": "2",
        "subject.birthdate.month": "11",
        "subject.birthdate.year": "1938",
        "subject.address.postal_code": "ZZ99 1AB",
        "death_date.value.day": "",
        "death_date.value.month": "",
        "death_date.value.year": "",
    }
    return [(f"detail.{name}", value) for name, value in (fields | changes).items()] + [("once", changes.get("once", "once"))]


async def number_of(browser: Browser) -> str:
    found = re.search(r"/console/events/([0-9A-Z]{16})$", browser.path)
    assert found is not None, browser.text
    return found[1]


async def test_a_clerk_tells_a_death_and_what_is_certain_ends(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    assert "Nothing is to be decided." in await clerk.open("/console/")
    assert "Nothing is to be decided." in await clerk.open("/console/events")
    assert "Entry in a civil register: shown to us" in await clerk.open("/console/events/tell")
    await clerk.open(SHOWN)
    await clerk.send(SHOWN, [*death(**{"subject.given_name": ""}), ("step", "check")])
    assert clerk.errors() == ["detail.subject.given_name"]
    await clerk.send(SHOWN, [*death(**{"subject.birthdate.month": "13"}), ("step", "check")])
    assert clerk.errors() == ["detail.subject.birthdate.day"]
    await clerk.send(SHOWN, [*death(), ("step", "check")])
    assert "Do what follows" in clerk.text
    await clerk.send(SHOWN, [*death(), ("step", "change")])
    assert 'value="Margaret"' in clerk.text
    await clerk.send(SHOWN, [*death(), ("step", "make")])
    number = await number_of(clerk)
    assert "Names, date of birth and one more item agree" in clerk.text
    assert "Reason: The donor has died" in clerk.text
    page = await clerk.open(f"/console/documents/{made['id']}")
    assert "Cancelled" in page
    assert page.count("Cleo Clerk") == 1, "who told it is who ended it"
    (line,) = await registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1))
    logged = dict(line.entry.entry or {})
    assert (logged["kind"], logged["staff_role"], logged["reason_code"]) == ("cancelled", "clerk", "donor-died")
    assert number in await clerk.open("/console/events?all=1")
    assert (await clerk.open("/console/events/tell?what=nothing%20shown"), clerk.status)[1] == 404


async def test_a_clerk_compares_and_decides(registry: Registry, clerk: Browser) -> None:
    made, stranger = await registry.make(), await registry.make(claims=_at("ZZ99 7XY"))
    heard = await tell(registry, OWN.event(of_margaret(address={})))
    assert "1 is to be decided." in await clerk.open("/console/")
    assert heard["id"] in await clerk.open("/console/events")
    assert heard["id"] in await clerk.open("/console/events?page=9")
    for wanted in (f"{heard['id'][:4]}-{heard['id'][4:].lower()}", made["id"], "civil+ENTRY"):
        assert heard["id"] in await clerk.open(f"/console/events?q={wanted}"), wanted
    assert "Nothing fits." in await clerk.open("/console/events?q=put+on+hold")
    assert "Nothing fits." in await clerk.open(f"/console/events?q={'x' * 3_000}")
    assert 'href="/console/events?all=1">Show all' in await clerk.open("/console/events?all=1&q=%00")
    page = await clerk.open(f"/console/events/{heard['id']}")
    assert "Names agree and nothing differs, but one more item is missing" in page
    assert "2 November 1938" in page
    assert "Not shown" in page
    decide = f"/console/events/{heard['id']}/decide"
    await clerk.send(decide, {})
    assert clerk.errors() == ["documents"]
    await clerk.send(decide, [("documents", "none"), ("documents", made["id"])])
    assert clerk.errors() == ["documents"]
    await clerk.send(decide, [("documents", made["id"])])
    assert "Decided" in clerk.text
    assert "Left as it is" in clerk.text
    await clerk.send(decide, [("documents", stranger["id"]), ("version", "0")])
    assert (clerk.status, "Somebody decided since you looked" in clerk.text) == (409, True)


def _at(postcode: str) -> dict[str, Any]:
    from support.registry import LPA_1

    return LPA_1 | {"represented": {**LPA_1["represented"], "address": {"postal_code": postcode}}}


async def test_a_mistake_brings_new_documents(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    heard = await tell(registry, OWN.event(of_margaret()))
    assert "Was it a mistake?" in await clerk.open(f"/console/events/{heard['id']}")
    await clerk.send(f"/console/events/{heard['id']}/mistake", {})
    number = await number_of(clerk)
    assert "Which of them ended by the mistake" in clerk.text
    await clerk.send(f"/console/events/{number}/decide", [("documents", made["id"])])
    assert "Made again as a new document" in clerk.text
    assert "The new document" in clerk.text
    assert "Was it a mistake?" not in await clerk.open(f"/console/events/{heard['id']}")


async def test_a_mistake_that_our_own_verifier_tells(registry: Registry, clerk: Browser) -> None:
    await registry.make()
    await tell(registry, OWN.event(of_margaret()))
    heard = await tell(registry, OWN.event(of_margaret(), event="presentation.changed", became="cancelled"))
    page = await clerk.open(f"/console/events/{heard['id']}")
    assert "Entry in a civil register: counts no longer" in page
    assert "It was cancelled, or only corrected: a list does not tell which." in page
    assert "If it was a mistake: which of them are to be made again?" in page


async def test_a_case_whose_entry_counts_no_longer_says_so(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    heard = await tell(registry, OWN.event(of_margaret(address={})))
    page = f"/console/events/{heard['id']}"
    assert "only corrected" not in await clerk.open(page)
    await tell(registry, OWN.event(None, event="presentation.changed", became="cancelled"))
    assert heard["id"] in await clerk.open("/console/events")
    text = await clerk.open(page)
    assert "It was cancelled, or only corrected: a list does not tell which." in text
    assert "To be decided, and what was shown counts no longer" in text
    await clerk.send(f"{page}/decide", [("documents", made["id"])])
    assert "Reason: The donor has died" in clerk.text


async def test_what_could_not_be_made_again_is_not_called_left(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    heard = await tell(registry, OWN.event(of_margaret()))
    task = await deciding_news.mistake(registry.office, heard["id"])
    registry.clock.at += 91 * DAY
    await registry.office.storage.write(lambda tx: sweep(tx, registry.clock()))
    await deciding_news.decide(registry.office, task.id, [made["id"]], Actor(role="clerk", name="Cleo Clerk"), version=0)
    await clerk.sign_in("Cleo Clerk", "correct-horse-battery")
    page = await clerk.open(f"/console/events/{task.id}")
    assert "Left as it is" not in page
    assert "its details or its time were over: make it anew from your own records" in page


async def test_what_a_second_person_approves_does_not_end_by_what_one_types(template: Template, tmp_path: Path) -> None:
    """Nor does it by a file at the command line; what the office's own verifier was shown ends it, as before."""
    settings: dict[str, Any] = {"listens_to": (OWN.name,), "approve_types": ("representation",)}
    async with serving(template, tmp_path / "registry", **settings) as registry:
        made, browser = await registry.make(), Browser(registry)
        for name, role in (("Abel One", "approver"), ("Cleo Clerk", "clerk")):
            await add(registry, name, role)
        await browser.sign_in("Cleo Clerk", "correct-horse-battery")
        await browser.open(SHOWN)
        await browser.send(SHOWN, [*death(), ("step", "make")])
        page = f"/console/events/{await number_of(browser)}"
        await browser.send(f"{page}/decide", [("documents", made["id"])])
        assert "Cancelled" not in await browser.open(f"/console/documents/{made['id']}")
        registry.http.cookie_jar.clear()
        await browser.sign_in("Abel One", "correct-horse-battery")
        await browser.open(page)
        await browser.send(f"{page}/confirm", {})
        history = await browser.open(f"/console/documents/{made['id']}")
        assert "Cancelled" in history
        assert "Abel One" in history
        again = await registry.make()
        assert (await tell(registry, OWN.event(of_margaret())))["changed"] == 1
        assert "Cancelled" in await browser.open(f"/console/documents/{again['id']}")


async def test_a_second_person_looks_where_the_kind_has_one(template: Template, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"listens_to": (OWN.name,), "approve_types": ("representation",)}
    async with serving(template, tmp_path / "registry", **settings) as registry:
        made, browser = await registry.make(), Browser(registry)
        for name, role in (("Abel One", "approver"), ("Beth Two", "approver"), ("Cleo Clerk", "clerk")):
            await add(registry, name, role)
        heard = await tell(registry, OWN.event(of_margaret(address={})))
        page = f"/console/events/{heard['id']}"
        await browser.sign_in("Abel One", "correct-horse-battery")
        await browser.open(page)
        await browser.send(f"{page}/decide", [("documents", made["id"])])
        assert "You decided first. Somebody else has to look at it." in browser.text
        await browser.sign_in("Cleo Clerk", "correct-horse-battery")
        assert "An approver or an admin looks at it." in await browser.open(page)
        await browser.sign_in("Beth Two", "correct-horse-battery")
        await browser.open(page)
        await browser.send(f"{page}/send-back", {})
        assert "To be decided" in browser.text
        await browser.send(f"{page}/decide", [("documents", made["id"])])
        await browser.sign_in("Abel One", "correct-horse-battery")
        await browser.open(page)
        await browser.send(f"{page}/confirm", {})
        assert "Decided" in browser.text
